"""The steps of the workflows, taken from the YAML and run."""

import pytest

from lockstep.cli import main
from lockstep.delivery.setup.init_github import Kind
from lockstep.forge.base import Pull, PullState
from tests.functional.workflows.conftest import BUCKET, DEPLOY, GITOPS, MONO, World, app, combined
from tests.support import clouds
from tests.support.waiting import until


def _deployed(world: World) -> None:
    """Bring the first version of everything to staging."""
    world.pushed(MONO, "release")
    world.pushed(GITOPS, "deploy")


def test_from_a_push_to_staging(world: World) -> None:
    """A push is released and promoted in one commit, and that is deployed; building deployed nothing."""
    ran = world.pushed(MONO, "release")
    assert [one.job for one in ran] == ["release", "promote"]
    assert world.functions() == set()
    world.pushed(GITOPS, "deploy")
    assert world.functions() == {"notifier-staging"}
    clouds.upload(world.cloud, BUCKET, "staging/a.txt")
    until(lambda: world.messages("notifier-staging") == [{"version": "first", "key": "staging/a.txt"}])
    world.push(MONO, {"src/notifier/app.py": app("second")}, message="feat: more")
    world.pushed(MONO, "release")
    (deployed,) = world.pushed(GITOPS, "deploy")
    assert "staging/notifier" in deployed.output
    clouds.upload(world.cloud, BUCKET, "staging/b.txt")
    until(lambda: {"version": "second", "key": "staging/b.txt"} in world.messages("notifier-staging"))
    world.push(MONO, {"README.md": "words\n"}, message="docs: words")
    ran = world.pushed(MONO, "release")
    assert [one.job for one in ran] == ["release"]  # no service changed: nothing to promote


def test_one_repository_for_everything(world: World) -> None:
    """Without a variable that names another one, promotions go to the same repository."""
    name = "acme/all"
    project, tree = combined(world.server.url(name))
    world.create(name, Kind.COMBINED, project)
    world.push(name, {**tree, "src/notifier/app.py": app("first"), "src/api/x": "1\n"}, message="feat: begin")
    world.runner.vars = {key: value for key, value in world.runner.vars.items() if key != "LOCKSTEP_GITOPS"}
    assert [one.job for one in world.pushed(name, "release")] == ["release", "promote"]
    world.pushed(name, "deploy")
    clouds.upload(world.cloud, BUCKET, "staging/a.txt")
    until(lambda: world.messages("notifier-staging") == [{"version": "first", "key": "staging/a.txt"}])


def test_from_a_label_to_a_preview_and_back_to_nothing(world: World) -> None:
    """Labelled, built, written, live; a push updates it; closed, and all of it is gone."""
    _deployed(world)
    sha = world.push(
        MONO, {"src/notifier/app.py": app("of the branch")}, branch="feature", message="feat: try"
    )
    forge = world.forge(MONO)
    pull = forge.open_pull(head="feature", base="main", title="$(touch owned) `x`", body="")
    assert world.happened(MONO, "preview", "opened", pull) == []  # no label, no preview
    forge.label(pull.number, add=["preview"])
    pull = forge.pull(pull.number)
    assert pull.sha == sha
    world.happened(MONO, "preview", "labeled", pull, label="preview", title="$(touch owned) `x`")
    world.pushed(GITOPS, "deploy")
    name, prefix = f"notifier-pr-{pull.number}", f"preview/pr-{pull.number}/"
    assert world.functions() == {"notifier-staging", name}
    clouds.upload(world.cloud, BUCKET, f"{prefix}a.txt")
    until(lambda: world.messages(name) == [{"version": "of the branch", "key": f"{prefix}a.txt"}])
    assert world.messages("notifier-staging") == []

    world.push(MONO, {"src/notifier/app.py": app("again")}, branch="feature", message="fix: once more")
    world.happened(MONO, "preview", "synchronize", forge.pull(pull.number))
    world.pushed(GITOPS, "deploy")
    clouds.upload(world.cloud, BUCKET, f"{prefix}b.txt")
    until(lambda: {"version": "again", "key": f"{prefix}b.txt"} in world.messages(name))

    forge.close_pull(pull.number)
    world.happened(MONO, "preview", "closed", forge.pull(pull.number))
    world.pushed(GITOPS, "deploy")
    assert world.functions() == {"notifier-staging"}
    assert world.prefixes() == {"staging/"}
    assert world.messages(name) == []
    tree = world.git(GITOPS, "ls-remote", "--heads", "origin")
    assert tree.count("refs/heads/") == 1
    world.git(GITOPS, "fetch", "-q", "origin")
    assert f"pr-{pull.number}/" not in world.git(GITOPS, "ls-tree", "-r", "--name-only", "origin/main")
    assert not [*world.runner.folder.rglob("owned")]


