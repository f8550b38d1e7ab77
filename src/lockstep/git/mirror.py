"""Mirrors: bare, partial copies of remote repositories in the cache, one for each URL.

A mirror starts shallow and without file contents; history and contents come when they are asked
for. It is made in a temporary folder and renamed, so a killed run leaves no broken mirror. A lock
that git inherits keeps others out until the last git that writes has ended. One that is damaged all
the same is made anew, by whichever command comes upon it.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from lockstep.errors import BadInput, GitError
from lockstep.git.access import Access
from lockstep.git.command import NETWORK_SECONDS, Repository, check_revision, mask, run_git
from lockstep.regexes import regex
from lockstep.waiting import Deadline

__all__ = ["fetch_history", "fetch_refs", "is_url", "make_mirror", "open_mirror"]

T = TypeVar("T")

_COMMIT = regex(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SCP = regex(r"^(?!-)([\w.~-]+@)?[\w][\w.-]*:(?!:)[^\\]")  # git@host:owner/name.git
_BROKEN = regex(
    r"corrupt|bad object|loose object|not a git repository|shallow (file|line)|unpack-objects|inflate"
)
_EVERYTHING = ("heads", "tags", "lockstep")  # kinds of refs that commits are reached by


def is_url(repository: str) -> bool:
    """Say whether this names a remote repository; BadInput when it is a URL that is not allowed."""
    shown = mask(repository)
    if repository.startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", repository) or not repository:
        raise BadInput(f"{shown!r} is not a repository", fix="name a folder or the URL of a repository")
    if re.match(r"^\w+::", repository):
        raise BadInput(f"{shown} would run a program", fix="use https, ssh or a folder")
    if "://" in repository:
        try:
            parts = urlsplit(repository)
            host = parts.hostname or ""
        except ValueError:
            raise BadInput(f"{shown} is not a URL", fix="check it for typing errors") from None
        if parts.scheme.lower() not in {"https", "http", "ssh", "file"} or host.startswith("-"):
            raise BadInput(f"{shown} cannot be used", fix="use https, ssh or a folder")
        return True
    return bool(_SCP.match(repository)) and not Path(repository).exists()


def open_mirror(
    url: str,
    revision: str,
    cache: Path,
    *,
    access: Access | None = None,
    deadline: Deadline | None = None,
) -> tuple[Repository, str]:
    """Return the mirror of a URL, with the revision fetched, and the revision's commit id.

    ``revision`` is a branch, a tag, ``HEAD``, a commit id (found without the network once it is in
    the mirror) or one of these followed by ``~2`` or ``^``. Raises BadInput when the host has no such
    revision and GitError when the host cannot be reached.
    """
    check_revision(revision)
    mirror = _mirror(url, cache, access, deadline)
    if _COMMIT.fullmatch(revision) and mirror.folder.is_dir() and (commit := _resolve(mirror, revision)):
        return mirror, commit
    return mirror, _fetched(mirror, lambda place, lock: _fetch(place, revision, lock))


def make_mirror(
    url: str, cache: Path, *, access: Access | None = None, deadline: Deadline | None = None
) -> Repository:
    """Return the mirror of a URL as it is, an empty one when there is none; nothing is fetched."""
    mirror = _mirror(url, cache, access, deadline)
    if not mirror.folder.is_dir():
        _fetched(mirror, lambda _, lock: None)
    return mirror


def fetch_refs(mirror: Repository, refs: Mapping[str, str], *, with_history: bool = False) -> None:
    """Fetch the objects of refs, given by name and id, as the host has them."""
    wanted = "".join(f"+{id_}:{_local(ref)}\n" for ref, id_ in refs.items()).encode()

    def fetch(place: Repository, lock: int) -> None:
        depth = _to_the_beginning(place) if with_history else _depth(place)
        _run_fetch(place, (*depth, "--stdin", "origin"), lock, data=wanted)

    _fetched(mirror, fetch)


def fetch_history(mirror: Repository, commit: str) -> None:
    """Complete a shallow mirror with the commits before ``commit``; nothing to do otherwise."""

    def fetch(place: Repository, lock: int) -> None:
        if (place.folder / "shallow").exists():
            _run_fetch(place, ("--unshallow", "origin", commit), lock)
        elif place.folder != mirror.folder:
            _fetch_everything(place, lock)

    _fetched(mirror, fetch)


def _mirror(url: str, cache: Path, access: Access | None, deadline: Deadline | None) -> Repository:
    folder = cache / "repositories" / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.git"
    return Repository(folder=folder, url=url, access=access, mend=_mend, deadline=deadline)


def _mend(mirror: Repository, error: GitError | BadInput) -> bool:
    """Make a mirror anew, with all that its host has, when it is the cause of an error that a reader met."""
    with _locked(mirror.folder) as lock:
        if not _is_broken(mirror, error):
            return False
        _make(mirror, _fetch_everything, lock)
    return True


def _fetched(mirror: Repository, fetch: Callable[[Repository, int], T]) -> T:
    """Fetch into the mirror while nobody else does, into a new one when there is none or it is broken."""
    mirror = replace(mirror, mend=None)
    with _locked(mirror.folder) as lock:
        if not mirror.folder.is_dir():
            return _make(mirror, fetch, lock)
        try:
            return fetch(mirror, lock)
        except (GitError, BadInput) as error:
            if not _is_broken(mirror, error):
                raise
        return _make(mirror, fetch, lock)


def _is_broken(mirror: Repository, error: GitError | BadInput) -> bool:
    """Say whether the mirror itself, not the host or the user, is the cause of an error."""
    if _BROKEN.search(error.problem):
        return True
    check: tuple[str, ...] = ("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
    if isinstance(error, BadInput):
        check = ("rev-parse", "--is-bare-repository")  # the user's mistake, most likely
    try:
        mirror.run(*check, doing="checking the mirror")
    except (GitError, BadInput):
        return True
    return False


def _make(mirror: Repository, fetch: Callable[[Repository, int], T], lock: int) -> T:
    folder = mirror.folder
    mirror.facts.forget()
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}.new-", dir=folder.parent))
    try:
        run_git(("init", "--quiet", "--bare", "--template=", str(fresh)), doing="making a mirror")
        fetched = fetch(replace(mirror, folder=fresh), lock)
        if folder.is_dir():
            shutil.rmtree(folder)
        folder.unlink(missing_ok=True)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return fetched


def _fetch(mirror: Repository, revision: str, lock: int) -> str:
    name, suffix = _split(revision)
    local = _local(name)
    depth = _to_the_beginning(mirror) if suffix else _depth(mirror)
    try:
        _run_fetch(mirror, (*depth, "origin", f"+{name}:{local}"), lock)
    except BadInput as error:
        if not re.fullmatch(r"[0-9a-f]{7,64}", name):
            raise _unknown(mirror, revision, error) from None
        local = _find_commit(mirror, name, lock, error)
    if commit := _resolve(mirror, local + suffix):
        return commit
    raise BadInput(
        f"{mask(mirror.url or '')} has no commit {revision}",
        fix="name a branch, a tag or a full commit id that has been pushed",
    )


def _fetch_everything(mirror: Repository, lock: int) -> None:
    """Fetch all that commits are reached by, with its history: nobody knows which of it is needed."""
    refs = (f"+refs/{kind}/*:refs/lockstep/{kind}/*" for kind in _EVERYTHING)
    _run_fetch(mirror, ("origin", *refs), lock)


def _local(name: str) -> str:
    """The mirror's own ref for what the host calls ``name``."""
    return f"refs/lockstep/{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _depth(mirror: Repository) -> tuple[str, ...]:
    """A new mirror starts shallow, and stays so until somebody asks for the history."""
    is_new = not (mirror.folder / "refs" / "lockstep").is_dir()
    return ("--depth=1",) if is_new or (mirror.folder / "shallow").exists() else ()


