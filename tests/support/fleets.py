"""Hypothesis strategies for desired and live fleets, as messy as real accounts are.

A live fleet is drawn around a desired one, so that most examples have something in common with it:
functions are missing, drifted in any field, of other owners or under a former name; buckets hold
entries of ours (current, stale, edited, left behind) beside those of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from lockstep.model import (
    FIELDS,
    Alias,
    Bucket,
    Call,
    Code,
    Environment,
    Field,
    Fleet,
    Function,
    Health,
    Kind,
    Obstacle,
    Package,
    Project,
    Published,
    Scope,
    Secret,
    Statement,
    Target,
    Trigger,
    Value,
)
from lockstep.model.alias import described, qualified
from lockstep.model.fields import BY_NAME, existing, normalise
from lockstep.model.kinds import KINDS, ROWS, Resource
from lockstep.model.relay import rules_of
from lockstep.planning.beside import kinds_of
from lockstep.planning.notifications import LAMBDA, clashes, entry_for, function_of
from lockstep.planning.policy import Rules, ownership_tags

PROJECT = "syrf"
BUCKETS = ("uploads", "exports")
ENVIRONMENTS = ("staging", "production", "preview/pr-1", "preview/pr-2")
SERVICES = ("notifier", "api", "web.v2")
SCOPES = {
    "staging": Scope(account="111111111111", region="eu-west-1"),
    "production": Scope(account="222222222222", region="eu-west-1"),
    "preview": Scope(account="111111111111", region="eu-west-1"),
}

_EVENTS = (
    ("s3:ObjectCreated:*",),
    ("s3:ObjectCreated:Put",),
    ("s3:ObjectCreated:Copy", "s3:ObjectCreated:Put"),
    ("s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"),
)
_SAMPLES: dict[str, tuple[Value, ...]] = {
    "runtime": ("python3.13", "dotnet8"),
    "handler": ("app.handler", "Syrf::Function::Handler"),
    "role": ("arn:aws:iam::111111111111:role/runs", "arn:aws:iam::111111111111:role/path/other"),
    "description": ("", "one", "two"),
    "layers": (
        (),
        (
            "arn:aws:lambda:eu-west-1:111111111111:layer:b:1",
            "arn:aws:lambda:eu-west-1:111111111111:layer:a:2",
        ),
    ),
    "vpc.subnetIds": ((), ("subnet-b", "subnet-a"), ("subnet-c",)),
    "vpc.securityGroupIds": ((), ("sg-2", "sg-1")),
    "deadLetterTarget": ("", "arn:aws:sqs:eu-west-1:1:dead"),
    "kmsKeyArn": ("", "arn:aws:kms:eu-west-1:1:key/k"),
    "sourceKmsKeyArn": ("", "arn:aws:kms:eu-west-1:1:key/p"),
    "fileSystems": (
        (),
        ({"localMountPath": "/mnt/a", "arn": "arn:aws:elasticfilesystem:x"},),
        ({"localMountPath": "/mnt/a", "arn": "arn:aws:s3files:x", "directS3Read": "DISABLED"},),
    ),
    "logging.group": (None, "/shared/group"),
    "imageConfig.entryPoint": ((), ("/entry", "-v")),
    "imageConfig.command": ((), ("run",)),
    "imageConfig.workingDirectory": ("", "/app"),
    "durable.kmsKeyArn": ("", "arn:aws:kms:eu-west-1:1:key/d"),
    "capacityProvider.arn": (None, "arn:aws:lambda:eu-west-1:1:capacity-provider:c"),
    "codeSigningConfigArn": (None, "arn:aws:lambda:eu-west-1:1:code-signing-config:c"),
}


T = TypeVar("T")


@cache
def _upto(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


def pick(draw: st.DrawFn, options: Sequence[T]) -> T:
    """One of the options. Quicker than ``sampled_from``, which is built anew for each draw."""
    return options[draw(_upto(len(options) - 1))]


def some(draw: st.DrawFn, options: Sequence[T], most: int, least: int = 0) -> list[T]:
    """Some of the options, each once, in any order."""
    left = list(options)
    count = least + draw(_upto(min(most, len(left)) - least))
    return [left.pop(draw(_upto(len(left) - 1))) for _ in range(count)]


@cache
def values(name: str) -> st.SearchStrategy[Value]:
    """Normalised values of a field, or of a row of a kind beside the function; None is its default."""
    row = BY_NAME.get(name) or ROWS[name]
    match row.kind:
        case _ if row.name in _SAMPLES:
            raw: st.SearchStrategy[Any] = st.sampled_from(_SAMPLES[row.name])
        case Kind.BOOLEAN:
            raw = st.booleans()
        case Kind.MAP:
            raw = st.dictionaries(
                st.sampled_from(["HOST", "DD_ENV", "DD_SITE", "DB_PASSWORD"]),
                st.sampled_from(["one", "two", Secret("one"), Secret("two")]),
            )
        case Kind.INTEGER if row.enum:
            raw = st.sampled_from([None, *map(int, row.enum)])
        case Kind.INTEGER | Kind.NUMBER:
            low = int(row.minimum or 0)
            raw = st.sampled_from([None, low, low + 1, int(row.maximum or low + 100)])
        case Kind.SET if row.enum:
            raw = st.sampled_from([(value,) for value in row.enum])
        case Kind.STRUCTS:
            entry = {name: (one.enum or ("{}",))[-1] for name, one in row.members.items()}
            raw = st.sampled_from([(), (entry,)])
        case Kind.STATEMENTS:
            raw = st.sampled_from([None, *_STATEMENTS])
        case Kind.SET | Kind.STRINGS:
            raw = st.sampled_from([(), ("a",), ("b", "a")])
        case Kind.STRING if row.example:
            raw = st.sampled_from([None, row.example, f"{row.example}-2"])
        case Kind.STRING if row.enum:
            raw = st.sampled_from([None, *row.enum])
        case _:
            # A new row: its own pattern will do.
            raw = st.one_of(st.none(), st.from_regex(row.pattern or r"\A[a-z]{1,8}\Z", fullmatch=True))
    return raw.map(lambda value: normalise(row, value))


_STATEMENTS = [
    [{"Sid": sid, "Effect": "Allow", "Action": action, "Resource": "*"}]
    for sid, action in [("A", "s3:*"), ("B", "sqs:*")]
]
_REQUIRED = ("runtime", "handler", "role")
_FREE = [row for row in FIELDS if row.name not in _REQUIRED and row.for_type != "Image"]
_EVERYDAY = [row for row in _FREE if row.call is not Call.NEVER and not (row.api and row.reset is None)]


@st.composite
def settings_around(
    draw: st.DrawFn, base: dict[str, Value], rows: list[Field], most: int
) -> dict[str, Value]:
    """The given settings with up to ``most`` of the rows set anew."""
    settings = dict(base)
    for row in some(draw, rows, most):
        value = draw(values(row.name))
        settings.pop(row.name, None)
        if value is not None:
            settings[row.name] = value
    return existing(settings)


@cache
@st.composite
def functions(draw: st.DrawFn, name: str) -> Function:
    """A desired function."""
    base: dict[str, Value] = {name: _SAMPLES[name][0] for name in _REQUIRED}
    settings = draw(settings_around(base, pick(draw, [_EVERYDAY, _EVERYDAY, _FREE]), 5))
    digest = pick(draw, "abc") * 64
    package = Package(
        sha256=digest,
        size=10,
        bucket="packages",
        key=f"lockstep/packages/{digest}.zip",
        origin="directory",
        is_staged=pick(draw, (False, True)),
    )
    tags = {key: pick(draw, ("x", "y", None)) for key in some(draw, ("team", "cost"), 2)}
    return Function(name=name, settings=settings, code=Code(sha256=digest, package=package), tags=tags)


@cache
@st.composite
def triggers(draw: st.DrawFn, environment: str, service: str) -> tuple[Trigger, ...]:
    """Triggers that overlap no other target's: by a prefix or by a suffix of the target's own."""
    own = f"{environment}/{service}"
    found = []
    for number in range(draw(_upto(2))):
        by_suffix = pick(draw, (False, True))
        found.append(
            Trigger(
                bucket=pick(draw, BUCKETS),
                prefix="shared/" if by_suffix else f"{own}/{number}/",
                suffix=f".{own.replace('/', '-')}.{number}" if by_suffix else pick(draw, ["", ".csv"]),
                events=pick(draw, _EVENTS),
                place=f"{own}.yaml:{number + 1}",
            )
        )
    return tuple(found)


@cache
@st.composite
def resources(draw: st.DrawFn, *, live: bool = False, on: str = "") -> tuple[Resource, ...]:
    """Resources of some kinds beside a function or its alias, by the rows of the kind alone.

    Of a kind with several at most two, whose names and identities have nothing to do with one another.
    """
    found = []
    for name in some(draw, list(KINDS), 2):
        kind = KINDS[name]
        if live and kind.on_alias(on) != on:
            continue  # drawn for the function itself
        rows = [row for row in kind.rows if live or not row.computed]
        for label in some(draw, NAMES, 2) if kind.is_many and kind.has_names else [""]:
            chosen = some(draw, rows, 4) if kind.is_many else rows
            drawn = {row.name: draw(values(kind.path(row))) for row in chosen}
            required = [row for row in rows if row.required]
            drawn |= {row.name: drawn.get(row.name) or (*row.enum, row.example)[0] for row in required}
            settings = {key: value for key, value in drawn.items() if value is not None}
            settings = {**kind.usual(settings, "", label), **settings}
            if settings or kind.stands_alone:
                one = Resource(kind=name, qualifier=kind.on_alias(on), settings=kind.normal(settings))
                if kind.identify is not None:
                    identity = kind.identify(one.settings)
                    if not identity or identity in {other.identity for other in found}:
                        continue
                    may = pick(draw, [True, True, False])
                    one = replace(one, identity=identity, name="" if live else label, replace=may)
                found.append(one)
    return tuple(found)


NAMES = ("orders", "bills")
"""Of one of several resources."""

_IGNORE = (
    "reservedConcurrency",
    "environment.DD_*",
    "vpc",
    "memorySize",
    "tags.team",
    "code",
    "logging.format",
    *list(KINDS)[:1],
    *(kind.path(kind.rows[-1], "orders") for kind in KINDS.values()),
    *(f"{name}.orders" for name, kind in KINDS.items() if kind.is_many and kind.has_names),
)


@cache
@st.composite
def targets(draw: st.DrawFn, environment: str, service: str) -> Target:
    """A desired target."""
    key = f"{environment}/{service}"
    alias = pick(draw, [None, None, "live", "blue"])
    function = draw(functions(name=key.replace("/", "-").replace(".", "_")))
    there = draw(triggers(environment, service))
    relayed = tuple(one for one in there if pick(draw, [False, False, True]))
    rules = {rule.identity: rule for one in relayed for rule in rules_of(one, alias or "", function.name)}
    return Target(
        environment=environment,
        service=service,
        version=pick(draw, ["1.0.0", "1.1.0"]),
        function=function,
        triggers=tuple(one for one in there if one not in relayed),
        relayed=relayed,
        resources=(*draw(resources(on=alias or "")), *rules.values()),
        alias=alias,
        keep_versions=pick(draw, [1, 2, 5]),
        commit=pick(draw, [None, "c" * 40]),
        ignore=tuple(some(draw, _IGNORE, 2)),
        adopt=pick(draw, [False, False, True]),
        place=f"{key}.yaml:1",
        obstacle=pick(
            draw,
            [None] * 9
            + [Obstacle(text="its release cannot be had"), Obstacle(text="its host is away", is_unread=True)],
        ),
    )


@cache
@st.composite
def desired_fleets(draw: st.DrawFn) -> Fleet:
    """A whole desired project."""
    places = [(environment, service) for environment in ENVIRONMENTS for service in SERVICES]
    chosen = some(draw, places, 4, 1)
    found = {
        f"{environment}/{service}": draw(targets(environment, service)) for environment, service in chosen
    }
    return Fleet(project=PROJECT, targets=dict(sorted(found.items())))


@cache
@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """What the user and ``lockstep.yaml`` allow."""
    environments = {
        name: Environment(name=name, prune=pick(draw, (False, True)), adopt=pick(draw, [False, False, True]))
        for name in ("staging", "production", "preview")
    }
    return Rules(
        project=Project(name=PROJECT, environments=environments),
        adopt=pick(draw, (False, True)),
        allow_deletes=pick(draw, [None, None, 0, 100]),
    )


@dataclass(frozen=True, kw_only=True)
class World:
    """A desired fleet, what is live beside it, and what is allowed."""

    desired: Fleet
    live: Fleet
    rules: Rules


@cache
@st.composite
def worlds(draw: st.DrawFn, selected: bool = False) -> World:
    """A desired fleet and a live fleet that has drifted away from it."""
    desired = draw(desired_fleets())
    live_targets: dict[str, Target] = {}
    others: dict[str, Target] = {}
    for key, target in desired.targets.items():
        found, former = draw(live_targets_of(target))
        if found is not None:
            live_targets[key] = found
        if former is not None and former.function is not None and former.function.arn is not None:
            others[former.function.arn] = former
    for environment in some(draw, ENVIRONMENTS, 2):
        left = draw(leftovers(environment))
        if left.key not in desired.targets and left.function is not None and left.function.arn is not None:
            others[left.function.arn] = left
    live = Fleet(project=PROJECT, targets=live_targets, others=others, scopes=SCOPES)
    names = pick(draw, [BUCKETS] * 9 + [BUCKETS[:1]])
    live = replace(live, buckets={name: draw(buckets(name, desired, live)) for name in names})
    if selected:
        patterns = some(draw, [*desired.targets, *ENVIRONMENTS, "*/api", "preview/pr-9"], 2, 1)
        desired = replace(desired, selection=tuple(patterns))
    return World(desired=desired, live=_remembering(live), rules=draw(rules()))


@st.composite
def dim(draw: st.DrawFn, world: World) -> Fleet:
    """The live fleet as somebody sees it whom AWS does not let look at everything."""
    live = world.live
    unread = {key: Obstacle(text="denied", is_unread=True) for key in some(draw, [*world.desired.targets], 2)}
    closed = {name: Obstacle(text="denied", is_unread=True) for name in some(draw, [*live.buckets], 1)}
    return replace(
        live,
        targets={key: target for key, target in live.targets.items() if key not in unread},
        buckets={name: bucket for name, bucket in live.buckets.items() if name not in closed},
        unread=unread,
        closed=closed,
    )


@st.composite
def live_targets_of(draw: st.DrawFn, target: Target) -> tuple[Target | None, Target | None]:
    """What is live of a declared target, and the function it had under a former name."""
    function = target.function
    assert function is not None
    state = pick(draw, ["missing", "renamed", "in sync", "owned", "owned", "owned", "stripped", "foreign"])
    if state == "missing":
        nothing = Target(environment=target.environment, service=target.service)
        return pick(draw, [None, nothing]), None
    drifts = state != "in sync"
    settings = function.settings
    code = replace(function.code, package=None)
    if drifts:
        settings = draw(settings_around(dict(settings), pick(draw, [_EVERYDAY, _FREE]), 4))
        digest = pick(draw, "abc") * 64
        code = pick(draw, [code] * 3 + [Code(sha256=digest)] * 5 + [Code(image="repo:1")])
    declared = {key: value for key, value in function.tags.items() if value is not None}
    tags = dict(declared)
    if drifts:
        tags = {
            **pick(draw, [{}, declared]),
            **pick(draw, [{}, {"team": "z", "other": "o"}]),
        }
    if state in ("in sync", "owned", "renamed"):
        tags |= {k: v for k, v in ownership_tags(PROJECT, target, ()).items() if v is not None}
    if state == "foreign":
        owner = draw(
            st.sampled_from([("elsewhere", "staging/x"), (PROJECT, "staging/former"), (PROJECT, "")])
        )
        tags |= {"lockstep:project": owner[0], "lockstep:target": owner[1]}
    if state == "owned" and pick(draw, (False, True)):
        tags["lockstep:version"] = "0.9.0"
    places = [target.qualifier]
    aliases: tuple[Alias, ...] = (_in_sync(target),) if target.alias else ()
    if drifts and state != "foreign" and pick(draw, (False, True)):
        names = some(draw, ["live", "blue"], 2)
        places = [*names, *pick(draw, [[], [""]])] or [""]
        aliases = _alike(tuple(draw(live_aliases(target, one)) for one in names))
        places = [one for one in places if one in ("", target.alias) or state not in ("stripped",)]
        aliases = tuple(one for one in aliases if one.name in places)
    if state in ("in sync", "owned", "renamed"):
        tags.pop("lockstep:alias", None)
        if {*places} != {""}:
            tags["lockstep:alias"] = " ".join(sorted(one or "@latest" for one in places))
    if state in ("stripped", "foreign"):
        tags.pop("lockstep:alias", None)
    there = [one for one in places if not one or one in {each.name for each in aliases}] or [""]
    if state == "in sync":
        there = [target.qualifier]
    name = f"former-{function.name}" if state == "renamed" else function.name
    scope = SCOPES[target.environment.partition("/")[0]]
    found = Target(
        environment=target.environment,
        service=target.service,
        function=Function(
            name=name,
            settings=settings,
            code=code,
            tags=tags,
            arn=scope.function_arn(name),
            revision=pick(draw, ["r1", "r2"]),
            health=Health.HEALTHY,
            unread=pick(draw, [frozenset(), frozenset({"reservedConcurrency", *list(KINDS)[:1]})]),
        ),
        aliases=aliases,
        versions=tuple(draw(published(target, aliases))) if aliases else (),
        settled=pick(draw, [None, 0, 10**6]),
        resources=tuple(one for place in there for one in draw(resources(live=True, on=place)))
        if drifts
        else target.resources,
        statements=tuple(one for place in there for one in draw(statements(target, scope, place))),
    )
    return (None, found) if state == "renamed" else (found, None)


def _in_sync(target: Target) -> Alias:
    """The declared alias as it is to be."""
    function = target.function
    assert function is not None
    assert target.alias is not None
    return Alias(
        name=target.alias,
        version="7",
        function=replace(function, code=replace(function.code, package=None)),
        description=described(PROJECT, target.key, str(target.version)),
        revision="a1",
    )


@st.composite
def live_aliases(draw: st.DrawFn, target: Target, name: str) -> Alias:
    """An alias of a live function: right, drifted, with weights, or somebody else's."""
    function = target.function
    assert function is not None
    right = replace(_in_sync(replace(target, alias=name)))
    settings = draw(settings_around(dict(function.settings), _EVERYDAY, 2))
    drifted = replace(function, settings=settings, code=Code(sha256=pick(draw, "abc") * 64))
    return replace(
        right,
        version=pick(draw, ["7", "6"]),
        function=pick(draw, [right.function, drifted, None]),
        weights=pick(draw, [{}, {}, {"5": 0.1}]),
        description=pick(draw, [right.description, described(PROJECT, target.key, "0.9.0"), "by hand"]),
    )


