"""The live fleet, read in pages where that is cheaper than asking for each function.

Sources: Lambda API reference (ListFunctions: 50 a page, without states, tags and concurrency),
tagging API (GetResources: 100 a page). Both listings lag behind writes, so what is absent from
one is asked for by GetFunction before anything is decided from its absence.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from fnmatch import fnmatchcase
from os.path import commonprefix
from random import SystemRandom
from typing import Any, TypeAlias, TypeVar

from lockstep.engines.aws import alias as alias_calls
from lockstep.engines.aws import function as functions
from lockstep.engines.aws import kinds, logs, notification, permission, signing, tags
from lockstep.engines.aws.connection import Connection, Connections
from lockstep.engines.aws.errors import Unreachable
from lockstep.engines.aws.healths import Healths, is_ill
from lockstep.engines.aws.permission import Policy
from lockstep.engines.aws.remembered import FEW, Memories, Memory, is_same
from lockstep.errors import CloudError, Interrupted, LockstepError, NoCredentials, joined
from lockstep.model import (
    FIELDS,
    NOT_ASKED,
    Alias,
    Bucket,
    Call,
    Fleet,
    Function,
    Health,
    Obstacle,
    Project,
    Published,
    Resource,
    Statement,
    Target,
    select,
)
from lockstep.model.alias import release_of
from lockstep.model.kinds import KINDS
from lockstep.model.kinds.base import digest_of
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.beside import kinds_of
from lockstep.planning.diff import diff_code, is_named_by_tag
from lockstep.planning.policy import (
    remembered_buckets,
    remembered_kinds,
    remembered_qualifiers,
    remembered_words,
)
from lockstep.values import dataclass

__all__ = ["read_live", "read_policies_again", "read_versions", "without_variables"]

_UNPROVEN = Obstacle(
    text="neither the repository nor its history gives that target this name, and tags alone, which whoever "
    "may tag functions can write, are no reason to delete; delete it by hand, or take its lockstep: tags away"
)
WORKERS = 32
_TOLD = frozenset(
    row.name for row in FIELDS if row.call in (Call.CODE, Call.CONCURRENCY) and not row.in_pages
)
"""Settings that no page tells and ``GetFunction`` does."""

_T = TypeVar("_T")
_R = TypeVar("_R")
_Place: TypeAlias = tuple[str, str, str]
"""A function's name, a kind of resource and the qualifier that it is on."""


@dataclass(kw_only=True)
class _Reading:
    """What is read in one account and Region."""

    connection: Connection
    wanted: dict[str, Target]  # selected targets with a function, by key
    functions: dict[str, Function] = field(default_factory=dict)  # by name
    others: dict[str, Target] = field(default_factory=dict)  # by ARN
    statements: dict[str, tuple[Statement, ...]] = field(default_factory=dict)  # by name
    aliases: dict[str, list[Alias]] = field(default_factory=dict)  # by function's name
    numbers: dict[tuple[str, str], Function] = field(default_factory=dict)  # by function's name and number
    resources: dict[str, list[Resource]] = field(default_factory=dict)  # by name
    refused: dict[str, LockstepError] = field(default_factory=dict)  # function's name -> why it is not read
    failure: LockstepError | None = None  # why nothing at all is read
    notes: list[str] = field(default_factory=list)

    def qualifiers(self, target: Target) -> set[str]:
        """What of a function may have something of ours on it: declared, or remembered by its tags."""
        function = self.functions.get(target.function.name) if target.function else None
        return {target.qualifier} | (remembered_qualifiers(function.tags) if function else set())

    def unread(self) -> dict[str, Obstacle]:
        """Targets that could not be looked at, and why."""
        found: dict[str, Obstacle] = {}
        for key, target in self.wanted.items():
            name = target.function.name if target.function else ""
            error = self.failure or self.refused.get(name)
            if error is not None:
                found[key] = Obstacle.of(error)
        return found


