"""What moves on for whoever is awake: pull requests whose checks pass, versions that nothing holds back.

Everything is found again in Git, on the forge and in AWS, and everything can be repeated: a run that was
killed anywhere is finished by the next one.
"""

import datetime
import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.proposal import merge_when_ready
from lockstep.delivery.promotion import opened as open_promotions
from lockstep.delivery.promotion.promote import Promoted, Request, Wish, find_gates, promote
from lockstep.delivery.sync.options import Options
from lockstep.errors import BadInput, LockstepError
from lockstep.forge.base import Forge, Pull
from lockstep.model import Merge
from lockstep.model.move import Reached
from lockstep.model.target import is_preview
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.gates import Gate, is_backwards
from lockstep.values import dataclass

__all__ = ["Held", "Moved", "move_on"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A version that does not go on now."""

    target: str
    version: str
    why: str
    until: datetime.datetime | None = None  # when it goes on, where that is known
    has_failed: bool = False  # it was tried, and did not come out
    gates: tuple[str, ...] = ()  # names of those that are closed
    pull: Pull | None = None  # that brings it

    @property
    def reason(self) -> str:
        """The same for as long as it waits for the same: without what time alone changes."""
        return ", ".join(self.gates) or self.why


@dataclass(kw_only=True, slots=True)
class Moved:
    """What a look came to."""

    merged: list[Pull] = field(default_factory=list)
    promoted: list[Promoted] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    put_off: list[str] = field(default_factory=list)  # targets


def move_on(
    gitops: GitOps,
    environments: Callable[[str], bool],
    options: Options,
    *,
    now: datetime.datetime,
    is_put_off: Callable[[str, str], bool] = lambda target, version: False,
    stop: threading.Event,
    watcher: Watcher = SILENT,
) -> Moved:
    """Merge promotions that may merge themselves, and promote where ``promotion.auto`` says so.

    Only in the environments that are chosen; a target and version that is put off is left out this time.
    What fails for one version is told of it, and holds back no other. Raises LockstepError when the forge
    or Git cannot be asked.
    """
    moved = Moved()
    forge = functools.cache(gitops.forge)
    _look_at_pulls(gitops, forge)
    found = {target.environment for target in gitops.workspace.fleet.targets.values()}
    for environment in sorted(found):
        if environments(environment) and not is_preview(environment) and not stop.is_set():
            taken = _merge(gitops, environment, forge, moved)
            wishes = _wishes(gitops, environment, taken)
            _promote(gitops, environment, wishes, options, now, is_put_off, watcher, moved)
    return moved


def _look_at_pulls(gitops: GitOps, forge: Callable[[], Forge]) -> None:
    """Merge what waits on a forge that does not do so by itself: looking is all that it takes."""
    try:
        place = forge()
    except BadInput:
        return  # where no forge can be named nothing was ever proposed
    if not place.is_awake:
        place.pulls(base=gitops.branch)


def _merge(
    gitops: GitOps, environment: str, forge: Callable[[], Forge], moved: Moved
) -> frozenset[tuple[str, str]]:
    """Merge the open promotions to an environment that may; which targets and versions are on their way."""
    policy = gitops.workspace.project.environment(environment).promotion
    if policy.merge is Merge.DIRECT or not open_promotions.has_branches(gitops, environment):
        return frozenset()
    targets = gitops.workspace.fleet.targets
    own = [key for key, target in targets.items() if target.environment == environment]
    taken: set[tuple[str, str]] = set()
    for one in open_promotions.find(gitops, forge(), environment, own):
        name = f"pull request #{one.pull.number}"
        has_failed = is_over = False
        if policy.merge is Merge.REVIEW:
            why = f"{name} waits for a person to merge it"
        elif not one.is_ours:
            why = f"{name} was changed by somebody else, and waits for a person to merge it"
        else:
            why, is_over, has_failed = _merge_one(gitops, forge(), one.pull, name, moved)
        if is_over:
            continue
        taken.update(one.versions.items())
        if why:
            moved.held += [
                Held(target=key, version=version, why=why, has_failed=has_failed, pull=one.pull)
                for key, version in one.versions.items()
            ]
    return frozenset(taken)


def _merge_one(gitops: GitOps, forge: Forge, pull: Pull, name: str, moved: Moved) -> tuple[str, bool, bool]:
    """Why it is not merged, whether it has to be made anew, and whether trying failed."""
    try:
        outcome = merge_when_ready(gitops, forge, pull, sha=pull.sha)
    except LockstepError as error:
        return str(error), False, True
    match outcome.reached:
        case Reached.MERGED:
            moved.merged.append(outcome.pull or pull)
            return "", False, False
        case Reached.WAITING:
            return f"{name} merges itself when its checks pass", False, False
        case _:
            is_over = outcome.pull is not None and bool(outcome.pull.conflict)
            why = outcome.why or "its checks or rules do not let it"
            return f"{name} was to merge itself, and {why}", is_over, False


def _wishes(gitops: GitOps, environment: str, taken: frozenset[tuple[str, str]]) -> Mapping[str, str]:
    """Versions that an environment gets by itself: those of the one that they come from.

    None that would go back: what was brought there past the other environment stays.
    """
    policy = gitops.workspace.project.environment(environment).promotion
    if not policy.is_automatic or policy.source is None:
        return {}
    targets = gitops.workspace.fleet.targets
    found = {}
    for key, target in targets.items():
        source = targets.get(f"{policy.source}/{target.service}")
        if target.environment != environment or source is None or source.version is None:
            continue
        if source.version == target.version or is_backwards(target.version, source.version):
            continue
        if (key, source.version) not in taken:
            found[key] = source.version
    return found


def _promote(
    gitops: GitOps,
    environment: str,
    wishes: Mapping[str, str],
    options: Options,
    now: datetime.datetime,
    is_put_off: Callable[[str, str], bool],
    watcher: Watcher,
    moved: Moved,
) -> None:
    if not wishes:
        return
    policy = gitops.workspace.project.environment(environment).promotion
    gates = find_gates(gitops, wishes, policy, options, now, watcher)
    for key, version in wishes.items():
        closed = [gate for gate in gates if gate.target == key]
        if closed:
            moved.held.append(_held(key, version, closed))
        elif is_put_off(key, version):
            moved.put_off.append(key)
        else:
            wish = Wish(service=key.rpartition("/")[2], version=version)
            request = Request(wishes=(wish,), environment=environment)
            try:
                moved.promoted.append(promote(gitops, request, options, now=now, watcher=watcher))
            except LockstepError as error:
                moved.held.append(Held(target=key, version=version, why=str(error), has_failed=True))


def _held(target: str, version: str, closed: Sequence[Gate]) -> Held:
    why = "; ".join(f"{gate.problem}: {gate.lifts}" for gate in closed)
    until = _latest(gate.until for gate in closed)
    return Held(
        target=target, version=version, why=why, until=until, gates=tuple(gate.name for gate in closed)
    )


def _latest(times: Iterable[datetime.datetime | None]) -> datetime.datetime | None:
    """The last of some times; None where one of them is not known."""
    found = list(times)
    known = [time for time in found if time is not None]
    return max(known) if len(known) == len(found) else None