def _alike(aliases: tuple[Alias, ...]) -> tuple[Alias, ...]:
    """The aliases as they can be together: a number is one version, and never changes."""
    known: dict[str, Function] = {}
    return tuple(
        replace(one, version="$LATEST", weights={})
        if one.function is None
        else replace(one, function=known.setdefault(one.version, one.function))
        for one in aliases
    )


@st.composite
def published(draw: st.DrawFn, target: Target, aliases: tuple[Alias, ...]) -> list[Published]:
    """Published versions of a live function: named by aliases or not, ours or somebody's, needed or not."""
    function = target.function
    assert function is not None
    known = {one.version: one.function for one in aliases if one.function is not None}
    return [
        Published(
            number=str(number),
            description=pick(draw, [described(PROJECT, target.key, "0.9.0"), "by hand"]),
            function=known.get(str(number)) or replace(function, code=Code(sha256=pick(draw, "abc") * 64)),
            aliases=tuple(one.name for one in aliases if str(number) in (one.version, *one.weights)),
            needs=pick(draw, ["", "", "somebody needs it"]),
        )
        for number in range(7, 7 - draw(_upto(5)), -1)
    ]


@cache
@st.composite
def leftovers(draw: st.DrawFn, environment: str) -> Target:
    """A function of this project that nothing declares."""
    target = Target(environment=environment, service=pick(draw, ["gone", *SERVICES]))
    name = f"left-{target.key.replace('/', '-').replace('.', '_')}"
    tags = {k: v for k, v in ownership_tags(PROJECT, target, ()).items() if v is not None}
    arn = SCOPES[environment.partition("/")[0]].function_arn(name)
    return replace(target, function=Function(name=name, code=Code(sha256="f" * 64), tags=tags, arn=arn))


