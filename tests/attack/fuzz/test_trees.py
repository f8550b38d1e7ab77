"""Trees of Git with any names, kinds and order: what is read lies below its root, and the rest is refused."""

import hashlib
import zlib
from pathlib import PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.errors import LockstepError
from lockstep.git.command import Repository
from lockstep.git.tree import CommitTree
from tests.attack.fuzz.changing import bounded
from tests.functional.git.conftest import Work, _own_configuration, work

__all__ = ["_own_configuration", "work"]

NAMES = st.sampled_from(
    [
        b"a",
        b"a.yaml",
        b"..",
        b".",
        b".git",
        b".GIT",
        b"",
        b"/",
        b"/tmp/x",
        b"a/b",
        b"\xff",
        b"\n",
        b"\t",
        b"-x",
        b"\xe2\x80\x8c.git",
    ]
) | st.binary(max_size=4).map(lambda data: data.replace(b"\0", b""))
MODES = st.sampled_from(
    [b"100644", b"100755", b"120000", b"160000", b"40000", b"040000", b"0", b"777777", b"x"]
)
ENTRIES = st.lists(st.tuples(MODES, NAMES, st.integers(0, 2)), max_size=4)


def store(work: Work, kind: str, data: bytes) -> bytes:
    """Write an object as a host would send it: nothing looks at what it holds."""
    whole = f"{kind} {len(data)}\0".encode() + data
    digest = hashlib.sha1(whole, usedforsecurity=False)
    file = work.folder / ".git" / "objects" / digest.hexdigest()[:2] / digest.hexdigest()[2:]
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        file.write_bytes(zlib.compress(whole))
    return digest.digest()


def test_what_is_read_lies_below_the_root(work: Work) -> None:
    """Whatever a tree says of its names."""

    @settings(bounded, max_examples=bounded.max_examples // 3)  # each starts git twice
    @given(ENTRIES, ENTRIES)
    def holds(inner: list[tuple[bytes, bytes, int]], outer: list[tuple[bytes, bytes, int]]) -> None:
        blob = store(work, "blob", b"a: 1\n")
        below = store(work, "tree", b"".join(b"%s %s\0%s" % (mode, name, blob) for mode, name, _ in inner))
        ids = (blob, below, bytes(20))  # the last is nowhere
        top = store(
            work, "tree", b"".join(b"%s %s\0%s" % (mode, name, ids[id_]) for mode, name, id_ in outer)
        )
        about = b"tree %s\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nx\n" % top.hex().encode()
        commit = store(work, "commit", about).hex()
        try:
            tree = CommitTree(Repository(folder=work.folder), commit)
            contents, links = tree.read(tree.blobs), tree.links
        except LockstepError:
            return
        assert set(contents) == set(tree.blobs)
        for path in (*contents, *links):
            parts = PurePosixPath(path).parts
            assert not path.startswith("/")
            assert not {"..", ".git"} & {part.lower() for part in parts}

    holds()
