"""Who calls which functions: from what is declared, and from what is live where that was read.

Triggers, and whatever the rows of kinds tell: a kind that ``invites`` has something that calls, and a row
that ``gets`` names what is handed something. A new kind is here by its rows alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from lockstep.model import FIELDS, Fleet, Resource, Statement, Target, Trigger
from lockstep.model.calling import CallGraph, Party, Standing, Way
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.model.kinds.base import digest_of
from lockstep.model.relay import rules_of
from lockstep.planning.beside import is_on
from lockstep.planning.diff import is_ignored
from lockstep.planning.notifications import describe, entries_of, is_switched_on, owner_of, trigger_of
from lockstep.planning.policy import remembered_words
from lockstep.values import dataclass

__all__ = ["among", "calls_of"]

_ARN_PARTS = 6
_KINDS: Mapping[str, str] = {
    "dynamodb": "table",
    "elasticloadbalancing": "load balancer",
    "events": "event bus",
    "execute-api": "API",
    "iam": "role or user",
    "kafka": "Kafka cluster",
    "kinesis": "stream",
    "lambda": "function",
    "logs": "log group",
    "mq": "broker",
    "rds": "DocumentDB cluster",
    "s3": "bucket",
    "scheduler": "schedule",
    "sns": "topic",
    "sqs": "queue",
}
"""What a resource of a service is called; others are called by their service."""
_AFTER: Mapping[str, str] = {
    **dict.fromkeys(("dynamodb", "events", "kafka", "kinesis"), "/"),
    **dict.fromkeys(("logs", "mq", "rds"), ":"),
}
"""By service whose ARNs begin a name with its type: what stands between the two."""


@dataclass(kw_only=True)
class _Drawing:
    """The graph while it is made."""

    desired: Fleet
    live: Fleet | None
    parties: dict[str, Party] = field(default_factory=dict)
    ways: dict[Way, None] = field(default_factory=dict)

    def party(self, text: str, is_foreign: bool = False) -> str:
        """The key of the party that an ARN, or a name in place of one, names."""
        parts = text.split(":", _ARN_PARTS - 1)
        if len(parts) < _ARN_PARTS or parts[0] != "arn":
            return self.add(text, Party(kind="", name=text), is_foreign)
        service, region, account, rest = parts[2:]
        if service == "s3":
            return self.bucket(rest, is_foreign)
        name = rest
        if service == "lambda":
            name = rest.removeprefix("function:").partition(":")[0]
            if (key := self._target_of(name, region, account)) is not None:
                return key
            text = ":".join((*parts[:5], f"function:{name}"))
        elif service == "events" and rest.startswith("rule/"):
            return self.add(text, Party(kind="rule", name=rest.removeprefix("rule/")), is_foreign)
        else:
            _, _, end = rest.partition(_AFTER.get(service, "\n"))
            name = end.partition("/stream/")[0] or rest
        return self.add(text, Party(kind=_KINDS.get(service, service), name=name), is_foreign)

    def bucket(self, name: str, is_foreign: bool = False) -> str:
        """The key of a bucket."""
        return self.add(f"arn:aws:s3:::{name}", Party(kind="bucket", name=name), is_foreign)

    def add(self, key: str, party: Party, is_foreign: bool = False) -> str:
        """Keep a party; one that anything of the project declares is no foreign one."""
        if key not in self.parties or not is_foreign:
            self.parties[key] = Party(kind=party.kind, name=party.name, is_foreign=is_foreign)
        return key

    def way(self, source: str, sink: str, words: str, standing: Standing) -> None:
        """Keep a way."""
        self.ways[Way(source=source, sink=sink, words=words, standing=standing)] = None

    def _target_of(self, name: str, region: str, account: str) -> str | None:
        """The target whose function an ARN names, of those that are declared in that account and Region."""
        for key, target in self.desired.targets.items():
            if target.function is None or target.function.name != name:
                continue
            scope = self.live.scopes.get(target.environment.partition("/")[0]) if self.live else None
            if scope is None or (scope.region, scope.account) == (region, account):
                self.parties.setdefault(key, _function(target))
                return key
        return None


def calls_of(desired: Fleet, live: Fleet | None, notes: Iterable[str] = ()) -> CallGraph:
    """Who calls the selected functions, and what gets something from them.

    Without a ``live`` fleet what is declared, and no word on whether it is there.
    """
    drawing = _Drawing(desired=desired, live=live)
    chosen = [desired.targets[key] for key in sorted(desired.selected())]
    unread: dict[str, tuple[str, ...]] = {}
    for target in chosen:
        if target.function is not None:
            drawing.parties[target.key] = _function(target)
    for target in chosen:
        if target.function is None:
            continue
        have = live.targets.get(target.key) if live is not None else None
        if missing := _unread(target, have, live):
            unread[target.key] = missing
        _declared(drawing, target, have)
        if have is not None:
            _others(drawing, target, have)
    if live is not None:
        _beside_buckets(drawing, live, {trigger.bucket for one in chosen for trigger in one.every_trigger})
    return CallGraph(parties=drawing.parties, ways=tuple(drawing.ways), unread=unread, notes=tuple(notes))


def among(graph: CallGraph, is_shown: Callable[[str], bool]) -> CallGraph:
    """The part of a graph that has to do with some targets. Of what nobody is told nothing is drawn.

    A way between a target that is shown and one that is not ends at a party without a name.
    """
    hidden = {key for key, one in graph.parties.items() if one.target and not is_shown(one.target)}
    shown = {key for key, one in graph.parties.items() if one.target} - hidden
    if not hidden:
        return graph
    ways = tuple(way for way in graph.ways if way.source in shown or way.sink in shown)
    ends = {end for way in ways for end in (way.source, way.sink)}
    parties = {
        key: Party(kind="function", name="of another target", is_foreign=True) if key in hidden else one
        for key, one in graph.parties.items()
        if key in shown or key in ends
    }
    return CallGraph(
        parties=parties, ways=ways, unread={key: graph.unread[key] for key in shown & graph.unread.keys()}
    )


def _function(target: Target) -> Party:
    name = target.function.name if target.function is not None else ""
    return Party(kind="function", name=name, target=target.key)


def _unread(target: Target, have: Target | None, live: Fleet | None) -> tuple[str, ...]:
    """What nobody knows of a target's callers, in words."""
    if live is None:
        return ()
    if target.key in live.unread:
        return (live.unread[target.key].text,)
    if have is None or have.function is None:
        return ()
    left, declared = have.function.unread, {one.kind for one in target.resources}
    titles = [
        kind.title if not kind.is_many or name in declared else f"{kind.title} of others"
        for name, kind in KINDS.items()
        if name in left and _tells(kind)
    ]
    return (*titles, *(["permission of others"] if "statements" in left else []))


