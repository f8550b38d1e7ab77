"""Mirrors that are damaged: made anew by whichever command comes upon them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.errors import BadInput, GitError, LockstepError
from lockstep.git import open_commit
from lockstep.git.mirror import fetch_history
from lockstep.git.tree import CommitTree
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer


def cut(*patterns: str, to: int = 0, write: bytes = b"") -> Callable[[Path], None]:
    """Cut files of a mirror after so many bytes, and write something behind."""

    def damage(folder: Path) -> None:
        for path in [path for pattern in patterns for path in folder.glob(pattern)]:
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:to] + write)

    return damage


def lose(name: str) -> Callable[[Path], None]:
    """Remove a folder of a mirror."""
    return lambda folder: shutil.rmtree(folder / name)


def replaced(folder: Path) -> None:
    """Put a file where the mirror was."""
    shutil.rmtree(folder)
    folder.write_text("x")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a cut shallow file": cut("shallow", to=17),
    "an empty shallow file": cut("shallow"),
    "a shallow file of zeros": cut("shallow", write=b"\0" * 41),
    "a shallow file that names another commit": cut("shallow", write=b"1" * 40 + b"\n"),
    "an empty HEAD": cut("HEAD"),
    "a cut config": cut("config", write=b"[core\n"),
    "a cut pack": cut("objects/pack/*.pack", to=30),
    "an empty pack": cut("objects/pack/*.pack"),
    "a cut index": cut("objects/pack/*.idx", to=100),
    "no objects": lose("objects"),
    "no refs": lose("refs"),
    "cut refs": cut("refs/lockstep/*", to=5),
    "odd packed refs": lambda folder: (folder / "packed-refs").write_text("odd\n") and None,
    "a file in its place": replaced,
}


@pytest.fixture
def url(served: Work, server: GitServer) -> str:
    """A remote repository with two commits."""
    served.commit("one", a="1", b="1")
    served.commit("two", b="2")
    served.git("push", "-q", "origin", "main")
    return server.url("gitops.git")


def check(tree: CommitTree) -> None:
    """Contents and history are whole."""
    assert tree.read(["a", "b"]) == {"a": b"1", "b": b"2"}
    fetch_history(tree.repository, tree.commit)
    assert len(tree.repository.run("rev-list", tree.commit, doing="reading history").split()) == 2


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("is_known", [False, True])
def test_a_mirror_that_a_run_finds_damaged_is_made_anew(
    url: str, cache: Path, damage: Callable[[Path], None], is_known: bool
) -> None:
    """By the name of a branch, and by the id of a commit that was read before."""
    tree = open_commit(url, "main", cache)
    damage(tree.repository.folder)
    check(open_commit(url, tree.commit if is_known else "main", cache))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_mirror_that_is_damaged_under_a_run_is_made_anew(
    url: str, cache: Path, damage: Callable[[Path], None]
) -> None:
    """A commit that is open already is read to its end."""
    tree = open_commit(url, "main", cache)
    damage(tree.repository.folder)
    check(tree)


def test_a_healthy_mirror_is_kept(url: str, server: GitServer, cache: Path) -> None:
    """Neither a name that is not there nor a host that is away is taken for damage."""
    folder = open_commit(url, "main", cache).repository.folder
    before = folder.stat().st_ino
    for revision in ("nope", "f" * 40, "1234567"):
        with pytest.raises(BadInput):
            open_commit(url, revision, cache)
    server.failing = 503
    with pytest.raises(GitError, match="cannot be reached"):
        open_commit(url, "main", cache)
    assert folder.stat().st_ino == before


def test_a_damaged_mirror_of_a_host_that_is_away_is_an_error(
    url: str, server: GitServer, cache: Path
) -> None:
    """The error is the host's, and the next run mends it."""
    tree = open_commit(url, "main", cache)
    DAMAGES["a cut pack"](tree.repository.folder)
    server.failing = 503
    with pytest.raises(LockstepError, match="cannot be reached"):
        check(open_commit(url, "main", cache))
    server.failing = None
    check(open_commit(url, "main", cache))
