"""Writing to a branch: from every kind of repository, with others who write too."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.errors import BadInput, Refused, Rejected
from lockstep.git import (
    Edit,
    RefUpdate,
    Remote,
    Written,
    commit_files,
    fetch,
    head,
    list_refs,
    open_remote,
    push,
    write,
)
from lockstep.model.tree import Tree
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer
from tests.support.waiting import until


def line(text: str, path: str = "list") -> Edit:
    """An edit that adds a line to a file, as long as it is not there."""

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        before = tree.read([path])[path].decode() if path in tree.blobs else ""
        return {} if text in before.split("\n") else {path: f"{before}{text}\n".encode()}

    return edit


@pytest.mark.parametrize("kind", ["clone", "shallow", "partial", "url", "bare", "alone"])
def test_a_branch_is_written_from_every_kind_of_repository(
    shared: Work, server: GitServer, cache: Path, tmp_path: Path, kind: str
) -> None:
    """The commit is on top of the newest one, which no clone has yet, and nothing of the user's moves."""
    url = server.url("gitops.git")
    bare = server.root / "gitops.git"
    shared.git("clone", "-q", "--depth=1", url, str(tmp_path / "shallow"))
    shared.git("clone", "-q", "--filter=blob:none", "--no-checkout", url, str(tmp_path / "partial"))
    shared.git("clone", "-q", url, str(tmp_path / "alone"))
    shared.git("-C", str(tmp_path / "alone"), "remote", "remove", "origin")
    newer = tmp_path / "newer"
    shared.git("clone", "-q", url, str(newer))
    Work(newer).commit("two", other="2\n")
    if kind == "alone":
        shared.git("-C", str(tmp_path / "alone"), "pull", "-q", str(newer), "main")
    Work(newer).git("push", "-q", "origin", "main")
    places = {"clone": shared.folder, "url": url, "bare": bare}
    place = places.get(kind, tmp_path / kind)
    shared.commit("not pushed", list="mine\n")
    before = shared.git("for-each-ref", "refs/heads")
    remote = open_remote(place, cache)
    written = write(remote, "main", line("added"), "Add a line")
    assert written.is_new
    target = tmp_path / "alone" if kind == "alone" else bare
    assert shared.git("-C", str(target), "log", "--format=%H %s", "main").splitlines()[0] == (
        f"{written.commit} Add a line"
    )
    assert shared.git("-C", str(target), "show", "main:list") == "first\nadded"
    assert shared.git("-C", str(target), "show", "main:other") == "2"
    assert shared.git("for-each-ref", "refs/heads") == before
    assert shared.git("status", "--porcelain") == ""
    again = write(remote, "main", line("added"), "Add a line")
    assert (again.commit, again.is_new) == (written.commit, False)


def test_what_ten_write_at_once_all_arrives(
    shared: Work, server: GitServer, cache: Path, tmp_path: Path
) -> None:
    """Everybody's line is in the one file, in a history without forks; clones and mirrors are shared too."""
    url = server.url("gitops.git")
    clones = [tmp_path / f"clone{number}" for number in range(3)]
    for clone in clones:
        shared.git("clone", "-q", url, str(clone))

    def add(number: int) -> Written:
        place = clones[number % 4] if number % 4 < 3 else url
        return write(open_remote(place, cache), "main", line(f"from {number}"), f"Add {number}")

    with ThreadPoolExecutor(10) as pool:
        written = list(pool.map(add, range(10)))
    bare = str(server.root / "gitops.git")
    lines = shared.git("-C", bare, "show", "main:list").split("\n")
    assert sorted(lines) == sorted(["first", *(f"from {number}" for number in range(10))])
    history = shared.git("-C", bare, "log", "--format=%H", "main").split("\n")
    assert set(history[:-1]) == {one.commit for one in written}
    assert shared.git("-C", bare, "rev-list", "--count", "--merges", "main") == "0"
    assert len(history) == 11


def test_processes_that_write_at_once_all_arrive(shared: Work, server: GitServer, cache: Path) -> None:
    """Runs on different machines share nothing but the host."""
    script = (
        "import sys; from pathlib import Path; from lockstep.git import open_remote, write\n"
        "name = sys.argv[3]\n"
        "write(open_remote(sys.argv[1], Path(sys.argv[2]) / name), 'main', lambda tree: {name: b'x'}, name)"
    )
    url = server.url("gitops.git")
    runs = [
        subprocess.Popen([sys.executable, "-c", script, url, str(cache), f"file{number}"])
        for number in range(4)
    ]
    assert [run.wait(60) for run in runs] == [0] * 4
    files = shared.git("-C", str(server.root / "gitops.git"), "ls-tree", "--name-only", "main").split()
    assert files == [*(f"file{number}" for number in range(4)), "list", "other"]