def _first(world: World, mode: str) -> Pull:
    """Have previews deployed first, everything else live, and a labelled pull request beside another one."""
    world.git(GITOPS, "fetch", "-q", "origin")
    text = world.git(GITOPS, "show", "origin/main:lockstep.yaml")
    world.push(GITOPS, {"lockstep.yaml": text.replace("label: preview", f"mode: {mode}")}, message=mode)
    world.allow()
    _deployed(world)
    forge = world.forge(MONO)
    for branch in ("feature", "other"):  # no open one at all would be odd to gc
        world.push(MONO, {"src/notifier/app.py": app(branch)}, branch=branch, message="feat: try")
        pull = forge.open_pull(head=branch, base="main", title="x", body="", labels=["preview"])
    return forge.pull(pull.number - 1)


def _files(world: World) -> str:
    world.git(GITOPS, "fetch", "-q", "origin")
    return world.git(GITOPS, "ls-tree", "-r", "--name-only", "origin/main")


def test_a_preview_that_is_recorded_after_it_is_live(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A write that failed leaves it live and told as such; the next run of the workflow records it."""
    pull = _first(world, "record")
    hook = world.server.root / GITOPS / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(AssertionError, match=r"up: .* ended with 1"):
        world.happened(MONO, "preview", "labeled", pull, label="preview")
    hook.unlink()
    name = f"notifier-pr-{pull.number}"
    assert world.functions() == {"notifier-staging", name}
    assert "/pr-" not in _files(world)
    for key, value in world.runner.aws[DEPLOY].items():
        monkeypatch.setenv(key, value)
    words = ["-C", str(world.clone(GITOPS)), "preview", "list"]

    def told() -> str:
        capsys.readouterr()
        assert main(words) == 0
        done = capsys.readouterr()
        return " ".join((done.out + done.err).split())

    assert f"preview/pr-{pull.number} is live and not recorded" in told()
    world.happened(MONO, "preview", "synchronize", pull)
    assert f"environments/preview/pr-{pull.number}/services/notifier.values.yaml" in _files(world)
    assert "not recorded" not in told()
    world.forge(MONO).close_pull(pull.number)
    world.happened(MONO, "preview", "closed", world.forge(MONO).pull(pull.number))
    assert world.functions() == {"notifier-staging"}
    assert world.prefixes() == {"staging/"}
    assert "/pr-" not in _files(world)


def test_a_preview_that_nothing_declares(world: World) -> None:
    """It is live by its workflow alone, and gc knows it by its tags when it is over."""
    pull = _first(world, "none")
    head = world.head(GITOPS)
    world.happened(MONO, "preview", "labeled", pull, label="preview")
    assert world.head(GITOPS) == head
    name = f"notifier-pr-{pull.number}"
    assert world.functions() == {"notifier-staging", name}
    world.forge(MONO).close_pull(pull.number)
    world.scheduled(GITOPS, "previews-gc")
    assert world.functions() == {"notifier-staging"}
    assert world.prefixes() == {"staging/"}


def test_a_label_that_is_taken_away_takes_the_preview(world: World) -> None:
    """The same job as closing; another label changes nothing."""
    world.pushed(MONO, "release")
    world.push(MONO, {"src/api/x": "2\n"}, branch="feature", message="fix: api")
    forge = world.forge(MONO)
    pull = forge.open_pull(head="feature", base="main", title="x", body="", labels=["preview"])
    world.happened(MONO, "preview", "labeled", pull, label="preview")
    world.git(GITOPS, "fetch", "-q", "origin")
    shown = world.git(GITOPS, "ls-tree", "-r", "--name-only", "origin/main")
    assert f"environments/preview/pr-{pull.number}/services/api.values.yaml" in shown
    forge.label(pull.number, remove=["preview"])
    world.happened(MONO, "preview", "unlabeled", forge.pull(pull.number), label="preview")
    world.git(GITOPS, "fetch", "-q", "origin")
    assert "/pr-" not in world.git(GITOPS, "ls-tree", "-r", "--name-only", "origin/main")


def test_a_forks_pull_request_runs_nothing(world: World) -> None:
    """Whatever happens to it, and whatever label it has: GitHub would give it no secrets."""
    world.push(MONO, {"src/api/x": "2\n"}, branch="feature", message="fix: api")
    pull = world.forge(MONO).open_pull(head="feature", base="main", title="x", body="", labels=["preview"])
    for action in ("labeled", "synchronize", "reopened", "unlabeled", "closed"):
        assert world.happened(MONO, "preview", action, pull, fork="eve/shop") == []
    assert world.happened(GITOPS, "plan", "opened", pull, fork="eve/gitops") == []


def test_by_hand_a_commit_is_approved_then_built_then_brought_up(world: World) -> None:
    """Each in a job of its own; the one that builds is not reached by a commit that is not approved."""
    _deployed(world)
    sha = world.push(MONO, {"src/api/x": "2\n"}, branch="feature", message="fix: api")
    forge = world.forge(MONO)
    pull = forge.open_pull(head="feature", base="main", title="x", body="", labels=["preview"])
    with pytest.raises(AssertionError, match=rf"approve: .* ended with 1:[\s\S]* is at {sha[:12]}, not at"):
        world.dispatched(MONO, "preview", number=str(pull.number), commit=world.head(MONO))
    ran = world.dispatched(MONO, "preview", number=str(pull.number), commit=sha)
    assert [one.job for one in ran] == ["approve", "release", "up"]
    world.git(GITOPS, "fetch", "-q", "origin")
    shown = world.git(GITOPS, "ls-tree", "-r", "--name-only", "origin/main")
    assert f"environments/preview/pr-{pull.number}/services/api.values.yaml" in shown


def test_a_plan_is_one_comment_without_secrets(world: World) -> None:
    """A second push changes the comment; a value that looks secret is in neither; a fault is told there."""
    _deployed(world)
    path = "environments/staging/notifier/config.yaml"
    world.git(GITOPS, "fetch", "-q", "origin")
    text = world.git(GITOPS, "show", f"origin/main:{path}") + "\n"

    def with_memory(size: object) -> str:
        return text.replace("lambda:\n", f"lambda:\n  memorySize: {size}\n")

    forge = world.forge(GITOPS)
    world.push(GITOPS, {path: with_memory(256)}, branch="more", message="more memory")
    pull = forge.open_pull(head="more", base="main", title="More memory", body="")
    world.happened(GITOPS, "plan", "opened", pull)
    (note,) = forge.comments(pull.number)
    assert "1 to update" in note.body
    assert "256" in note.body
    changed = with_memory(512).replace("hunter2-staging", "correct-horse-battery")
    world.push(GITOPS, {path: changed}, branch="more", message="still more")
    (ran,) = world.happened(GITOPS, "plan", "synchronize", forge.pull(pull.number))
    (note,) = forge.comments(pull.number)
    assert "512" in note.body
    assert "256" not in note.body
    assert "DbPassword" in note.body
    for value in ("hunter2-staging", "correct-horse-battery"):
        assert value not in note.body + ran.output
    world.push(GITOPS, {path: with_memory("much")}, branch="more", message="a slip")
    with pytest.raises(AssertionError, match="ended with 3"):
        world.happened(GITOPS, "plan", "synchronize", forge.pull(pull.number))
    (note,) = forge.comments(pull.number)
    assert "Lockstep could not plan" in note.body
    assert f"{path}:" in note.body


def test_manifests_that_are_not_what_is_declared_stop_a_plan(world: World) -> None:
    """Where the repository's variable names a road: until they are committed with what they are made of."""
    _deployed(world)
    world.runner.vars["LOCKSTEP_ROAD"] = "argocd-job"
    world.git(GITOPS, "fetch", "-q", "origin")
    text = world.git(GITOPS, "show", "origin/main:lockstep.yaml") + "\n"
    cluster = (
        'kubernetes: {namespace: "shop-{env}", repository: "https://git.example.com/acme/gitops", '
        'job: {image: "registry.example.com/lockstep:1", serviceAccount: deployer}}\n'
    )
    world.push(GITOPS, {"lockstep.yaml": text + cluster}, branch="road", message="a road")
    pull = world.forge(GITOPS).open_pull(head="road", base="main", title="A road", body="")
    with pytest.raises(AssertionError, match=r'plan: lockstep render --as "\$ROAD" --check ended with 2'):
        world.happened(GITOPS, "plan", "opened", pull)
    assert main(["-C", str(world.clone(GITOPS)), "render", "--as", "argocd-job"]) == 0
    world.push(GITOPS, {}, branch="road", message="its manifests")
    ran = world.happened(GITOPS, "plan", "synchronize", world.forge(GITOPS).pull(pull.number))
    assert "1 unchanged; nothing was written" in ran[0].output


def test_drift_is_one_issue_that_closes_when_it_is_mended(world: World) -> None:
    """Opened by the look that finds something, closed by the one that finds everything as in Git."""
    _deployed(world)
    forge = world.forge(GITOPS)
    world.scheduled(GITOPS, "drift")
    assert forge.find_issue("drift") is None
    function = clouds.client(world.cloud, "lambda")

    def change(memory: int) -> None:
        function.update_function_configuration(FunctionName="notifier-staging", MemorySize=memory)
        until(
            lambda: (
                function.get_function(FunctionName="notifier-staging")["Configuration"]["LastUpdateStatus"]
                == "Successful"
            )
        )

    change(1024)
    world.scheduled(GITOPS, "drift")
    opened = forge.find_issue("drift")
    assert opened is not None
    assert opened.title == "1 target differs from Git"
    assert "memorySize" in opened.body
    assert "hunter2" not in opened.body
    change(128)
    world.scheduled(GITOPS, "drift")
    assert forge.find_issue("drift") is None


def test_a_promotion_and_a_rollback_by_hand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs in staging comes to production; the last good version comes back at once, and so does one
    that is named.
    """
    _deployed(world)
    path = "environments/{}/notifier/config.yaml"
    world.git(GITOPS, "fetch", "-q", "origin")
    text = world.git(GITOPS, "show", f"origin/main:{path.format('staging')}") + "\n"
    with monkeypatch.context() as earlier:  # a version of minutes is none to go back to
        earlier.setenv("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
        production = {path.format("production"): text.replace("staging", "production")}
        world.push(GITOPS, dict(production), message="production")
    world.allow()
    world.pushed(GITOPS, "deploy")
    world.push(MONO, {"src/notifier/app.py": app("second")}, message="feat: more")
    world.pushed(MONO, "release")
    world.pushed(GITOPS, "deploy")

    def runs(environment: str) -> str:
        function = clouds.client(world.cloud, "lambda").get_function(FunctionName=f"notifier-{environment}")
        return str(function["Configuration"]["CodeSha256"])

    second = runs("staging")
    first = runs("production")
    assert first != second
    world.dispatched(GITOPS, "promote", services="notifier", environment="production")
    world.pushed(GITOPS, "deploy")
    assert runs("production") == second
    words = "$(touch owned) `x`"
    world.dispatched(GITOPS, "rollback", target="production/notifier", version="", reason=words)
    assert runs("production") == first
    world.dispatched(GITOPS, "rollback", target="staging/notifier", version="0.1.0", reason=words)
    assert runs("staging") == first
    assert not [*world.runner.folder.rglob("owned")]


@pytest.mark.parametrize("kind", [Kind.GITOPS, Kind.INFRASTRUCTURE])
def test_gc_removes_what_a_closed_pull_request_left(world: World, kind: Kind) -> None:
    """Nobody's event came when it was closed; the nightly run takes the folder and the function."""
    _deployed(world)
    world.push(MONO, {"src/api/x": "2\n"}, branch="feature", message="fix: api")
    forge = world.forge(MONO)
    pull = forge.open_pull(head="feature", base="main", title="x", body="", labels=["preview"])
    world.happened(MONO, "preview", "labeled", pull, label="preview")
    world.pushed(GITOPS, "deploy")
    assert f"notifier-pr-{pull.number}" in world.functions()
    world.push(MONO, {"src/api/x": "3\n"}, branch="other", message="fix: api")
    forge.open_pull(head="other", base="main", title="y", body="")  # no open one at all would be odd
    forge.close_pull(pull.number)
    assert forge.pull(pull.number).state is PullState.CLOSED
    world.scheduled(GITOPS, "previews-gc", kind=kind)
    world.pushed(GITOPS, "deploy")
    world.git(GITOPS, "fetch", "-q", "origin")
    assert "/pr-" not in world.git(GITOPS, "ls-tree", "-r", "--name-only", "origin/main")
    assert world.functions() == {"notifier-staging"}
    assert world.prefixes() == {"staging/"}
