"""One target, looked at on its own: what differs, and whether it may be touched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from lockstep.model import Call, Change, Fleet, Function, Obstacle, Scope, Statement, Target, Verb
from lockstep.model.fields import APART
from lockstep.model.kinds import KINDS
from lockstep.planning.aliases import Shift, of_version, settled, shift_of
from lockstep.planning.beside import (
    Difference,
    deferred,
    differences,
    foreign_problem,
    hidden,
    remembered,
    replacement_problem,
)
from lockstep.planning.diff import (
    diff_code,
    diff_settings,
    diff_tags,
    row_of,
    unread_in,
    with_ignored,
    without_unknown,
)
from lockstep.planning.notifications import LAMBDA, owner_of
from lockstep.planning.policy import (
    REMEMBERING,
    Rules,
    adoption_problem,
    may_adopt,
    ownership_tags,
    remembered_buckets,
    remembered_qualifiers,
    remembered_words,
)
from lockstep.planning.pruning import Pruned, prune
from lockstep.planning.rollouts import Decision
from lockstep.planning.sharing import ALONE, Sharing
from lockstep.planning.statements import admitted, excess
from lockstep.planning.taken import taken_problem
from lockstep.values import dataclass

__all__ = ["Assessment", "Permissions", "assess", "held_verb", "permissions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Permissions:
    """What has to change in a function's resource policy.

    An id that is to be added and is taken by a statement with other content has to be freed first.
    """

    add: tuple[Statement, ...] = ()
    remove: tuple[Statement, ...] = ()  # statements of ours

    @property
    def to_free(self) -> frozenset[tuple[str, str]]:
        """Qualifiers and ids of statements that are removed before others are added under the same ids."""
        going = frozenset((s.qualifier, s.sid) for s in self.remove)
        return going & frozenset((s.qualifier, s.sid) for s in self.add)


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """One target, looked at on its own."""

    target: Target
    verb: Verb
    wanted: Function  # desired, with ownership tags and what others manage
    live: Function | None
    changes: tuple[Change, ...]  # as people see them: of what is called
    writes: tuple[Change, ...]  # of code and settings, of the function itself
    permissions: Permissions
    beside: tuple[Difference, ...]  # resources beside the function
    shift: Shift  # of the alias that is called
    pruned: Pruned  # published versions
    final_tags: Mapping[str, str | None]  # after buckets and resources were let go
    deferred: tuple[Difference, ...] = ()  # beside the function, what waits until the alias has no weights
    problem: str | None = None
    is_known: bool = True  # False: not all of it could be compared with what is live
    is_read: bool = True  # False: what is live was not read at all


def assess(
    target: Target,
    live: Target | None,
    desired: Fleet,
    fleet: Fleet,
    rules: Rules,
    sharing: Sharing = ALONE,
    namesakes: Sequence[Target] = (),
    ruled: Decision | str | None = None,
) -> Assessment:
    """Compare one target with what is live. ``desired`` and ``fleet`` (live) are the whole project's.

    ``namesakes`` are all targets, wherever they are, that call a function of this name by an alias;
    ``ruled`` is what the group of its rollout does about it, which also answers what somebody wishes.
    """
    function = target.function
    assert function is not None  # noqa: S101 - callers pass targets that have one
    if target.key in fleet.unread:
        return _not_compared(target, function, fleet.unread[target.key])
    whole = live
    if live is not None:
        live = sharing.seen(live)
    now = live.function if live else None
    declared = function.settings.keys()
    function = without_unknown(function, now)
    buckets = {trigger.bucket for trigger in target.triggers}
    function = with_ignored(function, now, target.ignore)
    policy = permissions(target, live, fleet)
    differing = differences(target, live)
    is_meant = target.group is None and rules.wish is not None and rules.wish.target == target.key
    shift = shift_of(
        desired.project,
        target,
        live,
        function,
        adopts=may_adopt(rules, target),
        now=fleet.at,
        wish=rules.wish if is_meant else None,
        ruled=ruled,
    )
    waiting = deferred(differing, is_weighted=shift.is_weighted)
    beside = tuple(one for one in differing if one not in waiting)
    if shift.version is not None and now is not None:
        function = settled(function, now)  # nobody calls what it is itself
    kept = {one.live.word for one in waiting if one.live is not None}
    words = (
        remembered(target, live)
        | kept
        | (APART & declared - (now.unread if now is not None else frozenset()))
    )
    letting_go: set[str] = set()
    leaving: set[str] = set()
    quitting: set[str] = set()
    if now is not None:
        revoked = {statement.source_arn.rpartition(":")[2] for statement in policy.remove}
        letting_go = {
            name
            for name in remembered_buckets(now.tags) - buckets
            if name in revoked or _has_entries(fleet, name, desired.project, target.key)
        }
        going = [one.live for one in beside if one.live is not None and one.wanted is None]
        leaving = {one.word for one in going} | (APART & now.settings.keys() - function.settings.keys())
        leaving &= remembered_words(now.tags)
        quitting = {
            *(one.qualifier for one in going),
            *(one.moves_from for one in beside if one.moves_from is not None),
            *(one.qualifier for one in policy.remove),
            *(one.name for one in shift.leaving),
        }
        quitting &= remembered_qualifiers(now.tags) - {target.qualifier}
        words |= {word for word in remembered_words(now.tags) if word.partition(":")[0] in now.unread}

    # A bucket is remembered until its entries and permission are gone, and a resource until it is, so
    # that a run that was killed can go on.
    def tagged(buckets: set[str], words: set[str], qualifiers: Iterable[str] = ()) -> dict[str, str | None]:
        own = _owning(desired.project, target, now, sharing, buckets, words, qualifiers)
        return _tags(function, now, own)

    final = first = tagged(buckets, words)
    if letting_go or leaving or quitting:
        first = tagged(buckets | letting_go, words | leaving, quitting)
    wanted = replace(function, tags=first)
    against = now or Function(name=wanted.name)
    writes = (*diff_code(wanted, against), *diff_settings(wanted, against))
    changes = (
        *(writes if shift.seen is None else (*shift.off, *(one for one in writes if not of_version(one)))),
        *(diff_tags(wanted.tags, now.tags) if now else ()),
        *(Change(path="permission", new=statement.source_arn) for statement in policy.add),
        *(Change(path="permission", old=statement.source_arn) for statement in policy.remove),
        *(change for one in differing for change in one.changes),
        *shift.changes,
    )
    concerned = {one.bucket for one in target.every_trigger} | (
        remembered_buckets(now.tags) if now else set()
    )
    unknown = Obstacle.all_of(
        (
            target.obstacle,
            *_closed(target, concerned, fleet),
            _unread(now, writes) or _unread(shift.seen, shift.off),
            _hidden(differing),
        )
    )
    verb, problem = (
        _judged(target, wanted, now, changes, writes, desired, fleet, rules, sharing)
        if unknown is None
        else (held_verb(unknown), unknown.text)
    )
    if problem is None and (problem := _too_large(target, live, policy, beside, fleet, wanted.name)):
        verb = Verb.BLOCKED
    if problem is None and (problem := replacement_problem(beside, wanted.name)):
        verb = Verb.BLOCKED
    adopts = may_adopt(rules, target)
    if problem is None and (problem := foreign_problem(beside, may_adopt=adopts)):
        verb = Verb.BLOCKED
    if problem is None and (problem := taken_problem(target, shift, whole, sharing)):
        verb = Verb.BLOCKED
    if problem is None and (problem := _unmade(waiting, shift, wanted.name)):
        verb = Verb.BLOCKED
    if problem is None and shift.problem is not None:
        verb, problem = Verb.BLOCKED, shift.problem
    return Assessment(
        target=target,
        verb=verb,
        wanted=wanted,
        live=now,
        changes=changes if now is not None or unknown is None else (),  # nothing to compare half of it with
        writes=writes,
        permissions=policy,
        beside=beside,
        shift=shift,
        deferred=waiting,
        pruned=prune(
            desired.project,
            _patient(target, sharing),
            wanted,
            live.versions,
            live.settled,
            namesakes,
        )
        if live is not None and shift.publishes
        else Pruned(),
        final_tags=final,
        problem=problem,
        is_known=unknown is None,
    )


def _owning(
    project: str,
    target: Target,
    now: Function | None,
    sharing: Sharing,
    buckets: Iterable[str],
    words: Iterable[str],
    qualifiers: Iterable[str],
) -> dict[str, str | None]:
    """Tags of ours. Those of a function that several have are the lead's, and remember for all of them.

    While there are several nothing of theirs is forgotten: who is not looked at may still have it.
    """
    tags = now.tags if now is not None else {}
    if len(sharing.family) > 1 or sharing.staying:
        buckets = {*buckets, *remembered_buckets(tags)}
        buckets |= {trigger.bucket for one in sharing.family for trigger in one.triggers}
        words = {*words, *remembered_words(tags)}
        words |= {each.word for one in sharing.family for each in one.resources}
    on_others = sharing.others & (remembered_qualifiers(tags) if tags else set())
    lead = next((one for one in sharing.family if one.key == sharing.lead), target)
    return ownership_tags(
        project,
        lead,
        buckets,
        words,
        {*qualifiers, *on_others, *sharing.aliases} - {lead.qualifier},
        {*sharing.keys, *sharing.staying.values()},
    )


def _patient(target: Target, sharing: Sharing) -> Target:
    """The target, which keeps versions as the most careful of those that have its function."""
    family = (target, *sharing.family)
    return replace(
        target,
        keep_versions=max(one.keep_versions for one in family),
        keep_seconds=max(one.keep_seconds for one in family),
    )


def _judged(
    target: Target,
    wanted: Function,
    now: Function | None,
    changes: Sequence[Change],
    writes: Sequence[Change],
    desired: Fleet,
    fleet: Fleet,
    rules: Rules,
    sharing: Sharing,
) -> tuple[Verb, str | None]:
    """What is to be done about a target of which everything is known, and what is in the way."""
    problem = _missing_bucket(target, fleet)
    verb = Verb.CREATE
    if now is not None:
        problem = problem or _impossible(wanted, now, writes)
        verb = Verb.UPDATE if changes else Verb.NOTHING
        if now.owner is None and not problem:
            return Verb.ADOPT, adoption_problem(rules, target, now, desired, sharing.keys)
        problem = problem or adoption_problem(rules, target, now, desired, sharing.keys)
    return Verb.BLOCKED if problem else verb, problem


def _not_compared(target: Target, function: Function, unread: Obstacle) -> Assessment:
    """A target of whose live side nothing is known: no difference is told, and nothing is done."""
    why = Obstacle.all_of((unread, target.obstacle)) or unread
    return Assessment(
        target=target,
        verb=held_verb(why),
        wanted=function,
        live=None,
        changes=(),
        writes=(),
        permissions=Permissions(),
        beside=(),
        shift=Shift(),
        pruned=Pruned(),
        final_tags={},
        problem=why.text,
        is_known=False,
        is_read=False,
    )


def held_verb(why: Obstacle) -> Verb:
    """What a plan says of a target that is left alone."""
    return Verb.UNKNOWN if why.is_unread else Verb.BLOCKED


def _closed(target: Target, buckets: set[str], fleet: Fleet) -> list[Obstacle]:
    """Why buckets that the target has to do with could not be read."""
    places = {trigger.bucket: trigger.place for trigger in reversed(target.every_trigger)}
    return [
        replace(fleet.closed[name], text=f"{places[name]}: {fleet.closed[name].text}")
        if places.get(name)
        else fleet.closed[name]
        for name in sorted(buckets & fleet.closed.keys())
    ]


def permissions(target: Target, live: Target | None, fleet: Fleet) -> Permissions:
    """Statements to add and statements of ours to remove; nothing when nobody read the policy.

    A statement of ours is kept only when its id fits its content; one of others that says what is
    wanted will do.
    """
    function = live.function if live else None
    if function is not None and "statements" in function.unread:
        return Permissions()
    have = live.statements if live else ()
    want = [
        _statement(fleet.scope(target.environment), bucket, target.qualifier)
        for bucket in sorted({trigger.bucket for trigger in target.triggers})
    ]
    right = {statement.sid: statement for statement in want}
    remove = tuple(s for s in have if _is_triggers(s.sid) and right.get(s.sid) != s)
    gone = {(s.qualifier, s.sid) for s in remove}
    kept = [s for s in have if (s.qualifier, s.sid) not in gone]
    return Permissions(add=tuple(s for s in want if s not in kept), remove=remove)


def _is_triggers(sid: str) -> bool:
    """Whether the statement is one of ours for a trigger, and not one that a resource beside it has."""
    return sid.startswith("lockstep-") and not sid.startswith(_BESIDE)


_BESIDE = tuple(f"lockstep-{name}-" for name in KINDS)


@lru_cache
def _statement(scope: Scope, bucket: str, qualifier: str) -> Statement:
    plain = Statement(source_arn=scope.bucket_arn(bucket), source_account=scope.account, qualifier=qualifier)
    return replace(plain, sid=plain.content_id)


def _tags(
    function: Function, live: Function | None, ownership: Mapping[str, str | None]
) -> dict[str, str | None]:
    stale = {key: None for key in (live.tags if live else {}) if key.startswith(REMEMBERING)}
    return {**function.tags, **stale, **ownership}


def _has_entries(fleet: Fleet, bucket: str, project: str, target: str) -> bool:
    return bucket in fleet.buckets and any(
        owner_of(str(entry.get("Id", ""))) == (project, target)
        for entry in fleet.buckets[bucket].raw.get(LAMBDA, ())
    )


def _missing_bucket(target: Target, fleet: Fleet) -> str | None:
    for trigger in sorted(target.every_trigger, key=lambda one: one.bucket):
        if trigger.bucket not in fleet.buckets:
            place = f"{trigger.place}: " if trigger.place else ""
            return f"{place}the bucket {trigger.bucket} does not exist; create it, or mend the trigger"
    return None


def _unread(live: Function | None, changes: Sequence[Change]) -> Obstacle | None:
    """Live values that nobody can compare, and so nobody may replace."""
    found = unread_in(live, changes) if live is not None else None
    if found is None:
        return None
    return Obstacle(text=f"{found[0]}, so nothing is written over it; {found[1]}", is_unread=True)


def _hidden(beside: Sequence[Difference]) -> Obstacle | None:
    """Live values of resources that AWS would not show."""
    why = hidden(beside)
    return None if why is None else Obstacle(text=f"{why}, so nothing is written over it", is_unread=True)


def _unmade(waiting: Sequence[Difference], shift: Shift, name: str) -> str | None:
    """What AWS could not make for the version that an alias points at, so that its calls stay elsewhere."""
    if shift.live is None or not shift.live.held:
        return None
    for one in waiting:
        kind = KINDS[one.live.kind] if one.live is not None else None
        why = one.live.settings.get(kind.fault) if kind is not None and one.live is not None else None
        if kind is not None and why is not None:
            place = f"{one.wanted.place}: " if one.wanted is not None and one.wanted.place else ""
            held = " and ".join(sorted(shift.live.held))
            return (
                f"{place}AWS could not make {kind.title} of {name} for version {shift.live.version} ({why}), "
                f"and keeps all calls of {shift.live.name} on version {held}; mend what AWS names and "
                "declare another release, or declare the one before again"
            )
    return None


def _too_large(
    target: Target,
    live: Target | None,
    policy: Permissions,
    beside: Sequence[Difference],
    fleet: Fleet,
    name: str,
) -> str | None:
    """Statements that find no room in the policy; each alias has one of its own."""
    coming = [(one.wanted, one.live) for one in beside if one.wanted is not None]
    if not policy.add and not coming:
        return None
    scope = fleet.scope(target.environment)
    by_kind = [(resource.place, [*admitted(resource, there, scope, name)]) for resource, there in coming]
    beside_them = [statement for _, added in by_kind for statement in added]
    new = [*policy.add, *beside_them]
    free = policy.to_free | {(one.qualifier, one.sid) for one in beside_them}
    for qualifier in sorted({one.qualifier for one in new}):
        have = [one for one in (live.statements if live else ()) if one.qualifier == qualifier]
        add = [one for one in new if one.qualifier == qualifier]
        if why := excess(have, add, free, scope, name):
            places = [one.place for one in target.triggers] + [at for at, added in by_kind if added]
            place = next(filter(None, places), target.place)
            return f"{place}: {why}" if place else why
    return None


def _impossible(wanted: Function, live: Function, changes: Sequence[Change]) -> str | None:
    """A change that no API call makes."""
    if bool(wanted.code.image) != bool(live.code.image):
        return (
            f"{live.name} is {'an image' if live.code.image else 'a zip'} function and the declaration "
            "wants the other kind, which AWS cannot change; declare another functionName"
        )
    for change in changes:
        row = row_of(change.path)
        if row is None:
            continue
        cannot_unset = wanted.settings.get(row.name) is None and row.reset is None
        if row.call is Call.NEVER:
            return (
                f"{change.path} of {live.name} is fixed when the function is created "
                f"({change.old} -> {change.new}); declare another functionName, or put the value back"
            )
        if row.is_born and live.settings.get(row.name) is None:
            return (
                f"{change.path} can only be there from the beginning, and {live.name} was created without "
                "it; declare another functionName, or remove the line"
            )
        if row.api and cannot_unset:
            return (
                f"{change.path} of {live.name} is {change.old} and AWS has no call that removes it; "
                "put the value back, or declare another functionName"
            )
        if row.call is Call.CODE and not wanted.code.image and wanted.code.package is None:
            return (
                f"{change.path} of {live.name} changes only together with the code, which is ignored; "
                f"ignore {change.path} as well"
            )
    return None