@st.composite
def statements(draw: st.DrawFn, target: Target, scope: Scope, on: str = "") -> tuple[Statement, ...]:
    """Statements of a live policy: right, stale and edited ones of ours, and others'."""
    found: dict[str, Statement] = {}
    for bucket in BUCKETS:
        right = Statement(source_arn=scope.bucket_arn(bucket), source_account=scope.account, qualifier=on)
        wrong = replace(right, source_account=None)
        for kind in some(draw, ("right", "edited", "old id", "foreign"), 2):
            match kind:
                case "right":
                    one = replace(right, sid=right.content_id)
                case "edited":
                    one = replace(wrong, sid=right.content_id)
                case "old id":
                    one = replace(right, sid=f"lockstep-old-{bucket}")
                case _:
                    one = replace(pick(draw, [right, wrong]), sid=f"AllowS3-{bucket}")
            found.setdefault(one.sid, one)
    return tuple(found.values())


@st.composite
def buckets(draw: st.DrawFn, name: str, desired: Fleet, live: Fleet) -> Bucket:
    """A live bucket: a configuration that S3 would hold, with entries of all sorts in any order."""
    candidates: list[tuple[str, dict[str, Any]]] = []
    for key, target in desired.targets.items():
        assert target.function is not None
        scope = SCOPES[target.environment.partition("/")[0]]
        found = live.targets.get(key)
        formers = [o for o in live.others.values() if o.key == key and o.function]
        at = formers[0].function if formers else found.function if found else None
        arn = (at.arn if at else None) or scope.function_arn(target.function.name)
        wanted = [trigger for trigger in target.triggers if trigger.bucket == name]
        for trigger in wanted:
            kind = pick(
                draw,
                ["current", "current", "edited", "missing", "accepted", "taken", "aliased", "rival"]
                + ["swapped"],
            )
            match kind:
                case "current":
                    called = pick(draw, [arn, qualified(arn, target.alias)])
                    candidates.append((LAMBDA, entry_for(PROJECT, key, called, trigger)))
                case "edited":
                    other = replace(trigger, suffix=f"{trigger.suffix}x")
                    entry = entry_for(PROJECT, key, arn, trigger)
                    candidates.append((LAMBDA, {**entry_for(PROJECT, key, arn, other), "Id": entry["Id"]}))
                case "accepted":
                    candidates.append((LAMBDA, {**entry_for(PROJECT, key, arn, trigger), "Id": f"tf-{key}"}))
                case "taken":
                    wide = replace(trigger, events=("s3:ObjectCreated:*", "s3:ObjectRemoved:*"))
                    candidates.append(
                        (LAMBDA, {**entry_for(PROJECT, key, arn, wide), "Id": f"tf-wide-{key}"})
                    )
                case "aliased":
                    by_alias = entry_for(PROJECT, key, f"{arn}:live", trigger)
                    candidates.append((LAMBDA, {**by_alias, "Id": f"tf-alias-{key}"}))
                case "rival":
                    foreign = scope.function_arn("somebody-elses")
                    candidates.append(
                        (LAMBDA, {**entry_for("x", key, foreign, trigger), "Id": f"rival-{key}"})
                    )
                case "swapped":
                    holder = pick(draw, [*desired.targets, "preview/pr-7/gone", "staging/gone"])
                    candidates.append((LAMBDA, entry_for(PROJECT, holder, arn, trigger)))
                case _:
                    pass
        if pick(draw, (False, True)):
            stale = Trigger(bucket=name, prefix=f"old/{key}/")
            candidates.append((LAMBDA, entry_for(PROJECT, key, arn, stale)))
    for other in live.others.values():
        if other.function and other.function.arn and pick(draw, (False, True)):
            trigger = Trigger(bucket=name, prefix=f"left/{other.function.name}/")
            candidates.append((LAMBDA, entry_for(PROJECT, other.key, other.function.arn, trigger)))
            seventh = Trigger(bucket=name, prefix=f"seventh/{other.function.name}/")
            by_version = entry_for(PROJECT, other.key, f"{other.function.arn}:7", seventh)
            candidates.append((LAMBDA, {**by_version, "Id": f"tf-version-{other.function.name}"}))
    for number in range(draw(_upto(3))):
        candidates.append(draw(foreign_entries(name, number)))
    raw: dict[str, Any] = {}
    ids: set[str] = set()
    for member, entry in some(draw, candidates, len(candidates), len(candidates)):
        grown = {**raw, member: [*raw.get(member, ()), entry]}
        if entry["Id"] not in ids and not clashes(grown):
            raw = grown
            ids.add(entry["Id"])
    if pick(draw, (False, True)):
        raw["EventBridgeConfiguration"] = {}
    if pick(draw, (False, True)):
        raw["MemberOfTheFuture"] = {"Nested": [1, 2]}
    return Bucket(name=name, raw=raw)


