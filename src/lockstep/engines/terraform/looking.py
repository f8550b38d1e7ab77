"""What Terraform would do about what may change, and about nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockstep.engines.terraform.files import Files
from lockstep.engines.terraform.live import live_targets
from lockstep.engines.terraform.operation import Operation
from lockstep.engines.terraform.plan_json import Planned, read_plan
from lockstep.engines.terraform.shares import Shares
from lockstep.engines.terraform.variables import Share
from lockstep.model import Target
from lockstep.planning.resources import GOING
from lockstep.values import dataclass

__all__ = ["Looked", "look"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """A plan that was made, and what it was made from."""

    planned: Planned
    has_changes: bool
    shares: Mapping[str, Share]
    live: Mapping[str, Target]  # functions of the state, as far as it was read
    strays: tuple[str, ...] = ()  # targets that would change and may not
    left: tuple[str, ...] = ()  # those that Terraform was told to leave
    is_empty_state: bool = False


def look(
    operation: Operation, shares: Shares, files: Files, *, locks: bool, refreshes: bool, shows: bool
) -> Looked:
    """Plan a run. What would change and may not is passed as it is live; when it still would, Terraform is
    told to plan only the resources of what may change. Raises LockstepError.
    """
    looking = _Looking(operation, shares, files, locks, refreshes, shows)
    return looking.run()


class _Looking:
    def __init__(
        self, operation: Operation, shares: Shares, files: Files, locks: bool, refreshes: bool, shows: bool
    ) -> None:
        self._operation = operation
        self._shares = shares
        self._files = files
        self._ways = {"locks": locks, "refreshes": refreshes}
        self._shows = shows
        self._live: dict[str, Target] | None = None

    def run(self) -> Looked:
        if self._shares.needs_state:
            self._pull()
        first = self._plan(self._shares.chosen(self._live or {}))
        looked = first
        if looked.strays:
            shares = self._shares.chosen(self._pull(), looked.strays)
            if self._shares.joined(shares) != self._shares.joined(looked.shares):
                looked = self._plan(shares)
        if looked.strays:
            looked = self._without_strays(looked)
        return replace(looked, is_empty_state=first.has_changes and first.planned.is_empty_state)

    def _without_strays(self, looked: Looked) -> Looked:
        """The plan of what may change alone."""
        planned, strays, may = looked.planned, looked.strays, self._shares.may_change
        mine = [r.address for r in planned.resources if r.target is not None and may(r.target)]
        mine += planned.shared_by(may)
        if not mine:
            planned = replace(planned, resources=(), changes={}, outputs=())
            return replace(looked, planned=planned, has_changes=False, strays=(), left=strays)
        return replace(self._plan(looked.shares, mine), left=strays)

    def _plan(self, shares: Mapping[str, Share], only: Sequence[str] = ()) -> Looked:
        operation = self._operation
        operation.secrets |= _hidden(shares)
        has_changes = operation.plan(self._shares.joined(shares), only=only, **self._ways)
        planned = Planned()
        if has_changes or self._shows:
            run, targets = self._shares.run, self._shares.targets
            credentials = operation.program.credentials
            planned = read_plan(operation.show(), run, targets, operation.secrets, credentials)
            operation.secrets |= planned.secrets
        strays = _strays(planned, self._shares)
        return Looked(
            planned=planned, has_changes=has_changes, shares=shares, live=self._live or {}, strays=strays
        )

    def _pull(self) -> dict[str, Target]:
        if self._live is None:
            self._live = live_targets(
                self._operation.pull(),
                self._shares.run,
                self._shares.targets,
                hides="secret_environment" in self._files.variables,
            )
        return self._live


def _strays(planned: Planned, shares: Shares) -> tuple[str, ...]:
    """Targets that would change and may not; with a selection also what is nobody's and would go.

    What Terraform lets go of by its own code changes nothing.
    """
    may, has = shares.may_change, shares.run.has
    forgotten = {r.target for r in planned.resources if r.action == "forget"}
    touched = {r.target for r in planned.resources if r.target is not None} | planned.changes.keys()
    strays = {key for key in touched if not may(key) and (has(key) or key not in forgotten)}
    if shares.is_part:
        strays |= {
            r.address
            for r in planned.resources
            if r.target is None and r.action in GOING and r.address not in planned.callers
        }
    return tuple(sorted(strays))


def _hidden(shares: Mapping[str, Share]) -> frozenset[str]:
    found: set[str] = set()
    for key, share in shares.items():
        secrets = share.values.get("secret_environment")
        if isinstance(secrets, Mapping):
            found |= {str(text) for text in secrets.get(key, {}).values() if text}
    return frozenset(found)
