"""``rollback`` and ``release-hold``: back to the last good version, and stay there until somebody says so."""

import datetime
import threading
from collections.abc import Sequence
from dataclasses import replace

from lockstep.delivery.places.actor import Actor, find_actor
from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.proposal import Proposal, Proposed, propose
from lockstep.delivery.places.timeline import Timeline, read_timeline
from lockstep.delivery.promotion import opened as open_promotions
from lockstep.delivery.promotion.drafts import Draft, make_draft, make_hold_edit
from lockstep.delivery.promotion.review import Review
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import Begun, begin, make_plan
from lockstep.engines.aws.connection import Connections
from lockstep.errors import BadInput, NotAllowed
from lockstep.model import Hold, Merge, Target
from lockstep.model.era import Era
from lockstep.model.image import split_image
from lockstep.model.move import Move, Reached
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.eras import LastGood, last_good
from lockstep.planning.takers import concerned
from lockstep.render.promotion import title_of
from lockstep.suggest import suggestion
from lockstep.values import dataclass

__all__ = ["RolledBack", "find_target", "hold", "release_hold", "roll_back"]

TRAILER = "Lockstep-Rolls-Back"


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledBack:
    """What was taken back, and how far it came."""

    move: Move
    outcome: Proposed
    hold: Hold
    notes: tuple[str, ...] = ()
    begun: Begun | None = None  # the sync that was planned before it was committed, where that is what is


def find_target(gitops: GitOps, key: str) -> Target:
    """A declared target by its key; BadInput with what is near it."""
    targets = gitops.workspace.fleet.targets
    if key in targets:
        return targets[key]
    target, _, version = key.partition("@")
    if version and target in targets:
        raise BadInput(
            "a target has no version in its name",
            where=key,
            fix=f"name the version apart: {target} --to {version}",
        )
    raise BadInput(
        "no such target is declared",
        where=key,
        fix=suggestion(key, targets, "`lockstep status` lists all targets", most=3),
    )


def roll_back(
    gitops: GitOps,
    key: str,
    options: Options,
    *,
    to: str | None = None,
    reason: str | None = None,
    is_urgent: bool = False,
    is_dry: bool = False,
    now: datetime.datetime,
    watcher: Watcher = SILENT,
    stop: threading.Event | None = None,
) -> RolledBack:
    """Declare an earlier version of a target again, and hold it there.

    The version is the last good one of the declaration's history, or ``to``; the notes say which versions
    were passed over. Its package has to be
    obtainable, from its release or from the package bucket, before anything is written. ``is_urgent``
    commits straight away, whatever the environment's policy, and only what a sync of the target would
    then do; freezes and soaks never hold a rollback back. One that ``is_dry``
    is brought nowhere. Raises BadInput when there is no such version,
    ArtifactError when it cannot be had, NotAllowed when the sync would be refused.
    """
    target = find_target(gitops, key)
    watcher.progress("reading the history")
    timeline = read_timeline(gitops.workspace, target)
    era, notes = _find(target, timeline, to)
    move = Move(
        target=key,
        old=target.version,
        new=era.version or "",
        deployment_type=target.deployment_type,
        old_commit=target.commit,
        commit=era.said.commit,
        sha256=era.said.sha256 or era.said.image,
    )
    actor = find_actor(gitops.remote.repository)
    hold = Hold(version=target.version, since=now.isoformat(timespec="seconds"), by=actor.name, reason=reason)

    def words(moves: Sequence[Move]) -> str:
        text = f"{reason}\n\n" if reason else ""
        return f"{title_of(moves, verb='roll back')}\n\n{text}{TRAILER}: {key}@{move.new}"

    stop = stop or threading.Event()
    connections = Connections(stop)
    draft = make_draft(
        gitops, (move,), options, words=words, hold=hold, connections=connections, watcher=watcher
    )
    begun = _begun(gitops, draft, options, connections, stop, watcher) if is_urgent else None
    if is_dry:
        nothing = Proposed(reached=Reached.NOTHING, commit=None)
        return RolledBack(move=draft.moves[0], outcome=nothing, hold=hold, notes=notes)
    policy = gitops.workspace.project.environment(target.environment).promotion
    merge = Merge.DIRECT if is_urgent else policy.merge
    outcome = propose(
        gitops, _proposal(gitops, draft, actor, reason, notes, options, watcher), merge, gitops.forge
    )
    if outcome.reached is not Reached.NOTHING and outcome.pull is not None:
        forge = gitops.forge()
        opened = open_promotions.find(gitops, forge, target.environment, [key])
        open_promotions.supersede(gitops, forge, opened, by=outcome.pull)
    is_it = outcome.commit == draft.made.commit
    return RolledBack(
        move=draft.moves[0], outcome=outcome, hold=hold, notes=notes, begun=begun if is_it else None
    )


