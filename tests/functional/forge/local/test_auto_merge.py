"""Merging when it is ready, without a server that waits."""

from collections.abc import Callable

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import CheckState, MergeMethod, Merging, PullState
from tests.functional.forge.local.conftest import Place
from tests.functional.forges.ground import branches, content, push

Open = Callable[..., int]


def _say(place: Place, sha: str, state: CheckState, *, machine: str = "ci") -> None:
    place.forge(machine).set_status(sha, context="plan", state=state, description="plan")


def _wait(place: Place, number: int, sha: str) -> Merging:
    return place.forge().merge_when_ready(number, sha=sha, method=MergeMethod.SQUASH)


def test_it_waits_for_a_pending_check_and_merges_with_its_success(place: Place, opened: Open) -> None:
    """The status that arrives carries it out, in the name of who wished for it."""
    change = push(place.work, "lockstep/a")
    number = opened("lockstep/a")
    _say(place, change.sha, CheckState.PENDING)
    assert _wait(place, number, change.sha) is Merging.WAITING
    assert _wait(place, number, change.sha) is Merging.WAITING
    pull = place.forge().pull(number)
    assert (pull.state, pull.is_blocked) == (PullState.OPEN, True)
    _say(place, change.sha, CheckState.SUCCESS)
    assert branches(place.work) == {"main"}
    pull = place.forge().pull(number)
    assert (pull.state, pull.merged_by) == (PullState.MERGED, "Ada")
    assert content(place.work, "version") == "lockstep/a"


@pytest.mark.parametrize("look", ["pull", "pulls"])
def test_whoever_looks_carries_it_out(place: Place, opened: Open, look: str) -> None:
    """A success that was written without merging is enough for the next one who reads."""
    change = push(place.work, "lockstep/a")
    number = opened("lockstep/a")
    _say(place, change.sha, CheckState.PENDING)
    assert _wait(place, number, change.sha) is Merging.WAITING
    hook = place.hook('test "$1" = refs/lockstep/statuses')  # who sets statuses may do nothing else
    _say(place, change.sha, CheckState.SUCCESS)
    hook.unlink()
    assert branches(place.work) == {"main", "lockstep/a"}
    if look == "pull":
        assert place.forge("two").pull(number).state is PullState.MERGED
    else:
        assert place.forge("two").pulls() == []
    assert branches(place.work) == {"main"}


def test_a_failed_check_blocks(place: Place, opened: Open) -> None:
    """Nothing is merged until it succeeds and somebody asks again."""
    change = push(place.work, "a")
    number = opened("a")
    _say(place, change.sha, CheckState.FAILURE)
    assert _wait(place, number, change.sha) is Merging.BLOCKED
    assert place.forge().pull(number).is_blocked is True
    _say(place, change.sha, CheckState.SUCCESS)
    assert place.forge().pull(number).state is PullState.OPEN
    assert _wait(place, number, change.sha) is Merging.MERGED


def test_a_head_that_moves_is_not_merged_in_its_place(place: Place, opened: Open) -> None:
    """What was wished for one commit is not done for another."""
    change = push(place.work, "a", version="1\n")
    number = opened("a")
    _say(place, change.sha, CheckState.PENDING)
    assert _wait(place, number, change.sha) is Merging.WAITING
    moved = push(place.work, "a", version="2\n")
    _say(place, change.sha, CheckState.SUCCESS)
    _say(place, moved.sha, CheckState.SUCCESS)
    assert place.forge().pull(number).state is PullState.OPEN
    with pytest.raises(ForgeError, match="its head is"):
        _wait(place, number, change.sha)


def test_a_required_check_has_to_be_there(place: Place, opened: Open) -> None:
    """Before anybody reported it, it is pending; merging by force is refused; other branches are free."""
    forge = place.forge()
    forge.require_checks("main", ["plan"])
    forge.require_checks("main", ["plan"])
    change = push(place.work, "a")
    number = opened("a")
    with pytest.raises(ForgeError, match=r"main requires plan, which is pending[\s\S]*fix:"):
        forge.merge_pull(number, sha=change.sha, method=MergeMethod.SQUASH)
    assert _wait(place, number, change.sha) is Merging.WAITING
    _say(place, change.sha, CheckState.SUCCESS)
    assert place.forge().pull(number).state is PullState.MERGED


def test_a_conflict_that_came_later_is_shown(place: Place, opened: Open) -> None:
    """It stays open, and says that it conflicts; merging names the files."""
    change = push(place.work, "a", version="mine\n")
    number = opened("a")
    _say(place, change.sha, CheckState.PENDING)
    assert _wait(place, number, change.sha) is Merging.WAITING
    push(place.work, "main", version="theirs\n")
    _say(place, change.sha, CheckState.SUCCESS)
    pull = place.forge().pull(number)
    assert (pull.state, pull.conflict) == (PullState.OPEN, True)
    with pytest.raises(ForgeError, match=r"in conflict: version\n"):
        place.forge().merge_pull(number, sha=change.sha, method=MergeMethod.MERGE)


