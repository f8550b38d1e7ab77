"""The aws engine: read, plan, apply, read back."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import assert_never

from lockstep.engines.aws import (
    alias,
    concurrency,
    function,
    kinds,
    logs,
    notification,
    package,
    permission,
    signing,
    tags,
)
from lockstep.engines.aws.connection import Connection, Connections
from lockstep.engines.aws.errors import Stale
from lockstep.engines.aws.execute import execute
from lockstep.engines.aws.images import read_images
from lockstep.engines.aws.lease import hold, lies_in
from lockstep.engines.aws.observing import Observed, observe
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.passing import StillRefused
from lockstep.engines.aws.read import (
    read_live,
    read_policies_again,
    read_versions,
    without_variables,
)
from lockstep.engines.aws.references import Resolved, find_versions, resolve
from lockstep.engines.aws.remembered import Memories
from lockstep.engines.base import Look
from lockstep.errors import BadInput, CloudError, Interrupted, LockstepError, NotAllowed
from lockstep.model import (
    AddPermission,
    ApplyResource,
    Check,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    DeleteVersion,
    Fleet,
    Function,
    Obstacle,
    Outcome,
    Package,
    Plan,
    Project,
    PublishVersion,
    PutAlias,
    PutNotifications,
    PutResource,
    Reference,
    RemovePermission,
    RemoveResource,
    Report,
    RunTerraform,
    Secret,
    SetCodeSigning,
    SetConcurrency,
    SetLogRetention,
    SetTags,
    StagePackage,
    Step,
    StepResult,
    Target,
    UpdateCode,
    UpdateConfiguration,
)
from lockstep.model.engines import AWS
from lockstep.model.function import MAX_ENVIRONMENT, environment_size
from lockstep.model.target import environment_of
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.notifications import LAMBDA, entries_of, owner_of
from lockstep.planning.parts import part_of
from lockstep.planning.planner import make_plan
from lockstep.planning.policy import Rules
from lockstep.planning.previews import leftovers

__all__ = ["AwsEngine"]


class AwsEngine:
    """Makes Lambda match a desired fleet, through the API.

    ``fetch`` gives a verified local file of a package; ``stop`` ends a run cleanly when it is set;
    ``full`` reads every function by itself, and with ``beside`` what may stand beside each; ``vouch``
    says of a function that nothing declares whether it was this project's once, without which it is not
    deleted; without ``values`` a preview reads neither variables of functions nor what references name;
    ``cache`` is the user's folder, where what is read of AWS is remembered. Reading may take
    ``timeout`` seconds (None: by what there is to read). One engine serves one run.
    """

    name = AWS.name

    def __init__(
        self,
        rules: Rules,
        fetch: Callable[[Package], Path],
        *,
        full: bool = False,
        beside: bool = True,
        values: bool = True,
        timeout: float | None = None,
        connections: Connections | None = None,
        stop: threading.Event | None = None,
        watcher: Watcher = SILENT,
        pace: Pace | None = None,
        vouch: Callable[[Target], bool] = lambda _: False,
        cache: Path | None = None,
    ) -> None:
        self.rules = rules
        self.stale: frozenset[str] = frozenset()  # targets of the last apply that changed under it
        self._fetch = fetch
        self._full = full
        self._beside = beside
        self._values = values
        self._vouch = vouch
        self._timeout = timeout
        self._stop = stop or threading.Event()
        self._watcher = watcher
        self._pace = pace or Pace()
        self._connections = connections or Connections(self._stop, self._pace.patience)
        self._memories = Memories(rules.project, cache)
        self._made: list[Plan] = []
        self._live: Fleet | None = None
        self._declared: Mapping[str, Target] = {}

    def part(self, desired: Fleet) -> Fleet | None:
        """The fleet with what is selected of the environments that this engine applies."""
        return part_of(self._project, desired, self.name)

    def wants(self, desired: Fleet) -> tuple[str, ...]:
        """Just what is selected."""
        return desired.selection

    def leftovers(self, desired: Fleet) -> tuple[str, ...]:
        """Previews' functions and entries of buckets that carry this project's marks and are undeclared."""
        self.preview(replace(desired, selection=("preview",)))
        return leftovers(desired, self.live)

    def checks(self, desired: Fleet) -> Iterator[Check]:
        """None: the accounts are all that it needs."""
        return iter(())

    def close(self) -> None:
        """Nothing is kept."""

    @property
    def calls(self) -> Counter[str]:
        """How often each AWS operation was called."""
        return self._connections.calls

    @property
    def live(self) -> Fleet:
        """The live fleet as the last preview read it."""
        if self._live is None:
            raise NotAllowed("nothing was read yet", fix="call preview first")
        return self._live

    def preview(self, desired: Fleet) -> Look:
        """Read what is live and say what would be done. Changes nothing."""
        with self._reading(len(desired.selected())):
            plan = self._preview(desired)
        named = dict(self.live.targets) | {target.key: target for target in self.live.others.values()}
        return Look(
            plan=plan,
            versions={key: target.version for key, target in named.items()},
            live={key: called for key, one in named.items() if (called := one.called) is not None},
            modified={
                key: target.function.modified
                for key, target in self.live.targets.items()
                if target.function is not None
            },
        )

    def _preview(self, desired: Fleet) -> Plan:
        desired = self._resolve(desired, desired.selected(), resolve if self._values else find_versions)
        desired, notes = self.with_images(desired)
        self._declared = desired.targets
        live = read_live(
            desired,
            self._project,
            self._connections,
            self._memories,
            full=self._full,
            beside=self._beside,
            watcher=self._watcher,
            vouch=self._vouch,
        )
        self._live = replace(live, notes=(*live.notes, *notes))
        if not self._values:
            self._live = without_variables(self._live)
        plan = make_plan(desired, self._live, self.rules, engine=self.name)
        while doubted := self._memories.believed & {one.target for one in plan.steps if _is_of_policy(one)}:
            # What is changed was read, not remembered.
            self._live = read_policies_again(self._live, sorted(doubted), self._memories, self.connection)
            plan = make_plan(desired, self._live, self.rules, engine=self.name)
        if publishing := sorted({one.target for one in plan.steps if isinstance(one, PublishVersion)}):
            # Which of the versions go is known once another one comes: nothing else asks for them.
            self._live = read_versions(self._live, publishing, self.connection)
            plan = make_plan(desired, self._live, self.rules, engine=self.name)
        self._memories.save()
        self._made = [plan]
        return plan

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Do what the plan says. Every step reads back what it wrote.

        Only a plan that this engine has just made is applied; anything else is stale by definition.
        """
        if not any(plan is made for made in self._made):
            raise NotAllowed("the plan was not made from what is live now", fix="plan again")
        self._made = []
        if plan.problems:
            raise NotAllowed("; ".join(plan.problems))
        begun, before = time.monotonic(), sum(self.calls.values())
        lock = threading.Lock()

        def tell(result: StepResult) -> None:
            with lock:
                on_step(result)

        context = _Run(self, plan, tell)
        results, self.stale = execute(plan.steps, context.do, tell, self._stop)
        if not self._stop.is_set():
            self._memories.share()
        self._memories.save()
        return Report(
            results=results,
            seconds=time.monotonic() - begun,
            calls=sum(self.calls.values()) - before,
            interrupted=self._stop.is_set(),
        )

    def observe(self, targets: Iterable[Target]) -> Observed:
        """What is live of targets that another engine applies. Changes nothing, and plans nothing."""
        wanted = list(targets)
        with self._reading(len(wanted)):
            return observe(wanted, self.connection)

    @contextlib.contextmanager
    def _reading(self, targets: int) -> Iterator[None]:
        """Bound what is read in the block together."""
        deadline = self._connections.deadline
        deadline.begin(self._timeout or self._pace.patience.for_targets(targets))
        try:
            yield
        finally:
            deadline.end()

    @property
    def _project(self) -> Project:
        return self.rules.project

    def connection(self, environment: str) -> Connection:
        """The connection for an environment's targets."""
        return self._connections.get(self._project.environment(environment))

    def with_images(self, desired: Fleet) -> tuple[Fleet, tuple[str, ...]]:
        """Tags of images with what they name now, and notes on those of which nobody knows it."""
        wanted: dict[int, tuple[Connection, dict[str, str]]] = {}
        for key in desired.selected():
            target = desired.targets[key]
            image = target.function.code.image if target.function else None
            if image and "@sha256:" not in image and "code" not in target.ignore:
                connection = self.connection(target.environment)
                wanted.setdefault(id(connection), (connection, {}))[1][key] = image
        targets, notes = dict(desired.targets), []
        for connection, images in wanted.values():
            try:
                found = read_images(connection, images.values())
            except Interrupted:
                raise
            except LockstepError as error:  # of the account or the network
                targets |= {key: _hindered(targets[key], Obstacle.of(error)) for key in images}
                continue
            for key, image in images.items():
                target = targets[key]
                assert target.function is not None  # noqa: S101 - only such targets have an image
                if image in found.missing:
                    why = f"{image}: {found.missing[image]}; push it, or declare another"
                    place = target.places.get("image") or target.place
                    targets[key] = _hindered(target, Obstacle(text=f"{place}: {why}" if place else why))
                elif image in found.unread:
                    notes.append(f"{key}: which image {image} names was not read: {found.unread[image]}")
                else:
                    code = replace(target.function.code, sha256=found.digests[image])
                    targets[key] = replace(target, function=replace(target.function, code=code))
        return replace(desired, targets=targets), tuple(notes)

    def resolve(self, desired: Fleet, keys: Iterable[str]) -> Fleet:
        """Role names to ARNs and references to values, for the targets that are named.

        A target of which something cannot be had keeps the reason as its ``obstacle``.
        """
        return self._resolve(desired, keys, resolve)

    def _resolve(
        self,
        desired: Fleet,
        keys: Iterable[str],
        look: Callable[[Connection, Iterable[Reference]], Resolved],
    ) -> Fleet:
        selected = [target for key in keys if (target := desired.targets[key]).function is not None]
        wanted: dict[Connection, set[Reference]] = {}
        for target in selected:
            wanted.setdefault(self.connection(target.environment), set()).update(_references(target))
        found: dict[Connection, Resolved | LockstepError] = {}
        for connection, references in wanted.items():
            try:
                found[connection] = look(connection, references)
            except Interrupted:
                raise
            except LockstepError as error:  # of the account or the network, so of all of them
                found[connection] = error
        targets = dict(desired.targets)
        for target in selected:
            connection = self.connection(target.environment)
            targets[target.key] = _resolved(target, connection, found[connection])
        return replace(desired, targets=targets)


