"""Tags: those of this clone with their commits, and those of the repository that it was cloned from."""

from collections.abc import Mapping
from pathlib import Path

from lockstep.git.command import Repository
from lockstep.git.repository import find_repository, resolve_commit
from lockstep.git.settings import remotes, settings
from lockstep.values import dataclass

__all__ = ["Tag", "read_tags", "remote_of", "remote_tags", "takes_no_tags"]

_REMOTE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """One tag of this clone, annotated or not."""

    name: str  # without refs/tags/
    commit: str  # that it points to in the end
    is_reachable: bool  # from the revision that was asked about


def read_tags(repository: Path | Repository, *, prefix: str = "", rev: str = "HEAD") -> tuple[Tag, ...]:
    """Return the tags whose names begin with ``prefix``, by name. BadInput when there is no ``rev``."""
    place = repository if isinstance(repository, Repository) else find_repository(repository)
    commit = resolve_commit(place, rev)
    doing = "reading the tags"
    reached = place.run(
        *("for-each-ref", f"--merged={commit}", "--format=%(refname:strip=2)", "refs/tags/"), doing=doing
    )
    reachable = set(_text(reached).split("\n"))
    listing = place.run("show-ref", "--tags", "--dereference", doing=doing, allowed=(0, 1))
    return tuple(
        Tag(name=name, commit=sha, is_reachable=name in reachable)
        for name, sha in sorted(_peeled(_text(listing), separator=" ").items())
        if name.startswith(prefix)
    )


def remote_of(repository: Repository) -> str | None:
    """Return the remote that this clone is of: ``origin``, or the only one; None when there is none."""
    names = remotes(repository)
    if "origin" in names:
        return "origin"
    return names[0] if len(names) == 1 else None


def remote_tags(repository: Repository, remote: str, *, prefix: str = "") -> Mapping[str, str]:
    """Return the tags that a remote has now, by name, with their commits, over the network.

    Raises GitError or BadInput when the remote cannot be asked.
    """
    listing = repository.run(
        *("ls-remote", "--quiet", "--tags", "--", remote, f"refs/tags/{prefix}*"),
        doing=f"asking {remote} for its tags",
        seconds=_REMOTE_SECONDS,
    )
    return _peeled(_text(listing), separator="\t")


def takes_no_tags(repository: Repository, remote: str) -> bool:
    """Say whether this clone was made with ``--no-tags``, so that a fetch brings none."""
    return settings(repository).get(f"remote.{remote}.tagopt") == "--no-tags"


def _peeled(listing: str, *, separator: str) -> dict[str, str]:
    """Names and commits of ``SHA refs/tags/NAME`` lines; ``NAME^{}``, which follows, is the tagged commit."""
    found: dict[str, str] = {}
    for line in listing.splitlines():
        sha, _, ref = line.partition(separator)
        if ref.startswith("refs/tags/"):
            found[ref.removeprefix("refs/tags/").removesuffix("^{}")] = sha
    return found


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")
