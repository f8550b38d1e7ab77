"""Whose share of the variables is which: what may change is passed as Git declares it, everything else as
it is.

A target stays as it is when it was not selected, when its package cannot be had, and when its environment
is applied by somebody else with the same state. What it has is known from the last apply, and from the
state.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import field, replace
from typing import Any

from lockstep.engines.terraform.live import live_variables
from lockstep.engines.terraform.marker import Applied
from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.variables import Fill, Share, lacking, share_of, variables_for
from lockstep.errors import BadInput
from lockstep.model import Code, Target
from lockstep.values import dataclass

__all__ = ["Shares"]

_NO_DIGEST = "0" * 64  # for a variable that has to have a value and belongs to what is not applied


@dataclass(kw_only=True)
class Shares:
    """The shares of one run. ``may_change`` says of a target's key whether it is to be applied.

    ``targets`` are all that Git declares in the run; ``applied`` is what was applied last. Making one
    raises BadInput when a target that may change does not fit the mapping or the folder.
    """

    run: Run
    targets: Mapping[str, Target]
    variables: frozenset[str]  # that the folder declares
    project: str
    fill: Fill
    applied: Mapping[str, Applied]
    may_change: Callable[[str], bool]
    is_part: bool = False  # only some targets were selected
    _free: dict[str, Share] = field(init=False)
    _others: dict[str, Share | None] = field(init=False)  # None: cannot be passed as it is declared

    def __post_init__(self) -> None:
        """Take what is declared."""
        self._free = {key: self._share(one) for key, one in self.targets.items() if self.may_change(key)}
        self._others = {
            key: self._tried(one) if one.obstacle is None else None
            for key, one in self.targets.items()
            if key not in self._free
        }

    def declared(self) -> dict[str, Any] | None:
        """The variables when everything is passed as Git declares it; None when that cannot be."""
        others = {key: share for key, share in self._others.items() if share is not None}
        if len(others) < len(self._others):
            return None
        return self.joined({**self._free, **others})

    def joined(self, shares: Mapping[str, Share]) -> dict[str, Any]:
        """The variables that shares come to. Raises BadInput."""
        return variables_for(self.run, shares, self.variables, self.project)

    @property
    def needs_state(self) -> bool:
        """Whether what is passed cannot be told without the state."""
        has_secrets = any(one.environment for key, one in self.applied.items() if self._is_held(key))
        is_stuck = any(share is None for key, share in self._others.items() if key not in self.applied)
        return has_secrets or is_stuck or lacking(self.run, self.chosen({}), self.variables)

    def chosen(self, live: Mapping[str, Target], strays: Collection[str] = ()) -> dict[str, Share]:
        """A share for each target. ``live`` are the functions of the state.

        ``strays`` are targets that what was passed before would change: they get what is live.
        """
        shares = dict(self._free)
        for key in sorted({*self.applied, *self._others, *live}):
            if key in shares or not self._is_held(key):
                continue
            before, now = self._before(key, live.get(key)), self._now(key, live.get(key))
            share = (now or before) if key in strays or not self.run.has(key) else (before or now)
            share = share or self._others.get(key) or self._filler(key)
            if share is not None:
                shares[key] = share
        return shares

    def keep(self, shares: Mapping[str, Share], live: Mapping[str, Target]) -> dict[str, Applied]:
        """What may be noted as applied of shares that are."""
        kept: dict[str, Applied] = {}
        for key, share in shares.items():
            target = self.targets.get(key) or live.get(key)
            if key in self.applied and target is None:
                kept[key] = Applied.of(share, self.applied[key].function)
            elif target is not None and target.function is not None and self.run.has(key):
                kept[key] = Applied.of(share, target.function.name)
        return kept

    def _is_held(self, key: str) -> bool:
        """Whether a target has to stay as it is. One that is gone from Git and may change does not."""
        return not self.may_change(key)

    def _before(self, key: str, live: Target | None) -> Share | None:
        """The share that was applied last, with the variables that the state or Git knows."""
        applied = self.applied.get(key)
        if applied is None:
            return None
        known = live or self.targets.get(key)
        return applied.share(live_variables(known) if known else {})

    def _now(self, key: str, live: Target | None) -> Share | None:
        """The share of what is live."""
        if live is None:
            return None
        declared = self.targets.get(key)
        if declared is not None:
            live = replace(
                live, version=live.version or declared.version, commit=live.commit or declared.commit
            )
        return self._tried(live)

    def _filler(self, key: str) -> Share | None:
        """For a target that is neither live nor to be had, and whose variables are not only its own."""
        target = self.targets.get(key)
        if target is None or target.function is None or "/" in target.environment:
            return None
        if self.run.settings.mapping == "functions":
            return None
        return self._tried(replace(target, function=replace(target.function, code=Code(sha256=_NO_DIGEST))))

    def _share(self, target: Target) -> Share:
        return share_of(self.run, target, self.variables, self.fill)

    def _tried(self, target: Target) -> Share | None:
        try:
            return self._share(target)
        except BadInput:
            return None