class _Run:
    """One application of a plan: what its steps learn from each other."""

    def __init__(self, engine: AwsEngine, plan: Plan, tell: Callable[[StepResult], None]) -> None:
        self._engine = engine
        self._tell = tell
        self._pace = engine._pace
        self._project = engine.rules.project
        self._versions: dict[str, str | None] = {}  # staged object -> its version
        self._revisions: dict[str, str | None] = {
            key: target.function.revision for key, target in engine.live.targets.items() if target.function
        }
        self._published: dict[str, str] = {}  # step that published -> the version's number
        self._kept: dict[str, set[str]] = {}  # notification step -> targets with an entry that stayed
        self._users = {need: step.target for step in plan.steps for need in step.needs}

    def do(self, step: Step, failed: frozenset[str]) -> None:
        """Do one step. Raises LockstepError."""
        try:
            self._do(step, failed, replace(self._pace, tell=partial(self._waits, step)))
        except StillRefused as error:
            raise self._placed(step, error) from error

    def _waits(self, step: Step, what: str) -> None:
        self._tell(StepResult(step=step.id, target=step.target, outcome=Outcome.WAITING, waits_for=what))

    def _placed(self, step: Step, error: StillRefused) -> LockstepError:
        """The error at the line of the declaration that it is about."""
        target = self._engine._declared.get(step.target)
        place = target and (target.places.get(error.field) or target.place)
        if not place:
            return error
        return CloudError(error.problem, where=place, doing=error.where, fix=error.fix)

    def _do(self, step: Step, failed: frozenset[str], pace: Pace) -> None:
        connection = self._connection(step)
        self._check_let_go(step)
        match step:
            case StagePackage():
                self._versions[step.id] = package.stage(connection, step.package, self._engine._fetch)
            case CreateFunction():
                function.create(connection, step.function, pace, self._version(step))
            case UpdateConfiguration():
                done = function.update_configuration(
                    connection, step.function, step.changes, pace, self._revisions.get(step.target)
                )
                self._revisions[step.target] = done.revision
            case UpdateCode():
                done = function.update_code(
                    connection,
                    step.function,
                    step.changes,
                    pace,
                    self._revisions.get(step.target),
                    self._version(step),
                )
                self._revisions[step.target] = done.revision
            case SetCodeSigning():
                signing.apply(connection, step, pace)
            case SetConcurrency():
                concurrency.apply(connection, step, pace)
            case SetLogRetention():
                logs.apply(connection, step, pace)
            case SetTags():
                tags.apply(connection, step, pace)
            case AddPermission():
                added = permission.add(connection, step.function, step.statement, pace)
                memory = self._engine._memories.of(connection, environment_of(step.target))
                if memory and not step.statement.qualifier:
                    memory.keep(step.function, added)
            case RemovePermission():
                permission.remove(connection, step.function, step.sid, pace, step.qualifier)
            case PutNotifications():
                self._put_notifications(connection, step, failed)
            case PutResource():
                kinds.put(connection, step.function, step.resource, self._pace)
            case RemoveResource():
                kinds.remove(connection, step.function, step.resource, self._pace)
            case PublishVersion():
                self._published[step.id] = alias.publish(connection, step, pace)
            case PutAlias():
                alias.put(connection, step, self._number(connection, step, pace), pace)
            case DeleteAlias():
                alias.delete(connection, step)
            case DeleteVersion():
                alias.delete_version(connection, step)
            case DeleteFunction():
                self._delete(connection, step)
            case DeleteLogGroup():
                logs.delete(connection, step.log_group, pace)
            case RunTerraform() | ApplyResource():
                raise TypeError(f"a step of another engine: {step.id}")
            case _:
                assert_never(step)

    def _put_notifications(
        self, connection: Connection, step: PutNotifications, failed: frozenset[str]
    ) -> None:
        mine = failed & frozenset(step.targets)
        known = self._engine.live.buckets.get(step.bucket)
        seen = known.raw if known else {}
        packages = self._project.packages_for(environment_of(step.targets[0]))
        entries = (*entries_of(seen), *entries_of({LAMBDA: step.put}))
        locks = self._project.lock_bucket
        place = lies_in(step.bucket, entries, packages, locks)
        is_shared = place is not None and place.name in (step.bucket, locks)
        with hold(connection, place, step.bucket, self._pace) if place else contextlib.nullcontext() as lease:
            kept, left = notification.write(
                connection, step, mine, self._pace, lease, seen, is_shared=is_shared
            )
        owners = [owner_of(entry_id) for entry_id in kept]
        self._kept[step.id] = {owner[1] for owner in owners if owner}
        if left:
            raise CloudError(
                f"{', '.join(sorted(left))} got no trigger on {step.bucket}: an entry that overlaps it had "
                "to stay, because what was to follow that one failed",
                fix="mend what failed and run again",
            )

    def _check_let_go(self, step: Step) -> None:
        """What follows the removal of a target's entries waits when one of them had to stay."""
        if any(step.target in self._kept.get(need, ()) for need in step.needs):
            raise CloudError(
                f"{step.target} still serves a prefix that its successor could not take over",
                fix="mend the successor and run again",
            )

    def _delete(self, connection: Connection, step: DeleteFunction) -> None:
        live = function.get(connection, step.function)
        if live is None:
            return
        if live.owner != (self._project_name, step.target):
            raise Stale(f"{live.name} is not owned by {step.target} any more", fix="run again")
        function.delete(connection, step.function)

    def _number(self, connection: Connection, step: PutAlias, pace: Pace) -> str:
        """The version that the alias is to point at, which is ready."""
        if step.version is not None:
            function.wait_until_ready(connection, step.function, pace, step.version)
            return step.version
        return next(self._published[need] for need in step.needs if need in self._published)

    @property
    def _project_name(self) -> str:
        return self._engine.live.project

    def _connection(self, step: Step) -> Connection:
        if isinstance(step, PutNotifications):
            return self._engine.connection(environment_of(step.targets[0]))
        target = step.target or self._users.get(step.id, "")  # a package has no target of its own
        return self._engine.connection(environment_of(target))

    def _version(self, step: Step) -> str | None:
        return next((self._versions[need] for need in step.needs if need in self._versions), None)


