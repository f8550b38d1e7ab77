"""Whose functions other versions concern: a layer is of no use by itself."""

from collections.abc import Iterable, Mapping

from lockstep.model import Target
from lockstep.model.move import Move

__all__ = ["concerned"]


def concerned(targets: Mapping[str, Target], moves: Iterable[Move]) -> tuple[str, ...]:
    """The targets with functions that move, and those whose functions take a layer that moves."""
    keys = {move.target for move in moves}
    return tuple(
        key
        for key, target in targets.items()
        if target.function is not None and (key in keys or any(one.target in keys for one in target.layers))
    )
