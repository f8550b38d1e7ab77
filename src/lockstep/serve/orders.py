"""What people ask of a target: the verbs of the command line, first dry, then for good."""

import datetime
import threading
from dataclasses import replace
from enum import StrEnum

from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.proposal import Proposed
from lockstep.delivery.promotion.merging import look_at_merge, merge
from lockstep.delivery.promotion.promote import Request, Wish, promote
from lockstep.delivery.promotion.rollback import find_target, hold, release_hold, roll_back
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.rollouts import say, see
from lockstep.delivery.sync.run import make_plan
from lockstep.errors import BadInput, NotAllowed
from lockstep.model.move import Move
from lockstep.model.pull import Pull
from lockstep.model.roles import Role
from lockstep.model.rollout import Word
from lockstep.model.target import service_of
from lockstep.model.watching import SILENT, Watcher
from lockstep.render.outcome import outcome_lines
from lockstep.render.promotion import ready_lines
from lockstep.render.rollout import progress_lines
from lockstep.render.text import plan_lines
from lockstep.values import dataclass

__all__ = ["CarriedOut", "Order", "OrderVerb", "TooMany", "carry_out", "look_ahead"]

_COLUMNS = 100


class TooMany(NotAllowed):
    """More is asked for than is done; later there is room again."""


class OrderVerb(StrEnum):
    """What is asked."""

    SYNC = "sync"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    HOLD = "hold"
    RELEASE_HOLD = "release-hold"
    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    MERGE = "merge"

    @property
    def role(self) -> Role:
        """Who may ask it."""
        match self:
            case OrderVerb.PROMOTE | OrderVerb.MERGE:
                return Role.PROMOTE
            case OrderVerb.ROLLBACK:
                return Role.ROLLBACK
            case OrderVerb.HOLD | OrderVerb.RELEASE_HOLD:
                return Role.HOLD
            case _:
                return Role.SYNC


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One thing that somebody asks of one target."""

    verb: OrderVerb
    target: str
    by: str
    reason: str = ""
    version: str | None = None  # to promote, or to go back to

    @property
    def words(self) -> str:
        """For the history."""
        version = f" {self.version}" if self.version else ""
        return f"{self.verb}{version} was asked for" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedOut:
    """What came of an order."""

    words: str
    pull: str | None = None  # URL of the pull request that it made or merged
    merged: Pull | None = None


def look_ahead(order: Order, gitops: GitOps, options: Options, *, now: datetime.datetime) -> list[str]:
    """What would come of it, in lines, with secrets masked. Changes nothing. Raises what the verb raises."""
    match order.verb:
        case OrderVerb.MERGE:
            return ready_lines(look_at_merge(gitops, order.target, options, now=now))
        case OrderVerb.SYNC:
            plan = make_plan(gitops.workspace, replace(options, patterns=(order.target,)))
            return plan_lines(plan, columns=_COLUMNS)
        case OrderVerb.HOLD | OrderVerb.RELEASE_HOLD:
            held = find_target(gitops, order.target).hold
            if (held is None) is (order.verb is OrderVerb.RELEASE_HOLD):
                return [f"{order.target} is {'not held' if held is None else 'held already'}: nothing to do"]
            is_hold = order.verb is OrderVerb.HOLD
            return [
                f"{order.target} stays at what it declares until somebody releases it."
                if is_hold
                else f"Versions can be promoted to {order.target} again."
            ]
        case OrderVerb.PROMOTE | OrderVerb.ROLLBACK:
            moves, outcome, notes = _move(order, gitops, options, now, SILENT, is_dry=True)
            return [*outcome_lines(moves, outcome.arrival, is_dry=True, columns=_COLUMNS), *notes]
        case _:
            one = see(gitops.workspace, order.target, options)
            lines = list(progress_lines(one.progress)) if one.progress is not None else []
            return lines or ["no rollout is under way"]


def carry_out(
    order: Order,
    gitops: GitOps,
    options: Options,
    *,
    now: datetime.datetime,
    watcher: Watcher,
    stop: threading.Event,
) -> CarriedOut:
    """Do it, all but a sync, which is the follower's own. Raises what the verb raises."""
    match order.verb:
        case OrderVerb.SYNC:
            raise AssertionError("unreachable")
        case OrderVerb.MERGE:
            pull = merge(gitops, order.target, options, now=now, by=order.by, reason=order.reason)
            words = f"Merged: pull request #{pull.number} ({pull.url})."
            return CarriedOut(words=words, pull=pull.url or None, merged=pull)
        case OrderVerb.PROMOTE | OrderVerb.ROLLBACK:
            moves, outcome, _ = _move(order, gitops, options, now, watcher, is_dry=False)
            return _arrived(outcome, moves)
        case OrderVerb.HOLD:
            return _arrived(hold(gitops, order.target, reason=order.reason or None, now=now))
        case OrderVerb.RELEASE_HOLD:
            return _arrived(release_hold(gitops, order.target, reason=order.reason or None))
        case _:
            word = Word(order.verb.value)
            reason = order.reason or None
            say(
                gitops.workspace,
                order.target,
                word,
                options,
                gitops.credentials,
                reason=reason,
                watcher=watcher,
                stop=stop,
            )
            return CarriedOut(words=f"{word} was said")


def _arrived(outcome: Proposed, moves: tuple[Move, ...] = ()) -> CarriedOut:
    lines = outcome_lines(moves, outcome.arrival, columns=1000)
    pull = outcome.pull.url if outcome.pull is not None else None
    return CarriedOut(words=" ".join(line.strip() for line in lines if line), pull=pull)


def _move(
    order: Order,
    gitops: GitOps,
    options: Options,
    now: datetime.datetime,
    watcher: Watcher,
    *,
    is_dry: bool,
) -> tuple[tuple[Move, ...], Proposed, tuple[str, ...]]:
    if order.verb is OrderVerb.ROLLBACK:
        done = roll_back(
            gitops,
            order.target,
            options,
            to=order.version,
            reason=order.reason or None,
            is_dry=is_dry,
            now=now,
            watcher=watcher,
        )
        return (done.move,), done.outcome, done.notes
    target = find_target(gitops, order.target)
    if target.is_preview:
        raise BadInput("a preview is promoted nowhere", where=order.target, fix="push to its branch")
    wish = Wish(service=service_of(order.target), version=order.version)
    request = Request(
        wishes=(wish,), environment=target.environment, reason=order.reason or None, dry_run=is_dry
    )
    promoted = promote(gitops, request, options, now=now, watcher=watcher)
    return promoted.moves, promoted.outcome, promoted.notes
