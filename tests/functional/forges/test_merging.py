"""Merging: the three methods, what stands in the way, and waiting for checks."""

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import CheckState, MergeMethod, Merging, PullState
from tests.functional.forges.ground import Ground, branches, content, push


def _parents(ground: Ground, revision: str = "origin/main") -> list[str]:
    ground.work.git("fetch", "-q", "--prune", "origin")
    return ground.work.git("show", "-s", "--format=%P", revision).split()


@pytest.mark.parametrize("method", MergeMethod)
def test_each_method_brings_the_change(ground: Ground, method: MergeMethod) -> None:
    """The base has the head's change and its own; the pull request knows the commit that did it."""
    forge = ground.open()
    one = push(ground.work, "lockstep/promote/a", a="1\n")
    two = push(ground.work, "lockstep/promote/a", start=one.sha, a="2\n")
    number = forge.open_pull(head=two.head, base="main", title="Promote a", body="").number
    ground.work.git("checkout", "-q", "--detach", "origin/main")
    base = ground.work.commit("meanwhile", b="1\n")
    ground.work.git("push", "-q", "origin", f"{base}:refs/heads/main")
    forge.merge_pull(number, sha=two.sha, method=method, title="Promote a to 2")
    merged = ground.open().pull(number)
    assert merged.state is PullState.MERGED
    assert merged.merged_by
    assert merged.ended
    assert content(ground.work, "a") == "2"
    assert content(ground.work, "b") == "1"
    assert merged.merge_commit == ground.work.git("rev-parse", "origin/main")
    match method:
        case MergeMethod.MERGE:
            assert _parents(ground) == [base, two.sha]
        case MergeMethod.SQUASH:
            assert _parents(ground) == [base]
        case MergeMethod.REBASE:
            assert len(_parents(ground)) == 1
    if method is not MergeMethod.REBASE:
        assert ground.work.git("show", "-s", "--format=%s", "origin/main") == "Promote a to 2"


def test_a_head_that_moved_is_not_merged(ground: Ground) -> None:
    """The commit that was looked at is merged, or nothing."""
    forge = ground.open()
    seen = push(ground.work, "a", version="1")
    number = forge.open_pull(head="a", base="main", title="T", body="").number
    push(ground.work, "a", version="2")
    with pytest.raises(ForgeError, match=rf"its head is (?!{seen.sha[:12]})[0-9a-f]{{12}} now[\s\S]*fix:"):
        forge.merge_pull(number, sha=seen.sha, method=MergeMethod.MERGE)
    assert forge.pull(number).state is PullState.OPEN


def test_a_conflict_is_known_and_not_merged(ground: Ground) -> None:
    """The pull request says so, merging fails, waiting is blocked."""
    forge = ground.open()
    change = push(ground.work, "a", version="mine\n")
    number = forge.open_pull(head="a", base="main", title="T", body="").number
    push(ground.work, "main", version="theirs\n")
    assert forge.pull(number).conflict is True
    with pytest.raises(ForgeError, match=r"(?i)conflict[\s\S]*fix:"):
        forge.merge_pull(number, sha=change.sha, method=MergeMethod.SQUASH)
    assert forge.merge_when_ready(number, sha=change.sha, method=MergeMethod.SQUASH) is Merging.BLOCKED
    assert content(ground.work, "version") == "theirs"


def test_without_checks_it_merges_at_once(ground: Ground) -> None:
    """Ready is now; once more is nothing new."""
    forge = ground.open()
    change = push(ground.work, "a")
    number = forge.open_pull(head="a", base="main", title="T", body="").number
    assert forge.merge_when_ready(number, sha=change.sha, method=MergeMethod.SQUASH) is Merging.MERGED
    assert forge.merge_when_ready(number, sha=change.sha, method=MergeMethod.SQUASH) is Merging.MERGED
    assert forge.pull(number).state is PullState.MERGED


def test_a_draft_is_not_merged(ground: Ground) -> None:
    """Neither at once nor when ready."""
    forge = ground.open()
    change = push(ground.work, "a")
    number = forge.open_pull(head="a", base="main", title="T", body="", is_draft=True).number
    with pytest.raises(ForgeError, match=r"(?i)draft"):
        forge.merge_pull(number, sha=change.sha, method=MergeMethod.MERGE)
    assert forge.merge_when_ready(number, sha=change.sha, method=MergeMethod.MERGE) is Merging.BLOCKED


def test_a_closed_one_is_not_merged(ground: Ground) -> None:
    """Merging says so, now and when ready."""
    forge = ground.open()
    change = push(ground.work, "a")
    number = forge.open_pull(head="a", base="main", title="T", body="").number
    forge.close_pull(number)
    with pytest.raises(ForgeError, match=r"(?i)closed"):
        forge.merge_pull(number, sha=change.sha, method=MergeMethod.MERGE)
    with pytest.raises(ForgeError, match=r"(?i)closed"):
        forge.merge_when_ready(number, sha=change.sha, method=MergeMethod.MERGE)
    assert "a" in branches(ground.work)


def test_checks_are_those_of_the_commit(ground: Ground) -> None:
    """The last state of each context counts."""
    forge = ground.open()
    change = push(ground.work, "a")
    assert forge.checks(change.sha) == []
    forge.set_status(change.sha, context="plan", state=CheckState.PENDING, description="planning")
    forge.set_status(
        change.sha, context="plan", state=CheckState.SUCCESS, description="done", url="https://ci.example/1"
    )
    forge.set_status(change.sha, context="lint", state=CheckState.FAILURE, description="x" * 300)
    found = {check.name: (check.state, check.url) for check in ground.open().checks(change.sha)}
    assert found == {"plan": (CheckState.SUCCESS, "https://ci.example/1"), "lint": (CheckState.FAILURE, None)}
