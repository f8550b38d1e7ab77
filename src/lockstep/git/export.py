"""The files of one commit in a folder of their own: what a release is built from.

Not ``git archive``, which leaves out what ``.gitattributes`` marks export-ignore and writes into what is
marked export-subst. Line ends and links are those of the repository, whatever the user has configured.
Filters that the user has configured, such as Git LFS, are run. Submodules stay empty and are named.
"""

import os
import re
import tempfile
from pathlib import Path

from lockstep.errors import GitError
from lockstep.git.command import NETWORK_SECONDS, Repository
from lockstep.git.objects import fetch_blobs, list_tree
from lockstep.git.paths import check_paths
from lockstep.values import dataclass

__all__ = ["Exported", "commit_time", "export_commit", "submodules_on_disk"]

_SAME = (
    *("-c", "core.autocrlf=false"),
    *("-c", "core.eol=lf"),
    *("-c", "core.symlinks=true"),
    *("-c", "core.ignoreCase=false"),
    *("-c", f"core.attributesFile={os.devnull}"),
    *("-c", "core.sparseCheckout=false"),
    *("-c", "core.splitIndex=false"),
    *("-c", "core.untrackedCache=false"),
    *("-c", "index.sparse=false"),
    *("-c", "core.protectHFS=true"),
    *("-c", "core.protectNTFS=true"),
)
_FILES = ("100644", "100755")
_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_SIZES = range(100, 1024)  # bytes, by the specification of Git LFS


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """A commit that lies in a folder, and what of it does not."""

    folder: Path
    commit: str
    time: int  # when it was committed, in seconds
    submodules: tuple[str, ...] = ()  # paths of other repositories: empty folders
    pointers: tuple[str, ...] = ()  # paths of Git LFS files whose contents were not fetched


def export_commit(repository: Repository, commit: str, into: Path) -> Exported:
    """Write the files of a commit into an empty folder; the repository's own files stay as they are.

    Raises GitError when git cannot, with what to do about it, and BadInput for a path that leads
    elsewhere.
    """
    doing = f"writing the files of commit {commit[:12]}"
    top = into.resolve()
    entries = [_entry(entry) for entry in list_tree(repository, commit).split(b"\0")[:-1]]
    check_paths((path for _, _, path in entries), commit=commit)
    fetch_blobs(repository, [blob for mode, blob, _ in entries if mode != "160000"], [commit])
    with tempfile.TemporaryDirectory(prefix="lockstep-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        repository.run(*_SAME, "read-tree", commit, doing=doing, environment=index)
        repository.run(
            *(*_SAME, f"--work-tree={top}", "checkout-index", "--all", "--quiet", f"--prefix={top}/"),
            doing=doing,
            environment=index,
            seconds=NETWORK_SECONDS,  # files of Git LFS come from its host
        )
    return Exported(
        folder=top,
        commit=commit,
        time=commit_time(repository, commit),
        submodules=tuple(path for mode, _, path in entries if mode == "160000"),
        pointers=tuple(path for mode, _, path in entries if mode in _FILES and _is_pointer(top / path)),
    )


def commit_time(repository: Repository, commit: str) -> int:
    """When a commit was made by its committer, in seconds since 1970."""
    return repository.facts.once(("time", commit), lambda: _commit_time(repository, commit))


def _commit_time(repository: Repository, commit: str) -> int:
    output = repository.run(
        *("log", "-1", "--no-show-signature", "--format=%ct", commit), doing="reading the commit's time"
    )
    match = re.fullmatch(rb"(\d+)\s*", output)
    if match is None:
        raise GitError(f"commit {commit[:12]} has no time", fix="git fsck, or clone the repository anew")
    return int(match[1])


def submodules_on_disk(repository: Repository) -> tuple[str, ...]:
    """Paths of other repositories that a work tree holds: no part of this one."""
    listing = repository.run("ls-files", "-s", "-z", doing="listing submodules")
    entries = (entry.partition(b"\t") for entry in listing.split(b"\0"))
    return tuple(os.fsdecode(path) for about, _, path in entries if about.startswith(b"160000 "))


def _entry(line: bytes) -> tuple[str, str, str]:
    """Mode, id and path of a line of ``ls-tree``."""
    about, _, path = line.partition(b"\t")
    mode, _, blob = about.decode("ascii").split()
    return mode, blob, os.fsdecode(path)


def _is_pointer(path: Path) -> bool:
    if path.stat().st_size not in _POINTER_SIZES:
        return False
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER
