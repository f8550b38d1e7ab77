"""What is live otherwise than Git declares it, whoever applies it.

For an engine whose tool holds a part of the truth itself: what Git does not declare is the tool's own and
is not compared. Nothing is concluded from what the tool says that it did.
"""

from collections.abc import Mapping
from dataclasses import replace

from lockstep.model import Bucket, Change, Function, Target, Trigger, Value
from lockstep.model.alias import qualified, versioned
from lockstep.planning import beside
from lockstep.planning.diff import (
    diff_code,
    diff_settings,
    diff_tags,
    is_named_by_tag,
    with_ignored,
    without_unknown,
)
from lockstep.planning.notifications import LAMBDA, describe, is_switched_on, switch_words, trigger_of

__all__ = ["differences", "narrowed", "runs_as_declared"]


def differences(target: Target, live: Target | None, buckets: Mapping[str, Bucket]) -> tuple[Change, ...]:
    """Everything that a target declares and that is not so. ``buckets`` hold the live notifications.

    A function that is not there is one change, of the path ``function``.
    """
    wanted = target.function
    assert wanted is not None  # noqa: S101 - callers pass targets that have one
    now = live.function if live is not None else None
    if now is None:
        return (Change(path="function", new=wanted.name),)
    wanted = with_ignored(wanted, now, target.ignore)
    names = wanted.settings.keys() | wanted.defaults
    return (
        *diff_code(wanted, now),
        *diff_settings(wanted, narrowed(now, names, wanted.settings.get("environment"))),
        *diff_tags(wanted.tags, now.tags),
        *_alias(target, wanted, live),
        *(change for one in beside.differences(target, live) for change in one.changes),
        *_triggers(target, qualified(now.arn or "", target.alias), buckets),
    )


def runs_as_declared(target: Target, live: Target | None) -> bool:
    """Whether what runs is known to be the declared release's."""
    wanted, now = target.function, live.called if live is not None else None
    if wanted is None or now is None or target.obstacle is not None:
        return False
    if target.alias is not None and (live is None or live.live_alias is None):
        return False
    code = wanted.code
    is_known = bool(code.sha256) or (bool(code.image) and not is_named_by_tag(code))
    return is_known and not diff_code(wanted, now)


def narrowed(live: Function, names: frozenset[str] | set[str], declared: Value) -> Function:
    """The live function with nothing but the fields, and the variables, that are declared."""
    settings = {name: value for name, value in live.settings.items() if name in names}
    variables = settings.get("environment")
    if not isinstance(declared, Mapping):
        settings.pop("environment", None)
    elif isinstance(variables, Mapping):
        settings["environment"] = {name: value for name, value in variables.items() if name in declared}
    return replace(live, settings=settings)


def _alias(target: Target, wanted: Function, live: Target | None) -> list[Change]:
    """The alias that is missing, or does not give all calls to what is declared."""
    if target.alias is None or live is None:
        return []
    have, new = live.live_alias, f"{target.alias}: version of {target.version or 'what is declared'}"
    if have is None:
        return [Change(path="alias", new=new)]
    if have.function is not None and not have.weights and not _unlike(wanted, have.function):
        return []
    return [Change(path="alias", old=f"{have.name}: {have.words}", new=new)]


def _unlike(wanted: Function, version: Function) -> bool:
    """Whether a published version has something otherwise than declared, of what versions keep."""
    known = without_unknown(wanted, version)
    known = replace(known, settings=versioned(known.settings))
    names = known.settings.keys() | wanted.defaults
    there = narrowed(version, names, known.settings.get("environment"))
    there = replace(there, settings=versioned(there.settings))
    return bool([*diff_code(known, there), *diff_settings(known, there)])


def _triggers(target: Target, arn: str, buckets: Mapping[str, Bucket]) -> list[Change]:
    """Triggers that are missing and entries that call the function without one, on the buckets declared."""
    changes: list[Change] = []
    for name in dict.fromkeys(trigger.bucket for trigger in target.every_trigger):
        bucket = buckets.get(name, Bucket(name=name))
        wanted = {describe(trigger) for trigger in target.triggers if trigger.bucket == name}
        live = {describe(trigger) for trigger in _calling(arn, bucket)}
        if any(one.bucket == name for one in target.relayed):
            wanted.add(switch_words(name))
            live |= {switch_words(name)} if is_switched_on(bucket.raw) else set()
        missing, extra = sorted(wanted - live), sorted(live - wanted)
        if len(missing) == len(extra) == 1:
            changes.append(Change(path="trigger", old=extra[0], new=missing[0]))
        else:
            changes += [Change(path="trigger", new=words) for words in missing]
            changes += [Change(path="trigger", old=words) for words in extra]
    return changes


def _calling(arn: str, bucket: Bucket) -> list[Trigger]:
    """The entries of a bucket that call a function, by any of its versions and aliases, or one alias."""
    return [
        trigger_of(bucket.name, entry)
        for entry in bucket.raw.get(LAMBDA, ())
        if f"{entry.get('LambdaFunctionArn', '')}:".startswith(f"{arn}:")
    ]
