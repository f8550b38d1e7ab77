"""One target, looked at on its own: what differs, and whether it may be touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lockstep.model import Call, Change, Fleet, Function, Statement, Target, Verb
from lockstep.planning.diff import diff_code, diff_settings, diff_tags, row_of, with_ignored
from lockstep.planning.notifications import owner_of
from lockstep.planning.policy import (
    BUCKETS_TAG,
    Rules,
    adoption_problem,
    ownership_tags,
    remembered_buckets,
)

__all__ = ["Assessment", "assess", "permissions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """One target, looked at on its own."""

    target: Target
    verb: Verb
    wanted: Function  # desired, with ownership tags and what others manage
    live: Target | None
    changes: tuple[Change, ...]
    problem: str | None = None
    final_tags: Mapping[str, str | None] = field(default_factory=dict)  # after buckets were let go

    @property
    def function(self) -> Function | None:
        """The live function, when there is one."""
        return self.live.function if self.live else None


def assess(target: Target, live: Target | None, desired: Fleet, fleet: Fleet, rules: Rules) -> Assessment:
    """Compare one target with what is live. ``desired`` and ``fleet`` (live) are the whole project's."""
    function = target.function
    assert function is not None  # noqa: S101 - callers pass targets that have one
    now = live.function if live else None
    buckets = {trigger.bucket for trigger in target.triggers}
    letting_go: set[str] = set()
    if now is not None:
        function = with_ignored(function, now, target.ignore)
        letting_go = {
            name
            for name in remembered_buckets(now.tags) - buckets
            if name in fleet.buckets and _has_entries(fleet, name, desired.project, target.key)
        }
    final = _tags(function, now, ownership_tags(desired.project, target, sorted(buckets)))
    first = _tags(function, now, ownership_tags(desired.project, target, sorted(buckets | letting_go)))
    wanted = replace(function, tags=first)

    def result(verb: Verb, changes: tuple[Change, ...] = (), problem: str | None = None) -> Assessment:
        return Assessment(
            target=target,
            verb=verb,
            wanted=wanted,
            live=live,
            changes=changes,
            problem=problem,
            final_tags=final,
        )

    missing = sorted(bucket for bucket in buckets if bucket not in fleet.buckets)
    problem = target.problem
    if missing and problem is None:
        problem = f"the bucket {missing[0]} does not exist or may not be read; create it, or mend the trigger"
    if now is None:
        changes = (
            *diff_settings(wanted, Function(name=wanted.name)),
            *diff_code(wanted, Function(name=wanted.name)),
        )
        return result(Verb.BLOCKED if problem else Verb.CREATE, changes, problem)

    changes = (
        *diff_code(wanted, now),
        *diff_settings(wanted, now),
        *diff_tags(wanted.tags, now.tags),
        *_permission_changes(target, live, fleet),
    )
    problem = problem or _impossible(wanted, now, changes)
    if problem:
        return result(Verb.BLOCKED, changes, problem)
    owner_problem = adoption_problem(rules, target, now, desired)
    if now.owner is None:
        return result(Verb.ADOPT, changes, owner_problem)
    if owner_problem:
        return result(Verb.BLOCKED, changes, owner_problem)
    return result(Verb.UPDATE if changes else Verb.NOTHING, changes)


def _tags(function: Function, live: Function | None, ownership: Mapping[str, str]) -> dict[str, str | None]:
    stale = {key: None for key in (live.tags if live else {}) if key.startswith(BUCKETS_TAG)}
    return {**function.tags, **stale, **ownership}


def _has_entries(fleet: Fleet, bucket: str, project: str, target: str) -> bool:
    raw = fleet.buckets[bucket].raw
    return any(
        owner_of(str(entry.get("Id", ""))) == (project, target)
        for entry in raw.get("LambdaFunctionConfigurations", ())
    )


def _impossible(wanted: Function, live: Function, changes: Sequence[Change]) -> str | None:
    """A change that no API call makes."""
    if live.code != wanted.code and bool(wanted.code.image) != bool(live.code.image):
        return (
            f"{live.name} is {'an image' if live.code.image else 'a zip'} function and the declaration "
            "wants the other kind, which AWS cannot change; declare another functionName"
        )
    for change in changes:
        row = row_of(change.path)
        if row is None:
            continue
        cannot_unset = wanted.settings.get(row.name) is None and row.reset is None
        if row.call is Call.NEVER or (row.api and cannot_unset):
            return (
                f"{change.path} of {live.name} is fixed when the function is created "
                f"({change.old} -> {change.new}); declare another functionName, or put the value back"
            )
    return None


def _permission_changes(target: Target, live: Target | None, fleet: Fleet) -> list[Change]:
    missing, extra, _ = permissions(target, live, fleet)
    return [
        *(Change(path="permission", new=statement.source_arn) for statement in missing),
        *(Change(path="permission", old=statement.source_arn) for statement in extra),
    ]


def permissions(
    target: Target, live: Target | None, fleet: Fleet
) -> tuple[list[Statement], list[Statement], set[str]]:
    """Statements to add, statements of ours to remove, and ids that must be free before adding."""
    function = live.function if live else None
    if function is not None and "permissions" in function.unread:
        return [], [], set()
    have = live.statements if live else ()
    want: list[Statement] = []
    for bucket in sorted({trigger.bucket for trigger in target.triggers}):
        scope = fleet.scope(target.environment)
        plain = Statement(source_arn=scope.bucket_arn(bucket), source_account=scope.account)
        want.append(replace(plain, sid=plain.content_id))
    missing = [statement for statement in want if statement not in have]
    extra = [
        statement for statement in have if statement.sid.startswith("lockstep-") and statement not in want
    ]
    taken = {statement.sid for statement in extra} & {statement.sid for statement in missing}
    return missing, extra, taken