def test_a_branch_is_rebuilt_on_the_head_of_another(shared: Work, server: GitServer, cache: Path) -> None:
    """It is one commit on top of its base: made, left alone when it is that already, and replaced."""
    remote = open_remote(server.url("gitops.git"), cache)

    def promote(text: str, message: str = "Promote") -> Written:
        return write(remote, "lockstep/promote/a", line(text), message, base="main")

    first = promote("v1")
    assert (first.is_new, first.parent) == (True, head(remote, "main"))
    assert promote("v1") == replace(first, is_new=False)
    second = promote("v2")
    assert second.is_new
    assert head(remote, "lockstep/promote/a") == second.commit
    assert shared.git("-C", str(server.root / "gitops.git"), "show", f"{second.commit}:list") == "first\nv2"
    assert promote("v2", "Promote, said better").is_new
    moved = write(remote, "main", line("meanwhile"), "Meanwhile").commit
    third = promote("v2")
    assert (third.is_new, third.parent) == (True, moved)


def test_an_edit_that_changes_nothing_writes_nothing(shared: Work, server: GitServer, cache: Path) -> None:
    """The same content, an absent file removed, or no change at all: no commit, no push, no branch."""
    remote = open_remote(shared.folder, cache)
    now = head(remote, "main")
    edits: list[Mapping[str, bytes | None]] = [{}, {"other": b"1\n"}, {"gone": None}]
    for changes in edits:
        written = write(remote, "main", lambda _, changes=changes: changes, "Nothing")
        assert (written.commit, written.is_new) == (now, False)
        assert not write(remote, "new", lambda _, changes=changes: changes, "Nothing", base="main").is_new
    assert set(list_refs(remote, "refs/heads/")) == {"refs/heads/main"}


def test_a_message_can_say_what_the_edit_found(shared: Work, cache: Path) -> None:
    """It is made anew from the tree that was edited."""
    remote = open_remote(shared.folder, cache)
    written = write(
        remote, "main", line("added"), lambda tree: f"Add to {tree.read(['list'])['list'].decode()}"
    )
    fetch(remote, {"main": written.commit})
    assert shared.git("log", "-1", "--format=%s", written.commit) == "Add to first"


def test_a_branch_that_is_not_there_is_named(shared: Work, cache: Path, server: GitServer) -> None:
    """A typing error does not make a branch; the near ones are named."""
    remote = open_remote(shared.folder, cache)
    with pytest.raises(BadInput, match=r"no branch mian[\s\S]*did you mean main\?"):
        write(remote, "mian", line("added"), "Add")
    with pytest.raises(BadInput, match=r"no branch trunk[\s\S]*name one of: main"):
        write(remote, "new", line("added"), "Add", base="trunk")
    assert head(remote, "mian") is None


@pytest.mark.parametrize("kind", ["clone", "url", "alone"])
def test_a_branch_can_begin_with_what_is_written(
    served: Work, server: GitServer, cache: Path, kind: str
) -> None:
    """Asked for, the first commit makes the branch: in an empty repository, or without a past."""
    remote = open_remote(server.url("gitops.git") if kind == "url" else served.folder, cache)
    if kind == "alone":
        remote = replace(remote, name=None)
    with pytest.raises(BadInput, match="has no commits yet"):
        write(remote, "main", line("first"), "First")
    with pytest.raises(BadInput, match="nothing to commit"):
        write(remote, "main", lambda _: {}, "First", may_create=True)
    first = write(remote, "main", line("first"), "First", may_create=True)
    assert (first.is_new, first.parent) == (True, None)
    second = write(remote, "main", line("second"), "Second", may_create=True)
    assert second.parent == first.commit
    orphan = write(remote, "previews", line("other"), "Previews", may_create=True)
    assert orphan.parent is None
    if kind == "alone":
        assert (served.folder / "list").read_text() == "first\nsecond\n"
        assert served.git("status", "--porcelain") == ""


