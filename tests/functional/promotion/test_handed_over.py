"""Environments that a cluster applies: manifests come to Git by policy, and only AWS says what is so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from lockstep.delivery.places.workspace import Where, open_workspace
from lockstep.delivery.sync.awaiting import await_cluster
from lockstep.delivery.sync.clock import Clock
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan
from lockstep.local.ministack import LocalCloud
from lockstep.model import Verb
from lockstep.roads.costs import IN_SYNC
from tests.functional.promotion.conftest import PROJECT, Shop
from tests.functional.terraform.test_parity import ROOT
from tests.strict import Proxy
from tests.support import clouds
from tests.support.terraform import copy_folder, provider_override, require_terraform

JOB = "environments/{}/notifier/deploy-job.yaml"
KUBERNETES = """\
kubernetes:
  namespace: "shop-{env}"
  repository: https://git.example.com/acme/gitops
  job: {image: "registry.example.com/lockstep:1", serviceAccount: deployer}
"""
HANDED = (
    PROJECT.replace("{merge: auto}", "{merge: direct}")
    .replace("staging: {", "staging: {engine: argocd-job, ")
    .replace("production: {", "production: {engine: argocd-job, ")
)


@pytest.fixture
def handed(shop: Shop, ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, whose environments Argo CD applies by Jobs, and an AWS with nothing in it."""
    for name, value in ministack.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clouds.make_role(ministack)
    clouds.make_bucket(ministack, "shop-packages")
    shop.push("the cluster applies it", **{"lockstep.yaml": HANDED + KUBERNETES})
    shop.pull()
    return shop


def test_a_sync_writes_manifests_and_the_cluster_makes_aws_of_them(handed: Shop) -> None:
    """A commit where the policy says so; what it waits for is told, and in sync is what the Job has done."""
    out = handed.run("plan", "staging", code=0)
    assert "+ staging/notifier  create" in out
    assert "~ manifests for argocd-job  staging  by a commit" in out
    assert f"+ {JOB.format('staging')}" in out
    out = handed.run("sync", "staging")
    assert "Handed over, and not applied by this run:" in out
    assert "committed to main as" in out
    assert handed.log()[0] == "staging: 1 manifest for argocd-job"
    assert "--in-cluster" in handed.show(JOB.format("staging"))
    (row,) = [
        one for one in handed.json("status", "staging")["targets"] if one["target"] == "staging/notifier"
    ]
    assert (row["sync"], row["health"]) == ("OutOfSync", "Missing")
    # Again, at the commit that was synced and at the one that it made: nothing is written.
    head = handed.work.git("ls-remote", "origin", "main")
    for _ in range(2):
        out = " ".join(handed.run("sync", "staging").split())
        assert "staging/notifier: nothing is left to write, and AWS is not as declared yet" in out
        assert handed.work.git("ls-remote", "origin", "main") == head
        handed.pull()
    handed.run("sync", "staging", "--wait", "0", code=1)
    assert "staging/notifier: the cluster has not applied it yet (OutOfSync, Missing" in handed.err
    assert "synced" not in handed.run("history", "staging/notifier").lower()
    handed.pull()
    handed.run(*_words(handed, JOB.format("staging")))
    (row,) = [
        one for one in handed.json("status", "staging")["targets"] if one["target"] == "staging/notifier"
    ]
    assert (row["sync"], row["health"], row["live"]) == ("Synced", "Healthy", "0.1.0")
    assert "everything is in sync" in handed.run("sync", "staging", "--wait", "0")
    # The aws engine finds nothing that it would have made otherwise.
    own = HANDED.replace("staging: {engine: argocd-job, ", "staging: {")
    handed.push("Lockstep applies it", **{"lockstep.yaml": own + KUBERNETES})
    handed.pull()
    handed.run("plan", "staging", "--full", "--exit-code", code=0)


