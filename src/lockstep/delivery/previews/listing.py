"""``preview list``: every preview with what Git, AWS and the forge say of it."""

from collections.abc import Iterable, Iterator, Mapping

from lockstep.config.preview_tree import read_previews
from lockstep.delivery.previews.direct import as_declared
from lockstep.delivery.previews.ground import Ground
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.status import read_status
from lockstep.errors import LockstepError
from lockstep.forge.base import Forge, Pull, PullState
from lockstep.model import Health, StatusRow, SyncStatus, Target
from lockstep.model.preview import Listed, Preview, PreviewMode, PullSeen
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.previews import ends_at, number_of
from lockstep.values import dataclass

__all__ = ["Listing", "find_pulls", "list_previews", "seen"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """All previews, the oldest first, and what could not be found out."""

    previews: tuple[Listed, ...]
    notes: tuple[str, ...] = ()


def list_previews(
    ground: Ground,
    options: Options,
    *,
    watcher: Watcher = SILENT,
) -> Listing:
    """Look at every preview. What AWS or the forge cannot tell is left out, and a note says so."""
    recorded = read_previews(ground.tree, ground.folder)
    policy = ground.policy
    if not recorded and not policy.is_direct:
        return Listing(previews=())
    told: list[str] = []
    rows: tuple[StatusRow, ...] = ()
    try:
        rows, more = read_status(
            as_declared(ground.gitops.workspace),
            Options(patterns=("preview",), checked=False, github_token=options.github_token),
            watcher=watcher,
        )
        told += more
    except LockstepError as error:
        told.append(f"what runs is not known: {error}")
    live = {number for row in rows if (number := number_of(row.target)) is not None}
    others = sorted(live - recorded.keys()) if policy.is_direct else []
    previews = {**recorded, **{number: Preview(number=number) for number in others}}
    notes: list[str] = []
    pulls: Mapping[int, PullSeen] = {}
    if previews:
        watcher.progress("asking the forge")
        try:
            pulls, _, notes = find_pulls(ground.forge(), previews)
        except LockstepError as error:
            notes.append(f"the state of pull requests is not known: {error}")
    listed = tuple(
        _listed(ground, preview, pulls.get(number), rows, is_recorded=number in recorded)
        for number, preview in previews.items()
    )
    apart = _apart(listed) if policy.mode is PreviewMode.RECORD else ()
    return Listing(previews=listed, notes=(*notes, *told, *apart))


def _apart(listed: Iterable[Listed]) -> Iterator[str]:
    """Previews of which only one of the two is so: that they are recorded, or that they are live."""
    for one in listed:
        number, name = one.preview.number, one.preview.environment
        down = f"`lockstep preview down --pr {number}` removes it"
        if not one.is_recorded and one.is_live:
            yield f"{name} is live and not recorded: `lockstep preview up --pr {number}` records it, {down}"
        elif one.is_recorded and one.is_live is False:
            yield f"{name} is recorded and not live: `lockstep preview up --pr {number}` deploys it, {down}"


def find_pulls(forge: Forge, numbers: Iterable[int]) -> tuple[Mapping[int, PullSeen], int, list[str]]:
    """The pull requests of some numbers, how many are open in all, and notes on those that were not seen.

    The open ones come in one listing; each other one is asked for by itself, since not to be listed says
    nothing. Raises ForgeError when there is no listing.
    """
    opened = {pull.number: pull for pull in forge.pulls(is_open=True)}
    found: dict[int, PullSeen] = {}
    notes: list[str] = []
    for number in sorted(numbers):
        try:
            found[number] = seen(opened[number] if number in opened else forge.pull(number))
        except LockstepError as error:
            notes.append(f"pull request #{number} could not be looked at: {error}")
    return found, len(opened), notes


def seen(pull: Pull) -> PullSeen:
    """A forge's pull request as pure functions take it."""
    return PullSeen(
        number=pull.number,
        is_open=pull.state is PullState.OPEN,
        state=str(pull.state),
        labels=pull.labels,
        url=pull.url,
        sha=pull.sha,
    )


def _listed(
    ground: Ground,
    preview: Preview,
    pull: PullSeen | None,
    rows: tuple[StatusRow, ...],
    *,
    is_recorded: bool,
) -> Listed:
    targets = ground.gitops.workspace.fleet.targets
    own = {row.target: row for row in rows if row.environment == preview.environment}
    end = ends_at(preview, ground.policy)
    declared = [one for one in targets.values() if one.environment == preview.environment]
    left = [row for key, row in own.items() if key not in targets] if ground.policy.is_direct else []
    return Listed(
        preview=preview,
        services=(*(own.get(target.key) or _unknown(target) for target in declared), *left),
        is_recorded=is_recorded,
        pull=pull,
        ends=end.isoformat(timespec="seconds") if end is not None else None,
    )


def _unknown(target: Target) -> StatusRow:
    """A target of which only Git is known."""
    return StatusRow(
        target=target.key,
        service=target.service,
        environment=target.environment,
        deployment_type=target.deployment_type,
        declared=target.version,
        live=None,
        status=SyncStatus.UNKNOWN,
        health=Health.UNKNOWN,
    )
