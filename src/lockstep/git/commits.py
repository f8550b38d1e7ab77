"""Making commits from contents: without a work tree, in an index of our own.

Objects that no ref reaches are harmless, so a run may be killed anywhere.
"""

import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from lockstep.errors import BadInput
from lockstep.git.command import Ended, Repository, explain_failure
from lockstep.git.objects import keep_blobs, list_tree
from lockstep.git.settings import is_true, settings
from lockstep.values import dataclass

__all__ = [
    "Identity",
    "Made",
    "author_of",
    "clean_message",
    "commit_files",
    "commit_tree",
    "is_ours",
    "make_commit",
    "parents_of",
    "write_blobs",
    "write_entries",
    "write_tree",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who made a change, as commits name them."""

    name: str
    email: str


# Used where neither git's configuration nor its environment variables name anybody. The domain is
# reserved (RFC 2606), so mail to it goes nowhere.
LOCKSTEP = Identity(name="Lockstep", email="lockstep@users.noreply.invalid")


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A commit that was made here, and what it consists of."""

    commit: str
    parent: str | None
    tree: str | None  # None: its parent's
    message: str  # as git has it
    author: Identity | None  # None: whom git would name


log = logging.getLogger(__name__)

_DOING = "making a commit"
_FILES = ("100644", "100755")
_INDEX = (
    *("-c", "core.protectHFS=true"),  # names that another system takes for .git are refused
    *("-c", "core.protectNTFS=true"),
    *("-c", "core.splitIndex=false"),  # would leave a shared index in the repository
    *("-c", "core.untrackedCache=false"),
    *("-c", "index.sparse=false"),
)


def commit_files(
    repository: Repository,
    *,
    parent: str | None,
    changes: Mapping[str, bytes | None],
    message: str,
    author: Identity | None = None,
) -> str:
    """Commit contents on top of ``parent`` (None: a first commit) and return the commit's id.

    ``changes`` maps paths to their new content; None removes a path. Files keep their mode, new ones
    are not executable. No ref is moved. Raises BadInput for a path that leaves the tree, leads into
    ``.git`` or through a link, and for a name that is both file and folder.
    """
    return make_commit(repository, parent=parent, changes=changes, message=message, author=author).commit


def make_commit(
    repository: Repository,
    *,
    parent: str | None,
    changes: Mapping[str, bytes | None],
    message: str,
    author: Identity | None = None,
) -> Made:
    """Commit as ``commit_files`` does, and say what was made."""
    tree = write_tree(repository, parent, changes)
    parents = (parent,) if parent else ()
    files = tree or f"{parent}^{{tree}}"
    commit = commit_tree(repository, files, parents=parents, message=message, author=author)
    return Made(commit=commit, parent=parent, tree=tree, message=clean_message(message), author=author)


def commit_tree(
    repository: Repository,
    tree: str,
    *,
    parents: Iterable[str],
    message: str,
    author: Identity | None = None,
    date: str | None = None,
) -> str:
    """Commit a tree and return the commit's id; no ref is moved.

    The committer is whom git would name, the author too unless given; Lockstep where git knows nobody.
    ``date`` is when the author made it, as git writes it ("1700000000 +0100"); None is now. It is signed
    where ``commit.gpgsign`` asks for it; a key that cannot be used is told, and the host then says whether
    it takes the commit without.
    """
    when = {"GIT_AUTHOR_DATE": date} if date else {}
    configured = settings(repository)

    def make(sign: str) -> Ended:
        return repository.attempt(
            *("commit-tree", sign, tree, *(word for parent in parents for word in ("-p", parent))),
            doing=_DOING,
            data=clean_message(message).encode("utf-8", "replace"),
            environment=_identities(configured, author) | when,
        )

    parents = tuple(parents)
    is_wanted = is_true(configured.get("commit.gpgsign", "false"))
    made = make("--gpg-sign" if is_wanted else "--no-gpg-sign")
    if made.code and is_wanted:
        why = explain_failure(made.errors, doing=_DOING).problem
        log.warning("the commit is not signed, although commit.gpgsign asks for it: %s", why)
        made = make("--no-gpg-sign")
    if made.code:
        raise explain_failure(made.errors, doing=_DOING)
    return made.output.strip()


def write_tree(repository: Repository, base: str | None, changes: Mapping[str, bytes | None]) -> str | None:
    """Write the tree of commit ``base`` with changes and return its id; see ``commit_files``.

    None where it is the tree of ``base``.
    """
    there = _entries(repository, base)
    modes = {path: mode for path, (mode, _) in there.items()}
    _check(changes, modes)
    written = {path: content for path, content in changes.items() if content is not None}
    blobs = dict(zip(written, write_blobs(repository, written.values()), strict=True))
    entries: dict[str, tuple[str, str] | None] = {
        path: None for path in changes if path not in blobs and path in modes
    }
    entries |= {path: (modes.get(path, _FILES[0]), blob) for path, blob in blobs.items()}
    if base is not None and all(there.get(path) == entry for path, entry in entries.items()):
        return None
    return write_entries(repository, base, entries)


def write_entries(
    repository: Repository, base: str | None, entries: Mapping[str, tuple[str, str] | None]
) -> str:
    """Write the tree of commit ``base`` with other entries (mode and id; None removes) and return its id.

    Raises BadInput for a path that cannot be a file's.
    """
    removed = (f"0 {'0' * 40}\t{path}\0" for path, entry in entries.items() if entry is None)
    added = (f"{entry[0]} {entry[1]}\t{path}\0" for path, entry in entries.items() if entry is not None)
    lines = "".join((*removed, *added)).encode("utf-8", "surrogateescape")
    doing = "making a commit"
    with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        if base is not None:
            repository.run(*_INDEX, "read-tree", base, doing=doing, environment=index)
        answer = repository.attempt(
            *_INDEX, "update-index", "-z", "--index-info", doing=doing, data=lines, environment=index
        )
        if unsafe := re.findall(r"^Ignoring path (.*)", answer.errors, re.MULTILINE):
            raise BadInput(
                f"{unsafe[0]!r} is no path for a file", fix="name a file below the root, not in .git"
            )
        if answer.code:
            raise explain_failure(answer.errors, doing=doing)
        # A partial clone has not all that the tree names, and need not fetch it.
        tree = repository.run(*_INDEX, "write-tree", "--missing-ok", doing=doing, environment=index)
    return tree.decode("ascii").strip()


def write_blobs(repository: Repository, contents: Iterable[bytes]) -> list[str]:
    """Store contents with one git process and return their ids, in order."""
    stored = list(contents)
    marked = list(enumerate(stored, 1))
    if not marked:
        return []
    script: list[bytes] = []
    for mark, content in marked:
        script += (b"blob\nmark :%d\ndata %d\n" % (mark, len(content)), content, b"\n")
    script += (b"get-mark :%d\n" % mark for mark, _ in marked)
    ids = repository.run("fast-import", "--quiet", doing="storing files", data=b"".join(script))
    found = ids.decode("ascii").split()
    keep_blobs(repository, dict(zip(found, stored, strict=True)))
    return found


def author_of(repository: Repository) -> Identity:
    """Whom commits made here are by, as git would name them; Lockstep where git knows nobody."""
    names = _identities(settings(repository), None)
    return Identity(name=names["GIT_AUTHOR_NAME"], email=names["GIT_AUTHOR_EMAIL"])


def parents_of(repository: Repository, commit: str) -> list[str]:
    """The parents that a commit names, also those that a shallow clone does not have."""
    text = repository.run("cat-file", "commit", commit, doing=f"reading commit {commit[:12]}")
    header = text.partition(b"\n\n")[0].decode("utf-8", "replace").split("\n")
    return [line.removeprefix("parent ") for line in header if line.startswith("parent ")]


def is_ours(repository: Repository, commit: str) -> bool:
    """Whether a commit is one that could have been made here.

    Where commits are signed, the signature of a key that git trusts; a name can be written by anybody
    who may push. Where they are not, the committer whom git would name.
    """
    configured = settings(repository)
    is_signed = is_true(configured.get("commit.gpgsign", "false"))
    wanted = "%G?" if is_signed else "%cn <%ce>"
    answer = repository.run(
        *("show", "-s", "--no-show-signature", f"--format={wanted}", commit, "--"),
        doing=f"looking who made commit {commit[:12]}",
    )
    found = answer.decode("utf-8", "replace").strip()
    if is_signed:
        return found == "G"
    names = _identities(configured, None)
    return found == f"{names['GIT_COMMITTER_NAME']} <{names['GIT_COMMITTER_EMAIL']}>"


def clean_message(message: str) -> str:
    """A message as git stores it: no NUL, no space around, one line feed at the end."""
    return message.replace("\0", "").strip() + "\n"


def _entries(repository: Repository, base: str | None) -> dict[str, tuple[str, str]]:
    """Return path to mode and id of everything in a tree that is not a folder."""
    if base is None:
        return {}
    listing = list_tree(repository, base)
    entries = listing.decode("utf-8", "surrogateescape").split("\0")[:-1]
    parts = (entry.partition("\t") for entry in entries)
    return {path: (about[:6], about.rpartition(" ")[2]) for about, _, path in parts}


def _check(changes: Mapping[str, bytes | None], modes: Mapping[str, str]) -> None:
    """Refuse what git would take for a wish to replace a link by a file, or a file by a folder."""
    written = [path for path, content in changes.items() if content is not None]
    files = {path for path in modes if path not in changes}.union(written)
    folders = {parent for path in files for parent in _parents(path)}
    for path in written:
        if "\0" in path:
            raise BadInput(f"{path!r} is no path for a file", fix="name a file below the root, not in .git")
        if modes.get(path, _FILES[0]) not in _FILES:
            raise BadInput("is a link or a submodule, not a file", where=path, fix="put a file in its place")
        if path in folders:
            raise BadInput("is a folder, not a file", where=path, fix="choose another name, or remove it")
        for parent in _parents(path):
            if parent in files:
                what = "a file" if modes.get(parent, _FILES[0]) in _FILES else "a link or a submodule"
                raise BadInput(
                    f"{parent} is {what}, not a folder", where=path, fix="put a folder in its place"
                )


def _parents(path: str) -> list[str]:
    """The folders that a path lies in, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _identities(configured: Mapping[str, str | None], author: Identity | None) -> dict[str, str]:
    """Environment variables that name author and committer, so that git need not guess from the host."""

    def identity(role: str) -> Identity:
        """As git looks for it: environment, then configuration."""
        env = os.environ
        name = (
            env.get(f"GIT_{role}_NAME"),
            configured.get(f"{role.lower()}.name"),
            configured.get("user.name"),
        )
        email = (
            *(env.get(f"GIT_{role}_EMAIL"), configured.get(f"{role.lower()}.email")),
            *(configured.get("user.email"), env.get("EMAIL")),
        )
        return Identity(
            name=next(filter(None, map(_plain, name)), LOCKSTEP.name),
            email=next(filter(None, map(_plain, email)), LOCKSTEP.email),
        )

    committer = identity("COMMITTER")
    by = author or identity("AUTHOR")
    return {
        "GIT_AUTHOR_NAME": _plain(by.name) or LOCKSTEP.name,
        "GIT_AUTHOR_EMAIL": _plain(by.email) or LOCKSTEP.email,
        "GIT_COMMITTER_NAME": committer.name,
        "GIT_COMMITTER_EMAIL": committer.email,
    }


def _plain(text: str | None) -> str:
    """A name or address without what git would drop from it; empty when nothing is left."""
    return re.sub(r"[\x00-\x1f\x7f<>]", "", text or "").strip(" .,:;\"'\\")
