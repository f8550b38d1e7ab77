"""The commits of a range and the contents of a file over time."""

from pathlib import Path

import pytest

from lockstep.errors import BadInput
from lockstep.git import open_commit
from lockstep.git.log import commits_between, contents_over_time
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer


def test_a_range_has_whole_messages_and_paths(work: Work) -> None:
    """Newest first, with author, date, parents, the message as it was written and the changed paths."""
    base = work.commit("base", a="1", b="1", gone="1")
    work.git("rm", "-q", "gone")
    two = work.commit("feat: two\n\nA body.\n\nBREAKING CHANGE: this\n", a="2", **{"ä b": "1"})
    three = work.commit("empty: nothing changed")
    found = commits_between(work.folder, base)
    assert [entry.sha for entry in found.entries] == [three, two]
    newest, older = found.entries
    assert older.message.rstrip() == "feat: two\n\nA body.\n\nBREAKING CHANGE: this"
    assert (older.subject, older.author, older.parents) == ("feat: two", "Ada", (base,))
    assert older.date == work.git("show", "-s", "--format=%cI", two)
    assert older.paths == {"a", "gone", "ä b"}
    assert newest.paths == set()
    assert not found.is_cut
    assert [entry.sha for entry in commits_between(work.folder, None, two).entries] == [two, base]
    assert commits_between(work.folder, "HEAD").entries == ()


def test_a_merge_lists_what_it_changed_itself(work: Work) -> None:
    """What a branch brings stands with the branch's commits, whose order is before the merge's."""
    base = work.commit("base", a="1\n", b="1\n")
    work.git("checkout", "-qb", "side")
    side = work.commit("side", a="2\n")
    work.git("checkout", "-q", "main")
    main = work.commit("main", c="1\n")
    work.git("merge", "-q", "--no-commit", "side")
    merge = work.commit("merge", b="by the merge\n")
    entries = {entry.sha: entry for entry in commits_between(work.folder, base).entries}
    assert set(entries) == {side, main, merge}
    assert next(iter(entries)) == merge
    assert entries[merge].parents == (main, side)
    assert entries[merge].is_merge
    assert entries[merge].paths == {"b"}
    assert entries[side].paths == {"a"}


def test_odd_messages_and_paths_are_read_as_they_are(work: Work) -> None:
    """Control characters, something like our own separators, and bytes that are no UTF-8."""
    base = work.commit("base")
    work.write("x\ny\x01z")
    work.write("\n0")
    work.write("\n1")
    work.write("\x01" + "a" * 40)
    message = work.folder / ".git/message"
    message.write_bytes(b"fix: \xff\x01\x1b[31m\n\n" + b"a" * 40 + b"\n")
    work.git("add", "-A")
    work.git("commit", "-q", "-F", str(message))
    (entry,) = commits_between(work.folder, base).entries
    assert entry.paths == {"x\ny\x01z", "\n0", "\n1", "\x01" + "a" * 40}
    assert "\x1b[31m" in entry.subject


def test_a_range_that_a_shallow_clone_does_not_hold_whole_is_cut(work: Work, tmp_path: Path) -> None:
    """A range is cut when it reaches the end of the clone, and not when it ends before that."""
    shas = [work.commit(str(number), a=str(number)) for number in range(5)]
    work.git("clone", "-q", "--depth=3", f"file://{work.folder}", str(tmp_path / "shallow"))
    assert commits_between(tmp_path / "shallow", None).is_cut
    assert not commits_between(tmp_path / "shallow", shas[2]).is_cut
    with pytest.raises(BadInput, match="shallow clone"):
        commits_between(tmp_path / "shallow", shas[1])


def test_contents_over_time_follow_the_main_line(work: Work) -> None:
    """Each change of the main line with what the file holds since: a merge as one, a removal as none."""
    work.commit("before", other="1")
    one = work.commit("one", x__a="1")
    work.git("checkout", "-qb", "side")
    work.commit("side 1", x__a="1b")
    work.commit("side 2", x__a="2")
    work.git("checkout", "-q", "main")
    work.commit("unrelated", other="2")
    work.git("merge", "-q", "--no-ff", "-m", "merge of side", "side")
    merge = work.git("rev-parse", "HEAD")
    work.git("rm", "-q", "x/a")
    removed = work.commit("removed")
    again = work.commit("again", x__a="1")
    history = contents_over_time(work.folder, "x/a")
    assert [(c.commit.sha, c.content) for c in history.changes] == [
        (again, b"1"),
        (removed, None),
        (merge, b"2"),
        (one, b"1"),
    ]
    assert history.changes[2].commit.subject == "merge of side"
    assert not history.is_cut
    assert [c.commit.sha for c in contents_over_time(work.folder, "x/a", one).changes] == [one]
    assert len(contents_over_time(work.folder, "x/a", max_changes=2).changes) == 2
    assert contents_over_time(work.folder, "none").changes == ()
    assert contents_over_time(work.folder, "x").changes == ()


