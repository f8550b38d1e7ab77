"""Which previews go, and which are warned first.

Nothing goes because it was not seen: a preview is removed when the forge says of its own pull request
that it is closed, or when its time is over and its pull request was told so long enough before.
"""

import datetime
import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from lockstep.model import Fleet
from lockstep.model.labels import has_label
from lockstep.model.preview import Preview, PreviewPolicy, PullSeen, StoredObject
from lockstep.model.target import is_preview
from lockstep.planning.notifications import LAMBDA, owner_of
from lockstep.planning.policy import FREE_DELETES, FREE_SHARE
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = [
    "Fate",
    "Judged",
    "ends_at",
    "judge",
    "leftovers",
    "number_of",
    "removal_problem",
    "stale_packages",
]

_OF_PULL = regex(r"preview/pr-([1-9][0-9]{0,9})/.+")


class Fate(StrEnum):
    """What becomes of a preview."""

    KEEP = "keep"
    WARN = "warn"
    REMOVE = "remove"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One preview, what becomes of it and why."""

    preview: Preview
    fate: Fate
    why: str
    ends: datetime.datetime | None = None  # when its time is over


def ends_at(preview: Preview, policy: PreviewPolicy) -> datetime.datetime | None:
    """When the time of a preview is over: its time to live after its last change, and never sooner after
    the warning than the policy promises. None when it lives as long as its pull request.
    """
    ttl = preview.ttl if preview.ttl is not None else policy.ttl
    since = preview.updated or preview.created
    if ttl is None or since is None:
        return None
    end = datetime.datetime.fromisoformat(since) + datetime.timedelta(seconds=ttl)
    if preview.warned is None:
        return end
    warned = datetime.datetime.fromisoformat(preview.warned)
    return max(end, warned + datetime.timedelta(seconds=_warn(preview, policy)))


def judge(
    previews: Iterable[Preview],
    pulls: Mapping[int, PullSeen],
    policy: PreviewPolicy,
    now: datetime.datetime,
) -> tuple[Judged, ...]:
    """Say what becomes of each preview. One whose pull request was not seen stays."""
    return tuple(_judge(preview, pulls.get(preview.number), policy, now) for preview in previews)


def _judge(preview: Preview, pull: PullSeen | None, policy: PreviewPolicy, now: datetime.datetime) -> Judged:
    end = ends_at(preview, policy)
    if pull is None:
        why = "its pull request could not be looked at"
        return Judged(preview=preview, fate=Fate.KEEP, why=why, ends=end)
    if not pull.is_open:
        return Judged(preview=preview, fate=Fate.REMOVE, why=f"its pull request is {pull.state}", ends=end)
    if policy.label is not None and not has_label(pull.labels, policy.label):
        why = f"its pull request does not carry the label {policy.label}"
        return Judged(preview=preview, fate=Fate.REMOVE, why=why, ends=end)
    if end is not None and preview.warned is not None and now >= end:
        return Judged(preview=preview, fate=Fate.REMOVE, why="its time is over", ends=end)
    if end is not None and preview.warned is None:
        soon = end - datetime.timedelta(seconds=_warn(preview, policy))
        if now >= soon:
            return Judged(preview=preview, fate=Fate.WARN, why="its time is nearly over", ends=end)
    return Judged(preview=preview, fate=Fate.KEEP, why="its pull request is open", ends=end)


def _warn(preview: Preview, policy: PreviewPolicy) -> int:
    """Seconds between warning and end: never longer than half of the life, or the first day would warn."""
    ttl = preview.ttl if preview.ttl is not None else policy.ttl
    return min(policy.warn, (ttl or 0) // 2)


def removal_problem(removed: int, all_of_them: int, opened: int, allowed: int | None) -> str | None:
    """Why this many folders may not go in one run, or None when they may.

    ``opened`` is how many open pull requests the forge has listed: with none, everything would seem to
    be over, so that is asked for by number.
    """
    if not removed:
        return None
    most = max(FREE_DELETES, int(all_of_them * FREE_SHARE))
    if allowed is not None:
        most = allowed
    elif not opened:
        return (
            f"the forge lists no open pull request at all, and {removed} of {all_of_them} previews would be "
            f"removed; when that is right: --allow-deletes {removed}"
        )
    if removed <= most:
        return None
    return (
        f"{removed} of {all_of_them} previews would be removed and {most} are allowed in one run; "
        f"look at the list, then run again with --allow-deletes {removed}"
    )


def leftovers(desired: Fleet, live: Fleet) -> tuple[str, ...]:
    """Targets of previews that nobody declares, of which a function or an entry of a bucket is still there.

    Only what carries this project's tags or ids. A target that is declared is left to its sync.
    """
    found = {target.key for target in live.others.values()}
    for bucket in live.buckets.values():
        for entry in bucket.raw.get(LAMBDA, ()):
            project, owner = owner_of(str(entry.get("Id", ""))) or ("", "")
            if project == desired.project:
                found.add(owner)
    return tuple(sorted(key for key in found - desired.targets.keys() if is_preview(key)))


def number_of(key: str) -> int | None:
    """The pull request of a preview's target; None for a name that no preview of ours has."""
    found = _OF_PULL.fullmatch(key)
    return int(found[1]) if found is not None else None


def stale_packages(
    objects: Iterable[StoredObject],
    template: str,
    kept: Collection[str],
    *,
    now: datetime.datetime,
    days: int,
    newest: int,
) -> tuple[StoredObject, ...]:
    """Staged packages that nobody needs any more: not among the ``kept`` digests, older than ``days``, and
    not one of the ``newest`` ones that lie side by side.

    Only keys that ``packages.key`` makes count; what else lies there is somebody's.
    """
    pattern = _pattern(template)
    before = now - datetime.timedelta(days=days)
    siblings: dict[str, list[tuple[str, StoredObject]]] = {}
    for one in objects:
        match = pattern.fullmatch(one.key)
        if match is not None:
            beside = one.key.replace(match["sha256"], "")
            siblings.setdefault(beside, []).append((match["sha256"], one))
    stale = []
    for group in siblings.values():
        group.sort(key=lambda pair: pair[1].modified, reverse=True)
        stale += [one for digest, one in group[newest:] if digest not in kept and one.modified < before]
    return tuple(sorted(stale, key=lambda one: one.key))


def _pattern(template: str) -> re.Pattern[str]:
    """What keys of ``packages.key`` look like."""
    parts = re.split(r"(\{[a-z0-9]+\})", template)
    has_digest = False
    text = ""
    for part in parts:
        if part == "{sha256}":
            text += "(?P=sha256)" if has_digest else "(?P<sha256>[0-9a-f]{64})"
            has_digest = True
        elif part.startswith("{") and part.endswith("}"):
            text += "[^/]+"
        else:
            text += re.escape(part.replace("{{", "{").replace("}}", "}"))
    return re.compile(text)
