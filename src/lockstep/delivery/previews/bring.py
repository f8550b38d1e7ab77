"""``preview up`` and ``preview down``: a pull request's folder in the GitOps tree, written and removed.

The end state is what the last commit says, whoever runs what at the same time: each attempt to push
first reads the branch and then asks the forge, so a run for an older commit or a closed pull request
finds out that it is; and who has pushed asks once more, and takes back what nobody else will remove.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from lockstep.config.preview_file import read_preview
from lockstep.config.preview_tree import Asked, folder_of, preview_files
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.previews.direct import deploy, record
from lockstep.delivery.previews.ground import Ground
from lockstep.delivery.previews.services import ChangedService, choose
from lockstep.delivery.previews.waiting import awaited, wait_for_services
from lockstep.delivery.releases.images import with_images
from lockstep.delivery.sync.digests import with_digests
from lockstep.delivery.sync.options import Options
from lockstep.errors import BadInput, NotAllowed
from lockstep.forge.base import Pull, PullState
from lockstep.git.tree import CommitTree
from lockstep.git.writing import Written
from lockstep.model import Plan, Report
from lockstep.model.labels import has_label
from lockstep.model.layer import DEPLOYMENT
from lockstep.model.move import Move, Reached
from lockstep.model.preview import Preview, PreviewMode, PreviewPolicy
from lockstep.model.tree import Tree
from lockstep.model.watching import SILENT, Watcher
from lockstep.values import dataclass

__all__ = ["Brought", "Request", "approval_label", "bring_down", "bring_up"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A preview that is wanted."""

    number: int
    wishes: tuple[ChangedService, ...] = ()
    sha: str | None = None  # whole id of the commit that the versions were built from; None: as it is now
    ttl: str | None = None  # as people write it
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """What became of a preview."""

    number: int
    reached: Reached  # NOTHING or COMMITTED
    commit: str | None = None  # of the branch
    moves: tuple[Move, ...] = ()
    notes: tuple[str, ...] = ()
    is_up: bool = True  # whether it is to be there now
    is_deployed: bool = False  # whether this run changed something in AWS


_ALL = 10_000  # targets, more than a preview has


class _Overtaken(Exception):
    """The pull request is not what this run is for any more."""

    def __init__(self, words: str, *, is_over: bool) -> None:
        super().__init__(words)
        self.words = words
        self.is_over = is_over  # it is not to have a preview at all


def approval_label(policy: PreviewPolicy, sha: str) -> str:
    """The label that lets one commit of a fork have a preview."""
    return f"{policy.fork_label}:{sha}"


