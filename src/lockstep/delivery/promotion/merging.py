"""``merge``: a promotion's pull request, by whoever may promote, when nothing is in its way any more."""

import datetime

from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.promotion import opened as open_promotions
from lockstep.delivery.promotion.promote import find_gates
from lockstep.delivery.sync.options import Options
from lockstep.errors import NotAllowed
from lockstep.forge.base import CheckState, Forge, MergeMethod, Pull
from lockstep.model.pull import Ready
from lockstep.model.target import environment_of
from lockstep.model.watching import SILENT
from lockstep.render.blocks import span
from lockstep.render.promotion import gate_words

__all__ = ["look_at_merge", "merge"]

_MARKER = "merge-by-order"


def look_at_merge(gitops: GitOps, target: str, options: Options, *, now: datetime.datetime) -> Ready:
    """The newest open promotion of a target, when it may be merged. Changes nothing.

    Raises NotAllowed with everything that is in its way: its checks, what its branch requires, a commit that
    is not ours, and the gates of the versions that it brings.
    """
    return _look(gitops, gitops.forge(), target, options, now)


def merge(
    gitops: GitOps, target: str, options: Options, *, now: datetime.datetime, by: str, reason: str
) -> Pull:
    """Look at it as ``look_at_merge`` does, and merge just what was looked at; it is said there by whom."""
    forge = gitops.forge()
    pull = _look(gitops, forge, target, options, now).pull
    said = f"{span(by)} merges this" + (f": {span(reason)}" if reason else ".")
    forge.comment(pull.number, said, marker=_MARKER)
    method = MergeMethod(gitops.workspace.project.sources.forge.method or MergeMethod.SQUASH)
    forge.merge_pull(pull.number, sha=pull.sha, method=method)
    return forge.pull(pull.number)


def _look(gitops: GitOps, forge: Forge, target: str, options: Options, now: datetime.datetime) -> Ready:
    environment = environment_of(target)
    found = open_promotions.find(gitops, forge, environment, [target])
    if not found:
        raise NotAllowed("no pull request brings a version there", where=target, fix="promote one first")
    one = found[-1]
    pull = forge.pull(one.pull.number)
    checks = tuple(forge.checks(pull.sha))
    policy = gitops.workspace.project.environment(environment).promotion
    gates = find_gates(gitops, one.versions, policy, options, now, SILENT)
    closed = [gate_words(gate) for gate in gates]
    if not one.is_ours or pull.sha != one.pull.sha:
        closed.append("its commit was made by somebody else: look at it, and merge it where it is")
    closed += [
        f"check {check.name}: {'failed' if check.state is CheckState.FAILURE else 'has not ended'}"
        for check in checks
        if check.state is not CheckState.SUCCESS
    ]
    closed += ["it is a draft"] * pull.is_draft
    closed += [f"it is in conflict with {pull.base}"] * bool(pull.conflict)
    if pull.is_blocked and all(check.state is CheckState.SUCCESS for check in checks):
        closed.append(f"{pull.base} requires a review or a check that it does not have")
    if closed:
        raise NotAllowed(
            "\n".join(["it cannot be merged now:", *(f"  {line}" for line in closed)]),
            where=pull.url or f"pull request #{pull.number}",
            fix="look again when that is over",
        )
    targets = gitops.workspace.fleet.targets
    moves = tuple((key, targets[key].version, version) for key, version in sorted(one.versions.items()))
    return Ready(pull=pull, moves=moves, checks=checks)
