"""What people do with plain Git is seen, and stays seen."""

from collections.abc import Callable

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import MergeMethod, PullState
from tests.functional.forge.local.conftest import Place
from tests.functional.forges.ground import branches, content, push

Open = Callable[..., int]


@pytest.mark.parametrize("is_fast_forward", [True, False])
def test_a_head_that_was_merged_by_hand_is_merged(place: Place, opened: Open, is_fast_forward: bool) -> None:
    """By a merge commit or by moving the branch: who did it, when and with which commit is known."""
    change = push(place.work, "a")
    number = opened("a")
    work = place.work
    work.git("checkout", "-q", "-B", "main", "origin/main")
    if not is_fast_forward:
        work.commit("meanwhile", other="1\n")
    work.git("-c", "user.name=Grace", "merge", "-q", "--no-edit", change.sha)
    made = work.git("rev-parse", "HEAD")
    work.commit("afterwards", other="2\n")
    work.git("push", "-q", "origin", "main", ":a")
    for machine in ("one", "two"):
        pull = place.forge(machine).pull(number)
        assert (pull.state, pull.merge_commit) == (PullState.MERGED, made)
        assert pull.merged_by == ("Ada" if is_fast_forward else "Grace")
        assert pull.ended == work.git("show", "-s", "--format=%cI", made)
    assert place.forge().pulls() == []


def test_a_head_that_was_deleted_is_closed_for_good(place: Place, opened: Open) -> None:
    """Its pull request does not open again when the branch comes back; the branch gets another."""
    push(place.work, "a")
    number = opened("a")
    place.work.git("push", "-q", "origin", ":a")
    assert place.forge().pulls() == []
    push(place.work, "a", version="again\n")
    pull = place.forge("two").pull(number)
    assert (pull.state, pull.closed_by) == (PullState.CLOSED, None)
    assert opened("a") == number + 1


def test_a_base_that_was_deleted_closes_it(place: Place, opened: Open) -> None:
    """There is nothing to merge into any more."""
    push(place.work, "release", other="1\n")
    push(place.work, "a", start="origin/main")
    number = opened("a", base="release")
    place.work.git("push", "-q", "origin", ":release")
    assert place.forge().pull(number).state is PullState.CLOSED


def test_who_may_not_write_reads_it_all_the_same(place: Place, opened: Open) -> None:
    """Seeing an end needs no permission to write it down."""
    change = push(place.work, "a")
    number = opened("a")
    place.work.git("push", "-q", "origin", f"{change.sha}:refs/heads/main")
    place.hook("exit 1")
    assert place.forge("reader").pull(number).state is PullState.MERGED
    assert place.forge("reader").pulls() == []


def test_a_head_that_moves_is_followed(place: Place, opened: Open) -> None:
    """The pull request shows the branch as it is, force-pushed or not."""
    push(place.work, "a", version="1\n")
    number = opened("a")
    moved = push(place.work, "a", version="2\n")
    assert place.forge().pull(number).sha == moved.sha
    assert [pull.sha for pull in place.forge().pulls()] == [moved.sha]


def test_only_our_own_branches_are_deleted(place: Place, opened: Open) -> None:
    """A merged head below lockstep/ goes, unless another pull request needs it; others stay."""
    ours, theirs, shared = (push(place.work, name) for name in ("lockstep/a", "b", "lockstep/c"))
    push(place.work, "release", other="1\n")
    forge = place.forge()
    opened("lockstep/c", base="release")
    for change in (ours, theirs, shared):
        number = opened(change.head)
        sha = change.sha
        push(place.work, "main", **{f"x{number}": "1\n"})
        if change.head != "lockstep/a":  # they change the same file
            sha = push(place.work, change.head, **{f"y{number}": "1\n"}).sha
        forge.merge_pull(number, sha=sha, method=MergeMethod.SQUASH)
        assert forge.pull(number).state is PullState.MERGED
    assert branches(place.work) == {"main", "release", "b", "lockstep/c"}


def test_a_folder_of_its_own_is_a_forge_too(place: Place) -> None:
    """A clone without a remote: merging brings the files of the branch that is checked out along."""
    work = place.work
    work.git("remote", "remove", "origin")
    work.git("checkout", "-q", "-B", "main")
    work.git("checkout", "-q", "-b", "lockstep/a")
    sha = work.commit("change", version="1\n")
    work.git("checkout", "-q", "main")
    from lockstep.forge.local import LocalForge

    forge = LocalForge(work.folder, place.machines / "one")
    number = forge.open_pull(head="lockstep/a", base="main", title="A", body="").number
    forge.merge_pull(number, sha=sha, method=MergeMethod.MERGE)
    assert (work.folder / "version").read_text() == "1\n"
    assert work.git("status", "--porcelain") == ""
    assert forge.pull(number).state is PullState.MERGED
    assert work.git("branch", "--list", "lockstep/a") == ""


def test_a_clone_is_the_forge_that_it_came_from(place: Place, opened: Open) -> None:
    """Also a shallow one, whose history is completed before anything is compared."""
    for number in range(3):
        push(place.work, "main", version=f"{number}\n")
    change = push(place.work, "a", start="origin/main~2", other="1\n")
    number = opened("a")
    shallow = place.machines / "shallow"
    place.work.git("clone", "-q", "--depth=1", place.bare.as_uri(), str(shallow))
    from lockstep.forge.local import LocalForge

    forge = LocalForge(shallow, place.machines / "two")
    assert forge.pull(number).conflict is False
    forge.merge_pull(number, sha=change.sha, method=MergeMethod.MERGE)
    assert content(place.work, "other") == "1"
    assert content(place.work, "version") == "2"
    assert not (shallow / "other").exists()


def test_commits_are_counted_in_full(place: Place) -> None:
    """By a machine that has nothing yet, between tags as between an id and a branch."""
    work = place.work
    ids = [work.git("rev-parse", "origin/main")]
    for number in range(4):
        work.git("tag", "-f", f"v{number}", ids[-1])
        ids.append(push(work, "main", version=f"v{number}\n").sha)
    work.git("push", "-q", "origin", "--tags")
    newest = ids[1:4][::-1]
    assert [one.sha for one in place.forge("one").commits("v0", "v3")] == newest
    assert [one.sha for one in place.forge("two").commits(ids[0], "main")] == [ids[4], *newest]
    assert [one.sha for one in place.forge("three").commits("v0", ids[3][:12])] == newest
    assert place.forge("four").commits("main", "v0") == []


def test_a_ledger_that_somebody_broke_is_named(place: Place, opened: Open) -> None:
    """The error says which file, and how to see what changed it."""
    push(place.work, "a")
    number = opened("a")
    work = place.work
    work.git("fetch", "-q", "origin", "refs/lockstep/pulls")
    work.git("checkout", "-q", "--detach", "FETCH_HEAD")
    sha = work.commit("broken", **{"open__1.json": "{}\n"})
    work.git("push", "-q", "origin", f"{sha}:refs/lockstep/pulls")
    with pytest.raises(ForgeError, match=r"refs/lockstep/pulls:open/1.json[\s\S]*fix:"):
        place.forge().pull(number)
