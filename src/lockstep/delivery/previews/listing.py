"""``preview list``: every preview with what Git, AWS and the forge say of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lockstep.config.preview_tree import read_previews
from lockstep.delivery.previews.ground import Ground
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.status import read_status
from lockstep.errors import LockstepError
from lockstep.forge.base import Forge, Pull, PullState
from lockstep.model import Health, StatusRow, SyncStatus, Target
from lockstep.model.preview import Listed, Preview, PullSeen
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.previews import ends_at

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
    previews = read_previews(ground.tree, ground.folder)
    if not previews:
        return Listing(previews=())
    notes: list[str] = []
    watcher.progress("asking the forge")
    pulls: Mapping[int, PullSeen] = {}
    try:
        pulls, _, notes = find_pulls(ground.forge(), previews)
    except LockstepError as error:
        notes.append(f"the state of pull requests is not known: {error}")
    rows: tuple[StatusRow, ...] = ()
    try:
        rows, more = read_status(
            ground.gitops.workspace,
            Options(patterns=("preview",), github_token=options.github_token),
            watcher=watcher,
        )
        notes += more
    except LockstepError as error:
        notes.append(f"what runs is not known: {error}")
    return Listing(
        previews=tuple(
            _listed(ground, preview, pulls.get(preview.number), rows) for preview in previews.values()
        ),
        notes=tuple(notes),
    )


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


def _listed(ground: Ground, preview: Preview, pull: PullSeen | None, rows: tuple[StatusRow, ...]) -> Listed:
    targets = ground.gitops.workspace.fleet.targets.values()
    live = {row.target: row for row in rows}
    end = ends_at(preview, ground.policy)
    return Listed(
        preview=preview,
        services=tuple(
            live.get(target.key) or _unknown(target)
            for target in targets
            if target.environment == preview.environment
        ),
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