def _is_of_policy(step: Step) -> bool:
    return isinstance(step, AddPermission | RemovePermission)


def _references(target: Target) -> list[Reference]:
    variables = target.function.settings.get("environment") if target.function else None
    if not isinstance(variables, dict):
        return []
    return [value for value in variables.values() if isinstance(value, Reference)]


def _resolved(target: Target, connection: Connection, found: Resolved | LockstepError) -> Target:
    """The target with everything that could be had, and what is in the way of the rest."""
    assert target.function is not None  # noqa: S101 - only such targets are resolved
    function, obstacles = target.function, [target.obstacle]
    references = _references(target)
    if references and isinstance(found, Resolved):
        function = _with_values(function, found.values)
        obstacles += [
            Obstacle.of(found.errors[one], one.place or target.place)
            for one in references
            if one in found.errors
        ]
        obstacles.append(_too_large(target, function))
    elif references and not isinstance(found, Resolved):
        obstacles.append(Obstacle.of(found))
    try:
        function = _with_role(function, connection)
    except LockstepError as error:
        obstacles.append(Obstacle.of(error))
    connection.secrets |= _secrets(function)
    return replace(target, function=function, obstacle=Obstacle.all_of(obstacles))


def _too_large(target: Target, function: Function) -> Obstacle | None:
    """What is in the way when the variables with their values are more than Lambda takes.

    Said before anything is called, since Lambda's own refusal quotes all of them.
    """
    size = environment_size(function.settings)
    if size <= MAX_ENVIRONMENT:
        return None
    problem = f"the environment variables have {size:,} bytes with the values that they refer to"
    fix = "shorten those values, or let the function read them itself by their names"
    return Obstacle.of(BadInput(f"{problem}; Lambda allows {MAX_ENVIRONMENT:,}", fix=fix), target.place)


def _hindered(target: Target, obstacle: Obstacle) -> Target:
    return replace(target, obstacle=Obstacle.all_of((target.obstacle, obstacle)))


def _with_values(wanted: Function, values: Mapping[Reference, Secret]) -> Function:
    variables = wanted.settings.get("environment")
    if not isinstance(variables, dict):
        return wanted
    resolved = {
        key: values.get(value, value) if isinstance(value, Reference) else value
        for key, value in variables.items()
    }
    return replace(wanted, settings={**wanted.settings, "environment": resolved})


def _secrets(wanted: Function) -> set[str]:
    variables = wanted.settings.get("environment")
    values = variables.values() if isinstance(variables, dict) else ()
    return {one.value for one in values if isinstance(one, Secret) and one.value}


def _with_role(wanted: Function, connection: Connection) -> Function:
    role = wanted.settings.get("role")
    if not isinstance(role, str) or role.startswith("arn:"):
        return wanted
    scope = connection.scope
    arn = f"arn:{scope.partition}:iam::{scope.account}:role/{role.lstrip('/')}"
    return replace(wanted, settings={**wanted.settings, "role": arn})
