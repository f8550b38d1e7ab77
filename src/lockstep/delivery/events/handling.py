"""``preview event``: from what happened to a pull request to its preview, or to none.

    event ─▶ is it still so? ─▶ release what changed ─▶ is it still so? ─▶ folder ─▶ is it still so?

The event says only what may have to be done. The forge is asked each time, so an old event does nothing,
a repeated one commits nothing, and of two at once the later state of the pull request counts.

What is built sees the environment of this run, tokens included. That is for people who may push anyway;
jobs of their own for building and for writing, as ``init --github`` has them, keep the two apart.
"""

import threading
from dataclasses import replace

from lockstep.delivery.events.reading import Event, Wanted, decide
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.gitops import open_gitops
from lockstep.delivery.places.workspace import Where
from lockstep.delivery.previews.bring import Brought, Request, approval_label, bring_down, bring_up
from lockstep.delivery.previews.ground import Ground, open_ground
from lockstep.delivery.previews.services import ChangedService
from lockstep.delivery.releases import release as releasing
from lockstep.delivery.releases.versions import changed_services
from lockstep.delivery.sync.options import Options
from lockstep.errors import Interrupted
from lockstep.forge.base import Pull, PullState
from lockstep.model.labels import has_label
from lockstep.model.released import Released
from lockstep.model.watching import SILENT, Watcher
from lockstep.values import dataclass

__all__ = ["Handled", "Place", "handle_event"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where services are built, and where previews are declared; both may be one repository."""

    sources: Where
    gitops: Where
    credentials: Credentials

    def ground(self) -> Ground:
        """The previews as they are now."""
        return open_ground(open_gitops(self.gitops, self.credentials))


@dataclass(frozen=True, kw_only=True, slots=True)
class Handled:
    """What became of an event. ``brought`` is None where nothing was to be done."""

    brought: Brought | None = None
    released: tuple[Released, ...] = ()
    notes: tuple[str, ...] = ()


def handle_event(
    place: Place,
    event: Event,
    *,
    label: str,
    now: str,
    options: Options,
    stop: threading.Event | None = None,
    watcher: Watcher = SILENT,
) -> Handled:
    """Do what an event asks for, if the pull request still is as it says.

    ``watcher`` is told what is worth knowing of the releases. Raises what ``release`` and ``bring_up`` raise;
    nothing of a fork's pull request runs unless a label approves its very commit.
    """
    decision = decide(event, label)
    if decision.wanted is Wanted.NOTHING:
        return Handled(notes=(decision.words,))
    watcher.progress("asking the forge")
    ground = place.ground()
    pull = ground.forge().pull(event.number)
    brought: Brought | None = None
    if decision.wanted is Wanted.DOWN:
        if _is_wanted(pull, label):
            words = f"pull request #{pull.number} is open with the label {label} again; its preview stays"
            return Handled(notes=(words,))
        brought = bring_down(ground, event.number, options, watcher=watcher, stop=stop)
        pull = ground.forge().pull(event.number)
        if not _is_wanted(pull, label):
            return Handled(brought=brought)
        # Reopened or labelled meanwhile: the run for that may have been before this removal.
    if why := _in_the_way(ground, pull, event, label):
        return Handled(brought=brought, notes=(why,))
    released = _release(place, event, stop, watcher)
    ground = place.ground()  # builds take minutes
    if why := _in_the_way(ground, ground.forge().pull(event.number), event, label):
        return Handled(brought=brought, released=released, notes=(why,))
    wishes = tuple(ChangedService(service=one.service, version=str(one.version)) for one in released)
    request = Request(number=event.number, wishes=wishes, sha=event.sha)
    brought = bring_up(ground, request, options, now=now, stop=stop, watcher=watcher)
    if brought.is_up and not _is_wanted(ground.forge().pull(event.number), label):
        # Its own run may have been before this one's commit.
        words = f"pull request #{event.number} is not to have a preview any more"
        down = bring_down(ground, event.number, options, reason=words, watcher=watcher, stop=stop)
        brought = replace(down, notes=(*brought.notes, words))
    return Handled(brought=brought, released=released)


def _is_wanted(pull: Pull, label: str) -> bool:
    return pull.state is PullState.OPEN and has_label(pull.labels, label)


def _in_the_way(ground: Ground, pull: Pull, event: Event, label: str) -> str | None:
    """Why an event's commit is not to have a preview now."""
    name = f"pull request #{pull.number}"
    if pull.state is not PullState.OPEN:
        return f"{name} is {pull.state} by now"
    for asked in (label, ground.policy.label or label):
        if not has_label(pull.labels, asked):
            return f"{name} does not carry the label {asked}"
    if pull.sha != event.sha:
        return f"{name} is at {pull.sha[:12]} by now; its own run brings that up"
    needed = approval_label(ground.policy, pull.sha)
    if (pull.is_fork or event.is_fork) and not has_label(pull.labels, needed):
        return f"{name} comes from a fork; who may label reads its commit and then adds the label {needed}"
    return None


def _release(
    place: Place,
    event: Event,
    stop: threading.Event | None,
    watcher: Watcher,
) -> tuple[Released, ...]:
    """Release each service that the pull request changes, from its head commit."""
    monorepo = releasing.open_monorepo(replace(place.sources, rev=event.sha), place.credentials)
    name = monorepo.remote.name
    since = f"{name}/{event.base}" if name is not None else event.base
    request = releasing.Request(pr=event.number)
    done: list[Released] = []
    for service in changed_services(monorepo.where, since).services:
        if stop is not None and stop.is_set():
            raise Interrupted("the preview was not brought up", fix="run the workflow again")
        done.append(releasing.release(monorepo, service, request, stop=stop, watcher=watcher))
    return tuple(done)
