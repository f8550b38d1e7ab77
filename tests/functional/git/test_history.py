"""Changed paths and last changes."""

from pathlib import Path

import pytest

from lockstep.errors import BadInput
from lockstep.git import changed_paths, last_changes, open_commit
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer


def test_changed_paths_between_two_commits(work: Work) -> None:
    """Added, changed, removed and moved paths, both names of a move."""
    first = work.commit(a="1", b="1", c="a long enough text to be seen as moved\n" * 9)
    work.git("rm", "-q", "b")
    work.git("mv", "c", "d")
    second = work.commit(a="2", e="1")
    assert changed_paths(work.folder, first, second) == {"a", "b", "c", "d", "e"}
    assert changed_paths(work.folder, second, second) == set()


def test_changed_paths_up_to_the_working_tree(work: Work) -> None:
    """Without an end the files on disk count, new ones too, ignored and merely touched ones not."""
    first = work.commit(a="1", b="1", _gitignore="x")
    work.write(".git/info/exclude", "ignored\n")
    work.write("a", "2")
    work.write("b", "1").touch()
    work.write("new")
    work.write("ignored")
    assert changed_paths(work.folder / ".git" / "..", first) == {"a", "new"}


def test_everything_counts_when_there_is_nothing_to_compare_with(work: Work) -> None:
    """All zeros and a commit that is gone mean: all paths."""
    work.commit(a="1")
    assert changed_paths(work.folder, "0" * 40) is None
    assert changed_paths(work.folder, "1234567890" * 4) is None


def test_an_unknown_name_is_bad_input(work: Work) -> None:
    """A misspelt branch is named with its neighbour."""
    work.commit(a="1")
    work.git("branch", "staging")
    with pytest.raises(BadInput, match=r"no revision stagin\n  fix: did you mean staging\?"):
        changed_paths(work.folder, "stagin")


@pytest.mark.parametrize("since", ["--output=x", "-p", "a b", "a\nb", ""])
def test_a_revision_is_never_an_option(work: Work, since: str) -> None:
    """What git could take for an option is refused before git sees it."""
    work.commit(a="1")
    with pytest.raises(BadInput, match="is not a revision"):
        changed_paths(work.folder, since)


def test_a_shallow_clone_is_named(work: Work, tmp_path: Path) -> None:
    """A commit that a shallow clone lacks is an error that says so, and how to get it."""
    first = work.commit(a="1")
    work.commit(a="2")
    work.git("clone", "-q", "--depth=1", f"file://{work.folder}", str(tmp_path / "shallow"))
    with pytest.raises(BadInput, match=r"shallow clone[\s\S]*fetch-depth: 0"):
        changed_paths(tmp_path / "shallow", first)


def test_last_changes_finds_the_newest_commit_of_each_key(work: Work) -> None:
    """One pass gives each key the newest commit that touched any of its paths."""
    one = work.commit("one", shared="1", x__a="1", x__b="1")
    two = work.commit("two: a", x__a="2")
    work.commit("three", other="1")
    work.git("rm", "-q", "x/b")
    four = work.commit("four: b removed")
    work.write("x/new")
    found = last_changes(
        work.folder,
        "HEAD",
        {"a": ["x/a"], "b": ["x/b", "shared"], "both": ["shared", "x/a"], "new": ["x/new"], "none": []},
    )
    assert {key: commit.sha for key, commit in found.items()} == {"a": two, "b": four, "both": two}
    assert (found["a"].author, found["a"].subject) == ("Ada", "two: a")
    assert found["a"].date == work.git("show", "-s", "--format=%cI", two)
    assert last_changes(work.folder, one, {"a": ["x/a"]})["a"].sha == one
    assert last_changes(work.folder, "HEAD", {}) == {}


def test_last_changes_sees_who_made_a_merged_change(work: Work) -> None:
    """A merged change belongs to its commit, a change made in the merge itself to the merge."""
    work.commit("base", a="1\n", b="1\n")
    work.git("checkout", "-qb", "side")
    side = work.commit("side", a="2\n")
    work.git("checkout", "-q", "main")
    work.commit("main", c="1\n")
    work.git("merge", "-q", "--no-commit", "side")
    merge = work.commit("merge", b="by the merge\n")
    found = last_changes(work.folder, "main", {"a": ["a"], "b": ["b"]})
    assert {key: commit.sha for key, commit in found.items()} == {"a": side, "b": merge}


def test_last_changes_are_not_invented_in_a_shallow_clone(work: Work, tmp_path: Path) -> None:
    """The oldest commit of a shallow clone seems to add every file; it is not named."""
    work.commit("one", a="1")
    two = work.commit("two", b="1")
    three = work.commit("three", c="1")
    work.git("clone", "-q", "--depth=2", f"file://{work.folder}", str(tmp_path / "shallow"))
    found = last_changes(tmp_path / "shallow", "HEAD", {"a": ["a"], "b": ["b"], "c": ["c"]})
    assert {key: commit.sha for key, commit in found.items()} == {"c": three}
    assert two not in {commit.sha for commit in found.values()}


def test_last_changes_is_bounded(work: Work) -> None:
    """The pass ends after the given number of commits."""
    work.commit("one", a="1")
    for number in range(3):
        work.commit(b=str(number))
    assert last_changes(work.folder, "HEAD", {"a": ["a"]}, max_commits=3) == {}
    assert set(last_changes(work.folder, "HEAD", {"a": ["a"]}, max_commits=4)) == {"a"}


def test_history_of_a_remote_repository(served: Work, server: GitServer, cache: Path) -> None:
    """Both questions work on a mirror, which fetches the history that they need and no contents."""
    one = served.commit("one", a="1", b="1")
    two = served.commit("two", a="2")
    served.git("push", "-q", "origin", "main")
    tree = open_commit(server.url("gitops.git"), "main", cache)
    assert (tree.repository.folder / "shallow").exists()
    assert changed_paths(tree.repository, one, "main") == {"a"}
    found = last_changes(tree.repository, two, {"a": ["a"], "b": ["b"]})
    assert {key: commit.sha for key, commit in found.items()} == {"a": two, "b": one}
    assert changed_paths(tree.repository, "1234567890" * 4, "main") is None
