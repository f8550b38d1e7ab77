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


def _write(repository: Path, base: Tree, ours: Tree, theirs: Tree) -> None:
    stream = b""
    for name, tree in (("base", base), ("ours", ours), ("theirs", theirs)):
        start = b"" if name == "base" else b"from refs/heads/base\n"
        stream += f"reset refs/heads/{name}\ncommit refs/heads/{name}\n".encode()
        stream += b"committer A <a@example.org> 1700000000 +0000\ndata 0\n" + start + b"deleteall\n"
        for path, (mode, lines) in tree.items():
            data = f"{path} is not renamed\n".encode() * 12 + lines  # alike enough to be a rename: never
            stream += f"M {mode} inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet", "--force"], input=stream, check=True)


def _files(work: Work, tree: str) -> dict[str, tuple[str, str]]:
    listing = work.git("-c", "core.quotePath=false", "ls-tree", "-r", tree).splitlines()
    return {line.partition("\t")[2]: (line.split()[0], line.split()[2]) for line in listing}


@given(history=_histories())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_merges_what_git_merges(work: Work, history: tuple[Tree, Tree, Tree]) -> None:
    """Where Git finds a conflict there is one, and where it finds none the files are the same."""
    _write(work.folder, *history)
    git = subprocess.run(
        ["git", "merge-tree", "--write-tree", "ours", "theirs"],
        cwd=work.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    merge = three_way(Repository(folder=work.folder), base="base", ours="ours", theirs="theirs")
    assert bool(merge.conflicts) == (git.returncode == 1)
    if not merge.conflicts:
        files = _files(work, "ours")
        for path, entry in merge.changes.items():
            if entry is None:
                del files[path]
            else:
                files[path] = entry.mode, entry.id
        assert files == _files(work, git.stdout.split()[0])


def test_conflicts_are_named(work: Work) -> None:
    """By path, in order; what can be merged is no conflict."""
    plain = "100644"
    lines = b"".join(b"%d\n" % number for number in range(9))
    base = {"both": (plain, lines), "lines": (plain, b"1\n"), "gone": (plain, b"1\n")}
    ours = base | {"both": (plain, b"x\n" + lines), "lines": (plain, b"2\n"), "gone": (plain, b"2\n")}
    theirs = {"both": (plain, lines + b"y\n"), "lines": (plain, b"3\n")}
    _write(work.folder, base, ours, theirs)
    merge = three_way(Repository(folder=work.folder), base="base", ours="ours", theirs="theirs")
    assert merge.conflicts == ("gone", "lines")
    assert set(merge.changes) == {"both"}
    entry = merge.changes["both"]
    assert entry is not None
    assert (work.git("cat-file", "blob", entry.id).encode() + b"\n").endswith(b"x\n" + lines + b"y\n")


@pytest.mark.parametrize("flag", ["--index", "../x"])
def test_odd_names_are_only_names(work: Work, flag: str) -> None:
    """A path that looks like an option stays a path."""
    name = flag.replace("..", "__")
    _write(work.folder, {}, {}, {name: ("100644", b"1\n")})
    merge = three_way(Repository(folder=work.folder), base="base", ours="ours", theirs="theirs")
    assert set(merge.changes) == {name}
