"""Events of pull requests, as GitHub tells workflows of them, and what each means for a preview. No I/O.

Everything in such a document was written by whoever opened the pull request: what is taken from it is
checked for its form here, and nothing of it decides alone. The forge is asked before anything is done.
"""

import re
from enum import StrEnum
from typing import Any

from lockstep.errors import BadInput
from lockstep.model.foreign import read_json
from lockstep.model.labels import has_label
from lockstep.model.paths import value_at
from lockstep.values import dataclass

__all__ = ["Decision", "Event", "Wanted", "decide", "read_event"]

_SHA = re.compile(r"[0-9a-f]{40}\Z")
_APPROVAL = re.compile(r".+:[0-9a-f]{40}\Z", re.DOTALL)
_NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|\Z)|[./]\Z|\A[-./]|\A@\Z")
_MOST = 2_147_483_647
_FIX = "name the file that GitHub Actions writes for the event pull_request"


class Wanted(StrEnum):
    """What an event asks for."""

    UP = "up"
    DOWN = "down"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened to a pull request, and how it was just then."""

    action: str
    number: int
    sha: str  # head commit, 40 hex digits
    base: str  # branch that it goes to
    is_open: bool
    is_fork: bool = False  # its head is in another repository, or in one that is gone
    labels: tuple[str, ...] = ()
    changed: str | None = None  # the label that was added or removed


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What is wanted, and why it is nothing."""

    wanted: Wanted
    words: str = ""


def read_event(text: str, place: str) -> Event:
    """Read the payload of ``pull_request``; ``place`` names where it came from. BadInput for all else."""
    try:
        document: Any = read_json(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise BadInput("is no JSON", where=f"{place}:{line}", fix=_FIX) from None

    def value(*path: str) -> Any:
        return value_at(document, path)

    number, sha, base = value("number"), value("pull_request", "head", "sha"), value("pull_request", "base")
    branch = base.get("ref") if isinstance(base, dict) else None
    state, labels = value("pull_request", "state"), value("pull_request", "labels")
    home = value("pull_request", "base", "repo", "full_name")
    wrong = {
        "action": not isinstance(value("action"), str),
        "number": type(number) is not int or not 0 < number <= _MOST,
        "pull_request.head.sha": not isinstance(sha, str) or not _SHA.match(sha),
        "pull_request.base.ref": not isinstance(branch, str) or not branch or _NO_BRANCH.search(branch),
        "pull_request.base.repo.full_name": not isinstance(home, str) or not home,
        "pull_request.state": state not in ("open", "closed"),
        "pull_request.labels": not isinstance(labels, list)
        or not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in labels),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise BadInput(f"{name} is not what an event of a pull request has", where=place, fix=_FIX)
    changed = value("label", "name")
    return Event(
        action=value("action"),
        number=number,
        sha=sha,
        base=str(branch),
        is_open=state == "open",
        is_fork=value("pull_request", "head", "repo", "full_name") != home,
        labels=tuple(one["name"] for one in labels),
        changed=changed if isinstance(changed, str) else None,
    )


def decide(event: Event, label: str) -> Decision:
    """What an event asks for, where ``label`` gives pull requests a preview.

    A fork's needs a label that names its commit as well; one that never had such a label never had a
    preview, and its event, which runs without credentials, is left alone.
    """
    name = f"pull request #{event.number}"
    approval = f":{event.sha}"
    is_changed = event.changed is not None and has_label([event.changed], label)
    match event.action:
        case "closed":
            wanted = Wanted.DOWN
        case "unlabeled" if is_changed:
            wanted = Wanted.DOWN  # GitHub's own examples still list the label that went
        case "labeled" if is_changed or (event.changed or "").casefold().endswith(approval):
            wanted = Wanted.UP
        case "opened" | "reopened" | "synchronize":
            wanted = Wanted.UP
        case _:
            return Decision(wanted=Wanted.NOTHING, words=f"{name}: this event does not concern its preview")
    if wanted is Wanted.DOWN:
        if event.is_fork and not any(_APPROVAL.match(one.casefold()) for one in event.labels):
            return Decision(wanted=Wanted.NOTHING, words=f"{name} comes from a fork and has no preview")
        return Decision(wanted=wanted)
    if not event.is_open:
        return Decision(wanted=Wanted.NOTHING, words=f"{name} is closed")
    if not has_label(event.labels, label):
        return Decision(wanted=Wanted.NOTHING, words=f"{name} does not carry the label {label}")
    if event.is_fork and not any(one.casefold().endswith(approval) for one in event.labels):
        return Decision(
            wanted=Wanted.NOTHING,
            words=f"{name} comes from a fork, and nobody has approved its commit {event.sha[:12]}",
        )
    return Decision(wanted=wanted)
