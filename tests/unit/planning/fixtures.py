"""Small fleets, written out, for tests that state one rule each."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockstep.model import (
    Bucket,
    Code,
    Environment,
    Fleet,
    Function,
    Health,
    Package,
    Plan,
    Project,
    Scope,
    Statement,
    Step,
    Target,
    TargetPlan,
    Trigger,
    Value,
)
from lockstep.planning.notifications import LAMBDA, entry_for
from lockstep.planning.planner import make_plan
from lockstep.planning.policy import Rules, ownership_tags

PROJECT = "syrf"
SCOPE = Scope(account="111111111111", region="eu-west-1")
SCOPES = dict.fromkeys(("staging", "production", "preview"), SCOPE)
ROLE = "arn:aws:iam::111111111111:role/runs"


def package(digest: str, **more: Any) -> Package:
    """A package known by one letter."""
    key = f"lockstep/packages/{digest}.zip"
    return Package(
        **{"sha256": digest * 64, "size": 1, "bucket": "packages", "key": key, "origin": "d", **more}
    )


def target(
    key: str,
    *,
    name: str | None = None,
    settings: Mapping[str, Value] | None = None,
    tags: Mapping[str, str | None] | None = None,
    digest: str = "a",
    image: str | None = None,
    prefix: str | None = None,
    bucket: str = "uploads",
    **more: Any,
) -> Target:
    """A declared target; with ``prefix``, triggered by that prefix of the bucket."""
    environment, _, service = key.rpartition("/")
    code = Code(image=image) if image else Code(sha256=digest * 64, package=package(digest))
    function = Function(
        name=name or key.replace("/", "-"),
        settings={"runtime": "python3.13", "handler": "app.handler", "role": ROLE, **(settings or {})},
        code=code,
        tags=tags or {},
    )
    triggers = () if prefix is None else (Trigger(bucket=bucket, prefix=prefix, place=f"{key}.yaml:7"),)
    declared: dict[str, Any] = {"version": "1.0.0", "place": f"{key}.yaml:1", "triggers": triggers, **more}
    return Target(environment=environment, service=service, function=function, **declared)


def live_of(declared: Target, *, owner: tuple[str, str] | None = (PROJECT, ""), **more: Any) -> Target:
    """What is live after a target was synced; ``more`` changes the function, or ``statements``."""
    function = declared.function
    assert function is not None
    buckets = {trigger.bucket for trigger in declared.triggers}
    tags = {**function.tags}
    if owner is not None:
        tags |= ownership_tags(owner[0], declared, buckets)
        tags["lockstep:target"] = owner[1] or declared.key
    statements = more.pop("statements", tuple(permission(name) for name in sorted(buckets)))
    found = replace(
        function,
        code=replace(function.code, package=None),
        revision="r1",
        health=Health.HEALTHY,
        tags={key: value for key, value in tags.items() if value is not None},
    )
    name = more.get("name", function.name)
    found = replace(found, **{"arn": SCOPE.function_arn(name), **more})
    return Target(
        environment=declared.environment, service=declared.service, function=found, statements=statements
    )


def permission(bucket: str = "uploads", **more: Any) -> Statement:
    """The statement that Lockstep adds for a bucket."""
    plain = Statement(source_arn=SCOPE.bucket_arn(bucket), source_account=SCOPE.account)
    return replace(plain, sid=plain.content_id, **more)


def entries_for(*targets: Target, bucket: str = "uploads") -> list[dict[str, Any]]:
    """The entries that targets' triggers ask for."""
    return [
        entry_for(PROJECT, one.key, SCOPE.function_arn(one.function.name), trigger)
        for one in targets
        if one.function
        for trigger in one.triggers
        if trigger.bucket == bucket
    ]


def desired(*targets: Target, selection: tuple[str, ...] = ()) -> Fleet:
    """A declared project."""
    return Fleet(project=PROJECT, targets={one.key: one for one in targets}, selection=selection)


def live(
    *targets: Target, others: tuple[Target, ...] = (), entries: list[dict[str, Any]] | None = None, **raw: Any
) -> Fleet:
    """A live fleet with the bucket ``uploads``; ``entries`` are its Lambda entries."""
    configuration = {**({LAMBDA: entries} if entries else {}), **raw}
    return Fleet(
        project=PROJECT,
        targets={one.key: one for one in targets},
        others={str(one.function.arn): one for one in others if one.function},
        buckets={"uploads": Bucket(name="uploads", raw=configuration)},
        scopes=SCOPES,
    )


def rules(*, prune: bool = False, adopt: bool = False, allow_deletes: int | None = None) -> Rules:
    """Rules of a project; ``prune`` for staging and production."""
    environments = {name: Environment(name=name, prune=prune) for name in ("staging", "production")}
    return Rules(
        project=Project(name=PROJECT, environments=environments), adopt=adopt, allow_deletes=allow_deletes
    )


def plan(wanted: Fleet, found: Fleet, allowed: Rules | None = None) -> Plan:
    """The plan, with nothing allowed unless said."""
    return make_plan(wanted, found, allowed or rules())


def of(made: Plan, key: str) -> TargetPlan:
    """What a plan says of one target."""
    (one,) = [one for one in made.targets if one.target == key]
    return one


def step(made: Plan, step_id: str) -> Any:
    """The step with an id."""
    (one,) = [one for one in made.steps if one.id == step_id]
    return one


def ids(made: Plan) -> list[str]:
    """Ids of all steps, in order."""
    return [one.id for one in made.steps]


def paths(one: TargetPlan) -> set[str]:
    """Paths of what changes."""
    return {change.path for change in one.changes}


def position(made: Plan, step_id: str) -> int:
    """Where in the order a step is."""
    steps: list[Step] = list(made.steps)
    return [one.id for one in steps].index(step_id)
