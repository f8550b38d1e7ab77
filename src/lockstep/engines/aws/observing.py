"""Functions as they are, read one by one: for targets that another engine applies.

Nothing is listed and no owner is asked for: this needs the permission to read the function, its buckets'
notifications and, where they are declared, its log group and what stands beside it.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace

from lockstep.engines.aws import alias as aliases
from lockstep.engines.aws import function as functions
from lockstep.engines.aws import kinds, logs, notification
from lockstep.engines.aws.connection import Connection
from lockstep.errors import Interrupted, LockstepError
from lockstep.model import Alias, Bucket, Function, Resource, Target
from lockstep.model.alias import release_of
from lockstep.model.kinds import KINDS
from lockstep.model.kinds.base import digest_of
from lockstep.planning.policy import remembered_words
from lockstep.values import dataclass

__all__ = ["Observed", "observe"]

_WORKERS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What is live of some targets. A target in neither ``live`` nor ``unread`` has no function."""

    live: dict[str, Target] = field(default_factory=dict)  # by key
    buckets: dict[str, Bucket] = field(default_factory=dict)  # those that the targets' triggers name
    unread: dict[str, str] = field(default_factory=dict)  # key -> why nobody knows
    taken: dict[str, tuple[Resource, ...]] = field(default_factory=dict)
    """By key, of functions that are not there: what they declare, AWS keeps one of, and others have."""


def observe(targets: Iterable[Target], connection_of: Callable[[str], Connection]) -> Observed:
    """Read the functions of targets and the buckets of their triggers. Changes nothing.

    What cannot be read is told of each target by itself. ``connection_of`` an environment's name.
    """
    wanted = [target for target in targets if target.function is not None]
    observed = Observed()
    if not wanted:
        return observed

    def look(target: Target) -> Target | LockstepError | tuple[Resource, ...]:
        try:
            connection = connection_of(target.environment)
            return _read(connection, target) or tuple(_taken(connection, target))
        except Interrupted:
            raise
        except LockstepError as error:
            return error

    with ThreadPoolExecutor(min(_WORKERS, len(wanted))) as pool:
        for target, found in zip(wanted, pool.map(look, wanted), strict=True):
            match found:
                case LockstepError():
                    observed.unread[target.key] = str(found)
                case Target():
                    observed.live[target.key] = found
                case tuple():
                    observed.taken[target.key] = found
    _read_buckets(observed, wanted, connection_of)
    return observed


def _read(connection: Connection, target: Target) -> Target | None:
    declared = target.function
    assert declared is not None  # noqa: S101 - only such targets are looked at
    found = functions.get(connection, declared.name)
    if found is None:
        return None
    found = _with_retention(connection, found, declared)
    alias = aliases.read(connection, declared.name, target.alias) if target.alias else None
    remembered = [word.split(":") for word in remembered_words(found.tags) if word.count(":") == 2]
    former = {
        (kind, digest)
        for kind, name, digest in remembered
        if any((one.kind, one.name) == (kind, name) and one.word[-8:] != digest for one in target.resources)
    }
    wanted = {(one.kind, digest_of(one.identity)) for one in target.resources} | former
    places = dict.fromkeys((one.kind, one.qualifier) for one in target.resources)
    sought = {
        kind: {
            **{digest: "" for of, digest in former if of == kind},
            **{digest_of(one.identity): one.identity for one in target.resources if one.kind == kind},
        }
        for kind, _ in places
    }
    beside = (
        one for place in places for one in kinds.read(connection, declared.name, *place, sought[place[0]])
    )
    return replace(
        target,
        resources=tuple(one for one in beside if (one.kind, digest_of(one.identity)) in wanted),
        function=functions.masked_like(found, declared),
        aliases=() if alias is None else (_masked(alias, declared),),
        version=release_of(alias.description) if alias is not None else found.tags.get("lockstep:version"),
        triggers=(),
        obstacle=None,
    )


def _taken(connection: Connection, target: Target) -> Iterator[Resource]:
    """What others have of what AWS keeps one of."""
    assert target.function is not None  # noqa: S101 - only such targets are looked at
    for one in target.resources:
        if KINDS[one.kind].sole:
            sought = {digest_of(one.identity): one.identity}
            yield from kinds.read(connection, target.function.name, one.kind, one.qualifier, sought)


def _masked(alias: Alias, declared: Function) -> Alias:
    function = alias.function
    return replace(alias, function=functions.masked_like(function, declared) if function else None)


def _with_retention(connection: Connection, found: Function, declared: Function) -> Function:
    if "logRetentionDays" not in declared.settings.keys() | declared.defaults:
        return found
    group = str(declared.settings.get("logging.group") or f"/aws/lambda/{declared.name}")
    days = logs.retention(connection, group)
    settings = found.settings if days is None else {**found.settings, "logRetentionDays": days}
    return replace(found, settings=settings, unread=found.unread - {"logRetentionDays"})


def _read_buckets(
    observed: Observed, targets: Iterable[Target], connection_of: Callable[[str], Connection]
) -> None:
    """The notifications of each bucket, once; a bucket that cannot be read leaves its targets unread."""
    failed: dict[str, str] = {}
    for target in targets:
        if target.key not in observed.live:
            continue
        for name in dict.fromkeys(trigger.bucket for trigger in target.every_trigger):
            if name not in observed.buckets and name not in failed:
                try:
                    raw = notification.read(connection_of(target.environment), name)
                except Interrupted:
                    raise
                except LockstepError as error:
                    failed[name] = str(error)
                else:
                    observed.buckets[name] = Bucket(name=name, raw=raw or {})
            if name in failed:
                observed.unread[target.key] = failed[name]
