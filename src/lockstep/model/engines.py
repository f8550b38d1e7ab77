"""What those who do not use an engine have to know of it: one row for each.

An engine is a package in ``engines``, a row here and one in ``delivery.sync.engines``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["AWS", "ENGINES", "TERRAFORM", "EngineTraits"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineTraits:
    """An engine by its name, as ``engine:`` of an environment gives it."""

    name: str
    features: tuple[str, ...]  # of ``iam-policy``: what Lockstep itself calls for it
    block: str | None = None  # of an environment in lockstep.yaml, which says what it applies
    holds_part: bool = False  # what it applies holds a part of a function, which Git need not declare
    leaves_logs: bool = False  # log groups of functions that go stay


AWS = EngineTraits(name="aws", features=("plan", "sync"))
TERRAFORM = EngineTraits(
    name="terraform", features=("terraform",), block="terraform", holds_part=True, leaves_logs=True
)

ENGINES: Mapping[str, EngineTraits] = {one.name: one for one in (AWS, TERRAFORM)}
"""All engines, by name; the first one is what an environment has that names none."""
