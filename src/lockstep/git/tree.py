"""The files of a repository: at a commit without a checkout, or as they lie on disk.

Both follow ``lockstep.model.tree.Tree``: paths are POSIX paths relative to the repository's root,
blob ids name contents, and no symbolic link is ever followed.
"""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from lockstep.errors import BadInput, GitError
from lockstep.git.command import Repository
from lockstep.git.objects import list_tree, read_blobs
from lockstep.git.paths import check_paths

__all__ = ["CommitTree", "WorkTree"]

_HASHED_BYTES = 1_000_000  # larger files are known by size and time, so that packages are not read


class CommitTree:
    """The files of one commit, read with one ``ls-tree`` and one ``cat-file --batch``.

    ``under`` limits it to folders or files, given relative to the root. BadInput for a tree with a
    path that leads elsewhere.
    """

    is_dirty = False

    def __init__(self, repository: Repository, commit: str, *, under: tuple[str, ...] = ()) -> None:
        self.repository = repository
        self.commit: str | None = commit
        self._commit = commit
        blobs: dict[str, str] = {}
        self._links: dict[str, str] = {}
        listing = list_tree(repository, commit, *_prefixes(under))
        for entry in _tokens(listing):
            about, _, path = entry.partition("\t")
            mode, _, rest = about.partition(" ")
            if mode == "120000":
                self._links[path] = rest.partition(" ")[2]
            elif mode != "160000":
                blobs[path] = rest.partition(" ")[2]
        check_paths((*blobs, *self._links), commit=commit)
        self.blobs: Mapping[str, str] = blobs

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Symbolic links and where they point, as text."""
        targets = read_blobs(self.repository, self._links.values(), commit=self._commit)
        return {path: _text(targets[blob]) for path, blob in self._links.items()}

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of files; KeyError for a path that the commit does not have."""
        wanted = {path: self.blobs[path] for path in paths}
        contents = read_blobs(self.repository, wanted.values(), commit=self._commit)
        return {path: contents[blob] for path, blob in wanted.items()}


class WorkTree:
    """The files on disk, with changes that are not committed and new files that are not ignored.

    ``repository`` is None for a folder outside Git; its ``commit`` is None then, as it is before the
    first commit. ``is_dirty`` says whether anything below ``under`` is in no commit. Ids of files
    that git knows to be unchanged come from its index; the others are hashed as git would, files
    over 1 MB by size and time only. Files that a sparse checkout leaves out are part of the tree:
    what is not checked out is not deleted.
    """

    def __init__(self, root: Path, *, repository: Repository | None, under: tuple[str, ...] = ()) -> None:
        self.root = root
        self.repository = repository
        self.commit: str | None = None
        self.is_dirty = True
        blobs: dict[str, str] = {}
        links: dict[str, str] = {}
        self._sparse: dict[str, str] = {}  # files that are in the index and not on disk, on purpose
        prefixes = _prefixes(under)
        if repository is None:
            unknown, algorithm = list(_walk(root, prefixes)), "sha1"
        else:
            unknown, algorithm = self._ask_git(repository, prefixes, blobs)
        for path, descriptor, about in _open_beneath(root, unknown):
            if descriptor is None:
                links[path] = _link_target(root, path)
            else:
                blobs[path] = _blob_id(descriptor, about, algorithm)
        if repository is not None:
            _refuse_odd(root, [path for path in unknown if path not in blobs and path not in links])
        self._sparse = {p: b for p, b in self._sparse.items() if p not in blobs and p not in links}
        blobs.update(self._sparse)
        self.blobs: Mapping[str, str] = blobs
        self.links: Mapping[str, str] = links

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of files as they are now.

        Raises KeyError for a path that was not listed and GitError for one that has gone since.
        """
        wanted = list(dict.fromkeys(paths))
        if unlisted := [path for path in wanted if path not in self.blobs]:
            raise KeyError(unlisted[0])
        contents = {
            path: _read_all(descriptor)
            for path, descriptor, _ in _open_beneath(self.root, wanted)
            if descriptor is not None
        }
        stored = {path: self._sparse[path] for path in wanted if path in self._sparse}
        if stored and self.repository is not None:
            found = read_blobs(self.repository, stored.values(), commit=self.commit or "HEAD")
            contents.update({path: found[blob] for path, blob in stored.items()})
        for path in wanted:
            if path not in contents:
                raise GitError(
                    "the file was removed or replaced while it was read", where=path, fix="run again"
                )
        return {path: contents[path] for path in wanted}

    def _ask_git(
        self, repository: Repository, prefixes: tuple[str, ...], blobs: dict[str, str]
    ) -> tuple[list[str], str]:
        """Fill in what the index knows; return the paths to look at on disk and the hash's name."""
        doing = f"listing the files of {self.root}"
        # -v tells files that a sparse checkout leaves out (S) and files git was told not to look at.
        listing = repository.run("ls-files", "-v", "-s", "-z", "--", *prefixes, doing=doing)
        unknown: list[str] = []
        algorithm = "sha1"
        for entry in _tokens(listing):
            about, _, path = entry.partition("\t")
            tag, mode, blob, _ = about.split(" ")
            algorithm = "sha256" if len(blob) == 64 else "sha1"
            if mode == "160000":
                continue
            if tag == "H" and mode != "120000":
                blobs[path] = blob
            else:
                unknown.append(path)
            if tag in "Ss" and mode != "120000":
                self._sparse[path] = blob
        status = repository.run(
            *("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--no-ahead-behind"),
            *("--untracked-files=all", "--ignore-submodules=all", "--", *prefixes),
            doing=doing,
        )
        self.is_dirty = False
        for entry in _tokens(status):
            if entry.startswith("# "):
                if entry.startswith("# branch.oid ") and not entry.endswith("(initial)"):
                    self.commit = entry.removeprefix("# branch.oid ")
                continue
            self.is_dirty = True
            match entry[0]:
                case "1" if entry[3] == ".":  # staged, and the same on disk
                    continue
                case "1":
                    path = entry.split(" ", 8)[8]
                case "u":
                    path = entry.split(" ", 10)[10]
                case _:
                    path = entry[2:]
            if not path.endswith("/"):  # a repository inside this one
                blobs.pop(path, None)
                unknown.append(path)
        return list(dict.fromkeys(unknown)), algorithm


