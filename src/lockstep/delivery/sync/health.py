"""What AWS says of functions that another engine than aws applies: it is asked, whoever applied them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lockstep.engines.aws import AwsEngine, function
from lockstep.errors import LockstepError
from lockstep.model import Function, Health, TargetPlan

__all__ = ["look_at", "with_health"]

_WORKERS = 16


def look_at(
    targets: Sequence[TargetPlan], is_asked: Callable[[str], bool], engine: AwsEngine
) -> Mapping[str, Function | None]:
    """The live functions of targets whose health is not known; None where there is none.

    ``is_asked`` says of a target's key whether AWS is asked; what it does not tell is absent. The quotas
    of the connection hold.
    """

    def look(target: TargetPlan) -> dict[str, Function | None]:
        assert target.function is not None  # noqa: S101 - only such targets are asked about
        try:
            connection = engine.connection(target.target.rpartition("/")[0])
            return {target.target: function.get(connection, target.function)}
        except LockstepError:
            return {}

    asked = [
        target
        for target in targets
        if target.health is Health.UNKNOWN and target.function is not None and is_asked(target.target)
    ]
    if not asked:
        return {}
    with ThreadPoolExecutor(min(_WORKERS, len(asked))) as pool:
        return {key: live for found in pool.map(look, asked) for key, live in found.items()}


def with_health(
    targets: Sequence[TargetPlan], looked_at: Mapping[str, Function | None]
) -> tuple[TargetPlan, ...]:
    """The targets with the health of the live functions that were looked at."""

    def told(target: TargetPlan) -> TargetPlan:
        if target.target not in looked_at:
            return target
        live = looked_at[target.target]
        return replace(target, health=live.health if live else Health.MISSING)

    return tuple(map(told, targets))