def read_live(
    desired: Fleet,
    project: Project,
    connections: Connections,
    memories: Memories,
    *,
    full: bool = False,
    beside: bool = True,
    recalls: bool = False,
    watcher: Watcher = SILENT,
    vouch: Callable[[Target], bool] = lambda _: False,
) -> Fleet:
    """Read everything that a plan for the desired fleet's selection needs. Changes nothing.

    Up to ``FEW`` selected targets are asked for one by one, which also tells their health; ``full`` asks
    for each function by itself, however many they are, and with ``beside`` for all that may stand beside
    it, and believes nothing that is remembered, unless it ``recalls``. ``vouch`` says whether a function
    that is not declared was this project's, which its tags alone do not prove: without it a problem of its
    own.
    """
    readings: dict[Connection, _Reading] = {}
    environments: dict[str, Connection] = {}
    for name in _concerned(desired, project):
        # Also where nothing is declared any more: removed previews leave functions behind.
        connection = environments[name] = connections.get(project.environment(name))
        readings.setdefault(connection, _Reading(connection=connection, wanted={}))
    for key in desired.selected():
        target = desired.targets[key]
        if target.function is not None:
            readings[connections.get(project.environment(target.environment))].wanted[key] = target

    buckets: dict[str, Bucket] = {}
    closed: dict[str, Obstacle] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for reading in readings.values():
            try:
                _read_functions(reading, desired, memories, pool, full, recalls, watcher, vouch)
                _read_aliases(reading, pool, watcher)
                _read_policies(reading, memories, pool, full and not recalls, watcher)
                _read_beside(reading, pool, full, beside, watcher)
                _find_held(reading, pool)
                _read_logs(reading, full)
                _read_signing(reading, pool, full)
                _read_buckets(reading, desired.buckets, buckets, closed, pool)
            except Interrupted:
                raise
            except LockstepError as error:  # of the account or the network, so of all that is there
                reading.failure = error
    failures = [reading.failure for reading in readings.values() if reading.failure is not None]
    if failures and len(failures) == len(readings):
        raise joined(failures)

    live: dict[str, Target] = {}
    others: dict[str, Target] = {}
    for reading in readings.values():
        if reading.failure is not None:
            continue
        others.update(reading.others)
        for key, target in reading.wanted.items():
            assert target.function is not None  # noqa: S101 - only such targets are wanted
            found = reading.functions.get(target.function.name)
            if found is not None:
                aliases = tuple(
                    _masked_alias(one, target.function) for one in reading.aliases.get(found.name, ())
                )
                called = next((one for one in aliases if one.name == target.alias), None)
                there = tuple(reading.resources.get(found.name, ()))
                live[key] = replace(
                    target,
                    function=_as_called(functions.masked_like(found, target.function), called, there),
                    statements=reading.statements.get(found.name, ()),
                    aliases=aliases,
                    versions=tuple(_published(reading, target)),
                    resources=there,
                    version=_version(target, found, called),
                )
    return Fleet(
        project=desired.project,
        targets=live,
        buckets=buckets,
        others=others,
        scopes={
            name: connection.scope
            for name, connection in environments.items()
            if readings[connection].failure is None
        },
        unread={key: why for reading in readings.values() for key, why in reading.unread().items()},
        closed=closed,
        notes=(
            *(note for reading in readings.values() for note in reading.notes),
            *_failures(environments, readings),
        ),
    )


def _version(target: Target, function: Function, called: Alias | None) -> str | None:
    """The release that the alias, or else the function, names; where a number is declared the alias's own."""
    if target.number is not None:
        return called.version if called is not None else None
    return (called and release_of(called.description)) or function.tags.get("lockstep:version")


def _published(reading: _Reading, target: Target) -> Iterator[Published]:
    """The version that the target declares by its number, where its alias does not point at it yet."""
    assert target.function is not None  # noqa: S101 - only such targets are wanted
    found = reading.numbers.get((target.function.name, target.number or ""))
    if found is not None and target.number is not None:
        yield Published(
            number=target.number,
            description=str(found.settings.get("description") or ""),
            function=functions.masked_like(found, target.function),
        )


def _masked_alias(alias: Alias, wanted: Function) -> Alias:
    """The alias whose versions hide what is declared to be secret."""

    def masked(version: Function | None) -> Function | None:
        return None if version is None else functions.masked_like(version, wanted)

    return replace(alias, function=masked(alias.function), candidate=masked(alias.candidate))


def _as_called(function: Function, alias: Alias | None, beside: Sequence[Resource]) -> Function:
    """The function with the health of what its calls run, and of what its alias has, where that is ill."""
    if alias is None:
        return function
    version = alias.function
    if version is not None and version.health not in (Health.HEALTHY, Health.UNKNOWN):
        return replace(function, health=version.health, reason=f"version {alias.version}: {version.reason}")
    kept = f"; AWS still calls version {' and '.join(sorted(alias.held))}" if alias.held else ""
    for one in beside:
        title = KINDS[one.kind].title
        if one.qualifier != alias.name or not KINDS[one.kind].published:
            continue
        if (why := kinds.fault_of(one)) is not None:
            return replace(function, health=Health.DEGRADED, reason=f"{title} could not be made: {why}{kept}")
        if one.state and function.health in (Health.HEALTHY, Health.UNKNOWN):
            return replace(function, health=Health.PROGRESSING, reason=f"{title} is {one.state}{kept}")
    return function


