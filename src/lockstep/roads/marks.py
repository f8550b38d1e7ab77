"""The first lines of a manifest: whose it is, what it was made from, and whether somebody has edited it."""

import hashlib
import re

from lockstep.regexes import regex
from lockstep.roads.base import Manifest
from lockstep.roads.writing import text_of
from lockstep.values import dataclass

__all__ = ["Mark", "as_file", "mark_of"]

_FIRST = regex(
    r"# Made by `lockstep render --as (?P<road>[a-z-]+)` for (?P<owner>\S+) of the project "
    r"(?P<project>\S+)\.(?:\n|\Z)"
)
_HEAD = regex(r"(?:#.*\n)*")
_DIGEST = regex(r"^# lockstep:sha256:(?P<digest>[0-9a-f]{64})\n", re.MULTILINE)
_LETS_GO = "# It lets go: `lockstep eject` hands over to another engine, and nothing is written by this one."


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What a file says of itself."""

    road: str
    owner: str
    project: str
    is_edited: bool
    lets_go: bool = False


def as_file(manifest: Manifest, road: str, project: str) -> str:
    """The whole text of a manifest's file."""
    head = [
        f"# Made by `lockstep render --as {road}` for {manifest.owner} of the project {project}.",
        "# Change the declarations and render again; a file that was edited is left alone.",
    ]
    head += [_LETS_GO] if manifest.lets_go else []
    head += [f"# From {path}" for path in manifest.origins]
    head += [f"# {line}" for line in manifest.comment]
    before = "".join(f"{line}\n" for line in head)
    after = text_of(manifest.objects)
    return f"{before}# lockstep:sha256:{_digest(before + after)}\n{after}"


def mark_of(text: str) -> Mark | None:
    """The mark of a file of ours; None for a file of somebody else's."""
    found = _FIRST.match(text)
    if found is None:
        return None
    head = _HEAD.match(text)
    comments = head[0] if head is not None else ""  # as many as the file has origins
    said = _DIGEST.search(comments)
    rest = text if said is None else text[: said.start()] + text[said.end() :]
    return Mark(
        road=found["road"],
        owner=found["owner"],
        project=found["project"],
        is_edited=said is None or _digest(rest) != said["digest"],
        lets_go=f"{_LETS_GO}\n" in comments,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
