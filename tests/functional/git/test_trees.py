"""Trees: the files of a commit and of a working tree."""

import hashlib
import os
from pathlib import Path

import pytest

from lockstep.errors import BadInput, GitError
from lockstep.git import open_commit, open_worktree
from tests.functional.git.conftest import Work


def blob(data: bytes) -> str:
    """Git's id of a file's contents."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def test_a_commit_is_read_without_a_checkout(work: Work, cache: Path) -> None:
    """Names, ids and contents come from the commit, whatever lies on disk now."""
    first = work.commit("one", a__config="1\n", b="2\n")
    work.commit("two", a__config="other\n")
    tree = open_commit(str(work.folder), first, cache)
    assert (tree.commit, tree.is_dirty) == (first, False)
    assert tree.blobs == {"a/config": blob(b"1\n"), "b": blob(b"2\n")}
    assert tree.read(["a/config", "b"]) == {"a/config": b"1\n", "b": b"2\n"}


@pytest.mark.parametrize("rev", ["main", "HEAD", "HEAD~1", "v1", "refs/heads/main"])
def test_every_usual_way_to_name_a_commit_works(work: Work, cache: Path, rev: str) -> None:
    """Branches, tags, annotated ones too, and relative names."""
    work.commit("one", a="1")
    work.git("tag", "-a", "v1", "-m", "tagged")
    work.commit("two", b="1")
    assert "a" in open_commit(str(work.folder), rev, cache).blobs


def test_odd_names_are_read(work: Work, cache: Path) -> None:
    """Spaces, quotes, line feeds, wildcards and other alphabets are names like others."""
    names = ["a b", 'q"uote', "line\nfeed", "star*", ":colon", "-dash", "ünï", "tab\t"]
    for name in names:
        work.write(name, name)
    assert set(open_worktree(work.folder).blobs) == set(names)
    work.commit()
    for tree in (open_commit(str(work.folder), "HEAD", cache), open_worktree(work.folder)):
        assert tree.read(names) == {name: name.encode() for name in names}


def test_contents_that_look_like_the_protocol_are_read(work: Work, cache: Path) -> None:
    """Empty files, NUL bytes and lines like headers do not confuse the batch."""
    work.commit(a="", b="0" * 40 + " blob 3\nabc\n", c="\0\n\0", d="")
    for tree in (open_commit(str(work.folder), "HEAD", cache), open_worktree(work.folder)):
        assert tree.read("abcd") == {"a": b"", "b": b"0" * 40 + b" blob 3\nabc\n", "c": b"\0\n\0", "d": b""}


def test_links_are_told_apart_and_never_followed(work: Work, cache: Path, tmp_path: Path) -> None:
    """A link to a file or a folder is listed with its target, and nothing behind it is listed."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    work.commit(a="1")
    (work.folder / "file").symlink_to("../outside/secret")
    (work.folder / "folder").symlink_to(tmp_path / "outside")
    expected = {"file": "../outside/secret", "folder": str(tmp_path / "outside")}
    assert open_worktree(work.folder).links == expected
    assert set(open_worktree(work.folder).blobs) == {"a"}
    work.commit()
    for tree in (open_worktree(work.folder), open_commit(str(work.folder), "HEAD", cache)):
        assert tree.links == expected
        assert set(tree.blobs) == {"a"}


def test_a_folder_replaced_by_a_link_hides_its_files(work: Work, tmp_path: Path) -> None:
    """A committed folder that is now a link to elsewhere yields the link and no file."""
    work.commit(services__a="1")
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "a").write_text("evil")
    tree = open_worktree(work.folder)
    (work.folder / "services").rename(tmp_path / "old")
    (work.folder / "services").symlink_to(tmp_path / "evil")
    with pytest.raises(GitError, match="services/a: the file was removed or replaced"):
        tree.read(["services/a"])
    again = open_worktree(work.folder)
    assert (dict(again.blobs), set(again.links)) == ({}, {"services"})