def _find_held(reading: _Reading, pool: ThreadPoolExecutor) -> None:
    """Weights that AWS itself gives aliases for a while are told apart from those of somebody else's.

    Where nobody can read what the alias has, they stay somebody else's.
    """
    weighted = [
        (name, alias) for name, aliases in reading.aliases.items() for alias in aliases if alias.weights
    ]
    looks = _each(
        pool, range(len(weighted)), lambda at: alias_calls.holding(reading.connection, *weighted[at])
    )
    for at, found in looks:
        name, alias = weighted[at]
        if found and not isinstance(found, LockstepError):
            aliases = reading.aliases[name]
            aliases[aliases.index(alias)] = replace(alias, weights={}, held=alias.weights)


def _failures(environments: Mapping[str, Connection], readings: Mapping[Connection, _Reading]) -> list[str]:
    """Environments of which nothing was read and no target tells: what they still hold is not known."""
    return [
        f"{name} was not read: {failure}"
        for name, connection in environments.items()
        if (failure := readings[connection].failure) is not None and not readings[connection].wanted
    ]


def _concerned(desired: Fleet, project: Project) -> list[str]:
    """Environments that the selection is about; nobody needs credentials for the others."""
    names = {environment.name for environment in project.environments.values()}
    names |= {project.environment(t.environment).name for t in desired.targets.values() if t.function}
    patterns = desired.selection or ("*",)
    return sorted(name for name in names if any(fnmatchcase(name, p.partition("/")[0]) for p in patterns))


def _read_functions(
    reading: _Reading,
    desired: Fleet,
    memories: Memories,
    pool: ThreadPoolExecutor,
    full: bool,
    recalls: bool,
    watcher: Watcher,
    vouch: Callable[[Target], bool],
) -> None:
    """The functions, from pages or one by one.

    ``full`` is about their health, too. One that ``recalls`` asks for it where the listing tells another
    revision or time of change than the function had when it was healthy, and of a few of the others, taken by
    chance: where one of those is not well, none is believed.
    """
    connection = reading.connection
    _ = connection.scope  # credentials and account are checked before anything else is asked
    owned_by_arn = pool.submit(tags.owned, connection)
    names = {target.function.name for target in reading.wanted.values() if target.function}
    healths = _healths_of(reading, memories) if full and len(names) > FEW else {}
    known = [name for name, one in healths.items() if recalls and one.knows(name)]
    one_by_one = len(names) <= FEW or (full and len(known) <= FEW)  # then pages would come on top
    listed: dict[str, Function] = {}
    if not one_by_one:
        watcher.progress("listing functions")
        pages = connection.pages("lambda", "ListFunctions", "Functions", "Marker", "NextMarker", MaxItems=50)
        listed = {one["FunctionName"]: functions.read_configuration(one) for one in pages}
    owned = owned_by_arn.result()
    by_arn = {function.arn: function for function in listed.values() if function.arn}
    for name, function in listed.items():
        if function.arn in owned:
            listed[name] = replace(function, tags=owned[function.arn])
    found = {name: healths[name].recall(listed[name]) for name in known if name in listed}
    recalled = {name: when for name, when in found.items() if when is not None}
    checked = SystemRandom().sample(sorted(recalled), min(FEW, len(recalled)))
    believed = recalled.keys() - checked
    # Absent from a listing, without an owner, or with something to tell that no page does: ask.
    ask = {
        name
        for target in reading.wanted.values()
        if target.function
        for name in [target.function.name]
        if one_by_one
        or (full and name not in believed)
        or name not in listed
        or not listed[name].owner
        or _needs_more(target.function, listed[name])
    }
    then = {name: listed[name] for name in checked}

    def look(wanted: set[str]) -> None:
        if wanted:
            watcher.progress(f"reading {len(wanted)} functions")
        for name, found in _each(pool, sorted(wanted), lambda name: functions.get(connection, name)):
            if found is None or isinstance(found, LockstepError):
                listed.pop(name, None)
            else:
                listed[name] = found
                if name in healths:
                    healths[name].keep(found)
            if isinstance(found, LockstepError):
                reading.refused[name] = found

    look(ask)
    if any(is_ill(then[name], listed.get(name)) for name in checked):
        reading.notes.append("what was remembered of health is not what AWS tells: all of it was read")
        look(believed - ask)
        ask |= believed
    reading.functions = {name: listed[name] for name in names if name in listed}
    unread = [name for name in reading.functions if name not in ask]
    if unread:
        left = "reserved concurrency and how packages are kept where none is declared"
        left = f"{left}, were" if full else f"health, and {left}, were"
        reading.notes.append(
            f"{len(unread)} functions were read from listings: {left} not read (--full reads them)"
        )
    for key, target in reading.wanted.items():
        name = target.function.name if target.function else ""
        memories.well.pop(key, None)
        if name in believed - ask:
            memories.well[key] = recalled[name]
            reading.functions[name] = replace(listed[name], health=Health.HEALTHY)
    _find_others(reading, desired, owned, by_arn, pool, vouch)


