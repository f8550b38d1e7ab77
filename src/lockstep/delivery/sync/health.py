"""Health of functions that another engine than aws applies: AWS is asked, whoever applied them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lockstep.engines.aws import AwsEngine, function
from lockstep.errors import LockstepError
from lockstep.model import Health, TargetPlan

__all__ = ["with_health"]

_WORKERS = 16


def with_health(
    targets: Sequence[TargetPlan], is_asked: Callable[[str], bool], engine: AwsEngine
) -> tuple[TargetPlan, ...]:
    """The targets with the health of their live functions; unknown where AWS does not tell.

    ``is_asked`` says of a target's key whether AWS is asked. The quotas of the connection hold.
    """

    def look(target: TargetPlan) -> TargetPlan:
        if target.health is not Health.UNKNOWN or target.function is None or not is_asked(target.target):
            return target
        try:
            live = function.get(engine.connection(target.target.rpartition("/")[0]), target.function)
        except LockstepError:
            return target
        return replace(target, health=live.health if live else Health.MISSING)

    if not targets:
        return ()
    with ThreadPoolExecutor(min(_WORKERS, len(targets))) as pool:
        return tuple(pool.map(look, targets))