def test_a_link_is_no_content(work: Work) -> None:
    """A file that became a symbolic link has no content from then on; its target is not read as one."""
    work.commit("file", a="1")
    (work.folder / "a").unlink()
    (work.folder / "a").symlink_to("elsewhere")
    work.commit("link")
    assert [change.content for change in contents_over_time(work.folder, "a").changes] == [None, b"1"]


def test_the_oldest_content_of_a_shallow_clone_is_marked(work: Work, tmp_path: Path) -> None:
    """The content is right; that it came with that commit is not known, and what came before neither."""
    work.commit("one", a="1")
    work.commit("two", b="1")
    three = work.commit("three", a="3")
    work.git("clone", "-q", "--depth=2", f"file://{work.folder}", str(tmp_path / "shallow"))
    history = contents_over_time(tmp_path / "shallow", "a")
    assert [(c.content, c.is_oldest_known) for c in history.changes] == [(b"3", False), (b"1", True)]
    assert history.changes[0].commit.sha == three
    assert history.is_cut


def test_histories_of_a_remote_repository(served: Work, server: GitServer, cache: Path) -> None:
    """A mirror gets the history and, in one fetch, the contents that are asked for."""
    one = served.commit("one", a="1")
    two = served.commit("two", a="2", b="1")
    served.git("push", "-q", "origin", "main")
    mirror = open_commit(server.url("gitops.git"), "main", cache).repository
    assert [e.sha for e in commits_between(mirror, one, two).entries] == [two]
    before = len(server.requests)
    history = contents_over_time(mirror, "a", two)
    assert [(c.commit.sha, c.content) for c in history.changes] == [(two, b"2"), (one, b"1")]
    assert len([line for line in server.requests[before:] if line.startswith("POST")]) <= 2


def test_a_moved_folder_keeps_the_history_of_its_files(work: Work) -> None:
    """Also when the file changed with the move, when it moved twice, and beside others."""
    ends = ("environments/staging/api/config.yaml", "environments/production/api/config.yaml")
    staging, production = (end.replace("/", "__") for end in ends)
    first = work.commit("first", **{staging: "1", production: "9"})
    second = work.commit("second", **{staging: "2"})
    (work.folder / "old").mkdir()
    work.git("mv", "environments", "old/environments")
    moved = work.commit("moved", **{f"old__{staging}": "2b"})
    third = work.commit("third", **{f"old__{staging}": "3"})
    work.git("mv", "old", "gitops")
    again = work.commit("again")
    found = contents_over_time(work.folder, f"gitops/{ends[0]}")
    assert [(change.commit.sha, change.content) for change in found.changes] == [
        (again, b"3"),
        (third, b"3"),
        (moved, b"2b"),
        (second, b"2"),
        (first, b"1"),
    ]
    other = contents_over_time(work.folder, f"gitops/{ends[1]}")
    assert [change.commit.sha for change in other.changes] == [again, moved, first]


def test_a_service_of_another_name_begins_anew(work: Work) -> None:
    """Versions of one service are none of another's; a copy is no move."""
    work.commit("first", environments__staging__api__config="1")
    work.git("mv", "environments/staging/api", "environments/staging/web")
    renamed = work.commit("renamed")
    found = contents_over_time(work.folder, "environments/staging/web/config")
    assert [change.commit.sha for change in found.changes] == [renamed]
    copied = work.commit("copied", gitops__environments__staging__web__config="1")
    found = contents_over_time(work.folder, "gitops/environments/staging/web/config")
    assert [change.commit.sha for change in found.changes] == [copied]


def test_a_merge_that_brings_a_move_is_followed(work: Work) -> None:
    """Along the first parents, as all of the history is read."""
    first = work.commit("first", environments__staging__api__config="1")
    work.git("checkout", "-qb", "side")
    (work.folder / "gitops").mkdir()
    work.git("mv", "environments", "gitops/environments")
    work.commit("moved")
    work.git("checkout", "-q", "main")
    work.commit("elsewhere", x="1")
    work.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    merge = work.git("rev-parse", "HEAD")
    found = contents_over_time(work.folder, "gitops/environments/staging/api/config")
    assert [change.commit.sha for change in found.changes] == [merge, first]