def _healths_of(reading: _Reading, memories: Memories) -> dict[str, Healths]:
    """By function, what is remembered of its environment's health; nothing where emulators answer."""
    return {
        target.function.name: one
        for target in reading.wanted.values()
        if target.function
        for one in [memories.health_of(reading.connection, target.environment)]
        if one is not None
    }


def _find_others(
    reading: _Reading,
    desired: Fleet,
    owned: Mapping[str, Mapping[str, str]],
    by_arn: Mapping[str, Function],
    pool: ThreadPoolExecutor,
    vouch: Callable[[Target], bool],
) -> None:
    """Functions with this project's tags that no target declares; each confirmed to exist, or unread."""
    declared = {target.function.name for target in desired.targets.values() if target.function}
    here = f":{reading.connection.scope.region}:{reading.connection.scope.account}:"
    candidates: dict[str, Mapping[str, str]] = {}
    for arn, found in owned.items():
        if found.get("lockstep:project") != desired.project or here not in arn:
            continue
        if arn.rsplit(":", 1)[-1] in declared:
            continue
        if select([found.get("lockstep:target", "")], desired.selection):
            candidates[arn] = found
    unsure = sorted(arn for arn in candidates if arn not in by_arn)
    confirmed = dict(_each(pool, unsure, lambda arn: functions.get(reading.connection, arn)))
    named = sorted(desired.former - declared - {arn.rsplit(":", 1)[-1] for arn in candidates})
    for _, late in _each(pool, named, lambda name: functions.get(reading.connection, name)):
        if isinstance(late, LockstepError):
            raise late  # whether it is there is what was asked
        if late is None or late.arn is None or (late.owner or ("", ""))[0] != desired.project:
            continue
        if select([late.tags.get("lockstep:target") or ""], desired.selection):
            candidates[late.arn] = {key: value for key, value in late.tags.items() if value is not None}
            confirmed[late.arn] = late
    for arn, found in candidates.items():
        function = by_arn.get(arn) or confirmed.get(arn)
        obstacle = None
        if isinstance(function, LockstepError):
            obstacle = Obstacle(text=str(function), is_unread=True)
            function = Function(name=arn.rpartition(":")[2])
        if function is None:
            continue
        environment, _, service = found.get("lockstep:target", "").rpartition("/")
        other = Target(
            environment=environment,
            service=service,
            version=found.get("lockstep:version"),
            function=replace(function, arn=arn, tags=dict(found)),
            obstacle=obstacle,
        )
        reading.others[arn] = other if vouch(other) else replace(other, obstacle=_UNPROVEN)


def _needs_more(wanted: Function, listed: Function) -> bool:
    """What no page tells has to be known where it is declared or was, and before code is replaced with it."""
    return (
        bool(_TOLD & (wanted.settings.keys() | remembered_kinds(listed.tags)))
        or is_named_by_tag(wanted.code)
        or bool(diff_code(wanted, listed))
    )


def _read_aliases(reading: _Reading, pool: ThreadPoolExecutor, watcher: Watcher) -> None:
    """Aliases that are declared or remembered, with the versions that they point at: two calls each.

    And versions that are declared by their numbers, where no such alias points at them.

    No page tells where an alias points, and nothing says that a function's revision moves with it.
    """
    wanted = {
        (target.function.name, qualifier): None
        for target in reading.wanted.values()
        if target.function and target.function.name in reading.functions
        for qualifier in sorted(reading.qualifiers(target) - {""})
    }
    if wanted:
        watcher.progress(f"reading {len(wanted)} aliases")
    for (name, _), found in _each(pool, wanted, lambda one: alias_calls.read(reading.connection, *one)):
        if isinstance(found, LockstepError):
            reading.refused[name] = found
        elif found is not None:
            reading.aliases.setdefault(name, []).append(found)
    numbers = {
        (target.function.name, target.number)
        for target in reading.wanted.values()
        if target.function and target.function.name in reading.functions and target.number
        if (target.alias, target.number)
        not in {(one.name, one.version) for one in reading.aliases.get(target.function.name, ())}
    }
    looks = _each(pool, sorted(numbers), lambda one: functions.get(reading.connection, *one))
    for (name, number), version in looks:
        if isinstance(version, LockstepError):
            reading.refused[name] = version
        elif version is not None:
            reading.numbers[name, number] = version


