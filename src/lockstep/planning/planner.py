"""Desired and live fleet to Plan: which steps, in which order, and why some targets must wait.

The pipeline: assess each target (may it be touched? what differs?), find what is no longer
declared, work out one change for each bucket, then lay the steps out as a graph. A target that is
blocked anywhere contributes no step at all; the others go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockstep.model import (
    Change,
    Fleet,
    Health,
    Plan,
    SyncStatus,
    Target,
    TargetPlan,
    Verb,
    select,
)
from lockstep.planning.assess import Assessment, assess
from lockstep.planning.fingerprint import fingerprint
from lockstep.planning.layout import Layout
from lockstep.planning.notifications import owner_of
from lockstep.planning.policy import BUCKETS_TAG, Rules, deletion_problem, is_prunable
from lockstep.planning.triggers import BucketChange, Wish, change_bucket

__all__ = ["make_plan"]


def make_plan(desired: Fleet, live: Fleet, rules: Rules, *, engine: str = "aws") -> Plan:
    """Say what has to be done so that the live fleet becomes the desired one.

    ``desired`` is the whole project with references resolved and packages known; its ``selection``
    says what is to be compared. ``live`` holds what was read for it.
    """
    assessed = {
        key: assess(target, live.targets.get(key), desired, live, rules)
        for key in desired.selected()
        for target in [desired.targets[key]]
        if target.function is not None
    }
    gone, notes = _undeclared(desired, live, rules)
    guard = deletion_problem(rules, len(gone), desired, len(live.others))

    # A target that one bucket refuses is served by none, so the others are worked out again.
    while True:
        buckets = _bucket_changes(desired, live, assessed, gone)
        refused = {key: why for change in buckets for key, why in change.problems.items()}
        if not refused:
            break
        for key, why in refused.items():
            assessed[key] = replace(assessed[key], verb=Verb.BLOCKED, problem=why)

    layout = Layout()
    for one in assessed.values():
        layout.add_target(one, live)
    layout.add_buckets(buckets, assessed, live)
    for key, (_, other) in gone.items():
        layout.add_delete(key, other, buckets)

    return Plan(
        engine=engine,
        project=desired.project,
        commit=desired.commit,
        fingerprint=fingerprint(live),
        targets=(
            *(_summary(one, buckets) for one in assessed.values()),
            *(
                TargetPlan(
                    target=key,
                    verb=Verb.DELETE,
                    function=other.function.name if other.function else None,
                    status=SyncStatus.OUT_OF_SYNC,
                    health=other.function.health if other.function else Health.UNKNOWN,
                    changes=tuple(
                        Change(path="trigger", old=words)
                        for change in buckets
                        for words in change.removed.get(owner, ())
                        if owner not in desired.targets
                    ),
                )
                for key, (owner, other) in gone.items()
            ),
        ),
        steps=tuple(layout.steps),
        problems=(guard,) if guard else (),
        notes=(*live.notes, *notes),
        selection=desired.selection,
    )


def _undeclared(
    desired: Fleet, live: Fleet, rules: Rules
) -> tuple[dict[str, tuple[str, Target]], tuple[str, ...]]:
    """Functions of this project that nothing declares: which are deleted, and notes on the rest.

    The result's keys are targets, made unique by the function's name after a rename.
    """
    gone: dict[str, tuple[str, Target]] = {}
    notes: list[str] = []
    for _, other in sorted(live.others.items()):
        function = other.function
        if function is None or not select([other.key], desired.selection):
            continue
        key = other.key
        if key in desired.targets or key in gone:
            key = f"{key} (former {function.name})"
        if is_prunable(rules.project, other.environment):
            gone[key] = (other.key, other)
        else:
            notes.append(
                f"{function.name} belongs to this project ({other.key}) and is not declared; "
                f"`prune: true` for {other.environment.partition('/')[0]} in {rules.project.file} "
                "would delete it"
            )
    return gone, tuple(notes)


def _bucket_changes(
    desired: Fleet,
    live: Fleet,
    assessed: Mapping[str, Assessment],
    gone: Mapping[str, tuple[str, Target]],
) -> list[BucketChange]:
    ready = [one for one in assessed.values() if one.problem is None]
    deleted = {owner for owner, _ in gone.values() if owner not in desired.targets}
    kept = {other.key for other in live.others.values()} - deleted
    places = {
        key: target.triggers[0].place or target.place
        for key, target in desired.targets.items()
        if target.triggers
    }
    changes: list[BucketChange] = []
    for name, bucket in sorted(live.buckets.items()):
        owned = {
            owner[1]
            for entry in bucket.raw.get("LambdaFunctionConfigurations", ())
            for owner in [owner_of(str(entry.get("Id", "")))]
            if owner and owner[0] == desired.project
        }
        wishes = []
        for one in ready:
            triggers = tuple(t for t in one.target.triggers if t.bucket == name)
            if not triggers and one.target.key not in owned:
                continue
            scope = live.scope(one.target.environment)
            arn = (one.function.arn if one.function else None) or scope.function_arn(one.wanted.name)
            wishes.append(
                Wish(
                    target=one.target,
                    arn=arn,
                    triggers=triggers,
                    may_take_over=one.verb is Verb.ADOPT or one.target.adopt,
                )
            )
        # Entries of targets that are neither declared nor alive any more block every later PUT.
        orphaned = [
            key
            for key in sorted(owned)
            if key not in desired.targets and key not in kept and select([key], desired.selection)
        ]
        change = change_bucket(desired.project, bucket, wishes, orphaned, places)
        if change.put or change.remove or change.problems:
            changes.append(change)
    return changes


def _summary(one: Assessment, buckets: Sequence[BucketChange]) -> TargetPlan:
    key = one.target.key
    triggers = [
        *(Change(path="trigger", old=words) for b in buckets for words in b.removed.get(key, ())),
        *(Change(path="trigger", new=words) for b in buckets for words in b.added.get(key, ())),
    ]
    if len(triggers) == 2 and triggers[0].old is not None and triggers[1].new is not None:
        triggers = [Change(path="trigger", old=triggers[0].old, new=triggers[1].new)]
    if one.verb is Verb.CREATE:
        triggers = [*triggers, *_permission_words(one)]
    changes = (*(_as_version(change) for change in one.changes if _is_shown(change)), *triggers)
    verb = one.verb
    if verb is Verb.NOTHING and changes:
        verb = Verb.UPDATE
    in_sync = verb is Verb.NOTHING and one.problem is None
    function = one.function
    return TargetPlan(
        target=key,
        verb=verb,
        function=one.wanted.name,
        version=one.target.version,
        changes=changes,
        status=SyncStatus.SYNCED if in_sync else SyncStatus.OUT_OF_SYNC,
        health=function.health if function else Health.MISSING,
        problem=one.problem,
        place=one.target.place,
    )


def _permission_words(one: Assessment) -> list[Change]:
    buckets = sorted({trigger.bucket for trigger in one.target.triggers})
    return [Change(path="permission", new=f"s3://{bucket}") for bucket in buckets]


def _is_shown(change: Change) -> bool:
    return not change.path.startswith(f"tags.{BUCKETS_TAG}")


def _as_version(change: Change) -> Change:
    return replace(change, path="version") if change.path == "tags.lockstep:version" else change
