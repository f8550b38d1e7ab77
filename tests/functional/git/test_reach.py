"""Whether a commit is on a branch that others see."""

from lockstep.git.reach import is_shared
from lockstep.git.remote import open_remote
from tests.functional.git.conftest import Work


def test_a_commit_on_a_branch_is_shared(shared: Work) -> None:
    """At its tip, below it, and not when it was only committed here."""
    remote = open_remote(shared.folder, shared.folder.parent / "cache")
    first = shared.git("rev-parse", "HEAD")
    second = shared.commit("two", list="2\n")
    assert is_shared(remote, first, "refs/heads/")
    assert not is_shared(remote, second, "refs/heads/")
    shared.git("push", "-q", "origin", "HEAD:refs/pull/7/head")
    assert not is_shared(remote, second, "refs/heads/")
    assert is_shared(remote, second, "refs/heads/", "refs/pull/7/")


def test_branches_that_this_clone_has_not_seen_count(shared: Work) -> None:
    """What somebody else pushed on top is fetched to find out; no branch of the clone moves."""
    first = shared.git("rev-parse", "HEAD")
    other = Work(shared.folder.parent / "other")
    shared.git("clone", "-q", shared.git("remote", "get-url", "origin"), str(other.folder))
    other.commit("on top", list="2\n")
    other.git("push", "-q", "origin", "HEAD:main")
    remote = open_remote(shared.folder, shared.folder.parent / "cache")
    before = shared.git("for-each-ref")
    assert is_shared(remote, first, "refs/heads/")
    assert shared.git("for-each-ref") == before


def test_a_repository_of_its_own_counts_its_branches(work: Work) -> None:
    """Without a remote: a commit that no branch has is not shared."""
    first = work.commit("one", a="1")
    work.git("checkout", "-q", "--detach")
    second = work.commit("two", a="2")
    remote = open_remote(work.folder, work.folder.parent / "cache")
    assert is_shared(remote, first, "refs/heads/")
    assert not is_shared(remote, second, "refs/heads/")
