"""After a sync: what became of each source commit, told where the source is.

For each environment a deployment, and for each service in it a commit status ``lockstep/ENV/SERVICE``.
Both are in progress while a rollout is, and the same two say what it came to.
A report that cannot be made is a note: the sync is what it was.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lockstep.delivery.places.actor import find_actor
from lockstep.delivery.places.forges import Credentials, open_forge, open_source_forge
from lockstep.delivery.places.workspace import Workspace, open_workspace
from lockstep.errors import BadInput, LockstepError
from lockstep.forge.base import CheckState, DeploymentState, Forge
from lockstep.git.log import histories
from lockstep.git.tree import CommitTree, WorkTree
from lockstep.model import (
    Health,
    Outcome,
    Plan,
    PutAlias,
    PutNotifications,
    Report,
    RunTerraform,
    ShiftAlias,
    TargetPlan,
    Verb,
    WriteManifests,
)
from lockstep.model.alias import release_of
from lockstep.model.rolling import TAKEN_BACK, RolloutState
from lockstep.model.rollout import Rollout, share_words
from lockstep.model.target import environment_of, is_preview, service_of
from lockstep.model.watching import SILENT, Watcher
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Ending", "endings_of", "report_deployments"]

_WORKERS = 4  # a forge's client spaces its own writes
_FULL = regex(r"[0-9a-f]{40}([0-9a-f]{24})?")
_DOING = (Verb.CREATE, Verb.UPDATE, Verb.ADOPT, Verb.DELETE)
_NAMED = 5  # targets that a note names
_KEY = regex(r"[^\s()]+/[^\s()]+")  # of a target, without what tells two of one name apart


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """What became of one target. Of one that is gone the commit is looked up in Git's history."""

    target: str
    version: str | None
    commit: str | None
    state: DeploymentState
    words: str = ""  # behind its name and version; "" for those that follow from the state


def report_deployments(
    workspace: Workspace,
    plan: Plan,
    report: Report,
    credentials: Credentials,
    *,
    watcher: Watcher = SILENT,
) -> None:
    """Report what a sync did to the forge that the services come from, if ``source.report`` says so.

    Raises nothing that a forge, Git or the project's files can cause: ``watcher`` is told instead.
    """
    if not workspace.project.sources.origin.report:
        return
    try:
        endings = _with_former(workspace, endings_of(workspace, plan, report), watcher)
        known = [one for one in endings if one.commit is not None and _FULL.fullmatch(one.commit)]
        unknown = [one.target for one in endings if one not in known]
        if unknown:
            more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
            names = ", ".join(unknown[:_NAMED])
            watcher.note(f"not reported, as no whole source commit is declared: {names}{more}")
        if not known:
            return
        forge, run = _open(workspace, credentials)
    except LockstepError as error:
        watcher.note(f"nothing was reported to the source: {error}")
        return
    _send(forge, known, run, watcher)


def endings_of(workspace: Workspace, plan: Plan, report: Report) -> list[Ending]:
    """What became of the targets that a plan changes or cannot change, by their names.

    A target that the end of an interrupted run did not reach is none: the next run goes on with it.
    """
    failed, waiting = _troubled(plan, report)
    environments = {
        name
        for step in plan.steps
        if isinstance(step, RunTerraform | WriteManifests) and step.target in failed | waiting
        for name in step.target.split("+")
    }
    found: list[Ending] = []
    for one in sorted(plan.targets, key=lambda one: one.target):
        is_bad = one.verb is Verb.BLOCKED or one.target in failed
        is_bad |= environment_of(one.target).partition("/")[0] in environments and one.verb in _DOING
        if plan.problems or (one.verb not in _DOING and not is_bad):
            continue
        declared = workspace.fleet.targets.get(one.target)
        rollout = declared.rollout if declared is not None else None
        came_to, words = DeploymentState.SUCCESS, ""
        if workspace.project.environment(environment_of(one.target)).traits.road is not None and not is_bad:
            continue  # a cluster applies it, and nobody saw that done
        if one.progress is not None and not is_bad:
            shifted = _of_rollout(plan, one, rollout)
            if shifted is None:
                continue  # it is on its way, and was told of
            came_to, words = shifted
        elif one.progress is not None and one.progress.health is Health.DEGRADED and one.target not in failed:
            words = f"was {one.progress.reason}"
        if one.target in waiting and one.target not in failed:
            if report.interrupted:
                continue
            is_bad, words = True, ""
        if declared is None and (is_bad or not _KEY.fullmatch(one.target)):
            continue  # it is still there; or it was renamed and another one took its place
        state = DeploymentState.FAILURE if is_bad else came_to
        found.append(
            Ending(
                target=one.target,
                version=one.version,
                commit=declared.commit if declared is not None else None,
                state=state if declared is not None else DeploymentState.INACTIVE,
                words=words,
            )
        )
    return found