def test_a_protected_branch_blocks(place: Place, opened: Open) -> None:
    """What the server says about it is told; the pull request and its branch stay."""
    change = push(place.work, "lockstep/a")
    number = opened("lockstep/a")
    place.hook('test "$1" != refs/heads/main || { echo "main is for the release team" >&2; exit 1; }')
    with pytest.raises(ForgeError, match=r"main is for the release team[\s\S]*fix:"):
        place.forge().merge_pull(number, sha=change.sha, method=MergeMethod.MERGE)
    assert _wait(place, number, change.sha) is Merging.BLOCKED
    assert place.forge().pull(number).state is PullState.OPEN
    assert branches(place.work) == {"main", "lockstep/a"}


def test_a_server_that_does_not_keep_our_refs_is_told_from_others(place: Place, opened: Open) -> None:
    """The error says which ref was refused."""
    push(place.work, "a")
    place.hook('case "$1" in refs/lockstep/*) exit 1;; esac')
    with pytest.raises(ForgeError, match=r"refs/lockstep/pulls[\s\S]*fix:"):
        opened("a")


def test_merging_again_is_nothing(place: Place, opened: Open) -> None:
    """A run that was killed after the push is repeated without harm."""
    change = push(place.work, "lockstep/a")
    number = opened("lockstep/a")
    for _ in range(2):
        place.forge().merge_pull(number, sha=change.sha, method=MergeMethod.SQUASH)
    place.work.git("fetch", "-q", "origin")
    assert place.work.git("rev-list", "--count", "origin/main") == "2"


def test_a_rebase_keeps_what_commits_say(place: Place, opened: Open) -> None:
    """Each commit is made again with its author, date and message; one that is there already falls away."""
    work = place.work
    first = push(work, "a", a="1\n")
    work.git("cherry-pick", "--allow-empty", "-n", first.sha)
    same = push(work, "main", a="1\n").sha
    second = push(work, "a", start=first.sha, b="1\n")
    work.git("checkout", "-q", "--detach", second.sha)
    by = "--author=Grace <grace@example.org>"
    work.git("commit", "-q", "--amend", by, "--date=1700000000 +0100", "-m", "feat: b\n\nBecause.\n\nRefs: 7")
    head = work.git("rev-parse", "HEAD")
    work.git("push", "-q", "-f", "origin", f"{head}:refs/heads/a")
    number = opened("a")
    place.forge().merge_pull(number, sha=head, method=MergeMethod.REBASE)
    work.git("fetch", "-q", "origin")
    said = work.git("show", "-s", "--format=%P %an <%ae> %ad%n%B", "--date=raw", "origin/main")
    assert said == f"{same} Grace <grace@example.org> 1700000000 +0100\nfeat: b\n\nBecause.\n\nRefs: 7"


def test_a_rebase_of_what_is_on_top_already_moves_the_branch(place: Place, opened: Open) -> None:
    """No commit is made that says what is there."""
    change = push(place.work, "a", a="1\n")
    number = opened("a")
    place.forge().merge_pull(number, sha=change.sha, method=MergeMethod.REBASE)
    pull = place.forge().pull(number)
    assert (pull.state, pull.merge_commit) == (PullState.MERGED, change.sha)


def test_a_squash_keeps_the_text_of_the_one_commit(place: Place, opened: Open) -> None:
    """With its trailers and its author; of several commits their subjects."""
    work = place.work
    change = push(work, "a", a="1\n")
    work.git("checkout", "-q", "--detach", change.sha)
    work.git("commit", "-q", "--amend", "--author=Grace <g@example.org>", "-m", "one\n\nRefs: 7")
    head = work.git("rev-parse", "HEAD")
    work.git("push", "-q", "-f", "origin", f"{head}:refs/heads/a")
    number = opened("a")
    place.forge().merge_pull(number, sha=head, method=MergeMethod.SQUASH)
    work.git("fetch", "-q", "origin")
    assert (
        work.git("show", "-s", "--format=%an%n%B", "origin/main") == f"Grace\nBring a (#{number})\n\nRefs: 7"
    )
    first = push(work, "b", b="1\n")
    second = push(work, "b", start=first.sha, b="2\n")
    number = opened("b")
    place.forge().merge_pull(number, sha=second.sha, method=MergeMethod.SQUASH)
    work.git("fetch", "-q", "origin")
    assert work.git("show", "-s", "--format=%b", "origin/main") == "* Change of b\n* Change of b"