def test_a_refusal_is_not_tried_again(shared: Work, server: GitServer, cache: Path) -> None:
    """A protected branch refuses once, and the edit is made once."""
    hook = server.root / "gitops.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2; exit 1\n")
    hook.chmod(0o755)
    edits = []

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        edits.append(tree.commit)
        return {"list": b"new\n"}

    with pytest.raises(Refused, match="protected"):
        write(open_remote(shared.folder, cache), "main", edit, "Change")
    assert len(edits) == 1


def test_who_loses_every_race_is_told(shared: Work, server: GitServer, cache: Path) -> None:
    """After the last attempt the error says how often others were faster; nothing of ours is there."""
    remote = open_remote(shared.folder, cache)

    def edit(_: Tree) -> Mapping[str, bytes | None]:
        write(remote, "main", line(f"faster {len(seen)}"), "Be faster")
        seen.append(1)
        return {"list": b"mine\n"}

    seen: list[int] = []
    with pytest.raises(Rejected, match=r"others were faster 2 times in a row[\s\S]*fix:"):
        write(remote, "main", edit, "Too late", attempts=2)
    assert len(seen) == 2
    assert shared.git("-C", str(server.root / "gitops.git"), "show", "main:list").endswith("faster 1")


@pytest.mark.parametrize("kind", ["clone", "url"])
def test_a_run_killed_before_its_push_is_finished_by_the_next(
    shared: Work, server: GitServer, cache: Path, kind: str
) -> None:
    """Killed while the host takes the push: no lock, no ref is left over, and the next run arrives."""
    hook = server.root / "gitops.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch pushed; while [ ! -e over ]; do sleep 0.02; done; exit 1\n")
    hook.chmod(0o755)
    place = str(shared.folder) if kind == "clone" else server.url("gitops.git")
    script = (
        "import sys; from pathlib import Path; from lockstep.git import open_remote, write\n"
        "write(open_remote(sys.argv[1], Path(sys.argv[2])), 'main', lambda tree: {'list': b'new'}, 'Change')"
    )
    run = subprocess.Popen([sys.executable, "-c", script, place, str(cache)], start_new_session=True)
    until((server.root / "gitops.git" / "pushed").exists)
    run.kill()
    run.wait()
    hook.unlink()
    before = shared.git("for-each-ref")
    written = write(open_remote(place, cache), "main", line("added"), "Add a line")
    assert written.is_new
    assert shared.git("for-each-ref", "refs/heads") == "\n".join(
        entry for entry in before.split("\n") if "refs/heads" in entry
    )
    assert not [*shared.folder.rglob("*.lock"), *cache.rglob("*.git/**/*.lock")]
    (server.root / "gitops.git" / "over").touch()