def _read_policies(
    reading: _Reading,
    memories: Memories,
    pool: ThreadPoolExecutor,
    full: bool,
    watcher: Watcher,
) -> None:
    """Policies only of functions that have, or had, triggers: GetPolicy allows 15 calls a second.

    One that was read at the revision that its function still has is remembered. A few of those, taken by
    chance, are read all the same: where one of them is another, none is believed.
    """
    keys = {
        target.function.name: key
        for key, target in reading.wanted.items()
        if target.function and target.function.name in reading.functions
        if target.triggers or remembered_buckets(reading.functions[target.function.name].tags)
    }
    of_aliases = {
        (name, alias.name): None
        for target in reading.wanted.values()
        for name in [target.function.name if target.function else ""]
        for alias in reading.aliases.get(name, ())
        if name in keys or alias.name != target.alias  # one that goes may serve others
    }
    called = keys.keys()
    keys = {name: key for name, key in keys.items() if "" in reading.qualifiers(reading.wanted[key])}
    memory_of = _memories_of(reading, memories, keys)
    recalled: dict[str, Policy] = {}
    for memory in {id(one): one for one in memory_of.values()}.values():
        revisions = {name: reading.functions[name].revision for name in keys if memory_of.get(name) is memory}
        if not full:
            recalled |= memory.recall({name: at for name, at in revisions.items() if at})
    checked = SystemRandom().sample(sorted(recalled), min(FEW, len(recalled)))
    believed = recalled.keys() - checked

    def ask(names: list[str]) -> dict[str, Policy | LockstepError]:
        if names:
            watcher.progress(f"reading {len(names)} policies")
        return dict(_each(pool, names, lambda name: permission.read(reading.connection, name)))

    read = ask([name for name in keys if name not in believed])
    if any(_is_false(recalled[name], read[name]) for name in checked):
        reading.notes.append("what was remembered of policies is not what AWS tells: all were read")
        for memory in memory_of.values():
            memory.forget()
        checked, read = [], read | ask(sorted(believed))
        believed = set()
    if any(isinstance(read[name], LockstepError) for name in checked):
        read |= ask(sorted(believed))  # nothing vouches for the others
        believed = set()
    if believed:
        reading.notes.append(
            f"policies of {len(believed)} functions were not read again: each function has the revision that "
            "its policy was read at (--full reads them)"
        )
    memories.believed -= {*keys.values()}
    memories.believed |= {keys[name] for name in believed}
    reading.statements.update({name: recalled[name].statements for name in believed})
    for name, policy in read.items():
        if isinstance(policy, LockstepError):
            reading.refused[name] = policy
            continue
        reading.statements[name] = policy.statements
        if name in memory_of:
            memory_of[name].keep(name, policy)
    for name in called - keys.keys():
        reading.statements[name] = ()  # an alias that is not there has none
    for (name, _), told in _each(pool, of_aliases, lambda one: permission.read(reading.connection, *one)):
        if isinstance(told, LockstepError):
            reading.refused[name] = told
        else:
            reading.statements[name] = (*reading.statements.get(name, ()), *told.statements)
    for name, function in reading.functions.items():
        if name not in reading.statements:
            reading.functions[name] = replace(function, unread=function.unread | {"statements"})


def _memories_of(reading: _Reading, memories: Memories, keys: Mapping[str, str]) -> dict[str, Memory]:
    """By function, what is remembered of its environment; nothing where that has a few policies only."""
    by_environment: dict[str, list[str]] = {}
    for name, key in keys.items():
        by_environment.setdefault(memories.name_of(reading.wanted[key].environment), []).append(name)
    return {
        name: memory
        for environment, names in by_environment.items()
        if len(names) > FEW
        for memory in [memories.of(reading.connection, environment)]
        if memory is not None
        for name in names
    }


def _is_false(recalled: Policy, read: Policy | LockstepError) -> bool:
    if not isinstance(read, Policy) or read.revision != recalled.revision:
        return False  # refused, or changed since the listing
    return not is_same(recalled, read)


