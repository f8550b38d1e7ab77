"""The protocol of all engines."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from lockstep.model import Change, Check, Fleet, Function, Plan, Report, StepResult, Target
from lockstep.values import dataclass

__all__ = ["Engine", "Look", "SelfPlanning"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What would be done, and what was seen to be live, by target, as far as it was read."""

    plan: Plan
    versions: Mapping[str, str | None] = field(default_factory=dict)  # as tags or a state name them
    live: Mapping[str, Function] = field(default_factory=dict)  # with the code that calls run
    modified: Mapping[str, str | None] = field(default_factory=dict)  # when what runs was changed last
    aliases: Mapping[str, str] = field(default_factory=dict)  # live:43, what calls go to
    well: Mapping[str, str] = field(default_factory=dict)  # when health was read that is only remembered


class Engine(Protocol):
    """Makes reality match a desired fleet. One serves one run, and what it is given is always the whole
    fleet, of which ``selection`` may be only a part: it has to know what nobody declares.
    """

    name: str

    @property
    def stale(self) -> frozenset[str]:
        """Targets (or buckets) that changed under the last ``apply``: they are to be planned again."""
        ...

    @property
    def calls(self) -> Counter[str]:
        """How often each operation of AWS was called so far."""
        ...

    def part(self, desired: Fleet) -> Fleet | None:
        """The fleet with what is selected of this engine's own part; None when that is nothing."""
        ...

    def wants(self, desired: Fleet) -> tuple[str, ...]:
        """Patterns of targets whose packages have to be known to preview the fleet; empty for all."""
        ...

    def preview(self, desired: Fleet) -> Look:
        """Compare the desired fleet with what is live and say what would be done. Changes nothing.

        What goes wrong with a target holds that one back; LockstepError when nothing could be read.
        """
        ...

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Do what the plan of the last look says, and read it back. NotAllowed for any other plan."""
        ...

    def leftovers(self, desired: Fleet) -> tuple[str, ...]:
        """Targets of previews of which something is still there and that nobody declares."""
        ...

    def checks(self, desired: Fleet) -> Iterator[Check]:
        """What ``doctor`` asks of it besides the accounts, which are looked at for every engine."""
        ...

    def close(self) -> None:
        """Remove from this machine what was kept for an ``apply``."""
        ...


class SelfPlanning(Engine, Protocol):
    """An engine that compares by itself, with what it knows of AWS: others have to look what is so."""

    title: str  # for people
    differing: frozenset[str]  # targets that were seen to differ: nothing is skipped for them

    def blind(self, targets: Mapping[str, Target]) -> Mapping[str, str]:
        """Targets of which it would not notice another package, and what mends that."""
        ...

    def way_out(self, key: str, changes: Sequence[Change]) -> str:
        """Why differences of a target stay as they are when it has done its work, and what ends them."""
        ...