def _prefixes(under: tuple[str, ...]) -> tuple[str, ...]:
    prefixes = []
    for prefix in under:
        parts = [part for part in prefix.split("/") if part not in ("", ".")]
        if prefix.startswith("/") or ".." in parts:
            raise BadInput(f"{prefix} is not inside the repository", fix="give a path relative to its root")
        if not parts:
            return ()
        prefixes.append("/".join(parts))
    return tuple(prefixes)


def _walk(root: Path, prefixes: tuple[str, ...]) -> Iterator[str]:
    """Yield all files and links of a folder outside Git, without following a link."""
    pending = [""]
    while pending:
        folder = pending.pop()
        for entry in _entries(root, folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name == ".git" or not _touches(path, prefixes):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif _is_under(path, prefixes):
                yield path


def _entries(root: Path, folder: str) -> list["os.DirEntry[str]"]:
    """What a folder holds; nothing when it has gone since it was listed. GitError when it is closed to us."""
    try:
        with os.scandir(root / folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise GitError(
            f"cannot be read: {error.strerror}", where=str(root / folder), fix="check its permissions"
        ) from None


def _is_under(path: str, prefixes: tuple[str, ...]) -> bool:
    return not prefixes or any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


def _touches(path: str, prefixes: tuple[str, ...]) -> bool:
    return _is_under(path, prefixes) or any(prefix.startswith(path + "/") for prefix in prefixes)


_NOT_FOLLOWED = (errno.ELOOP, errno.ENXIO)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not make us wait


def _open_beneath(root: Path, paths: Iterable[str]) -> Iterator[tuple[str, int | None, os.stat_result]]:
    """Open files component by component so that no link is followed, each folder once.

    Yields path, descriptor and stat; the descriptor is None for a symbolic link and is closed when
    the next is asked for. Leaves out what is not there and what is neither a file nor a link.
    """
    folders: list[tuple[str, int]] = [("", os.open(root, _FOLDER & ~os.O_NOFOLLOW))]
    try:
        for path in sorted(paths):
            *parents, name = path.split("/")
            depth = 0
            while (
                depth < len(parents) and depth + 1 < len(folders) and folders[depth + 1][0] == parents[depth]
            ):
                depth += 1
            while len(folders) > depth + 1:
                os.close(folders.pop()[1])
            try:
                for parent in parents[depth:]:
                    folders.append((parent, os.open(parent, _FOLDER, dir_fd=folders[-1][1])))
                about = os.stat(name, dir_fd=folders[-1][1], follow_symlinks=False)
                if stat.S_ISLNK(about.st_mode):
                    yield path, None, about
                    continue
                if not stat.S_ISREG(about.st_mode):
                    continue
                descriptor = os.open(name, _FILE, dir_fd=folders[-1][1])
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if error.errno in _NOT_FOLLOWED:
                    continue
                raise GitError(
                    f"cannot be read: {error.strerror}", where=path, fix="check its permissions"
                ) from None
            try:
                about = os.fstat(descriptor)
                if stat.S_ISREG(about.st_mode):
                    yield path, descriptor, about
            finally:
                os.close(descriptor)
    finally:
        for _, folder in folders:
            os.close(folder)


def _refuse_odd(root: Path, paths: Iterable[str]) -> None:
    """Raise for a tracked path that is now a pipe, a socket or a device: it is not gone, but not a file."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            mode = os.lstat(root / path).st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
                raise BadInput(
                    "is a pipe, a socket or a device", where=path, fix=f"restore it: git checkout -- {path}"
                )


def _blob_id(descriptor: int, about: os.stat_result, algorithm: str) -> str:
    """Git's id of a file's bytes; of a large file an id made from its size and times."""
    if about.st_size > _HASHED_BYTES:
        seen = f"{about.st_size}-{about.st_mtime_ns}-{about.st_ctime_ns}-{about.st_ino}"
        return f"stat-{hashlib.sha256(seen.encode()).hexdigest()[:32]}"
    data = _read_all(descriptor)
    digest = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def _read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read()


def _link_target(root: Path, path: str) -> str:
    try:
        return str((root / path).readlink())
    except OSError:
        return ""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _tokens(output: bytes) -> list[str]:
    return _text(output).split("\0")[:-1]