def read_policies_again(
    live: Fleet, keys: Iterable[str], memories: Memories, connection_of: Callable[[str], Connection]
) -> Fleet:
    """The live fleet with policies read for targets of which they were only remembered."""

    def look(key: str) -> Policy:
        target = live.targets[key]
        assert target.function is not None  # noqa: S101 - only functions have policies
        connection = connection_of(target.environment)
        policy = permission.read(connection, target.function.name)
        if memory := memories.of(connection, target.environment):
            memory.keep(target.function.name, policy)
        return policy

    with ThreadPoolExecutor(WORKERS) as pool:
        found = _each(pool, keys, look)
    targets, unread = dict(live.targets), dict(live.unread)
    for key, policy in found:
        memories.believed.discard(key)
        if isinstance(policy, LockstepError):
            unread[key] = Obstacle.of(policy)
        else:
            others = (one for one in targets[key].statements if one.qualifier)
            targets[key] = replace(targets[key], statements=(*policy.statements, *others))
    return replace(live, targets=targets, unread=unread)


def read_versions(live: Fleet, keys: Iterable[str], connection_of: Callable[[str], Connection]) -> Fleet:
    """The live fleet with the published versions of targets of which another is to be published."""
    wanted = [key for key in keys if key in live.targets]

    def look(key: str) -> Target:
        return alias_calls.with_versions(connection_of(live.targets[key].environment), live.targets[key])

    with ThreadPoolExecutor(WORKERS) as pool:
        found = _each(pool, wanted, look)
    targets, notes = dict(live.targets), list(live.notes)
    for key, target in found:
        if isinstance(target, LockstepError):
            notes.append(f"{key}: no published version is removed, because they were not read: {target}")
        else:
            is_asked = target.function is None or "environment" not in target.function.unread
            targets[key] = target if is_asked else _unasked(target)
    return replace(live, targets=targets, notes=tuple(notes))


def without_variables(live: Fleet) -> Fleet:
    """The live fleet as if nobody had asked for variables of functions, whatever AWS answered beside them."""
    targets = {key: _unasked(target) for key, target in live.targets.items() if target.function is not None}
    note = f"the environment variables of {len(targets)} functions were not read; only a sync compares them"
    notes = (*live.notes, note) if targets else live.notes
    return replace(live, targets={**live.targets, **targets}, notes=notes)


def _unasked(target: Target) -> Target:
    """The live target as if nobody had asked for variables, its published versions included."""

    def without(function: Function) -> Function:
        return replace(
            function,
            settings={**function.settings, "environment": NOT_ASKED},
            unread=function.unread | {"environment"},
        )

    return replace(
        target,
        function=without(target.function) if target.function else None,
        aliases=tuple(
            replace(
                one,
                function=without(one.function) if one.function else None,
                candidate=without(one.candidate) if one.candidate else None,
            )
            for one in target.aliases
        ),
        versions=tuple(replace(one, function=without(one.function)) for one in target.versions),
    )


def _read_beside(
    reading: _Reading, pool: ThreadPoolExecutor, full: bool, beside: bool, watcher: Watcher
) -> None:
    """Resources beside functions: kinds that are declared or that the tags remember; with ``full`` all of
    which a function has one. Of several, those that nobody declares and no tag remembers are others'.

    No listing tells them, so each costs a call of the family with 15 a second: ``status``, which looks at
    every function, asks for those of many only when it is told to.
    """
    single = {name for name, kind in KINDS.items() if not kind.is_many}
    every = full and (beside or len(reading.wanted) <= FEW)
    wanted: list[tuple[str, str, str]] = []
    needed: set[tuple[str, str]] = set()
    sought: dict[tuple[str, str], Mapping[str, str]] = {}
    unread: dict[frozenset[str], frozenset[str]] = {}  # one for all functions of which the same was not asked
    for target in reading.wanted.values():
        function = reading.functions.get(target.function.name) if target.function else None
        if function is None:
            continue
        known = kinds_of(target.resources) | remembered_kinds(function.tags)
        asked = (single | known if every else known) & KINDS.keys()
        there = {"", *(alias.name for alias in reading.aliases.get(function.name, ()))}
        places = sorted(reading.qualifiers(target) & there)
        # An alias that is to go is looked at whole: what is on it goes first.
        wanted += [
            (function.name, kind, place)
            for place in places
            for kind in sorted(asked if place in ("", target.qualifier) else KINDS)
            if not KINDS[kind].unversioned and (place == places[0] or not KINDS[kind].at_once)
        ]
        wanted += [(function.name, kind, "") for kind in sorted(asked) if KINDS[kind].unversioned]
        needed |= {(function.name, kind) for kind in known}
        for kind in known & KINDS.keys():
            place = (function.name, kind)
            sought[place] = {**_sought(function, target.resources, kind), **sought.get(place, {})}
        left = function.unread | KINDS.keys() - asked
        reading.functions[function.name] = replace(function, unread=unread.setdefault(left, left))
    if full and not every:
        titles = ", ".join(sorted(KINDS[name].title for name in single))
        reading.notes.append(f"{titles}: not read of functions that declare none (--full reads them)")
    if wanted:
        watcher.progress(f"reading {len(wanted)} settings beside functions")
    denied: dict[str, LockstepError] = {}
    for (name, kind, _), found in _each_beside(reading, pool, [*dict.fromkeys(wanted)], sought):
        if isinstance(found, LockstepError) and (name, kind) in needed:
            reading.refused[name] = found
        elif isinstance(found, LockstepError):
            denied[kind] = found
            function = reading.functions[name]
            reading.functions[name] = replace(function, unread=function.unread | {kind})
        else:
            reading.resources.setdefault(name, []).extend(found)
    reading.notes += [f"{kind} was not read where none is declared: {why}" for kind, why in denied.items()]
    _read_outliving(reading, pool)


