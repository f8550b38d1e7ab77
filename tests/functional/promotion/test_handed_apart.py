"""Manifests on a branch of their own: the engine keeps it by the merge policy, whoever writes at once."""

from collections.abc import Callable

import pytest

from lockstep.delivery.adoption import hand_over
from lockstep.git import writing
from lockstep.git.refs import RefUpdate
from lockstep.git.remote import Remote
from lockstep.local.ministack import LocalCloud
from tests.functional.promotion.conftest import STAGING, STAGING_FILE, Shop
from tests.functional.promotion.test_handed_over import HANDED, JOB, KUBERNETES, PREVIEW
from tests.support import clouds

APART = KUBERNETES + "  branch: manifests\n"
PATH = JOB.format("staging")


@pytest.fixture
def apart(shop: Shop, ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, whose cluster follows a branch of manifests, and an AWS with nothing in it."""
    for name, value in ministack.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clouds.make_role(ministack)
    clouds.make_bucket(ministack, "shop-packages")
    shop.push("the cluster applies it", **{"lockstep.yaml": HANDED + APART})
    shop.pull()
    return shop


def files(shop: Shop) -> set[str]:
    """What is on the branch."""
    shop.work.git("fetch", "-q", "--prune", "origin")
    return set(shop.work.git("ls-tree", "-r", "--name-only", "origin/manifests").split())


def test_a_sync_writes_to_the_branch_by_the_merge_policy(apart: Shop) -> None:
    """It is made when there is none, by a commit or for a pull request; what is declared stays as it was."""
    main = apart.work.git("ls-remote", "origin", "main")
    out = apart.run("plan", code=0)
    assert "~ manifests for argocd-job  staging  by a commit to the branch manifests" in out
    assert f"+ {PATH}" in out
    assert apart.branches() == {"main"}
    assert "committed to manifests as" in apart.run("sync", "staging")
    assert files(apart) == {"README.md", PATH}
    out = " ".join(apart.run("sync", "production").split())
    assert "waits for a person to merge it; then the cluster has to apply it" in out
    (pull,) = apart.pulls()
    assert pull.base == "manifests"
    assert files(apart) == {"README.md", PATH}
    apart.forge.merge_pull(pull.number, sha=pull.sha, method="squash")  # type: ignore[arg-type]
    assert files(apart) == {"README.md", PATH, JOB.format("production")}
    assert apart.work.git("ls-remote", "origin", "main") == main
    out = " ".join(apart.run("sync").split())
    assert "nothing is left to write" in out
    # `render` looks at the same branch, and finds nothing to do there.
    apart.run("render", "--as", "argocd-job", "--check")
    assert "files: 2 unchanged" in apart.err
    apart.work.write(PATH, apart.show(PATH, "manifests"))
    # By it alone is told what two would own; a file of the work tree does not count.
    text = apart.show("lockstep.yaml").replace(
        "production: {engine: argocd-job, ", "production: {engine: ack, "
    )
    apart.push("another road", **{"lockstep.yaml": text})
    apart.pull()
    assert f"{JOB.format('production')} hands production/notifier over by argocd-job" in " ".join(
        apart.run("doctor").split()
    )


def test_a_branch_that_does_not_belong_to_manifests_is_refused(apart: Shop) -> None:
    """With its line; nothing is written."""
    for name, told in (("main", "the branch main holds lockstep.yaml"), ("side", "holds lockstep.yaml")):
        apart.push("a branch", **{"lockstep.yaml": HANDED + APART.replace("manifests", name)})
        apart.work.git("push", "-q", "-f", "origin", "HEAD:refs/heads/side")
        apart.pull()
        apart.run("sync", "staging", code=3)
        assert told in apart.err
        assert "lockstep.yaml:8" in apart.err
    assert apart.branches() == {"main", "side"}


Push = Callable[[Remote, RefUpdate], None]


def at_a_push(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None], *, is_after: bool) -> None:
    """Have something happen before or after the first push."""
    push: Push = writing.push
    done: list[Remote] = []

    def watched(remote: Remote, update: RefUpdate) -> None:
        is_first = not done
        done.append(remote)
        if is_first and not is_after:
            do()
        push(remote, update)
        if is_first and is_after:
            do()

    monkeypatch.setattr(writing, "push", watched)


def test_who_comes_late_writes_on_top_of_what_others_wrote(
    apart: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused push is made again; but what is not declared any more is never written over what is."""
    apart.run("sync", "staging")
    apart.push("newer", **{STAGING_FILE: STAGING + "  memorySize: 256\n"})
    apart.pull()

    def other() -> None:
        apart.work.git("fetch", "-q", "origin")
        tree = apart.work.git("rev-parse", "origin/manifests^{tree}").strip()
        commit = apart.work.git("commit-tree", tree, "-p", "origin/manifests", "-m", "somebody").strip()
        apart.work.git("push", "-q", "origin", f"{commit}:refs/heads/manifests")

    with monkeypatch.context() as patch:
        at_a_push(patch, other, is_after=False)
        assert "committed to manifests as" in apart.run("sync", "staging")
    assert apart.log("manifests")[:2] == ["staging: 1 manifest for argocd-job", "somebody"]
    apart.push("newer still", **{STAGING_FILE: STAGING + "  memorySize: 512\n"})
    apart.pull()
    head = apart.work.git("rev-parse", "HEAD").strip()

    def newer() -> None:
        apart.push("the newest", **{STAGING_FILE: STAGING + "  memorySize: 1024\n"})
        other()
        apart.work.git("reset", "-q", "--hard", head)

    with monkeypatch.context() as patch:
        at_a_push(patch, newer, is_after=False)
        out = " ".join(apart.run("sync", "staging", code=1).split())
    assert "declares something else than commit" in out + apart.err
    assert apart.log("manifests")[0] == "somebody"


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_sync_that_was_killed_is_finished_by_the_next(
    apart: Shop, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    """Wherever that was: the branch is begun once, and there is one commit or one pull request."""

    def die() -> None:
        raise KeyboardInterrupt

    for is_after in (False, True, False, True):  # of the branch's first commit, then of the manifests
        with monkeypatch.context() as patch:
            at_a_push(patch, die, is_after=is_after)
            apart.run("sync", environment, code=130)
    apart.run("sync", environment)
    assert apart.log("manifests")[-1] == "Begin the manifests of shop"
    if environment == "staging":
        assert files(apart) == {"README.md", PATH}
        assert len(apart.log("manifests")) == 2
    else:
        assert len(apart.pulls()) == 1


def test_previews_on_a_branch_of_their_own_have_manifests_there(apart: Shop) -> None:
    """What lies among the declarations could not: it would be on another branch than they are."""
    text = HANDED.replace(
        "environments:\n", "preview: {branch: previews}\nenvironments:\n  preview: {engine: argocd-job}\n"
    )
    apart.push("previews", **{"lockstep.yaml": text + KUBERNETES})
    apart.work.git("checkout", "-q", "--orphan", "previews")
    apart.work.git("rm", "-rqf", ".")
    apart.work.commit("a preview", **PREVIEW)
    apart.work.git("push", "-q", "origin", "HEAD:refs/heads/previews")
    apart.work.git("checkout", "-qf", "--detach", "origin/main")
    apart.pull()
    out = " ".join(apart.run("plan", "preview", code=1).split())
    assert "previews have a branch of their own, and manifests are written to the deployed one" in out
    apart.push("and a branch for manifests", **{"lockstep.yaml": text + APART})
    apart.pull()
    assert "committed to manifests as" in apart.run("sync", "preview")
    assert files(apart) == {"README.md", "environments/preview/pr-7/lambda/deploy-job.yaml"}


def test_a_hand_over_that_was_killed_is_finished_by_the_same_command(
    apart: Shop, monkeypatch: pytest.MonkeyPatch, ministack: LocalCloud
) -> None:
    """Around each push, and before the engine is named: AWS stays, and it ends as without a stop."""
    apart.run("sync", "staging")
    apart.run("sync", "staging", "--yes", "--in-cluster")
    functions = clouds.client(ministack, "lambda")

    def live() -> object:
        found = functions.get_function(FunctionName="notifier-staging")
        return found["Configuration"], found["Tags"]

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = live()
    eject = ("eject", "staging", "--to", "aws")
    for is_after in (False, True):
        with monkeypatch.context() as patch:
            at_a_push(patch, die, is_after=is_after)
            apart.run(*eject, code=130)
        assert live() == before
    assert apart.run(*eject).startswith("mind: two would own")  # it was pushed, and no run knows of it
    assert apart.log("manifests")[:2] == ["staging: let go for aws", "staging: 1 manifest for argocd-job"]
    with monkeypatch.context() as patch:
        patch.setattr(hand_over, "write_whole", die)
        apart.run(*eject, "--applied", code=130)
    assert not apart.work.git("status", "--porcelain")
    assert apart.run(*eject, "--applied").startswith("wrote lockstep.yaml\n")
    apart.push_disk("aws applies it")
    for is_after in (False, True):
        assert PATH in files(apart)
        with monkeypatch.context() as patch:
            at_a_push(patch, die, is_after=is_after)
            apart.run(*eject, code=130)
    assert files(apart) == {"README.md"}
    assert apart.log("manifests")[0] == "staging: leave argocd-job for aws"
    assert "mind: aws alone applies staging" in apart.run(*eject)
    assert apart.json("plan", "staging")["steps"] == []
    assert live() == before