def _tells(kind: ResourceKind) -> bool:
    """Whether a kind has to do with callers, and more than the function's policy tells of it."""
    is_drawn = kind.invites or any(row.gets for row in kind.rows)
    return is_drawn and {*kind.reads} != {"lambda:GetPolicy"}


def _declared(drawing: _Drawing, target: Target, have: Target | None) -> None:
    """What Git says, and whether it is so."""
    key, live = target.key, drawing.live
    for trigger in target.triggers:
        standing = _standing_of_trigger(trigger, target, live)
        drawing.way(drawing.bucket(trigger.bucket), key, describe(trigger), standing)
    assert target.function is not None  # noqa: S101 - the caller's choice
    relays = _relays(target)
    settings = target.function.settings
    for row in FIELDS:
        if row.gets and isinstance(value := settings.get(row.name), str):
            is_there = have is not None and have.function and have.function.settings.get(row.name) == value
            drawing.way(key, drawing.party(value), row.name, _standing(target, live, bool(is_there)))
    for one in target.resources:
        kind = KINDS[one.kind]
        found = have.resources if have is not None else ()
        there = next((r for r in found if (r.kind, r.identity) == (one.kind, one.identity)), None)
        is_unread = have is not None and have.function is not None and one.kind in have.function.unread
        is_there = there is not None and is_on(there, target)
        standing = Standing.UNKNOWN if is_unread else _standing(target, live, is_there)
        if kind.invites and (relayed := relays.get((one.kind, one.name))) is not None:
            bucket = live.buckets.get(relayed.bucket) if live is not None else None
            if standing is Standing.LIVE and not (bucket and is_switched_on(bucket.raw)):
                standing = Standing.MISSING
            words = f"{describe(relayed)} through EventBridge"
            drawing.way(drawing.bucket(relayed.bucket), key, words, standing)
        elif kind.invites:
            drawing.way(*_called(drawing, kind, one, key, is_foreign=False), standing)
        for row in kind.rows:
            if row.gets and isinstance(value := one.settings.get(row.name), str):
                is_so = is_there and there is not None and there.settings.get(row.name) == value
                now = standing if is_so or standing is not Standing.LIVE else Standing.MISSING
                drawing.way(key, drawing.party(value), kind.path(row, one.name), now)