def _sought(function: Function, resources: Iterable[Resource], kind: str) -> Mapping[str, str]:
    """What of several is declared or remembered, by digest: the identity, where the repository tells it."""
    words = (word.split(":") for word in remembered_words(function.tags))
    known = {word[2]: "" for word in words if word[0] == kind and len(word) == 3}
    return known | {digest_of(one.identity): one.identity for one in resources if one.kind == kind}


def _each_beside(
    reading: _Reading,
    pool: ThreadPoolExecutor,
    wanted: Sequence[_Place],
    sought: Mapping[tuple[str, str], Mapping[str, str]],
) -> list[tuple[_Place, tuple[Resource, ...] | LockstepError]]:
    """The resources at each place. Many of a kind that a listing tells are read in its pages, all at once."""
    connection = reading.connection
    counts = Counter(kind for _, kind, _ in wanted)
    many = sorted(kind for kind, count in counts.items() if count > FEW)
    pages = dict(_each(pool, filter(kinds.is_swept, many), lambda kind: kinds.sweep(connection, kind)))
    told_of = dict(_each(pool, filter(kinds.is_surveyed, many), lambda kind: kinds.survey(connection, kind)))

    def look(one: _Place) -> tuple[Resource, ...]:
        surveyed = told_of.get(one[1])
        if isinstance(surveyed, LockstepError):
            raise surveyed
        return kinds.read(connection, *one, sought.get(one[:2], {}), surveyed)

    single = [one for one in wanted if one[1] not in pages]
    found = dict(_each(pool, single, look))
    for place in wanted:
        name, kind, qualifier = place
        if kind in pages:
            told = pages[kind]
            found[place] = told if isinstance(told, LockstepError) else told.get((name, qualifier), ())
    return [(place, found[place]) for place in wanted]


def _read_outliving(reading: _Reading, pool: ThreadPoolExecutor) -> None:
    """What AWS would keep beside functions that are to be deleted; one of which it cannot be read stays."""
    places = {
        (str(other.function and other.function.name), kind, qualifier): arn
        for arn, other in reading.others.items()
        if other.obstacle is None and other.function is not None
        for kind in sorted(remembered_kinds(other.function.tags))
        if kind in KINDS and KINDS[kind].outlives
        for qualifier in sorted(remembered_qualifiers(other.function.tags))[
            : 1 if KINDS[kind].at_once else None
        ]
    }
    sought = {
        (name, kind): _sought(function, (), kind)
        for (name, kind, _), arn in places.items()
        if (function := reading.others[arn].function) is not None
    }
    for place, found in _each_beside(reading, pool, [*places], sought):
        other = reading.others[places[place]]
        if isinstance(found, LockstepError):
            reading.others[places[place]] = replace(other, obstacle=Obstacle.of(found))
        else:
            reading.others[places[place]] = replace(other, resources=(*other.resources, *found))