def test_a_working_tree_shows_what_lies_on_disk(work: Work) -> None:
    """Changed, staged, new, removed and ignored files are as on disk; ids follow the contents."""
    commit = work.commit(same="1", changed="1", staged="1", gone="1", removed="1")
    assert not open_worktree(work.folder).is_dirty
    work.write("changed", "2")
    work.write("staged", "2")
    work.git("add", "staged")
    work.git("rm", "-q", "removed")
    (work.folder / "gone").unlink()
    work.write("new/file", "3")
    work.write(".gitignore", "ignored\n")
    work.write("ignored", "4")
    tree = open_worktree(work.folder)
    assert (tree.commit, tree.is_dirty) == (commit, True)
    assert tree.blobs == {
        "same": blob(b"1"),
        "changed": blob(b"2"),
        "staged": blob(b"2"),
        "new/file": blob(b"3"),
        ".gitignore": blob(b"ignored\n"),
    }
    assert tree.read(["changed", "new/file"]) == {"changed": b"2", "new/file": b"3"}


def test_a_subfolder_opens_the_whole_repository(work: Work) -> None:
    """Paths are relative to the root wherever one stands."""
    work.commit(deep__er__file="1", top="1")
    tree = open_worktree(work.folder / "deep" / "er")
    assert tree.root == work.folder.resolve()
    assert set(tree.blobs) == {"deep/er/file", "top"}


def test_under_limits_a_tree(work: Work, cache: Path, tmp_path: Path) -> None:
    """Only what lies below the given folders is listed, in Git and outside, and dirt elsewhere is ignored."""
    files = {"syrf__a": "1", "syrfer": "1", "other__b": "1", "lockstep.yaml": "1"}
    work.commit(**files)
    work.write("other/new")
    plain = Work(tmp_path / "plain")
    for name in files:
        plain.write(name.replace("__", "/"))
    under = ("syrf/", "lockstep.yaml")
    trees = [
        open_worktree(work.folder, under=under),
        open_commit(str(work.folder), "HEAD", cache, under=under),
        open_worktree(plain.folder, under=under),
    ]
    assert [set(tree.blobs) for tree in trees] == [{"syrf/a", "lockstep.yaml"}] * 3
    assert not trees[0].is_dirty
    assert set(open_worktree(work.folder, under=(".",)).blobs) > {"syrfer", "other/new"}


@pytest.mark.parametrize("prefix", ["../x", "/etc", "a/../../b"])
def test_under_stays_inside(work: Work, prefix: str) -> None:
    """A prefix that leaves the repository is bad input."""
    with pytest.raises(BadInput, match="not inside the repository"):
        open_worktree(work.folder, under=(prefix,))


def test_a_repository_without_commits_is_read_from_disk(work: Work, cache: Path) -> None:
    """Before the first commit there are files but no commit, and naming one is bad input."""
    work.write("a")
    tree = open_worktree(work.folder)
    assert (tree.commit, tree.is_dirty, set(tree.blobs)) == (None, True, {"a"})
    with pytest.raises(BadInput, match="no commits yet"):
        open_commit(str(work.folder), "HEAD", cache)


def test_a_folder_outside_git_is_walked(tmp_path: Path) -> None:
    """Without a repository the ids are the same as git's, and there is no commit."""
    plain = Work(tmp_path / "plain")
    plain.write("a/b", "1")
    (plain.folder / "l").symlink_to("/etc")
    os.mkfifo(plain.folder / "pipe")
    tree = open_worktree(plain.folder)
    assert (tree.commit, tree.blobs, tree.links) == (None, {"a/b": blob(b"1")}, {"l": "/etc"})
    assert tree.read(["a/b"]) == {"a/b": b"1"}
    with pytest.raises(BadInput, match=r"not a git repository[\s\S]*fix:"):
        open_commit(str(plain.folder), "HEAD", tmp_path)


def test_a_bare_repository_has_commits_but_no_files(work: Work, cache: Path, tmp_path: Path) -> None:
    """A bare repository is read at a revision only, and says so otherwise."""
    work.commit(a="1")
    work.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    assert set(open_commit(str(tmp_path / "bare"), "main", cache).blobs) == {"a"}
    with pytest.raises(BadInput, match=r"bare repository[\s\S]*--rev"):
        open_worktree(tmp_path / "bare")