class TestCheckedOut:
    """A repository without a remote, whose branch somebody has checked out."""

    @pytest.fixture
    def alone(self, work: Work, cache: Path) -> Remote:
        """The repository, on main."""
        work.commit("one", list="first\n", other="1\n", folder__deep="1\n")
        return open_remote(work.folder, cache)

    def test_the_files_go_along(self, alone: Remote, work: Work) -> None:
        """Files are changed, made and removed as a checkout would, and nothing looks changed."""
        written = write(
            alone, "main", lambda _: {"list": b"new\n", "a/b": b"x", "folder/deep": None}, "Change"
        )
        assert work.git("rev-parse", "HEAD") == written.commit
        assert work.git("status", "--porcelain", "--branch") == "## main"
        assert (work.folder / "list").read_text() == "new\n"
        assert not (work.folder / "folder").exists()

    def test_changes_in_other_files_stay(self, alone: Remote, work: Work) -> None:
        """What somebody is working on elsewhere, staged or not, is kept."""
        work.write("other", "mine\n")
        work.write("folder/deep", "mine too\n")
        work.git("add", "folder/deep")
        work.write("untracked", "x\n")
        os.utime(work.folder / "list")
        write(alone, "main", line("added"), "Add a line")
        assert work.git("status", "--porcelain").split("\n") == ["M  folder/deep", " M other", "?? untracked"]
        assert (work.folder / "other").read_text() == "mine\n"

    @pytest.mark.parametrize("state", ["changed", "staged", "untracked"])
    def test_changes_in_the_same_file_are_in_the_way(self, alone: Remote, work: Work, state: str) -> None:
        """Nothing is overwritten and nothing is committed; the file is named."""
        path = "new" if state == "untracked" else "list"
        work.write(path, "mine\n")
        if state == "staged":
            work.git("add", path)
        before = work.git("rev-parse", "HEAD"), work.git("status", "--porcelain")
        with pytest.raises(Refused, match=rf"main is checked out.*in the way: {path}[\s\S]*commit or stash"):
            write(alone, "main", lambda _: {path: b"theirs\n", "other": b"2\n"}, "Change")
        assert (work.git("rev-parse", "HEAD"), work.git("status", "--porcelain")) == before
        assert (work.folder / path).read_text() == "mine\n"

    def test_a_file_does_not_take_the_place_of_what_git_does_not_know(
        self, alone: Remote, work: Work
    ) -> None:
        """A folder with new files of somebody's stays."""
        work.write("new/draft", "mine\n")
        with pytest.raises(Refused, match=r"in the way: new"):
            write(alone, "main", lambda _: {"new": b"theirs\n"}, "Change")
        assert (work.folder / "new" / "draft").read_text() == "mine\n"
        assert work.git("status", "--porcelain") == "?? new/"

    def test_a_run_killed_between_files_and_branch_is_finished(self, alone: Remote, work: Work) -> None:
        """The files are there already, staged; the next run commits them."""
        now = work.git("rev-parse", "HEAD")
        lost = commit_files(
            alone.repository, parent=now, changes={"list": b"new\n", "a/b": b"x"}, message="Change"
        )
        work.git("read-tree", "-m", "-u", now, lost)  # as far as the killed run got
        assert work.git("status", "--porcelain") == "A  a/b\nM  list"
        assert write(alone, "main", lambda _: {"list": b"new\n", "a/b": b"x"}, "Change").is_new
        assert work.git("status", "--porcelain") == ""

    def test_another_branch_moves_without_the_files(self, alone: Remote, work: Work) -> None:
        """Only the branch that is checked out has files to change; a detached HEAD has none."""
        write(alone, "promote", line("added"), "Add a line", base="main")
        assert (work.folder / "list").read_text() == "first\n"
        work.git("checkout", "-q", "--detach")
        write(alone, "main", line("added"), "Add a line")
        assert (work.folder / "list").read_text() == "first\n"
        assert work.git("status", "--porcelain") == ""

    def test_a_linked_work_tree_goes_along(self, alone: Remote, work: Work, tmp_path: Path) -> None:
        """The branch may be checked out in another folder; one that is gone does not matter."""
        linked = tmp_path / "linked tree"
        work.git("worktree", "add", "-q", "-b", "side", str(linked))
        write(alone, "side", line("added"), "Add a line")
        assert (linked / "list").read_text() == "first\nadded\n"
        assert work.git("-C", str(linked), "status", "--porcelain") == ""
        assert work.git("status", "--porcelain") == ""
        shutil.rmtree(linked)
        assert write(alone, "side", line("more"), "Add a line").is_new

    def test_it_is_not_removed(self, alone: Remote, work: Work) -> None:
        """A work tree does not lose its branch."""
        now = work.git("rev-parse", "HEAD")
        with pytest.raises(Refused, match="checked out"):
            push(alone, RefUpdate(ref="refs/heads/main", old=now, new=None))

    def test_a_lost_race_leaves_the_files_alone(self, alone: Remote, work: Work) -> None:
        """A ref that is not where it was expected, this one or another, moves no file."""
        repository, now = alone.repository, work.git("rev-parse", "HEAD")
        new = commit_files(repository, parent=now, changes={"list": b"new\n"}, message="Change")
        for updates in (
            (RefUpdate(ref="refs/heads/main", old=new, new=now),),
            (
                RefUpdate(ref="refs/heads/main", old=now, new=new),
                RefUpdate(ref="refs/heads/other", old=new, new=now),
            ),
        ):
            with pytest.raises(Rejected):
                push(alone, *updates)
            assert (work.git("rev-parse", "HEAD"), work.git("status", "--porcelain")) == (now, "")
        with pytest.raises(Refused, match="clashes"):
            push(
                alone,
                RefUpdate(ref="refs/heads/main", old=now, new=new),
                RefUpdate(ref="refs/heads/main/x", old=None, new=now),
            )
        assert (work.git("rev-parse", "HEAD"), work.git("status", "--porcelain")) == (now, "")

    def test_writers_at_once_all_arrive(self, alone: Remote, work: Work) -> None:
        """They take turns with the files, and leave no lock behind."""
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda number: write(alone, "main", line(f"{number}"), f"{number}"), range(6)))
        assert sorted((work.folder / "list").read_text().split()) == [*"012345", "first"]
        assert work.git("status", "--porcelain") == ""
        assert not list((work.folder / ".git").rglob("*lock*"))