def test_a_job_of_a_target_in_sync_makes_as_many_calls_as_the_table_of_costs_says(
    handed: Shop, ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in front of the cloud, once there is nothing to do."""
    words = ("sync", "staging/notifier", "--yes", "--in-cluster")
    handed.run(*words)
    with Proxy(ministack) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        handed.run(*words)
        assert sum(aws.counts().values()) == IN_SYNC, aws.counts()


def test_where_a_person_reviews_it_is_a_pull_request_and_stays_one(handed: Shop) -> None:
    """A second sync finds it open, and says what it waits for; a promotion and what it renders are apart."""
    for _ in range(2):
        out = " ".join(handed.run("sync", "production").split())
        assert "waits for a person to merge it; then the cluster has to apply it" in out
    (pull,) = handed.pulls()
    assert pull.title == "production: 1 manifest for argocd-job"
    assert JOB.format("production") in pull.body
    before = handed.branches()
    handed.forge.merge_pull(pull.number, sha=pull.sha, method="squash")  # type: ignore[arg-type]
    out = " ".join(handed.run("sync", "production").split())
    assert "production/notifier: nothing is left to write" in out
    assert handed.branches() <= before


def test_what_the_branch_does_not_declare_is_not_written(handed: Shop) -> None:
    """Neither what lies on disk alone, nor what the branch has left behind."""
    handed.work.write(
        "environments/staging/notifier/config.yaml", "lambda: {version: '0.1.0', functionName: x}\n"
    )
    handed.run("sync", "staging", code=1)
    assert "a cluster applies what is in Git, and this is not committed" in handed.err
    handed.pull()
    handed.push(
        "a change",
        **{"services/notifier/values.yaml": handed.show("services/notifier/values.yaml") + "# more\n"},
    )
    handed.work.git("reset", "-q", "--hard", "HEAD~1")
    handed.run("sync", "staging", code=1)
    assert "main is at" in handed.err
    assert "services/notifier/values.yaml" in handed.err


def test_a_manifest_that_was_edited_holds_its_target_back(handed: Shop) -> None:
    """It is told and left alone, as render does; so is one of another road, by which two would own it."""
    handed.run("sync", "staging")
    path = JOB.format("staging")
    handed.push("by hand", **{path: handed.show(path).replace("backoffLimit: 2", "backoffLimit: 9")})
    out = " ".join(handed.run("sync", "staging", code=1).split())
    assert f"{path}:1: it was edited by hand, and is left as it is" in out
    assert "backoffLimit: 9" in handed.show(path)
    text = handed.show("lockstep.yaml").replace("staging: {engine: argocd-job", "staging: {engine: ack")
    handed.push("another road", **{"lockstep.yaml": text})
    out = " ".join(handed.run("plan", "staging", code=1).split())
    assert f"{path}:1: it still hands the function over by argocd-job" in out


PREVIEW = {
    "environments/preview/pr-7/pr.yaml": "prNumber: 7\n",
    "environments/preview/pr-7/services/notifier.values.yaml": (
        "serviceName: notifier\ndeploymentType: lambda\n"
        'lambda: {version: "0.1.0", functionName: notifier-pr-7}\n'
    ),
}


def _words(shop: Shop, path: str, at: int = 1) -> list[str]:
    """What a Job's container runs, which has nothing but a clone of the branch: its own is ours."""
    job = [*yaml.safe_load_all(shop.show(path))][at]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["lockstep"]
    words: list[str] = container["args"]
    assert words[:4] == ["--repo", "https://git.example.com/acme/gitops", "--rev", "main"]
    return words[4:]


def test_a_job_applies_by_terraform_what_the_aws_engine_makes_and_removes_it(
    handed: Shop, ministack: LocalCloud, tmp_path: Path
) -> None:
    """By the words of its container: the aws engine finds nothing to do, and of a preview nothing stays."""
    require_terraform()
    state = tmp_path / "state.tfstate"
    block = f"engine: argocd-job-terraform, terraform: {{folder: terraform, backend: {{path: '{state}'}}}}"
    folder = copy_folder("modules/lambda-fleet", tmp_path)
    files = {f"terraform/modules/lambda-fleet/{one.name}": one.read_text() for one in folder.glob("*.tf")}
    files |= {"terraform/main.tf": ROOT, "terraform/provider.tf": provider_override(ministack.endpoint)}
    text = handed.show("lockstep.yaml").replace("environments:\n", f"environments:\n  preview: {{{block}}}\n")
    handed.push("Terraform in the Job", **{"lockstep.yaml": text}, **files, **PREVIEW)
    assert "Handed over, and not applied by this run:" in handed.run("sync", "preview")
    assert not state.exists()
    handed.pull()
    path = "environments/preview/pr-7/lambda/deploy-job.yaml"
    words = _words(handed, path)
    assert _words(handed, path, at=2) == words  # of its PreDelete hook
    handed.run(*words)
    assert '"aws_lambda_function"' in state.read_text()
    rows = {one["target"]: one for one in handed.json("status", "preview")["targets"]}
    assert rows["preview/pr-7/notifier"]["sync"] == "Synced"
    handed.work.write("lockstep.yaml", text.replace("argocd-job-terraform", "aws"))
    handed.run("plan", "preview", "--full", "--exit-code", code=0)
    handed.work.write("lockstep.yaml", text)
    for one in PREVIEW:
        (handed.work.folder / one).unlink()
    handed.push_disk("the preview is down")
    handed.run(*words)
    assert '"aws_lambda_function"' not in state.read_text()
    assert clouds.client(ministack, "lambda").list_functions()["Functions"] == []


class _Cluster(Clock):
    """A clock by which the cluster's Job runs while somebody waits."""

    def __init__(self, job: Callable[[], object]) -> None:
        self.job = job
        self.time = datetime(2026, 11, 30, tzinfo=UTC)

    def now(self) -> datetime:
        """In UTC."""
        return self.time

    def wait(self, seconds: float) -> bool:
        """The Job runs meanwhile."""
        self.time += timedelta(seconds=seconds)
        self.job()
        return False


def test_a_preview_goes_when_the_cluster_has_deleted_it(handed: Shop) -> None:
    """gc takes its manifest away and says so, what is still live is left over, and waiting sees it gone."""
    text = handed.show("lockstep.yaml").replace(
        "environments:\n", "environments:\n  preview: {engine: argocd-job}\n"
    )
    handed.push("a preview", **{"lockstep.yaml": text}, **PREVIEW)
    handed.run("sync", "preview")
    handed.pull()
    handed.run("sync", "preview", "--yes", "--in-cluster")
    for path in PREVIEW:
        (handed.work.folder / path).unlink()
    handed.push_disk("the preview is down")
    handed.run("preview", "gc", "--apply")
    assert handed.log()[0] == "preview: 1 manifest for argocd-job"
    handed.pull()
    out = " ".join(handed.run("preview", "gc", "--apply").split())
    assert "note: preview/pr-7/notifier: nothing is left to write, and AWS is not as declared yet" in out
    assert "Nothing is left over" not in out
    workspace = open_workspace(Where(folder=handed.work.folder, cache=handed.cache))
    plan = make_plan(workspace, Options(patterns=("preview",)))
    assert [(one.target, one.verb) for one in plan.targets] == [("preview/pr-7/notifier", Verb.DELETE)]
    late = await_cluster(workspace, Options(), plan, 0, clock=_Cluster(lambda: None))
    assert list(late) == ["preview/pr-7/notifier"]
    job = _Cluster(lambda: handed.run("sync", "preview", "--yes", "--in-cluster"))
    assert await_cluster(workspace, Options(), plan, 60, clock=job) == {}
    assert (job.time.minute, job.time.second) == (0, 20)


def test_terraform_takes_nothing_over_that_a_cluster_applies(handed: Shop, tmp_path: Path) -> None:
    """Two would own one function; nothing is written."""
    into = tmp_path / "root"
    handed.run("eject", "staging", "--to", "terraform", "--into", str(into), code=1)
    assert "a cluster applies it by argocd-job, and would own it beside Terraform" in handed.err
    assert "staging/notifier" in handed.err
    assert not into.exists()