def bring_up(
    ground: Ground,
    request: Request,
    options: Options,
    *,
    now: str,
    stop: threading.Event | None = None,
    watcher: Watcher = SILENT,
) -> Brought:
    """Write the folder of a pull request's preview in one commit; nothing when it is as wanted already.

    Where the policy says how services are seen to be up, they come in a commit before, and the functions
    when they are. With ``mode: record`` the functions are deployed before the folder says so, with ``none``
    nothing is written. ``now`` is ISO 8601. A run for another commit than the newest, and one whose pull
    request is closed meanwhile, ends without an error and leaves no preview behind. Raises BadInput for what
    cannot be a preview, NotAllowed when the pull request may not have one (a dry run, which a build may wait
    for: also for another commit than the newest), ForgeError when nobody knows whether it may, ArtifactError
    for a function's package that cannot be had, LockstepError for a service that is not up in time, and what
    a sync raises.
    """
    policy, forge = ground.policy, ground.forge()
    watcher.progress("asking the forge")
    pull = forge.pull(request.number)
    if problem := _refusal(policy, pull):
        raise problem
    if request.sha is not None and pull.sha != request.sha:
        if request.dry_run:
            raise NotAllowed(
                f"pull request #{pull.number} is at {pull.sha[:12]}, not at {request.sha[:12]}",
                where=pull.url,
                fix=f"read that commit, and run again with --sha {pull.sha}",
            )
        note = f"pull request #{pull.number} is at {pull.sha[:12]} by now; its own run brings that up"
        return Brought(number=pull.number, reached=Reached.NOTHING, notes=(note,))
    chosen = choose(ground.gitops.workspace, ground.tree, pull.number, request.wishes, pull.sha)
    sources = ground.gitops.workspace.project.sources.services
    watcher.progress("looking up images")
    moves = with_images(sources, chosen.moves, ground.gitops.source_forge)
    asked = Asked(
        preview=Preview(number=pull.number, sha=pull.sha),
        moves=moves,
        ttl=request.ttl,
        places=chosen.places,
        forgets_pins=True,
    )
    workspace = ground.draft(_edit(ground, asked, now))
    watcher.progress("finding packages")
    moves = with_digests(workspace, moves, options)
    for move in moves:
        _check_taken(move, workspace.fleet.targets[move.target].version)
    asked = replace(asked, moves=moves, forgets_pins=False)
    if request.dry_run:
        ground.draft(_edit(ground, asked, now))
        return Brought(number=pull.number, reached=Reached.NOTHING, moves=moves, notes=chosen.notes)
    stop = stop or threading.Event()

    def check() -> None:
        _check(policy, forge.pull(pull.number), pull.sha)

    def put(workspace: Workspace) -> tuple[Plan, Report]:
        watcher.progress("deploying")
        return deploy(
            workspace,
            asked.preview.environment,
            options,
            ground.gitops.credentials,
            watcher=watcher,
            stop=stop,
        )

    is_new, is_deployed = False, False
    written: Written | None = None
    try:
        services = awaited(policy.wait_for, moves)
        if services and policy.wait_for is not None:
            others = tuple(move for move in moves if move.deployment_type != "lambda")
            first = _write(ground, replace(asked, moves=others), now, check)
            is_new = first.is_new
            if _edit(ground, asked, now)(CommitTree(ground.gitops.remote.repository, first.commit)):
                since = first.commit if first.is_new else None
                wait_for_services(
                    ground,
                    policy.wait_for,
                    services,
                    since=since,
                    stop=stop,
                    watcher=watcher,
                )
        if policy.is_direct:
            check()
            plan, report = put(ground.draft(_edit(ground, asked, now)))
            is_deployed = bool(plan.steps)
        if policy.mode is not PreviewMode.NONE:
            watcher.progress("writing")
            written = _write(ground, asked, now, check)
            is_new |= written.is_new
        if policy.mode is PreviewMode.RECORD and written is not None:
            # Another run may have deployed an older commit between the two: what is written counts.
            recorded = ground.at(written.commit)
            record(recorded, plan, report, ground.gitops.credentials, watcher=watcher)
            put(recorded)
        check()
    except _Overtaken as overtaken:
        return _end(ground, pull.number, overtaken, chosen.notes, options, watcher=watcher, stop=stop)
    return Brought(
        number=pull.number,
        reached=Reached.COMMITTED if is_new else Reached.NOTHING,
        commit=written.commit if written is not None else None,
        moves=moves,
        notes=(*chosen.notes, *_left_out(policy, moves, request.wishes)),
        is_deployed=is_deployed,
    )


def _left_out(
    policy: PreviewPolicy, moves: tuple[Move, ...], wishes: tuple[ChangedService, ...]
) -> Iterator[str]:
    """What was asked for and is not there: other tools deploy only what is declared."""
    if policy.mode is PreviewMode.NONE:
        named = {wish.service for wish in wishes}
        for move in moves:
            if move.deployment_type not in ("lambda", DEPLOYMENT) and move.service in named:
                yield f"{move.service} is deployed by other tools, and nothing is declared for those"


def _write(ground: Ground, asked: Asked, now: str, check: Callable[[], None]) -> Written:
    """Commit and push what is asked for; ``check`` runs before each attempt."""
    edit = _edit(ground, asked, now)

    def guarded(tree: Tree) -> Mapping[str, bytes | None]:
        check()
        return edit(tree)

    return ground.write(guarded, _message(asked.preview.number, asked.moves))


