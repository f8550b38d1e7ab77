"""Merging without a work tree, held against Git's own merge."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstep.git.command import Repository
from lockstep.git.merge import three_way
from tests.functional.git.conftest import Work

Tree = Mapping[str, tuple[str, bytes]]  # path -> mode and content

_PATHS = ("a", "a/z", "d", "d/x", "d/y", "ä b", "b")
_LINES = st.lists(st.sampled_from([b"1\n", b"2\n", b"3\n", b"4\n"]), min_size=1, max_size=6).map(b"".join)
_FILES = st.tuples(st.sampled_from(["100644", "100644", "100755", "120000"]), _LINES | st.just(b"\0\n"))


def _is_tree(files: Tree) -> bool:
    return not any(other.startswith(f"{path}/") for path in files for other in files)


_TREES = st.dictionaries(st.sampled_from(_PATHS), _FILES, max_size=5).filter(_is_tree)


@st.composite
def _histories(draw: st.DrawFn) -> tuple[Tree, Tree, Tree]:
    """A tree and two that were made from it, so that most files are alike."""
    base = draw(_TREES)

    def changed() -> Tree:
        files = dict(base)
        for path in draw(st.sets(st.sampled_from(sorted(base)))) if base else ():
            del files[path]
        files |= draw(_TREES)
        return files if _is_tree(files) else base

    return base, changed(), changed()


def _write(repository: Path, *histories: tuple[Tree, Tree, Tree]) -> None:
    """Commits ``base0``, ``ours0`` and ``theirs0``, ``base1`` and so on."""
    stream = b""
    for number, trees in enumerate(histories):
        for name, tree in zip(("base", "ours", "theirs"), trees, strict=True):
            start = b"" if name == "base" else f"from refs/heads/base{number}\n".encode()
            stream += f"reset refs/heads/{name}{number}\ncommit refs/heads/{name}{number}\n".encode()
            stream += b"committer A <a@example.org> 1700000000 +0000\ndata 0\n" + start + b"deleteall\n"
            for path, (mode, lines) in tree.items():
                data = f"{path} is not renamed\n".encode() * 12 + lines  # alike enough to be a rename: never
                stream += f"M {mode} inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet", "--force"], input=stream, check=True)


def _files(work: Work, tree: str) -> dict[str, tuple[str, str]]:
    listing = work.git("-c", "core.quotePath=false", "ls-tree", "-r", tree).splitlines()
    return {line.partition("\t")[2]: (line.split()[0], line.split()[2]) for line in listing}


def _merged_by_git(folder: Path, count: int) -> list[tuple[bool, str]]:
    """Of each history whether Git finds no conflict, and the tree that it made."""
    pairs = "".join(f"ours{number} theirs{number}\n" for number in range(count))
    done = subprocess.run(
        ["git", "merge-tree", "--stdin", "--no-messages"],
        cwd=folder,
        input=pairs.encode(),
        capture_output=True,
        check=True,
    )
    words = done.stdout.split(b"\0")  # of each: whether it is clean, the tree, files in conflict, nothing
    merged: list[tuple[bool, str]] = []
    while words[0]:
        end = words.index(b"", 2)
        merged.append((words[0] == b"1", words[1].decode()))
        words = words[end + 1 :]
    return merged


@given(histories=st.lists(_histories(), min_size=12, max_size=12))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_merges_what_git_merges(work: Work, histories: list[tuple[Tree, Tree, Tree]]) -> None:
    """Where Git finds a conflict there is one, and where it finds none the files are the same."""
    _write(work.folder, *histories)
    by_git = _merged_by_git(work.folder, len(histories))
    assert len(by_git) == len(histories)
    for number, (is_clean, tree) in enumerate(by_git):
        names = {name: f"{name}{number}" for name in ("base", "ours", "theirs")}
        merge = three_way(Repository(folder=work.folder), **names)
        assert bool(merge.conflicts) != is_clean, histories[number]
        if is_clean:
            files = _files(work, names["ours"])
            for path, entry in merge.changes.items():
                if entry is None:
                    del files[path]
                else:
                    files[path] = entry.mode, entry.id
            assert files == _files(work, tree), histories[number]


def test_conflicts_are_named(work: Work) -> None:
    """By path, in order; what can be merged is no conflict."""
    plain = "100644"
    lines = b"".join(b"%d\n" % number for number in range(9))
    base = {"both": (plain, lines), "lines": (plain, b"1\n"), "gone": (plain, b"1\n")}
    ours = base | {"both": (plain, b"x\n" + lines), "lines": (plain, b"2\n"), "gone": (plain, b"2\n")}
    theirs = {"both": (plain, lines + b"y\n"), "lines": (plain, b"3\n")}
    _write(work.folder, (base, ours, theirs))
    merge = three_way(Repository(folder=work.folder), base="base0", ours="ours0", theirs="theirs0")
    assert merge.conflicts == ("gone", "lines")
    assert set(merge.changes) == {"both"}
    entry = merge.changes["both"]
    assert entry is not None
    assert (work.git("cat-file", "blob", entry.id).encode() + b"\n").endswith(b"x\n" + lines + b"y\n")


def test_a_mode_and_the_bytes_of_a_file_are_merged_apart(work: Work) -> None:
    """One side made it executable, the other wrote other bytes: what is no text is no conflict then."""
    plain, executable = "100644", "100755"
    base = {"ours": (plain, b"\0 1\n"), "theirs": (plain, b"\0 1\n"), "alike": (plain, b"\0 1\n")}
    changed = (plain, b"\0 2\n")
    ours = {"ours": (executable, b"\0 1\n"), "theirs": changed, "alike": changed}
    theirs = {"ours": changed, "theirs": (executable, b"\0 1\n"), "alike": (executable, b"\0 2\n")}
    _write(work.folder, (base, ours, theirs))
    merge = three_way(Repository(folder=work.folder), base="base0", ours="ours0", theirs="theirs0")
    assert merge.conflicts == ()
    for path, entry in merge.changes.items():
        assert entry is not None
        assert entry.mode == executable
        changed_by = "ours0" if path == "theirs" else "theirs0"
        assert entry.id == work.git("rev-parse", f"{changed_by}:{path}").strip()
    assert set(merge.changes) == {"ours", "theirs", "alike"}


@pytest.mark.parametrize("flag", ["--index", "../x"])
def test_odd_names_are_only_names(work: Work, flag: str) -> None:
    """A path that looks like an option stays a path."""
    name = flag.replace("..", "__")
    _write(work.folder, ({}, {}, {name: ("100644", b"1\n")}))
    merge = three_way(Repository(folder=work.folder), base="base0", ours="ours0", theirs="theirs0")
    assert set(merge.changes) == {name}
