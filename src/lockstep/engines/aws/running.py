"""Doing the steps of a plan, one at a time: each goes to the module that knows its calls."""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import assert_never

from lockstep.engines.aws import (
    alias,
    concurrency,
    function,
    kinds,
    layers,
    logs,
    notification,
    package,
    permission,
    rollout,
    signing,
    tags,
)
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import Stale
from lockstep.engines.aws.execute import Proof
from lockstep.engines.aws.lease import hold, lies_in
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.passing import StillRefused
from lockstep.engines.aws.remembered import Memories
from lockstep.errors import CloudError, LockstepError
from lockstep.model import (
    AddPermission,
    ApplyResource,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    DeleteVersion,
    Fleet,
    Outcome,
    Package,
    Plan,
    Project,
    PublishLayer,
    PublishVersion,
    PutAlias,
    PutNotifications,
    PutResource,
    RemovePermission,
    RemoveResource,
    RunTerraform,
    SetCodeSigning,
    SetConcurrency,
    SetLogRetention,
    SetTags,
    ShiftAlias,
    SmokeTest,
    StagePackage,
    Step,
    StepResult,
    Target,
    UpdateCode,
    UpdateConfiguration,
    WriteManifests,
)
from lockstep.model.kinds import KINDS
from lockstep.model.layer import with_layers
from lockstep.model.target import environment_of
from lockstep.planning.notifications import LAMBDA, entries_of, owner_of

__all__ = ["Run"]