def _read_logs(reading: _Reading, full: bool) -> None:
    """Retention where somebody declares it or did, where everything is asked for, and of a few: that is one
    call. A line that was taken out of Git is a change, which nobody sees who does not look.
    """
    groups: dict[str, str] = {}
    is_declared = False
    for target in reading.wanted.values():
        if target.function and target.function.name in reading.functions:
            name = target.function.name
            groups[name] = str(target.function.settings.get("logging.group") or f"/aws/lambda/{name}")
            known = target.function.settings.keys() | remembered_kinds(reading.functions[name].tags)
            is_declared = is_declared or "logRetentionDays" in known
    if len(groups) > FEW and not (full or is_declared):
        reading.notes.append(
            f"the log retention of {len(groups)} functions was not read, because none of them declares one "
            "(--full reads it)"
        )
    if not groups or (len(groups) > FEW and not (full or is_declared)):
        return
    shared = commonprefix([*groups.values()])  # noqa: RUF071 - the API compares characters, not paths
    try:
        days = logs.retentions(reading.connection, shared)
    except (NoCredentials, Interrupted):
        raise
    except LockstepError as error:
        for target in reading.wanted.values():
            if target.function and "logRetentionDays" in target.function.settings:
                reading.refused[target.function.name] = error
        reading.notes.append(f"the retention of logs was not read where none is declared: {error}")
        return
    for name, group in groups.items():
        function = reading.functions[name]
        settings = dict(function.settings)
        if days.get(group) is not None:
            settings["logRetentionDays"] = days[group]
        reading.functions[name] = replace(
            function, settings=settings, unread=function.unread - {"logRetentionDays"}
        )


def _read_signing(reading: _Reading, pool: ThreadPoolExecutor, full: bool) -> None:
    """Code signing where it is declared or was, and of a few where all is asked for: 15 calls a second.

    Who may not ask where nothing is declared is told so, and the rest goes on.
    """
    declared = {
        target.function.name: "codeSigningConfigArn"
        in target.function.settings.keys() | remembered_kinds(reading.functions[target.function.name].tags)
        for target in reading.wanted.values()
        if target.function and not target.function.code.image and target.function.name in reading.functions
    }
    ask = [name for name, is_declared in declared.items() if is_declared or (full and len(declared) <= FEW)]
    denied: list[str] = []

    def look(name: str) -> str | None:
        try:
            return signing.read(reading.connection, name)
        except CloudError:
            if declared[name]:
                raise
            denied.append(name)
            return None

    for name, config in _each(pool, ask, look):
        if isinstance(config, LockstepError):
            reading.refused[name] = config
        if name in denied or isinstance(config, LockstepError):
            continue
        function = reading.functions[name]
        settings = {**function.settings, **({"codeSigningConfigArn": config} if config else {})}
        unread = function.unread - {"codeSigningConfigArn"}
        reading.functions[name] = replace(function, settings=settings, unread=unread)
    if denied:
        reading.notes.append(
            f"code signing of {len(denied)} functions could not be read: lambda:GetFunctionCodeSigningConfig"
        )


def _read_buckets(
    reading: _Reading,
    asked: Iterable[str],
    buckets: dict[str, Bucket],
    closed: dict[str, Obstacle],
    pool: ThreadPoolExecutor,
) -> None:
    """Buckets of triggers, those that tags remember, and those that the desired fleet names besides."""
    names = {*asked} | {trigger.bucket for t in reading.wanted.values() for trigger in t.every_trigger}
    proven = [other for other in reading.others.values() if other.obstacle is None]
    for function in (*reading.functions.values(), *(t.function for t in proven)):
        if function is not None:
            names |= remembered_buckets(function.tags)
    wanted = sorted(names - buckets.keys())
    found: list[tuple[str, dict[str, Any] | LockstepError | None]]
    try:
        found = [*_each(pool, wanted, lambda name: notification.read(reading.connection, name))]
    except Unreachable as error:  # S3 is another service: functions that no bucket calls are known
        found = [(name, error) for name in wanted]
    for name, raw in found:
        if isinstance(raw, LockstepError):
            why = Obstacle.of(raw)
            closed[name] = replace(why, text=f"the bucket {name} could not be read: {why.text}")
        elif raw is not None:
            buckets[name] = Bucket(name=name, raw=raw)
            closed.pop(name, None)  # another account may read it


def _each(
    pool: ThreadPoolExecutor, items: Iterable[_T], work: Callable[[_T], _R]
) -> list[tuple[_T, _R | LockstepError]]:
    """Do the work for each item in threads; what is refused of one item is told of that one.

    The first error that says that no other item can be had either ends it and is raised.
    """

    def tried(item: _T) -> _R | LockstepError:
        try:
            return work(item)
        except (NoCredentials, Unreachable, Interrupted):
            raise
        except LockstepError as error:
            return error

    wanted = list(items)
    futures = [pool.submit(tried, item) for item in wanted]
    try:
        return [(item, future.result()) for item, future in zip(wanted, futures, strict=True)]
    finally:
        for future in futures:
            future.cancel()
