"""What functions stand on, asked for before anything is applied: roles, networks, log groups.

Asked only where a plan would bring a function on other ground, and each thing once. What is not there
holds its targets back; what may not be asked is a note, for it may well be there.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field

from lockstep.engines.aws import surroundings
from lockstep.engines.aws.connection import Connection, Connections
from lockstep.model import Check, Function, Obstacle, Plan, Project, Target, Value, Verdict
from lockstep.model.kinds import KINDS
from lockstep.values import dataclass

__all__ = ["Footing", "footing_of"]

_NETWORK = ("vpc.subnetIds", "vpc.securityGroupIds")
_WORKERS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Footing:
    """Targets that would find no ground, and what is said of the others."""

    obstacles: Mapping[str, Obstacle] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Thing:
    """One thing that is asked for: by whom, as what, and the rows of the targets that say so."""

    connection: Connection
    ask: Callable[[Connection], Check]
    users: dict[str, str] = field(default_factory=dict)  # target -> place of the declaration


def footing_of(
    plan: Plan, targets: Mapping[str, Target], project: Project, connections: Connections
) -> Footing:
    """Look at what targets of the plan come to stand on. ``targets`` are the desired ones."""
    things: dict[tuple[object, ...], _Thing] = {}
    for one in plan.targets:
        target = targets.get(one.target)
        function = target.function if target is not None else None
        environment = project.environment(one.target.rpartition("/")[0])
        if target is None or function is None or one.problem is not None or environment.traits.holds_part:
            continue
        connection = connections.get(environment)
        made = {resource.kind for resource in target.resources if KINDS[resource.kind].leads}
        for path, identity, ask in _asked(function, {change.path for change in one.changes} - made):
            thing = things.setdefault((id(connection), *identity), _Thing(connection, ask))
            thing.users[target.key] = target.places.get(path) or target.place
    if not things:
        return Footing()
    with connections.reading(len(things)), ThreadPoolExecutor(min(_WORKERS, len(things))) as pool:
        checks = [*pool.map(lambda thing: thing.ask(thing.connection), things.values())]
    found = [*zip(things.values(), checks, strict=True)]
    obstacles = [
        (key, Obstacle(text=_text(place, check)))
        for thing, check in found
        if check.verdict is Verdict.FAILED
        for key, place in thing.users.items()
    ]
    joined = {key: Obstacle.all_of(one for at, one in obstacles if at == key) for key, _ in obstacles}
    return Footing(
        obstacles={key: one for key, one in joined.items() if one is not None}, notes=tuple(_notes(found))
    )


def _asked(
    function: Function, changed: set[str]
) -> Iterator[tuple[str, tuple[object, ...], Callable[[Connection], Check]]]:
    """What a function comes to stand on: the row that says so, what it is, and how it is asked for."""
    settings = function.settings
    role, group = settings.get("role"), settings.get("logging.group")
    if "role" in changed and isinstance(role, str):
        name = role.rpartition("/")[2]
        yield "role", ("role", name), lambda connection: surroundings.role(connection, role)
    subnets, groups = (_texts(settings.get(row)) for row in _NETWORK)
    if changed & {*_NETWORK} and (subnets or groups):
        network = ("network", subnets, groups)
        yield "vpc", network, lambda connection: surroundings.network(connection, subnets, groups)
    if "logging.group" in changed and isinstance(group, str):
        yield "logging", ("group", group), lambda connection: surroundings.log_group(connection, group)


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(sorted(str(one) for one in value)) if isinstance(value, tuple | list) else ()


def _text(place: str, check: Check) -> str:
    text = f"{check.name}: {check.detail}" + (f"\n  fix: {check.fix}" if check.fix else "")
    return f"{place}: {text}" if place else text


def _notes(found: list[tuple[_Thing, Check]]) -> Iterator[str]:
    for thing, check in found:
        if check.verdict is Verdict.WARNING:
            yield f"{', '.join(thing.users)}: {check.name} {check.detail}; {check.fix}"
    skipped = [check for _, check in found if check.verdict is Verdict.SKIPPED]
    if skipped:
        first, *others = skipped
        more = f" and {len(others)} more" if others else ""
        yield f"{first.name}{more}: whether Lambda can use it was {first.detail}"