def _to_the_beginning(mirror: Repository) -> tuple[str, ...]:
    return ("--unshallow",) if (mirror.folder / "shallow").exists() else ()


def _find_commit(mirror: Repository, name: str, lock: int, error: BadInput) -> str:
    """Look for a commit by part of its id, or one that the host does not hand out by id."""
    depth = _to_the_beginning(mirror)
    refs = ("+refs/heads/*:refs/lockstep/heads/*", "+refs/tags/*:refs/lockstep/tags/*")
    _run_fetch(mirror, (*depth, "origin", *refs), lock)
    commit = _resolve(mirror, name)
    if commit is None:
        raise _unknown(mirror, name, error)
    return commit


def _run_fetch(
    mirror: Repository, arguments: tuple[str, ...], lock: int, *, data: bytes | None = None
) -> None:
    mirror.run(
        *("fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
        *("--no-prune", "--update-shallow", "--filter=blob:none", *arguments),
        doing=f"fetching from {mask(mirror.url or '')}",
        data=data,
        seconds=NETWORK_SECONDS,
        keep_open=(lock,),
    )


def _split(revision: str) -> tuple[str, str]:
    match = re.fullmatch(r"(@|[^@~^:]+)((?:[~^]\d*)*)", revision)
    if match is None:
        raise BadInput(
            f"{revision} cannot be looked up in a remote repository",
            fix="name a branch, a tag or a commit, with ~N or ^ behind it at most",
        )
    name, suffix = match.groups()
    return ("HEAD" if name == "@" else name), suffix


def _resolve(mirror: Repository, revision: str) -> str | None:
    output = mirror.run(
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"),
        doing="looking up a revision",
        allowed=(0, 1, 128),
    )
    return output.decode("ascii").strip() or None


def _unknown(mirror: Repository, revision: str, error: BadInput) -> BadInput:
    """Name what the host does have."""
    with contextlib.suppress(GitError, BadInput):
        listing = mirror.run(
            "ls-remote", "origin", doing="listing branches", seconds=NETWORK_SECONDS
        ).decode()
        names = [
            re.sub(r"^refs/(heads|tags)/", "", line.partition("\t")[2])
            for line in listing.splitlines()
            if "\trefs/heads/" in line or ("\trefs/tags/" in line and not line.endswith("^{}"))
        ]
        if not names:
            return BadInput(f"{mask(mirror.url or '')} has no commits yet", fix="push a first commit")
        known = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        return BadInput(
            f"{mask(mirror.url or '')} has no revision {revision}",
            fix=f"name a full commit id that has been pushed, or one of: {known}",
        )
    return error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Hold the mirror's lock; clear away what a killed run left. Yields the lock's descriptor."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise GitError(
            f"the cache {folder.parent} cannot be written: {error.strerror}",
            fix="name another folder in LOCKSTEP_CACHE",
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.parent.glob(f"{folder.name}.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        for left in (*folder.glob("*.lock"), *folder.glob("refs/lockstep/**/*.lock")):
            left.unlink(missing_ok=True)
        yield lock
    finally:
        os.close(lock)  # git processes that still run hold it on
