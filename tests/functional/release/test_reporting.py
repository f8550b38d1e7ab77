"""After a sync the source commit is told what became of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.artifacts.package import make_zip_of
from lockstep.cli import main
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.sync.reporting import endings_of, report_deployments
from lockstep.forge.base import CheckState
from lockstep.forge.local import LocalForge
from lockstep.model import (
    Health,
    Outcome,
    Plan,
    PutAlias,
    PutNotifications,
    Report,
    RunTerraform,
    ShiftAlias,
    StepResult,
    TargetPlan,
    Verb,
)
from lockstep.model.rollout import Progress
from tests.functional.git.conftest import Work
from tests.functional.release.conftest import NAME, TOKEN, Mono
from tests.support import clouds
from tests.support.github import Fault, Identity
from tests.support.watching import Telling

PROJECT = """\
project: shop
region: eu-west-1
environments: {{staging: {{}}, preview: {{}}}}
packages: {{bucket: shop-packages}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
source: {{{source}}}
"""
FUNCTION = "deploymentType: lambda\nlambda: {runtime: python3.12, handler: app.handler, role: lambda-role}\n"
CONFIG = """\
lambda: {{version: "{version}", functionName: "{name}"}}
deploymentNotification: {{commitSha: "{commit}"}}
"""


@pytest.fixture
def gitops(mono: Mono, tmp_path: Path) -> "GitOps":
    """A GitOps repository whose services come from the monorepo, with one preview."""
    return make_gitops(mono, tmp_path)


class GitOps:
    """Declarations of api and web at commits of the monorepo."""

    def __init__(self, mono: Mono, folder: Path) -> None:
        self.mono = mono
        self.work = Work(folder)
        self.source = mono.work.git("rev-parse", "HEAD")
        self.notes: list[str] = []

    def open(self) -> Workspace:
        """The project as it lies here."""
        return open_workspace(Where(folder=self.work.folder, cache=self.mono.cache))

    def report(self, verbs: Mapping[str, Verb], *results: StepResult, **fields: object) -> None:
        """Report a plan of these verbs, whose steps ended like this."""
        self.tell(plan_of(verbs), Report(results=results, **fields))  # type: ignore[arg-type]

    def tell(self, plan: Plan, report: Report) -> None:
        """Report a plan and what came of it."""
        workspace = self.open()
        credentials = Credentials(cache=self.mono.cache, github_token=TOKEN if self.mono.server else None)
        report_deployments(
            workspace,
            plan,
            report,
            credentials,
            watcher=Telling(note=self.notes.append),
        )

    def statuses(self, commit: str | None = None) -> Mapping[str, CheckState]:
        """The statuses of a source commit."""
        return {check.name: check.state for check in self.mono.forge().checks(commit or self.source)}

    def deployment(self, environment: str) -> tuple[str, str, str] | None:
        """Commit, state and description of the newest deployment."""
        if self.mono.repository is not None:
            all_ = [each for each in self.mono.repository.deployments if each.environment == environment]
            if not all_:
                return None
            last = all_[-1].statuses[-1]
            return all_[-1].sha, last["state"], last["description"]
        forge = self.mono.forge()
        assert isinstance(forge, LocalForge)
        found = forge.deployments(environment)
        return (found[0]["sha"], found[0]["state"], found[0]["description"]) if found else None


def make_gitops(mono: Mono, tmp_path: Path) -> GitOps:
    """Write and commit the declarations."""
    folder = tmp_path / "gitops"
    folder.mkdir()
    made = GitOps(mono, folder)
    made.work.git("init", "-q")
    source = f"kind: github, repository: {NAME}" if mono.server else f"kind: local, repository: '{mono.bare}'"
    made.work.write("lockstep.yaml", PROJECT.format(source=f"{source}, report: true"))
    for service in ("api", "web"):
        made.work.write(f"services/{service}/values.yaml", FUNCTION)
        text = CONFIG.format(version="0.1.0", name=f"{service}-staging", commit=made.source)
        made.work.write(f"environments/staging/{service}/config.yaml", f"serviceName: {service}\n{text}")
    preview = CONFIG.format(version="0.1.0", name="api-pr-1", commit=made.source)
    made.work.write("environments/preview/pr-1/pr.yaml", "prNumber: 1\n")
    made.work.write("environments/preview/pr-1/services/api.values.yaml", preview)
    made.work.commit("begin")
    return made


def plan_of(verbs: Mapping[str, Verb]) -> Plan:
    """A plan with these verbs, a bucket that both targets share and a run of Terraform."""
    return Plan(
        engine="aws",
        project="shop",
        targets=tuple(TargetPlan(target=key, verb=verb, version="0.1.0") for key, verb in verbs.items()),
        steps=(
            PutNotifications(
                id="uploads:notifications",
                target="uploads",
                bucket="uploads",
                put=(),
                remove=(),
                targets=("staging/api", "staging/web"),
            ),
            RunTerraform(id="terraform:staging+production", target="staging+production", folder="tf"),
        ),
    )


def _step(target: str, outcome: Outcome = Outcome.DONE) -> StepResult:
    return StepResult(step=f"{target}:code", target=target, outcome=outcome)


BOTH = {"staging/api": Verb.UPDATE, "staging/web": Verb.CREATE}


def test_what_was_deployed_is_told(gitops: GitOps, monkeypatch: pytest.MonkeyPatch) -> None:
    """A status for each service and one deployment of the environment; what did not change is not told."""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/gitops")
    monkeypatch.setenv("GITHUB_RUN_ID", "9")
    for _ in range(2):
        gitops.report({**BOTH, "preview/pr-1/api": Verb.NOTHING}, _step("staging/api"), _step("staging/web"))
    assert gitops.notes == []
    assert gitops.statuses() == {
        "lockstep/staging/api": CheckState.SUCCESS,
        "lockstep/staging/web": CheckState.SUCCESS,
    }
    (url, _) = (check.url for check in gitops.mono.forge().checks(gitops.source))
    assert url == "https://github.com/acme/gitops/actions/runs/9"
    assert gitops.deployment("staging") == (gitops.source, "success", "api 0.1.0 is live, web 0.1.0 is live")
    assert gitops.deployment("preview/pr-1") is None
    if gitops.mono.repository is not None:
        assert len(gitops.mono.repository.deployments) == 1


def shifted(step: int, weight: float, **fields: str) -> ShiftAlias:
    """A step of the rollout of api 0.1.0."""
    return ShiftAlias(
        id="staging/api:alias",
        target="staging/api",
        function="api-staging",
        alias="live",
        stable="1",
        candidate="2",
        weight=weight,
        state=fields.pop("state", "running"),
        digest="",
        policy="",
        step=step,
        steps=3,
        description="",
        revision=None,
        **fields,  # type: ignore[arg-type]
    )


def test_a_rollout_has_one_status_and_one_deployment(github: Mono, tmp_path: Path) -> None:
    """In progress with each step that is taken, and then what it came to: all calls, or taken back."""
    gitops = make_gitops(github, tmp_path)
    alias = "staging/api:alias"
    end = PutAlias(
        id=alias,
        target="staging/api",
        function="api-staging",
        alias="live",
        version="2",
        description="lockstep shop staging/api 0.1.0",
        revision=None,
    )
    anew = replace(end, description="lockstep shop staging/api 0.0.9")
    back = shifted(1, 0.0, state="aborted", reason="alarm checkout: ALARM")
    progress = Progress(health=Health.PROGRESSING, release="0.1.0", step=1, steps=3)
    seen = []
    for step in (shifted(0, 0.1), shifted(1, 0.5), anew, end, back, None):
        plan = replace(plan_of({"staging/api": Verb.UPDATE}), steps=() if step is None else (step,))
        (target,) = plan.targets
        results = () if step is None else (replace(_step("staging/api"), step=alias),)
        gitops.tell(replace(plan, targets=(replace(target, progress=progress),)), Report(results=results))
        seen.append((*gitops.statuses().items(), gitops.deployment("staging")))
    states = (*["in_progress"] * 3, "success", "failure", "failure")
    words = (
        "has 10% of the calls, step 1 of 3",
        *["has 50% of the calls, step 2 of 3"] * 2,  # one that begins anew is told once it does
        "is live",
        *["was taken back: alarm checkout: ALARM"] * 2,
    )
    checks = (*[CheckState.PENDING] * 3, CheckState.SUCCESS, *[CheckState.FAILURE] * 2)
    assert seen == [
        (("lockstep/staging/api", check), (gitops.source, state, f"api 0.1.0 {text}"))
        for check, state, text in zip(checks, states, words, strict=True)
    ]
    assert github.repository is not None
    assert len(github.repository.deployments) == 1


def test_what_failed_is_told(gitops: GitOps) -> None:
    """One that failed makes the environment's deployment fail; the other's status is good."""
    gitops.report(BOTH, _step("staging/api", Outcome.FAILED), _step("staging/web"))
    assert gitops.statuses() == {
        "lockstep/staging/api": CheckState.FAILURE,
        "lockstep/staging/web": CheckState.SUCCESS,
    }
    assert gitops.deployment("staging") == (
        gitops.source,
        "failure",
        "api 0.1.0 was not deployed, web 0.1.0 is live",
    )
    gitops.report({"staging/api": Verb.UPDATE}, _step("staging/api"))
    assert set(gitops.statuses().values()) == {CheckState.SUCCESS}
    assert gitops.deployment("staging") == (gitops.source, "success", "api 0.1.0 is live")


def test_a_preview_that_is_removed_becomes_inactive(gitops: GitOps) -> None:
    """Its commit is found in Git's history, though nothing declares it any more."""
    gitops.report({"preview/pr-1/api": Verb.CREATE}, _step("preview/pr-1/api"))
    assert gitops.deployment("preview/pr-1") == (gitops.source, "success", "api 0.1.0 is live")
    if gitops.mono.repository is not None:
        assert gitops.mono.repository.deployments[0].sent["transient_environment"] is True
    gitops.work.git("rm", "-q", "-r", "environments/preview")
    gitops.work.commit("closed")
    gitops.work.commit("something else", README="x")
    gitops.report({"preview/pr-1/api": Verb.DELETE}, _step("preview/pr-1/api"))
    assert gitops.deployment("preview/pr-1") == (gitops.source, "inactive", "api 0.1.0 was removed")
    assert gitops.notes == []


def test_a_commit_that_nobody_can_know_is_skipped(gitops: GitOps) -> None:
    """Short ids and missing ones are named; what is known is reported all the same."""
    path = "environments/staging/api/config.yaml"
    text = (gitops.work.folder / path).read_text()
    gitops.work.write(path, text.replace(gitops.source, gitops.source[:8]))
    gitops.report(BOTH, _step("staging/api"), _step("staging/web"))
    assert gitops.notes == ["not reported, as no whole source commit is declared: staging/api"]
    assert gitops.statuses() == {"lockstep/staging/web": CheckState.SUCCESS}


def test_a_forge_that_cannot_be_asked_is_a_note(gitops: GitOps) -> None:
    """Whatever happens there, nothing is raised, and it is told once."""
    if gitops.mono.server is None:
        gitops.mono.bare.rename(gitops.mono.bare.with_name("gone"))
    else:
        gitops.mono.server.world.identities[TOKEN] = Identity(scopes=("read:user",))
    gitops.report(BOTH, _step("staging/api"), _step("staging/web"))
    assert gitops.notes
    assert "to the source" in gitops.notes[0]
    assert "fix:" in gitops.notes[0]
    if gitops.mono.server is not None:
        assert "the token lacks the scope repo (it has: read:user)" in gitops.notes[0]
    assert TOKEN not in " ".join(gitops.notes)


def test_a_commit_that_the_source_does_not_have_is_a_note(github: Mono, tmp_path: Path) -> None:
    """The other reports are made."""
    gitops = make_gitops(github, tmp_path)
    path = "environments/staging/api/config.yaml"
    text = (gitops.work.folder / path).read_text()
    gitops.work.write(path, text.replace(gitops.source, "1" * 40))
    gitops.report(BOTH, _step("staging/api"), _step("staging/web"))
    assert len(gitops.notes) == 2
    assert all(f"{NAME} has no commit 111111111111" in note for note in gitops.notes)
    assert gitops.statuses() == {"lockstep/staging/web": CheckState.SUCCESS}


def test_nothing_is_reported_unless_it_is_asked_for(local: Mono, tmp_path: Path) -> None:
    """``source: {report: true}`` switches it on."""
    gitops = make_gitops(local, tmp_path)
    file = gitops.work.folder / "lockstep.yaml"
    file.write_text(file.read_text().replace(", report: true", ""))
    gitops.report(BOTH, _step("staging/api"))
    assert (gitops.notes, gitops.statuses(), gitops.deployment("staging")) == ([], {}, None)


@pytest.mark.parametrize(
    ("results", "fields", "states"),
    [
        ([_step("uploads", Outcome.FAILED)], {}, ["failure", "failure"]),
        ([_step("staging+production", Outcome.FAILED)], {}, ["failure", "failure"]),
        ([_step("staging/web", Outcome.NOT_TRIED)], {}, ["success", "failure"]),
        ([_step("staging/web", Outcome.NOT_TRIED)], {"interrupted": True}, ["success"]),
        ([], {"mismatches": ("staging/web: changed meanwhile",)}, ["success", "failure"]),
    ],
    ids=["bucket", "terraform", "not tried", "interrupted", "mismatch"],
)
def test_how_targets_ended(
    local: Mono,
    tmp_path: Path,
    results: list[StepResult],
    fields: Mapping[str, object],
    states: list[str],
) -> None:
    """What targets share counts for each; what an interrupted run did not reach is left to the next."""
    workspace = make_gitops(local, tmp_path).open()
    report = Report(results=tuple(results), **fields)  # type: ignore[arg-type]
    assert [one.state for one in endings_of(workspace, plan_of(BOTH), report)] == states
    blocked = plan_of({"staging/api": Verb.BLOCKED, "staging/web (former x)": Verb.DELETE})
    assert [one.state for one in endings_of(workspace, blocked, Report())] == ["failure"]
    refused = replace(plan_of(BOTH), problems=("too many deletes",))
    assert endings_of(workspace, refused, report) == []


def test_a_sync_reports(
    github: Mono, tmp_path: Path, moto: clouds.Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From ``lockstep sync`` to GitHub; a second sync changes nothing and tells nothing."""
    gitops = make_gitops(github, tmp_path)
    for name, value in moto.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clouds.make_role(moto)
    clouds.make_bucket(moto, "shop-packages")
    (gitops.work.folder / "packages").mkdir()
    for service in ("api", "web"):
        make_zip_of({"app.py": b"x"}, gitops.work.folder / "packages" / f"{service}-0.1.0.zip")
    gitops.work.commit("packages")
    assert github.server is not None
    github.server.faults = [Fault(match="POST .*/statuses/", status=403, message="no", times=1)]
    assert main(["-C", str(gitops.work.folder), "sync", "staging"]) == 0
    assert "warning: not reported to the source" in github.capture.readouterr().err
    assert list(gitops.statuses().values()) == [CheckState.SUCCESS]
    assert gitops.deployment("staging") == (gitops.source, "success", "api 0.1.0 is live, web 0.1.0 is live")
    before = len(github.server.seen)
    assert main(["-C", str(gitops.work.folder), "sync", "staging"]) == 0
    assert len(github.server.seen) == before