def hold(gitops: GitOps, key: str, *, reason: str | None = None, now: datetime.datetime) -> Proposed:
    """Hold a target at what it declares, so that nothing is promoted to it until the hold is released.

    Reaches the branch as the environment's policy says. Nothing to do for one that is held.
    """
    target = find_target(gitops, key)
    if target.hold is not None:
        return Proposed(reached=Reached.NOTHING, commit=gitops.workspace.tree.commit)
    actor = find_actor(gitops.remote.repository)
    held = Hold(version=None, since=now.isoformat(timespec="seconds"), by=actor.name, reason=reason)
    title = f"{target.environment}: {target.service} is held at {target.version or 'what it declares'}"
    proposal = Proposal(
        branch=f"lockstep/hold/{key}",
        edit=make_hold_edit(gitops, target, held),
        title=title,
        message=f"{title}\n\n{reason or ''}",
        body=lambda: f"Nothing is promoted to `{key}` until the hold is released. By {actor.name}.",
    )
    policy = gitops.workspace.project.environment(target.environment).promotion
    return propose(gitops, proposal, policy.merge, gitops.forge)


def release_hold(gitops: GitOps, key: str, *, is_urgent: bool = False, reason: str | None = None) -> Proposed:
    """Remove the hold of a target, so that versions are promoted to it again.

    Reaches the branch as the environment's policy says, or straight away. Nothing to do without a hold.
    """
    target = find_target(gitops, key)
    if target.hold is None:
        return Proposed(reached=Reached.NOTHING, commit=gitops.workspace.tree.commit)
    policy = gitops.workspace.project.environment(target.environment).promotion
    held = f" after {target.hold.version} was taken back" if target.hold.version else ""
    title = f"{target.environment}: {target.service} is no longer held{held}"
    proposal = Proposal(
        branch=f"lockstep/release-hold/{key}",
        edit=make_hold_edit(gitops, target, None),
        title=title,
        message=f"{title}\n\n{reason or ''}",
        body=lambda: (
            f"Versions can be promoted to `{key}` again. By {find_actor(gitops.remote.repository).name}."
        ),
    )
    return propose(gitops, proposal, Merge.DIRECT if is_urgent else policy.merge, gitops.forge)


def _begun(
    gitops: GitOps,
    draft: Draft,
    options: Options,
    connections: Connections,
    stop: threading.Event,
    watcher: Watcher,
) -> Begun | None:
    """The sync of the draft, planned. Refuses, before anything is committed, what it would refuse.

    None where there is none, or where the engine plans only what the branch holds.
    """
    targets = concerned(draft.workspace.fleet.targets, draft.moves)
    if not targets:
        return None
    watcher.progress("planning what the sync will do")
    chosen = replace(options, patterns=targets)
    begun = None
    if gitops.workspace.project.environment(draft.moves[0].environment).traits.is_direct:
        begun = begin(
            draft.workspace,
            chosen,
            targets,
            stop=stop,
            watcher=watcher,
            credentials=gitops.credentials,
            connections=connections,
        )
    plan = begun.plan if begun is not None else make_plan(draft.workspace, chosen, watcher=watcher)
    reasons = [*plan.problems, *(f"{one.target}: {one.problem}" for one in plan.blocked)]
    if reasons:
        raise NotAllowed(
            "; ".join(reasons),
            doing=f"rolling back {', '.join(targets)}",
            fix="mend it first; or leave out --now, which changes only what Git says, by the policy",
        )
    return begun


def _find(target: Target, timeline: Timeline, to: str | None) -> tuple[Era, tuple[str, ...]]:
    """The era to go back to, and what was passed over on the way. BadInput when there is none."""
    version, image = split_image(to) if to is not None else (None, None)
    if version is not None and version == target.version and image in (None, target.image):
        raise BadInput(
            f"{to} is what is declared",
            where=target.key,
            fix=f"name an earlier version, or make AWS match: lockstep sync {target.key}",
        )
    found = (
        LastGood(era=timeline.era_of(version, image=image))
        if version is not None
        else last_good(timeline.eras)
    )
    notes = tuple(f"passed over {version}: {why}" for version, why in found.passed)
    if found.era is not None:
        return found.era, notes
    known = list(dict.fromkeys(e.version for e in timeline.eras if e.version and e.version != target.version))
    cut = "; this clone holds only the newest commits: git fetch --unshallow" if timeline.is_cut else ""
    there = f"there were: {', '.join(known[:8])}" if known else "it never declared another version"
    problem = f"it never ran {to}" if to is not None else "there is no earlier good version"
    if known:
        fix = "name one of them: --to VERSION"
    elif timeline.is_cut:
        fix = "git fetch --unshallow, then run it again"
    else:
        fix = f"promote a version that mends it: lockstep promote {target.service}@VERSION --to "
        fix += target.environment
    raise BadInput("; ".join([f"{problem} ({there}{cut})", *notes]), where=target.key, fix=fix)


def _proposal(
    gitops: GitOps,
    draft: Draft,
    actor: Actor,
    reason: str | None,
    notes: tuple[str, ...],
    options: Options,
    watcher: Watcher,
) -> Proposal:
    move = draft.moves[0]
    review = Review(gitops=gitops, draft=draft, actor=actor, reason=reason, notes=notes)
    return Proposal(
        branch=f"lockstep/rollback/{move.target}",
        edit=draft.edit,
        title=title_of(draft.moves, verb="roll back"),
        message=draft.message,
        body=lambda: review.body(options, watcher),
        made=draft.made,
    )