def _of_rollout(plan: Plan, one: TargetPlan, rollout: Rollout | None) -> tuple[DeploymentState, str] | None:
    """What a plan makes of a rollout, and the words for it: all calls, no more, or a share; None: nothing."""
    for step in plan.steps:
        if step.target != one.target:
            continue
        match step:
            case PutAlias(description=description) if release_of(description) == one.version:
                return DeploymentState.SUCCESS, ""
            case ShiftAlias(state=state) if state in TAKEN_BACK:
                return DeploymentState.FAILURE, f"was taken back: {step.reason}"
            case ShiftAlias(step=number, steps=steps):
                stages = rollout.stages if rollout is not None else ()
                waits = number < len(stages) and stages[number].approval
                words = (
                    f"has {share_words(step.weight)} of the calls, step {min(number + 1, steps)} of {steps}"
                )
                why = f"paused {step.reason}" if step.state == RolloutState.PAUSED else ""
                why = why or ("waits for approval" if waits else "")
                return DeploymentState.IN_PROGRESS, f"{words}, {why}" if why else words
            case _:
                pass
    return None


def _troubled(plan: Plan, report: Report) -> tuple[set[str], set[str]]:
    """Targets of which something failed, and those of which something was not tried."""
    shared = {step.target: step.targets for step in plan.steps if isinstance(step, PutNotifications)}
    failed = {text.partition(":")[0] for text in report.mismatches}
    waiting: set[str] = set()
    for result in report.results:
        targets = (result.target, *shared.get(result.target, ()))
        if result.outcome is Outcome.FAILED:
            failed.update(targets)
        elif result.outcome is Outcome.NOT_TRIED:
            waiting.update(targets)
    return failed, waiting


def _with_former(workspace: Workspace, endings: Sequence[Ending], watcher: Watcher) -> list[Ending]:
    """The endings, with the commits that targets which are gone had when they were declared last."""
    gone = {one.target for one in endings if one.state is DeploymentState.INACTIVE}
    if not gone:
        return list(endings)
    try:
        commits = _former_commits(workspace, gone)
    except LockstepError as error:
        watcher.note(f"what was removed is not reported: {error.problem}")
        return [one for one in endings if one.target not in gone]
    return [replace(one, commit=commits.get(one.target)) if one.target in gone else one for one in endings]


def _former_commits(workspace: Workspace, targets: Iterable[str]) -> Mapping[str, str | None]:
    """The commits by target: those of previews are looked up on their branch, where they have one."""
    commits: dict[str, str | None] = {}
    wanted = sorted(targets)
    if workspace.previews is not None:
        theirs = [target for target in wanted if is_preview(target)]
        wanted = [target for target in wanted if target not in theirs]
        for commit, names in _last_declared(workspace, workspace.previews, theirs).items():
            fleet = open_workspace(replace(workspace.where, previews=commit)).fleet
            commits |= {name: fleet.targets[name].commit for name in names if name in fleet.targets}
    for commit, names in _last_declared(workspace, workspace.whole, wanted).items():
        fleet = open_workspace(replace(workspace.where, rev=commit)).fleet
        commits |= {name: fleet.targets[name].commit for name in names if name in fleet.targets}
    return commits


