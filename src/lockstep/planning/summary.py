"""What a plan says of each target, in the order and the words that people read."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lockstep.model import NOT_ASKED, Change, Health, Obstacle, SyncStatus, Target, TargetPlan, Verb
from lockstep.planning.assess import Assessment, held_verb
from lockstep.planning.diff import is_ignored, is_named_by_tag
from lockstep.planning.graph import own_logs
from lockstep.planning.policy import REMEMBERING, VERSION_TAG
from lockstep.planning.triggers import BucketChange
from lockstep.planning.undeclared import Former

__all__ = ["summarise", "summarise_former", "summarise_held", "summarise_owner"]


def summarise(one: Assessment, buckets: Sequence[BucketChange]) -> TargetPlan:
    """A declared target: its differences, triggers included, and what is in the way."""
    key = one.target.key
    removed = [words for bucket in buckets for words in bucket.removed.get(key, ())]
    added = [words for bucket in buckets for words in bucket.added.get(key, ())]
    if len(removed) == len(added) == 1:
        triggers = [Change(path="trigger", old=removed[0], new=added[0])]
    else:
        triggers = [
            *(Change(path="trigger", old=words) for words in removed),
            *(Change(path="trigger", new=words) for words in added),
        ]
    # What is remembered follows from triggers and resources, which are shown; alone it is shown too.
    remembering = tuple(f"tags.{key}" for key in (*REMEMBERING, *([VERSION_TAG] if one.target.alias else [])))
    shown = [change for change in one.changes if not change.path.startswith(remembering)]
    changes = (*(shown or triggers or one.changes), *(triggers if shown else ()))
    verb = Verb.UPDATE if one.verb is Verb.NOTHING and changes else one.verb
    return TargetPlan(
        target=key,
        verb=verb,
        function=one.wanted.name,
        version=one.target.version,
        changes=(*(_as_version(change) for change in changes), *_left_out(one)),
        status=_status(one, verb, changes),
        health=_health(one),
        problem=one.problem,
        place=one.target.place,
        progress=one.shift.progress,
    )


def _left_out(one: Assessment) -> tuple[Change, ...]:
    """The variables that nobody asked for, so that they look neither empty nor in sync."""
    if not _is_left_out(one):
        return ()
    return (Change(path="environment", old=NOT_ASKED, new=one.wanted.settings.get("environment")),)


def _is_left_out(one: Assessment) -> bool:
    is_ours = not is_ignored("environment", one.target.ignore)
    return is_ours and one.live is not None and one.live.settings.get("environment") == NOT_ASKED


def summarise_held(target: Target, why: Obstacle) -> TargetPlan:
    """A declared target that no engine could look at."""
    return TargetPlan(
        target=target.key,
        verb=held_verb(why),
        function=target.function.name if target.function else None,
        version=target.version,
        problem=why.text,
        place=target.place,
    )


def _status(one: Assessment, verb: Verb, changes: Sequence[Change]) -> SyncStatus:
    """Nobody knows whether a target with something unread is in sync, a tag of an image included."""
    code = one.wanted.code
    if one.target.function is not None and not is_ignored("code", one.target.ignore):
        code = one.target.function.code
    is_tag_unread = is_named_by_tag(code) and code.sha256 is None
    if not one.is_known or ((is_tag_unread or _is_left_out(one)) and not changes):
        return SyncStatus.UNKNOWN
    return SyncStatus.SYNCED if verb is Verb.NOTHING else SyncStatus.OUT_OF_SYNC


def _health(one: Assessment) -> Health:
    progress = one.shift.progress
    if progress is not None and (progress.step or progress.reason) and one.live is not None:
        is_bad = one.live.health in (Health.DEGRADED, Health.MISSING)
        return one.live.health if is_bad else progress.health
    if one.live is not None:
        return one.live.health
    return Health.MISSING if one.is_read else Health.UNKNOWN


def summarise_former(former: Former, buckets: Sequence[BucketChange], problem: str | None) -> TargetPlan:
    """A function that is not declared any more and is to be deleted, or to be read first."""
    function = former.target.function
    if former.target.obstacle is not None:
        return replace(summarise_held(former.target, former.target.obstacle), target=former.key)
    logs = own_logs(former.target)
    return TargetPlan(
        target=former.key,
        verb=Verb.BLOCKED if problem else Verb.DELETE,
        function=function.name if function else None,
        changes=(*_gone(former.key, buckets), *((Change(path="logs", old=logs),) if logs else ())),
        status=SyncStatus.OUT_OF_SYNC,
        health=function.health if function else Health.UNKNOWN,
        problem=problem,
    )


def summarise_owner(key: str, buckets: Sequence[BucketChange]) -> TargetPlan:
    """Entries of a bucket that were made for a target which is gone with its function."""
    return TargetPlan(
        target=key, verb=Verb.DELETE, changes=(*_gone(key, buckets),), status=SyncStatus.OUT_OF_SYNC
    )


def _gone(key: str, buckets: Sequence[BucketChange]) -> Iterator[Change]:
    for bucket in buckets:
        for words in bucket.removed.get(key, ()):
            yield Change(path="trigger", old=words)


def _as_version(change: Change) -> Change:
    return replace(change, path="version") if change.path == "tags.lockstep:version" else change
