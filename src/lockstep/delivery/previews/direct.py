"""Previews that are live before anything declares them: ``preview.mode`` record and none.

A sync leaves them alone, as it cannot know whether one is on its way. Who brings one up or takes it down
names it, and for that run what is not declared of it goes, as everywhere else.
"""

import threading
from dataclasses import replace

from lockstep.config.load import read_project_file
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.nobody import NOBODY, any_preview
from lockstep.delivery.places.workspace import PROJECT_FILE, Workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import run_sync, tell
from lockstep.errors import CloudError, Interrupted, NotAllowed
from lockstep.model import Bucket, Outcome, Plan, Report, Verb
from lockstep.model.preview import PreviewMode
from lockstep.model.watching import SILENT, Watcher

__all__ = ["as_declared", "deploy", "reading_all", "record"]


def as_declared(workspace: Workspace) -> Workspace:
    """The workspace, for a run in which the files of it are all that is to be of the previews it selects."""
    project = workspace.project
    preview = replace(project.preview, mode=PreviewMode.GITOPS)
    return replace(workspace, project=replace(project, preview=preview))


def reading_all(workspace: Workspace) -> Workspace:
    """The workspace for such a run, with every bucket to be read that previews may have left an entry in."""
    workspace = as_declared(workspace)
    fleet = workspace.fleet
    names = {
        trigger.bucket
        for target in fleet.targets.values()
        if target.is_preview
        for trigger in target.every_trigger
    }
    usual = read_project_file(workspace.tree, PROJECT_FILE).trigger_bucket
    names |= {usual} if usual is not None else set()
    buckets = {name: Bucket(name=name) for name in sorted(names)}
    return replace(workspace, fleet=replace(fleet, buckets=buckets))


def deploy(
    workspace: Workspace,
    environment: str,
    options: Options,
    credentials: Credentials,
    *,
    watcher: Watcher = SILENT,
    stop: threading.Event,
) -> tuple[Plan, Report]:
    """Make AWS what a workspace says of one preview, ``preview/pr-7``, and remove what it does not say.

    It can be repeated, and goes on with what an earlier run did not finish. Raises NotAllowed for what may
    not be done, CloudError for what failed, Interrupted soon after ``stop`` is set.
    """
    chosen = replace(options, patterns=(environment,), checked=False)
    reading = reading_all(workspace)
    reading = replace(reading, fleet=replace(reading.fleet, former=_names(workspace, environment)))
    plan, report = run_sync(reading, chosen, watcher=watcher, stop=stop, credentials=credentials)
    doing = f"deploying {environment}"
    if plan.problems:
        raise NotAllowed("; ".join(plan.problems), doing=doing)
    failed = next((one for one in report.results if one.outcome is Outcome.FAILED), None)
    if failed is not None:
        raise CloudError(
            failed.error or "it failed", where=failed.target, doing=doing, fix="run the same command again"
        )
    if report.interrupted:
        raise Interrupted("the preview was not deployed to its end", fix="run the same command to go on")
    if not report.is_success:
        words = "; ".join(report.mismatches) or "not everything was done"
        raise CloudError(words, where=environment, doing=doing, fix="run the same command again")
    for one in plan.blocked:
        raise (CloudError if one.verb is Verb.UNKNOWN else NotAllowed)(
            one.problem or "it cannot be deployed", where=one.target, doing=doing
        )
    return plan, report


def _names(workspace: Workspace, environment: str) -> frozenset[str]:
    """The functions that a preview would have: what was just made may not be listed yet."""
    number = environment.rpartition("-")[2]
    usual = any_preview(workspace).values()
    return frozenset(one.function.name.replace(str(NOBODY), number) for one in usual if one.function)


def record(
    workspace: Workspace, plan: Plan, report: Report, credentials: Credentials, *, watcher: Watcher = SILENT
) -> None:
    """Leave records of what was deployed, and tell the source of it, by the commit that declares it now."""
    previews = workspace.previews.commit if workspace.previews is not None else None
    told = replace(plan, commit=workspace.tree.commit, previews=previews)
    tell(workspace, told, report, credentials, watcher)