def bring_down(
    ground: Ground,
    number: int,
    options: Options,
    *,
    reason: str | None = None,
    watcher: Watcher = SILENT,
    stop: threading.Event | None = None,
) -> Brought:
    """Remove the folder of a preview in one commit; nothing when it is gone. No forge is asked.

    What was deployed before anything declared it is removed from AWS after that. BadInput when the folder is
    another pull request's.
    """

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        project = ground.own(tree)
        own = folder_of(ground.folder, number)
        files = [path for path in (*project.blobs, *project.links) if path.startswith(own)]
        file = f"{own}pr.yaml"
        if file in project.blobs:
            read_preview(project.read([file])[file], file, number)
        return ground.written(dict.fromkeys(files))

    because = f"\n\n{reason}" if reason else ""
    written = ground.write(edit, f"preview/pr-{number}: down{because}")
    brought = Brought(
        number=number,
        reached=Reached.COMMITTED if written.is_new else Reached.NOTHING,
        commit=written.commit,
        is_up=False,
    )
    if not ground.policy.is_direct:
        return brought
    watcher.progress("removing it from AWS")
    left, credentials = ground.at(written.commit), ground.gitops.credentials
    plan, report = deploy(
        left,
        Preview(number=number).environment,
        replace(options, allow_deletes=_ALL),  # somebody named it
        credentials,
        watcher=watcher,
        stop=stop or threading.Event(),
    )
    if ground.policy.mode is PreviewMode.RECORD:
        record(left, plan, report, credentials, watcher=watcher)
    return replace(brought, is_deployed=bool(plan.steps))


def _refusal(policy: PreviewPolicy, pull: Pull) -> BadInput | NotAllowed | None:
    """Why a pull request may not have a preview."""
    if pull.state is not PullState.OPEN:
        return BadInput(
            f"pull request #{pull.number} is {pull.state}", where=pull.url, fix="reopen it for a preview"
        )
    if policy.label is not None and not has_label(pull.labels, policy.label):
        return NotAllowed(
            f"pull request #{pull.number} does not carry the label {policy.label}",
            where=pull.url,
            fix=f"add the label (lockstep.yaml asks for it: {policy.place})",
        )
    needed = approval_label(policy, pull.sha)
    if pull.is_fork and not has_label(pull.labels, needed):
        return NotAllowed(
            f"pull request #{pull.number} comes from a fork, and nobody has approved its commit",
            where=pull.url,
            fix=f"who may label reads the commit and then adds the label {needed}",
        )
    return None


def _check(policy: PreviewPolicy, pull: Pull, sha: str) -> None:
    """Raise _Overtaken when the pull request is not as it was when the run began."""
    is_open = pull.state is PullState.OPEN
    if pull.sha != sha and is_open and (policy.label is None or has_label(pull.labels, policy.label)):
        raise _Overtaken(
            f"pull request #{pull.number} went on to {pull.sha[:12]} meanwhile; its own run brings that up",
            is_over=False,
        )
    if refusal := _refusal(policy, pull):
        raise _Overtaken(f"{refusal.problem}, since this run began", is_over=True)


def _end(
    ground: Ground,
    number: int,
    overtaken: _Overtaken,
    notes: tuple[str, ...],
    options: Options,
    *,
    watcher: Watcher,
    stop: threading.Event,
) -> Brought:
    """What remains of a run that was overtaken: nothing, when the preview is not to be there.

    Else the run for the newer commit may be through, and this one may have deployed after it: then what that
    one has written is brought back.
    """
    words = overtaken.words
    if overtaken.is_over:
        down = bring_down(ground, number, options, reason=words, watcher=watcher, stop=stop)
        return replace(down, notes=(*notes, words, "the preview is down"))
    if ground.policy.mode is PreviewMode.RECORD:
        workspace = ground.now()
        environment = Preview(number=number).environment
        if any(target.environment == environment for target in workspace.fleet.targets.values()):
            deploy(workspace, environment, options, ground.gitops.credentials, watcher=watcher, stop=stop)
    return Brought(number=number, reached=Reached.NOTHING, notes=(*notes, words))


def _edit(ground: Ground, asked: Asked, now: str) -> Callable[[Tree], Mapping[str, bytes | None]]:
    """The edit of the branch's files."""

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        project = ground.project_of(tree)
        files = preview_files(project, ground.folder, ground.policy.templates, asked, now=now)
        return ground.written(files)

    return edit


def _check_taken(move: Move, version: str | None) -> None:
    """The version that was written is the one that counts."""
    if version != move.new:
        raise BadInput(
            f"{move.new} was written, and {version or 'no version'} is what counts",
            where=move.target,
            fix=f"set services.{move.service}.versionKey in lockstep.yaml to the key of its version",
        )


def _message(number: int, moves: tuple[Move, ...]) -> str:
    shown = ", ".join(f"{move.service} {move.new}" for move in moves[:3])
    more = f" and {len(moves) - 3} more" if len(moves) > 3 else ""
    lines = "\n".join(f"{move.service} {move.new}" for move in moves)
    return f"preview/pr-{number}: {shown or 'no services'}{more}\n\n{lines}"
