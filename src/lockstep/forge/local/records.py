"""Pull requests and issues as they are kept: values, and the JSON that is committed.

Pure. Both have numbers of one row, as on GitHub, so they share a type: what has a head is a pull
request.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lockstep.errors import ForgeError
from lockstep.forge.base import MergeMethod, PullState
from lockstep.model.foreign import expect, read_json
from lockstep.model.labels import has_label
from lockstep.values import dataclass

__all__ = ["Auto", "Branches", "Ending", "Note", "Thread", "check_branch", "read_thread", "write_thread"]

_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|\.$|^@$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A comment."""

    marker: str  # who wrote it: the next one with this marker takes its place
    body: str
    author: str
    written: str  # ISO 8601


@dataclass(frozen=True, kw_only=True, slots=True)
class Branches:
    """What a pull request would bring where. ``sha`` is the head as it was seen last."""

    head: str
    base: str
    sha: str
    is_draft: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Auto:
    """The wish to merge as soon as it is allowed."""

    sha: str
    method: MergeMethod
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How it ended."""

    state: PullState  # MERGED or CLOSED
    at: str  # ISO 8601
    by: str | None = None  # None: not known
    commit: str | None = None  # of the base branch that brought a merged head


@dataclass(frozen=True, kw_only=True, slots=True)
class Thread:
    """One pull request, or an issue when it has no branches."""

    number: int
    title: str
    body: str
    author: str
    created: str  # ISO 8601
    labels: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    marker: str | None = None  # of an issue: what wrote it
    branches: Branches | None = None
    auto: Auto | None = None
    ending: Ending | None = None

    def labelled(self, add: Iterable[str], remove: Iterable[str] = ()) -> "Thread":
        """With labels added and others removed, whatever their case; those that stay keep their order."""
        gone = list(remove)
        labels = [label for label in self.labels if not has_label(gone, label)]
        for label in add:
            if not has_label((*labels, *gone), label):
                labels.append(label)
        return replace(self, labels=tuple(labels))

    def noted(self, note: Note) -> "Thread":
        """With a comment, in place of the one of the same marker."""
        if any(old.marker == note.marker for old in self.notes):
            notes = [note if old.marker == note.marker else old for old in self.notes]
            return replace(self, notes=tuple(notes))
        return replace(self, notes=(*self.notes, note))

    def ended(self, ending: Ending) -> "Thread":
        """Ended: nothing will merge it any more."""
        return replace(self, ending=ending, auto=None)


def write_thread(thread: Thread) -> bytes:
    """The JSON of a thread, one key a line, so that Git shows what changed."""
    record: dict[str, Any] = {
        "number": thread.number,
        "title": thread.title,
        "author": thread.author,
        "created": thread.created,
        "labels": list(thread.labels),
        "marker": thread.marker,
    }
    if (branches := thread.branches) is not None:
        record |= {
            "head": branches.head,
            "base": branches.base,
            "sha": branches.sha,
            "draft": branches.is_draft,
        }
    if (auto := thread.auto) is not None:
        record["auto"] = {"sha": auto.sha, "method": auto.method.value, "by": auto.by}
    if (ending := thread.ending) is not None:
        record["ending"] = {
            "state": ending.state.value,
            "at": ending.at,
            "by": ending.by,
            "commit": ending.commit,
        }
    record["body"] = thread.body
    record["comments"] = [
        {"marker": note.marker, "author": note.author, "written": note.written, "body": note.body}
        for note in thread.notes
    ]
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def read_thread(data: bytes, *, where: str) -> Thread:
    """The thread of a JSON text; ForgeError, naming ``where``, when it is not one."""
    try:
        record = read_json(data)
        if not isinstance(record, dict):
            raise TypeError
        return _thread(record)
    except (ValueError, KeyError, TypeError, AttributeError, ForgeError):
        raise ForgeError(
            "this is not a pull request or issue that Lockstep wrote",
            where=where,
            fix="take back the commit that changed it: `git log -p refs/lockstep/pulls` shows them",
        ) from None


def check_branch(name: str) -> str:
    """The name, when it can be a branch's (git-check-ref-format); ForgeError when it cannot."""
    parts = name.split("/")
    is_sound = all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    if not is_sound or name.startswith("-") or _NOT_IN_REFS.search(name):
        raise ForgeError(f"{name!r} cannot be the name of a branch", fix="use letters, digits, - and /")
    return name


def _thread(record: Mapping[str, Any]) -> Thread:
    branches, auto, ending = None, None, None
    if "head" in record:
        branches = Branches(
            head=check_branch(expect(str, record["head"])),
            base=check_branch(expect(str, record["base"])),
            sha=_id(record["sha"]),
            is_draft=expect(bool, record["draft"]),
        )
    if found := record.get("auto"):
        auto = Auto(sha=_id(found["sha"]), method=MergeMethod(found["method"]), by=expect(str, found["by"]))
    if found := record.get("ending"):
        ending = Ending(
            state=PullState(found["state"]),
            at=expect(str, found["at"]),
            by=_optional(found["by"]),
            commit=_id(found["commit"]) if found["commit"] else None,
        )
    return Thread(
        number=expect(int, record["number"]),
        title=expect(str, record["title"]),
        body=expect(str, record["body"]),
        author=expect(str, record["author"]),
        created=expect(str, record["created"]),
        labels=tuple(expect(str, label) for label in expect(list, record["labels"])),
        notes=tuple(
            Note(
                marker=expect(str, note["marker"]),
                body=expect(str, note["body"]),
                author=expect(str, note["author"]),
                written=expect(str, note["written"]),
            )
            for note in expect(list, record["comments"])
        ),
        marker=_optional(record["marker"]),
        branches=branches,
        auto=auto,
        ending=ending,
    )


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise TypeError
    return value


def _optional(value: object) -> str | None:
    return None if value is None else expect(str, value)
