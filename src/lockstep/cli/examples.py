"""Examples for the help of each command, and where more is written."""

from collections.abc import Mapping

__all__ = ["DOCS", "EXAMPLES", "SECTIONS"]

DOCS = "https://lockstep-gitops.readthedocs.io"

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "begin": ("demo", "init", "validate", "doctor", "iam-policy", "completion"),
    "deploy": ("plan", "sync", "serve", "render", "adopt", "eject"),
    "look": (
        *("status", "drift", "explain", "graph", "diff", "history", "runs", "audit"),
        *("logs", "invoke", "top"),
    ),
    "build": ("version", "changed", "package", "release"),
    "promote": ("promote", "rollout", "rollback", "hold", "release-hold", "pulls"),
    "previews": ("preview",),
}
"""Commands by what they are for, in the order of the help."""

EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "init": (
        ("init", "write lockstep.yaml from the tree that is here"),
        ("init --github gitops", "and workflows for a GitOps repository"),
    ),
    "validate": (
        ("validate", "check every file; needs no AWS"),
        ("validate --on 2027-08-31", "which runtimes AWS refuses on that day"),
    ),
    "plan": (
        ("plan", "everything"),
        ("plan staging", "one environment"),
        ("plan '*/s3-*' --exit-code", "some services everywhere; 2 when something differs"),
        ("plan -o plan.json", "save it, for: lockstep sync plan.json"),
    ),
    "sync": (
        ("sync staging", "one environment"),
        ("sync production/api --yes", "one service, without being asked"),
        ("sync plan.json", "just what was reviewed"),
        ("sync --since HEAD~1", "what the last commit changed"),
        ("sync production --no-wait", "begin rollouts, or take the steps that are due, and leave"),
    ),
    "status": (
        ("status", "services by environments"),
        ("status production -o wide", "one line each, with who changed it and when"),
        ("status --all", "every target of a large project"),
        ("status --watch", "again every 5 seconds, in place"),
    ),
    "drift": (
        ("drift", "what is live otherwise than Git says"),
        ("drift production --exit-code", "2 when something differs, for a job"),
    ),
    "explain": (
        ("explain staging/api", "every value and the file that it comes from"),
        ("explain staging/api lambda.memorySize", "one value, with the layers below it"),
        ("explain staging/api role", "the role, and what it needs for what is declared"),
    ),
    "graph": (
        ("graph staging", "what calls the functions of an environment, as far as it is known"),
        ("graph staging/api -o mermaid", "for Markdown"),
        ("graph --declared -o svg > calls.svg", "a picture of what Git says, without AWS"),
    ),
    "logs": (
        ("logs staging/api", "the last ten minutes"),
        ("logs staging/api --follow", "and what comes, until Ctrl-C"),
        ("logs production/api --since 2h", "further back"),
    ),
    "invoke": (
        ("invoke staging/api", "with {}"),
        ("invoke staging/api --payload event.json", "with a document of yours"),
    ),
    "top": (
        ("top", "the last hour, those with errors first"),
        ("top production --minutes 15", "one environment, not so far back"),
    ),
    "diff": (
        ("diff staging/api", "what is live, and what Git says"),
        ("diff staging/api 1.3.0 1.4.0", "two versions"),
        ("diff staging/api staging production", "two environments"),
    ),
    "version": (("version api --explain", "the next version, and the commits that make it"),),
    "changed": (("changed --since origin/main", "services that this branch touches"),),
    "package": (("package api", "build its zip; deploys nothing"),),
    "release": (
        ("release api", "tag, build and publish the next version"),
        ("release api --dry-run", "only show it"),
    ),
    "promote": (
        ("promote api@1.4.0 --to staging", "one version"),
        ("promote api --to production", "the version of the environment that it comes from"),
        ("promote api --to production --wait", "and follow it until it is live"),
    ),
    "rollback": (
        ("rollback production/api", "to the last good version, as the policy says"),
        ('rollback production/api --now --reason "it loses files"', "at once"),
    ),
    "hold": (('hold production/api --reason "until the sale is over"', "nothing is promoted to it"),),
    "release-hold": (("release-hold production/api", "let it be promoted again"),),
    "rollout status": (("rollout status production/api", "its step, and what its gates say"),),
    "rollout approve": (("rollout approve production/api", "take the step that waits for you"),),
    "rollout pause": (('rollout pause production/api --reason "lunch"', "stay in this step"),),
    "rollout resume": (("rollout resume production/api", "and go on"),),
    "rollout abort": (('rollout abort production/api --reason "it is slow"', "all calls back, at once"),),
    "rollout retry": (("rollout retry production/api", "let the next sync try the release again"),),
    "history": (("history production/api", "which versions, who brought them, and when"),),
    "runs": (
        ("runs", "what the server in LOCKSTEP_SERVER did last"),
        ("runs 0a1b2c3d4e5f6071 --follow", "one run, until it is over"),
    ),
    "audit": (("audit production/api --query promoted", "who brought what there, and when"),),
    "pulls": (
        ("pulls", "open pull requests of promotions"),
        ("pulls merge 12", "merge one"),
    ),
    "preview up": (("preview up --pr 123 --service api@1.5.0-pr123.1", "bring a preview up"),),
    "preview down": (("preview down --pr 123", "remove it; the next sync deletes its functions"),),
    "preview list": (("preview list", "age, services and status of each"),),
    "preview event": (("preview event", "in a workflow, from the event that GitHub gives it"),),
    "preview gc": (
        ("preview gc", "show what previews have left behind"),
        ("preview gc --apply", "and remove it"),
    ),
    "preview compact": (("preview compact", "drop the history of the previews' branch"),),
    "render": (
        ("render --as argocd-job", "manifests beside the declarations, for Argo CD"),
        ("render staging --as ack -o -", "one environment, on the terminal"),
        ("render --as flux --check", "in CI: 2 when files are not what is declared"),
    ),
    "serve": (
        ("serve", "as lockstep-serve.yaml says, until Ctrl-C or SIGTERM"),
        ("serve --config /etc/lockstep-serve.yaml", "another file"),
        ("serve --demo", "something to look at, on a local AWS"),
        ("serve --token ci", "a token for a program that asks it"),
    ),
    "adopt": (
        ("adopt staging --from terraform", "declarations from Terraform's state, and the proof"),
        ("adopt staging --from ack", "back from a cluster, step by step"),
    ),
    "eject": (
        ("eject staging --to argocd-job", "another engine, and the proof that nothing changes"),
        ("eject staging --to terraform --into infra", "import blocks for a Terraform of your own"),
    ),
    "doctor": (("doctor", "credentials, permissions, buckets, tools"),),
    "iam-policy": (
        ("iam-policy plan", "for the role of a job that only plans"),
        ("iam-policy sync", "for the role of a job that deploys"),
    ),
    "completion": (
        ("completion bash >> ~/.bashrc", "bash"),
        ("completion zsh >> ~/.zshrc", "zsh, after compinit"),
        ("completion fish > ~/.config/fish/completions/lockstep.fish", "fish"),
    ),
    "demo": (
        ("demo", "no AWS account, nothing to set up"),
        ("demo --keep", "and leave it running, to try things"),
    ),
}