def _relays(target: Target) -> Mapping[tuple[str, str], Trigger]:
    """The triggers through EventBridge by what calls for them."""
    name = target.function.name if target.function is not None else ""
    return {
        (rule.kind, rule.name): trigger
        for trigger in target.relayed
        for rule in rules_of(trigger, target.qualifier, name)
    }


def _standing(target: Target, live: Fleet | None, is_there: bool) -> Standing:
    if live is None:
        return Standing.DECLARED
    if target.key in live.unread:
        return Standing.UNKNOWN
    return Standing.LIVE if is_there else Standing.MISSING


def _standing_of_trigger(trigger: Trigger, target: Target, live: Fleet | None) -> Standing:
    if live is not None and trigger.bucket in live.closed:
        return Standing.UNKNOWN
    bucket = live.buckets.get(trigger.bucket) if live is not None else None
    name = target.function.name if target.function is not None else ""
    called = f":function:{name}:{target.alias}" if target.alias else f":function:{name}"
    entries = bucket.raw.get("LambdaFunctionConfigurations", ()) if bucket is not None else ()
    same = (
        entry
        for entry in entries
        if str(entry.get("LambdaFunctionArn", "")).endswith(called)
        and describe(trigger_of(trigger.bucket, entry)) == describe(trigger)
    )
    return _standing(target, live, any(True for _ in same))


def _called(
    drawing: _Drawing, kind: ResourceKind, one: Resource, key: str, *, is_foreign: bool
) -> tuple[str, str, str]:
    """What calls by a resource, whom, and in which words."""
    said = [(name, one.settings[name]) for name in kind.callers or kind.sources if name in one.settings]
    texts = [", ".join(map(str, value)) if isinstance(value, tuple) else str(value) for _, value in said]
    title = f"{kind.title} {one.name}".rstrip()
    if texts and (texts[0].startswith("arn:") or kind.callers):
        return drawing.party(texts[0], is_foreign), key, " ".join((title, *texts[1:]))
    label = str(one.settings.get("name") or one.name or drawing.parties[key].name)
    place = f"{kind.name} {one.identity or key}"
    source = drawing.add(place, Party(kind=kind.title, name=label), is_foreign)
    needed = [f"{row.name} {one.settings[row.name]}" for row in kind.rows if row.required and not texts]
    return source, key, " ".join((*texts, *needed)) or title


def _others(drawing: _Drawing, target: Target, have: Target) -> None:
    """What is live of the target's callers and not declared: Lockstep's former, or somebody else's."""
    assert have.function is not None or not have.resources  # noqa: S101 - nothing stands beside nothing
    tags = have.function.tags if have.function is not None else {}
    made = {(word.split(":")[0], word.split(":")[-1]) for word in remembered_words(tags)}
    wanted = {(one.kind, one.identity) for one in target.resources}
    for one in have.resources:
        kind = KINDS[one.kind]
        if (one.kind, one.identity) in wanted or not kind.invites:
            continue
        is_ours = (one.kind, digest_of(one.identity)) in made if kind.is_many else True
        is_ours = is_ours and not one.foreign and not is_ignored(one.kind, target.ignore)
        source, sink, words = _called(drawing, kind, one, target.key, is_foreign=not is_ours)
        drawing.way(source, sink, words, Standing.LEFT if is_ours else Standing.FOREIGN)
    for statement in have.statements:
        if not statement.sid.startswith("lockstep-"):
            source = drawing.party(_who(statement), is_foreign=True)
            drawing.way(source, target.key, f"permission {statement.sid}", Standing.FOREIGN)


def _who(statement: Statement) -> str:
    return statement.source_arn or statement.principal


def _beside_buckets(drawing: _Drawing, live: Fleet, names: Iterable[str]) -> None:
    """What buckets of the selected targets hand to others."""
    for name in sorted(names):
        bucket = live.buckets.get(name)
        for entry in entries_of(bucket.raw) if bucket is not None else ():
            if owner_of(entry.id) is not None or not entry.destination:
                continue
            trigger = Trigger(bucket=name, prefix=entry.prefix, suffix=entry.suffix, events=entry.events)
            sink = drawing.party(entry.destination, is_foreign=True)
            drawing.way(drawing.bucket(name), sink, describe(trigger), Standing.FOREIGN)
