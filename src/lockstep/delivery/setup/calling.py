"""``graph``: who calls which functions."""

from dataclasses import replace

from lockstep.delivery.places.selection import check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.delivery.sync.session import Session
from lockstep.errors import NotAllowed
from lockstep.model import Fleet, Obstacle
from lockstep.model.calling import CallGraph
from lockstep.model.engines import AWS
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.calling import calls_of

__all__ = ["declared_calls", "live_calls"]


def declared_calls(workspace: Workspace, patterns: tuple[str, ...]) -> CallGraph:
    """Who calls the selected functions by what Git says. Asks nobody."""
    check_patterns(workspace, patterns)
    return calls_of(replace(workspace.fleet, selection=patterns), None)


def live_calls(workspace: Workspace, options: Options, *, watcher: Watcher = SILENT) -> CallGraph:
    """Who calls the selected functions, by what Git says and by what is live. Changes nothing.

    What could not be read of one target is told of it; LockstepError when nothing could be read.
    """
    check_patterns(workspace, options.patterns)
    fleet = replace(workspace.fleet, selection=options.patterns)
    session = Session(
        workspace,
        replace(options, full=True, refresh=options.full),
        purpose=Purpose.STATUS,
        watcher=watcher,
    )
    plan = session.plan(options.patterns)
    try:
        live = session.read
    except NotAllowed:
        live = Fleet(project=fleet.project)  # other engines apply all of it
    return calls_of(fleet, _with_others(session, fleet, live), (*plan.notes, *plan.problems))


def _with_others(session: Session, fleet: Fleet, live: Fleet) -> Fleet:
    """The live fleet with targets that other engines apply, read one by one."""
    project = session.workspace.project
    others = [
        target
        for key in fleet.selected()
        if (target := fleet.targets[key]).function is not None
        and project.environment(target.environment).engine != AWS.name
    ]
    if not others:
        return live
    seen = session.means.aws.observe(others)
    unread = {key: Obstacle(text=why, is_unread=True) for key, why in seen.unread.items()}
    return replace(
        live,
        targets={**live.targets, **seen.live},
        buckets={**live.buckets, **seen.buckets},
        unread={**live.unread, **unread},
    )