@cache
@st.composite
def foreign_entries(draw: st.DrawFn, bucket: str, number: int) -> tuple[str, dict[str, Any]]:
    """An entry that is not this project's."""
    trigger = Trigger(bucket=bucket, prefix=f"foreign/{number}/", events=pick(draw, _EVENTS))
    arn = SCOPES["staging"].function_arn("foreign")
    entry = entry_for("elsewhere", "staging/x", arn, trigger)
    entry["Extra"] = {"kept": number}
    match pick(draw, ["lambda", "project", "odd id", "sns", "sqs"]):
        case "project":
            return LAMBDA, entry
        case "odd id":
            return LAMBDA, {
                **entry,
                "Id": pick(draw, [f"lockstep-{number}", f"lockstep-a.b.{number}"]),
            }
        case "sns":
            del entry["LambdaFunctionArn"]
            return "TopicConfigurations", {**entry, "Id": f"sns-{number}", "TopicArn": "arn:aws:sns:x:1:t"}
        case "sqs":
            del entry["LambdaFunctionArn"]
            return "QueueConfigurations", {**entry, "Id": f"sqs-{number}", "QueueArn": "arn:aws:sqs:x:1:q"}
        case _:
            entry["Filter"] = {"Key": {"FilterRules": [{"Name": "Prefix", "Value": trigger.prefix}]}}
            return LAMBDA, {**entry, "Id": f"tf-s3-lambda-{number}"}


