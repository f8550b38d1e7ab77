"""After a promotion: until it is merged and live, or syncing it at once."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.proposal import Proposed
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import Begun, Synced, sync
from lockstep.delivery.sync.status import read_status
from lockstep.errors import ForgeError, Interrupted, LockstepError, NotAllowed
from lockstep.forge.base import Forge, PullState
from lockstep.git.writing import head
from lockstep.model import Health, StatusRow, SyncStatus
from lockstep.model.move import Move, Reached
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.takers import concerned

__all__ = ["sync_move", "wait", "wait_until_live", "wait_until_merged"]

_POLL = 5.0  # seconds between two looks at AWS


def wait(
    gitops: GitOps,
    outcome: Proposed,
    moves: Sequence[Move],
    options: Options,
    *,
    stop: threading.Event,
    seconds: float,
    watcher: Watcher = SILENT,
) -> tuple[StatusRow, ...]:
    """Follow a promotion until it is merged and its targets are live; each may take ``seconds``.

    Raises what ``wait_until_merged`` and ``wait_until_live`` raise.
    """
    merged = wait_until_merged(outcome, gitops.forge(), stop=stop, seconds=seconds, watcher=watcher)
    if merged.pull is not None:
        watcher.note(f"merged: {merged.pull.url}")
    return wait_until_live(gitops, moves, options, stop=stop, seconds=seconds, watcher=watcher)


def sync_move(
    gitops: GitOps,
    outcome: Proposed,
    move: Move,
    options: Options,
    *,
    begun: Begun | None = None,
    stop: threading.Event,
    watcher: Watcher = SILENT,
) -> Synced:
    """Sync the one target whose version was just changed, as of that change; or those that take the layer.

    Raises what ``sync`` raises.

    ``begun`` is that sync where it was planned before the change was made.
    """
    if begun is not None:
        workspace = begun.session.workspace
    else:
        workspace = gitops.at(outcome.commit) if outcome.commit else gitops.workspace
    chosen = replace(options, patterns=concerned(workspace.fleet.targets, [move]))
    return sync(workspace, chosen, gitops.credentials, begun=begun, watcher=watcher, stop=stop)


def wait_until_merged(
    outcome: Proposed,
    forge: Forge,
    *,
    stop: threading.Event,
    seconds: float,
    watcher: Watcher = SILENT,
) -> Proposed:
    """Follow a pull request until it is merged; nothing to do for a commit.

    ForgeError when it is closed, cannot be merged, or is not merged within ``seconds``.
    """
    if outcome.pull is None or outcome.reached is Reached.MERGED:
        return outcome
    number, deadline = outcome.pull.number, time.monotonic() + seconds
    while True:
        pull = forge.pull(number)
        match pull.state:
            case PullState.MERGED:
                return replace(outcome, reached=Reached.MERGED, commit=pull.merge_commit, pull=pull)
            case PullState.CLOSED:
                who = f" by {pull.closed_by}" if pull.closed_by else ""
                raise ForgeError(
                    f"pull request #{number} was closed{who} without being merged",
                    where=pull.url,
                    fix="promote again when that is what you want",
                )
            case PullState.OPEN if pull.conflict:
                raise ForgeError(
                    f"pull request #{number} conflicts with its base branch",
                    where=pull.url,
                    fix="run the same promotion again: it is made anew on the newest commit",
                )
            case PullState.OPEN:
                pass
        if time.monotonic() > deadline:
            raise ForgeError(
                f"pull request #{number} was not merged within {seconds:.0f} s",
                where=pull.url,
                fix="look at its checks and reviews; run the same command again to go on waiting",
            )
        watcher.progress(f"waiting for pull request #{number} to be merged")
        _pause(stop, forge.poll)


def wait_until_live(
    gitops: GitOps,
    moves: Sequence[Move],
    options: Options,
    *,
    stop: threading.Event,
    seconds: float,
    watcher: Watcher = SILENT,
) -> tuple[StatusRow, ...]:
    """Follow the targets, and those that take a layer, until each runs what the branch declares, Synced and
    Healthy.

    Somebody else syncs: a workflow, or a person. Services that other tools deploy are not followed.
    LockstepError when AWS cannot be read or it takes longer than ``seconds``.
    """
    targets = concerned(gitops.workspace.fleet.targets, moves)
    if not targets:
        return ()
    deadline = time.monotonic() + seconds
    while True:
        commit = head(gitops.remote, gitops.branch)
        if commit is None:
            raise LockstepError(f"the branch {gitops.branch} is gone", where=str(gitops.remote))
        rows, _ = read_status(gitops.at(commit), Options(patterns=targets, github_token=options.github_token))
        late = [row for row in rows if not _is_live(row)]
        if not late:
            for row in rows:
                watcher.note(f"live: {row.target} {row.declared}")
            return rows
        broken = [row for row in late if row.health is Health.DEGRADED]
        if broken:
            raise NotAllowed(
                f"{broken[0].target} is degraded: {broken[0].problem or 'AWS reports a failure'}",
                fix=f"lockstep status {broken[0].target}; lockstep rollback {broken[0].target}",
            )
        if time.monotonic() > deadline:
            names = ", ".join(row.target for row in late[:3])
            raise LockstepError(
                f"{names} did not become what Git says within {seconds:.0f} s",
                fix="see whether the workflow that syncs has run: lockstep status",
            )
        watcher.progress(f"waiting for {late[0].target} to run {late[0].declared}")
        _pause(stop, _POLL if len(targets) > 1 else _POLL / 2)


def _is_live(row: StatusRow) -> bool:
    is_well = row.status is SyncStatus.SYNCED and row.health is Health.HEALTHY
    return is_well and row.live in (row.declared, None)


def _pause(stop: threading.Event, seconds: float) -> None:
    if stop.wait(seconds):
        raise Interrupted("stopped while waiting; nothing was undone", fix="run the same command to go on")