def test_files_hidden_from_git_are_seen(work: Work) -> None:
    """Sparse files that are absent are taken from the index; files assumed unchanged are looked at."""
    work.commit(a="1", b="1", c="1")
    work.git("update-index", "--skip-worktree", "a", "b")
    work.git("update-index", "--assume-unchanged", "c")
    (work.folder / "a").unlink()
    work.write("c", "2")
    tree = open_worktree(work.folder)
    assert tree.blobs == {"a": blob(b"1"), "b": blob(b"1"), "c": blob(b"2")}


def test_submodules_and_nested_repositories_are_left_out(work: Work, cache: Path) -> None:
    """What belongs to another repository is not listed."""
    work.commit(a="1")
    inner = Work(work.folder / "inner")
    inner.write("x")
    inner.git("init", "-q")
    inner.commit()
    assert set(open_worktree(work.folder).blobs) == {"a"}
    work.commit("adds a submodule entry")
    assert set(open_worktree(work.folder).blobs) == {"a"}
    assert set(open_commit(str(work.folder), "HEAD", cache).blobs) == {"a"}


def test_a_conflict_is_read_as_it_lies_on_disk(work: Work) -> None:
    """During a merge the file with the conflict markers is what there is."""
    work.commit(a="1\n")
    work.git("checkout", "-qb", "side")
    work.commit(a="2\n")
    work.git("checkout", "-q", "main")
    work.commit(a="3\n")
    with pytest.raises(Exception, match="merge"):
        work.git("merge", "side")
    tree = open_worktree(work.folder)
    assert b"<<<<<<<" in tree.read(["a"])["a"]
    assert tree.is_dirty


def test_large_files_are_listed_without_reading_them(work: Work) -> None:
    """A new file over 1 MB gets an id that changes with the file, and its contents when asked."""
    file = work.write("big.zip", "x" * 1_100_000)
    tree = open_worktree(work.folder)
    assert tree.blobs["big.zip"].startswith("stat-")
    assert len(tree.read(["big.zip"])["big.zip"]) == 1_100_000
    file.write_text("y" * 1_100_000)
    assert open_worktree(work.folder).blobs != tree.blobs


def test_an_unknown_file_is_named(work: Work, cache: Path) -> None:
    """Reading what the tree does not have names the path."""
    work.commit(a="1")
    for tree in (open_worktree(work.folder), open_commit(str(work.folder), "HEAD", cache)):
        with pytest.raises(KeyError, match="nope"):
            tree.read(["a", "nope"])


def test_hooks_and_monitors_of_a_repository_do_not_run(work: Work, tmp_path: Path) -> None:
    """A program that the repository's configuration names is never started."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    work.commit(a="1")
    work.git("config", "core.fsmonitor", str(program))
    work.git("config", "diff.external", str(program))
    work.write("a", "2")
    open_worktree(work.folder)
    assert not (tmp_path / "ran").exists()


def test_a_sparse_checkout_leaves_nothing_out(work: Work, cache: Path) -> None:
    """What is not checked out is in the tree all the same, so that nothing counts as deleted."""
    work.commit("one", kept="1\n", preview__file="2\n")
    work.git("sparse-checkout", "set", "--no-cone", "/*", "!/preview")
    assert not (work.folder / "preview").exists()
    tree = open_worktree(work.folder)
    assert tree.read(["preview/file"]) == {"preview/file": b"2\n"}
    assert tree.blobs == open_commit(str(work.folder), "HEAD", cache).blobs
    assert not tree.is_dirty


def test_a_folder_that_goes_while_it_is_listed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside Git a folder may be anybody's, such as /tmp: what vanishes meanwhile is not there."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    listing = os.scandir

    def vanish(path: Path) -> object:
        if Path(path).name == "b":
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", vanish)
    assert set(open_worktree(tmp_path).blobs) == {"a/file"}


def test_a_file_that_became_a_pipe_is_not_taken_for_deleted(work: Work) -> None:
    """It is named; reading on would plan without the target that it declared."""
    work.commit("one", a="1\n")
    (work.folder / "a").unlink()
    os.mkfifo(work.folder / "a")
    with pytest.raises(BadInput, match=r"a: is a pipe[\s\S]*git checkout -- a"):
        open_worktree(work.folder)