def _remembering(live: Fleet) -> Fleet:
    """The fleet with each owned function's tags naming what calls it and what is beside it."""

    def with_buckets(target: Target) -> Target:
        function = target.function
        if function is None or function.owner is None or function.owner[0] != PROJECT:
            return target
        names = [
            name
            for name, bucket in live.buckets.items()
            if function.arn in map(_called, bucket.raw.get(LAMBDA, ()))
        ]
        tags = {
            key: value
            for key, value in ownership_tags(PROJECT, target, names, _words(target)).items()
            if value is not None and key.startswith(("lockstep:buckets", "lockstep:resources"))
        }
        return replace(target, function=replace(function, tags={**function.tags, **tags}))

    return replace(
        live,
        targets={key: with_buckets(target) for key, target in live.targets.items()},
        others={arn: with_buckets(target) for arn, target in live.others.items()},
    )


def _words(target: Target) -> set[str]:
    """What the tags of a live function remember; of several resources those that Lockstep made."""
    many = [one for one in target.resources if KINDS[one.kind].is_many]
    ours = [one for number, one in enumerate(many) if number % 3 != 2]
    named = {replace(one, name=NAMES[number % 2]).word for number, one in enumerate(ours)}
    return named | (kinds_of(target.resources) - {one.kind for one in many})


def _called(entry: dict[str, Any]) -> str:
    """The function that an entry calls, by whatever version or alias."""
    return function_of(entry["LambdaFunctionArn"])
