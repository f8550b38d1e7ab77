"""Commits between two revisions of the forge's repository."""

import re
from collections.abc import Mapping

from lockstep.errors import BadInput, ForgeError, GitError
from lockstep.forge.base import Commit
from lockstep.forge.local.ledger import BRANCHES, Ledgers
from lockstep.git.remote import list_refs

__all__ = ["between"]

_TAGS = "refs/tags/"
_ID = re.compile(r"[0-9a-f]{7,64}")


def between(ledgers: Ledgers, base: str, head: str, *, most: int) -> list[Commit]:
    """Commits of ``head`` that are not in ``base``, newest first: tags, branches or ids."""
    refs = list_refs(ledgers.remote, BRANCHES, _TAGS)
    found = {name: _find(refs, name) for name in (base, head)}
    ledgers.fetch_history({ref: refs[ref] for ref in found.values() if ref is not None})
    if any(ref is None and not _is_here(ledgers, name) for name, ref in found.items()):
        ledgers.fetch_history(refs)  # an id lies somewhere below the branches and tags
    ids = {name: _commit(ledgers, refs[ref] if ref else name, name) for name, ref in found.items()}
    output = ledgers.repository.run(
        *("log", "-z", f"--max-count={most}", "--topo-order", "--no-color", "--format=%H%x01%an%x01%s"),
        *(ids[head], f"^{ids[base]}", "--"),
        doing=f"listing the commits from {base} to {head}",
    )
    commits = []
    for entry in output.decode("utf-8", "replace").split("\0"):
        if entry.strip():
            sha, author, subject = entry.strip("\n").split("\x01", 2)
            commits.append(Commit(sha=sha, subject=subject, author=author))
    return commits


def _find(refs: Mapping[str, str], name: str) -> str | None:
    """The full name of a tag, a branch or what is given in full already."""
    return next((ref for ref in (name, _TAGS + name, BRANCHES + name) if ref in refs), None)


def _is_here(ledgers: Ledgers, name: str) -> bool:
    if not _ID.fullmatch(name):
        raise _unknown(ledgers, name)
    return (
        ledgers.repository.attempt("cat-file", "-e", f"{name}^{{commit}}", doing="looking for a commit").code
        == 0
    )


def _commit(ledgers: Ledgers, id_: str, name: str) -> str:
    if not _ID.fullmatch(id_):
        raise _unknown(ledgers, name)
    try:
        output = ledgers.repository.run(
            "rev-parse", "--verify", "--end-of-options", f"{id_}^{{commit}}", doing="looking up a revision"
        )
    except (BadInput, GitError):
        raise _unknown(ledgers, name) from None
    return output.decode("ascii").strip()


def _unknown(ledgers: Ledgers, name: str) -> ForgeError:
    return ForgeError(
        f"{ledgers.address} has no {name}", fix="name a tag, a branch or a commit that was pushed"
    )