class Run:
    """One application of a plan: what its steps learn from each other.

    ``live`` is what the plan was made from and ``declared`` the targets by key, for the places of errors;
    ``connection`` gives the one of an environment, ``fetch`` a verified local file of a package.
    """

    def __init__(
        self,
        plan: Plan,
        tell: Callable[[StepResult], None],
        *,
        project: Project,
        live: Fleet,
        declared: Mapping[str, Target],
        connection: Callable[[str], Connection],
        fetch: Callable[[Package], Path],
        memories: Memories,
        pace: Pace,
        clock: Callable[[], datetime],
    ) -> None:
        self._tell = tell
        self._pace = pace
        self._clock = clock
        self._project = project
        self._live = live
        self._declared = declared
        self._connect = connection
        self._fetch = fetch
        self._memories = memories
        self._versions: dict[str, str | None] = {}  # staged object -> its version
        self._revisions: dict[str, str | None] = {
            self._place(key, target.function.name): target.function.revision
            for key, target in live.targets.items()
            if target.function
        }
        self._writers = Counter(
            self._place(step.target, step.function.name)
            for step in plan.steps
            if isinstance(step, PublishVersion)
        )
        self._layers: dict[str, str] = {}  # what stood for an unpublished layer -> its version's ARN
        self._published: dict[str, str] = {}  # step that published -> the version's number
        self._kept: dict[str, set[str]] = {}  # notification step -> targets with an entry that stayed
        self._users = {need: step for step in plan.steps for need in step.needs}

    def do(self, step: Step, failed: frozenset[str]) -> Proof | None:
        """Do one step, but for a proof that can wait. Raises LockstepError, as that does."""
        try:
            return self._do(step, failed, replace(self._pace, tell=partial(self._waits, step)))
        except StillRefused as error:
            raise self._placed(step, error) from error

    def _waits(self, step: Step, what: str) -> None:
        self._tell(StepResult(step=step.id, target=step.target, outcome=Outcome.WAITING, waits_for=what))

    def _placed(self, step: Step, error: StillRefused) -> LockstepError:
        """The error at the line of the declaration that it is about."""
        target = self._declared.get(step.target)
        place = target and (target.places.get(error.field) or target.place)
        if isinstance(step, PutResource):
            place = step.resource.place or place
        if not place:
            return error
        return CloudError(error.problem, where=place, doing=error.where, fix=error.fix)

    def _do(self, step: Step, failed: frozenset[str], pace: Pace) -> Proof | None:
        connection = self._connection(step)
        self._check_let_go(step)
        if isinstance(step, CreateFunction | UpdateConfiguration | UpdateCode | PublishVersion):
            step = replace(step, function=with_layers(step.function, self._layers))
        match step:
            case StagePackage():
                self._versions[step.id] = package.stage(connection, step.package, self._fetch)
            case PublishLayer(layer=layer):
                found = layers.publish(connection, layer, self._project.name, self._version(step), pace)
                self._layers[layer.unpublished] = found
            case CreateFunction():
                function.create(connection, step.function, pace, self._version(step))
            case UpdateConfiguration():
                done = function.update_configuration(
                    connection,
                    step.function,
                    step.changes,
                    pace,
                    self._revisions.get(self._place(step.target, step.function.name)),
                )
                self._revisions[self._place(step.target, step.function.name)] = done.revision
            case UpdateCode():
                done = function.update_code(
                    connection,
                    step.function,
                    step.changes,
                    pace,
                    self._revisions.get(self._place(step.target, step.function.name)),
                    self._version(step),
                )
                self._revisions[self._place(step.target, step.function.name)] = done.revision
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
                memory = self._memories.of(connection, environment_of(step.target))
                if memory and not step.statement.qualifier:
                    memory.keep(step.function, added)
            case RemovePermission():
                permission.remove(connection, step.function, step.sid, pace, step.qualifier)
            case PutNotifications():
                self._put_notifications(connection, step, failed)
            case PutResource():
                kinds.put(
                    connection,
                    step.function,
                    step.resource,
                    self._pace,
                    step.moves_from,
                    is_new=all(change.old is None for change in step.changes),
                )
            case RemoveResource():
                kinds.remove(connection, step.function, step.resource, self._pace)
            case PublishVersion():
                self._published[step.id] = alias.publish(connection, step, pace)
                self._hand_on(connection, step)
            case PutAlias():
                self._put_alias(connection, step, pace)
            case ShiftAlias():
                return rollout.shift(connection, step, self._candidate(step), self._clock(), pace)
            case SmokeTest():
                rollout.smoke(connection, step, self._candidate(step), pace)
            case DeleteAlias():
                alias.delete(connection, step)
            case DeleteVersion():
                alias.delete_version(connection, step)
            case DeleteFunction():
                self._delete(connection, step)
            case DeleteLogGroup():
                logs.delete(connection, step.log_group, pace)
            case RunTerraform() | ApplyResource() | WriteManifests():
                raise TypeError(f"a step of another engine: {step.id}")
            case _:
                assert_never(step)
        return None

    def _put_alias(self, connection: Connection, step: PutAlias, pace: Pace) -> None:
        """Point an alias; what it has of published code, AWS makes anew for another version."""
        live = self._live.targets.get(step.target)
        before = next((one for one in live.aliases if one.name == step.alias), None) if live else None
        is_awaited = live is not None and any(
            KINDS[one.kind].published and one.qualifier == step.alias for one in live.resources
        )
        number = self._number(connection, step, pace)
        alias.put(connection, step, number, self._clock(), pace, before, is_awaited=is_awaited)

    def _place(self, key: str, name: str) -> str:
        """The function of a target, which other targets may have too."""
        scope = self._live.scopes.get(environment_of(key).partition("/")[0])
        return scope.function_arn(name) if scope is not None else f"{key} {name}"

    def _hand_on(self, connection: Connection, step: PublishVersion) -> None:
        """A target that has the same function and comes next writes what this one has left."""
        place = self._place(step.target, step.function.name)
        self._writers[place] -= 1
        if self._writers[place] > 0 and (left := function.get(connection, step.function.name)) is not None:
            self._revisions[place] = left.revision

    def _put_notifications(
        self, connection: Connection, step: PutNotifications, failed: frozenset[str]
    ) -> None:
        mine = failed & frozenset(step.targets)
        known = self._live.buckets.get(step.bucket)
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
        if live.owner != (self._live.project, step.target):
            raise Stale(f"{live.name} is not owned by {step.target} any more", fix="run again")
        function.delete(connection, step.function)

    def _candidate(self, step: ShiftAlias | SmokeTest) -> str:
        """The number of the version that comes."""
        number = step.version if isinstance(step, SmokeTest) else step.candidate
        return number if number is not None else self._just_published(step)

    def _number(self, connection: Connection, step: PutAlias, pace: Pace) -> str:
        """The version that the alias is to point at, which is ready."""
        if step.version is not None:
            function.wait_until_ready(connection, step.function, pace, step.version)
            return step.version
        return self._just_published(step)

    def _just_published(self, step: Step) -> str:
        return next(self._published[need] for need in step.needs if need in self._published)

    def _connection(self, step: Step) -> Connection:
        if isinstance(step, PutNotifications):
            return self._connect(environment_of(step.targets[0]))
        user: Step | None = step
        while user is not None and not user.target:  # a package has no target of its own, nor has a layer
            user = self._users.get(user.id)
        return self._connect(environment_of(user.target if user is not None else ""))

    def _version(self, step: Step) -> str | None:
        return next((self._versions[need] for need in step.needs if need in self._versions), None)