def _last_declared(
    workspace: Workspace, tree: WorkTree | CommitTree, targets: Iterable[str]
) -> Mapping[str, list[str]]:
    """The last commits of a tree's history that declared some targets, which it does not any more."""
    paths = {target: _declaring_file(workspace, target) for target in targets}
    if tree.repository is None or tree.commit is None or not paths:
        return {}
    found = histories(tree.repository, paths.values(), tree.commit)
    before: dict[str, list[str]] = {}
    for target, path in paths.items():
        last = found[path].changes[:1]
        if last and last[0].content is None and last[0].commit.parents:
            before.setdefault(last[0].commit.parents[0], []).append(target)
    return before


def _declaring_file(workspace: Workspace, target: str) -> str:
    environment, service = environment_of(target), service_of(target)
    folder = workspace.project.folder
    root = workspace.prefix + ("" if folder == "." else f"{folder}/") + f"environments/{environment}"
    if is_preview(environment):
        return f"{root}/services/{service}.values.yaml"
    return f"{root}/{service}/config.yaml"


def _open(workspace: Workspace, credentials: Credentials) -> tuple[Forge, str | None]:
    """The forge of the source, and the URL of this run."""
    remote = workspace.remote(credentials.access())

    def here() -> Forge:
        return open_forge(workspace.project.sources.forge, remote, credentials)

    forge = open_source_forge(workspace.project, here, remote, credentials)
    if forge is None:
        origin = workspace.project.sources.origin
        raise BadInput(
            "nothing says where the services come from",
            where=origin.place or workspace.project.file,
            fix="add source: {repository: owner/name}",
        )
    return forge, find_actor(remote.repository).run


def _send(forge: Forge, endings: Sequence[Ending], run: str | None, watcher: Watcher) -> None:
    """Tell everything, a few calls at once; each failure is told once."""
    groups: dict[tuple[str, str], list[Ending]] = {}
    for one in endings:
        groups.setdefault((one.commit or "", environment_of(one.target)), []).append(one)
    calls = [_deployment(forge, *key, each, run) for key, each in groups.items()]
    calls += [_status(forge, one, run) for one in endings if one.state is not DeploymentState.INACTIVE]

    def tried(call: Callable[[], None]) -> str | None:
        try:
            call()
        except LockstepError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        for problem in dict.fromkeys(pool.map(tried, calls)):
            if problem is not None:
                watcher.note(f"not reported to the source: {problem}")


def _deployment(
    forge: Forge, commit: str, environment: str, endings: Sequence[Ending], run: str | None
) -> Callable[[], None]:
    """The deployment of a commit: as bad as its worst service, or as far; inactive when all are gone."""
    states = {one.state for one in endings}
    order = (
        *(DeploymentState.FAILURE, DeploymentState.IN_PROGRESS),
        *(DeploymentState.SUCCESS, DeploymentState.INACTIVE),
    )
    state = next(state for state in order if state in states)
    words = ", ".join(_words(one) for one in endings)
    return lambda: forge.deployment(commit, environment=environment, state=state, description=words, url=run)


def _status(forge: Forge, one: Ending, run: str | None) -> Callable[[], None]:
    state = _STATES.get(one.state, CheckState.FAILURE)
    return lambda: forge.set_status(
        one.commit or "",
        context=f"lockstep/{one.target}",
        state=state,
        description=_words(one),
        url=run,
    )


_STATES = {DeploymentState.SUCCESS: CheckState.SUCCESS, DeploymentState.IN_PROGRESS: CheckState.PENDING}


def _words(one: Ending) -> str:
    name = f"{service_of(one.target)} {one.version}" if one.version else service_of(one.target)
    if one.words:
        return f"{name} {one.words}"
    match one.state:
        case DeploymentState.SUCCESS:
            return f"{name} is live"
        case DeploymentState.INACTIVE:
            return f"{name} was removed"
        case _:
            return f"{name} was not deployed"
