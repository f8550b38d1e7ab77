"""``doctor``: can everything that Lockstep needs be reached, and what to do where it cannot."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from lockstep.artifacts.handlers import handler_problem
from lockstep.delivery.places.nobody import any_preview
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.setup.resources import Place, Resources, resources_of
from lockstep.delivery.sync.manifest_place import manifest_place
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.owners import check_owners
from lockstep.delivery.sync.packages import open_catalog, with_packages
from lockstep.delivery.sync.session import Session
from lockstep.engines.aws import checks, surroundings
from lockstep.engines.aws.actions import BOUNDARY_KEY, Feature, Thing, needs_of
from lockstep.engines.aws.checks import Need
from lockstep.engines.aws.connection import Connection, Connections
from lockstep.errors import LockstepError
from lockstep.model import (
    Check,
    Environment,
    Fleet,
    Function,
    Merge,
    PackageBucket,
    Reference,
    Target,
    Value,
    Verdict,
)
from lockstep.model.engines import ENGINES, EngineTraits
from lockstep.model.fields import PARAMETER, parameters_of
from lockstep.model.kinds import KINDS
from lockstep.settings import read_settings

if TYPE_CHECKING:
    from lockstep.artifacts.catalog import Catalog

__all__ = ["features_of", "run_checks"]

SIMULATED = 20  # resources of a kind that one simulation is asked for


def run_checks(where: Where, *, on_check: Callable[[Check], None]) -> tuple[Check, ...]:
    """Run every check that can be run, telling each as soon as it is known. Changes nothing in AWS."""
    checks: list[Check] = []
    for check in _all(where):
        checks.append(check)
        on_check(check)
    return tuple(checks)


def _all(where: Where) -> Iterator[Check]:
    yield _git()
    try:
        workspace = open_workspace(where)
    except LockstepError as error:
        yield Check.failure("repository", error)
        return
    lambdas = sum(1 for target in workspace.fleet.targets.values() if target.function)
    yield Check(
        name="repository",
        verdict=Verdict.WARNING if workspace.warnings else Verdict.OK,
        detail=f"{workspace.project.file}: {len(workspace.fleet.targets)} targets, {lambdas} of them Lambda"
        + "".join(f"; {warning}" for warning in workspace.warnings),
    )
    yield from _owners(workspace)
    yield from _forge(workspace)
    yield from _clouds(workspace)
    engines = Session(workspace, Options(github_token=read_settings().github_token)).engines
    try:
        yield from engines.checks(workspace.fleet)
    finally:
        engines.close()


def _owners(workspace: Workspace) -> Iterator[Check]:
    """Whether two would own one function, by the manifests where they lie."""
    try:
        files = manifest_place(workspace).files
    except LockstepError as error:
        yield Check.failure("owners", error)
        return
    yield from check_owners(workspace.project, workspace.fleet, files)


def _forge(workspace: Workspace) -> Iterator[Check]:
    """Whether promotions that merge themselves can, where a policy wants that."""
    wants = any(one.promotion.merge is Merge.AUTO for one in workspace.project.environments.values())
    if workspace.repository is None or not wants:
        return
    from lockstep.delivery.places.forges import Credentials, open_forge

    settings = read_settings()
    credentials = Credentials(
        cache=workspace.where.cache,
        github_token=settings.github_token,
        github_app_key=settings.github_app_key,
    )
    try:
        remote = workspace.remote(credentials.access())
        forge = open_forge(workspace.project.sources.forge, remote, credentials)
        is_allowed = forge.allows_auto_merge()
    except LockstepError as error:
        yield Check.failure("forge", error)
        return
    if is_allowed is None:
        return
    yield Check(
        name="forge",
        verdict=Verdict.OK if is_allowed else Verdict.FAILED,
        detail="auto-merge is allowed" if is_allowed else "auto-merge is switched off in the repository",
        fix=None if is_allowed else "switch it on: Settings, General, Allow auto-merge",
    )


def _git() -> Check:
    from lockstep.git.command import run_git

    try:
        version = run_git(("--version",), doing="looking for git").decode().strip()
    except LockstepError as error:
        return Check.failure("git", error)
    return Check(name="git", verdict=Verdict.OK, detail=version)


def _clouds(workspace: Workspace) -> Iterator[Check]:
    connections = Connections(threading.Event())
    by_connection: dict[int, tuple[Connection, list[Environment]]] = {}
    for name in sorted(
        {target.environment for target in workspace.fleet.targets.values() if target.function}
    ):
        environment = workspace.project.environment(name)
        connection = connections.get(environment)
        known = by_connection.setdefault(id(connection), (connection, []))[1]
        if environment not in known:
            known.append(environment)
    with connections.reading(len(workspace.fleet.targets)):
        yield from _checks_of(workspace, connections, by_connection)


def _checks_of(
    workspace: Workspace,
    connections: Connections,
    by_connection: Mapping[int, tuple[Connection, list[Environment]]],
) -> Iterator[Check]:
    usable: list[Connection] = []
    for connection, environments in by_connection.values():
        names = ", ".join(environment.name for environment in environments)
        try:
            scope = connection.scope
        except LockstepError as error:
            yield Check.failure(f"credentials ({names})", error)
            continue
        usable.append(connection)
        yield Check(
            name=f"credentials ({names})",
            verdict=Verdict.OK,
            detail=f"account {scope.account}, Region {scope.region}",
        )
        yield checks.clock(connection)
        yield checks.code_storage(connection)
        yield checks.permissions(connection, _needs(workspace, connection, environments))
        yield from _buckets(workspace, connection, environments)
        yield from _surroundings(workspace, connection, environments)
    if usable:
        yield from _packages(workspace, connections)


def _needs(workspace: Workspace, connection: Connection, environments: list[Environment]) -> Iterator[Need]:
    """What is done in the environments, with a few of the ARNs of each thing that it is done to."""
    scope = connection.scope
    place = Place(account=scope.account, region=scope.region, partition=scope.partition)
    everything = {**workspace.fleet.targets, **any_preview(workspace)}
    for engine in ENGINES.values():
        targets = [
            target
            for target in everything.values()
            for environment in [workspace.project.environment(target.environment)]
            if target.function and environment in environments and environment.engine == engine.name
        ]
        for features, chosen in features_of(engine, targets):
            resources = resources_of(workspace, chosen, place)
            for thing, actions in needs_of(frozenset(features)).items():
                for arns, told in _told(thing, resources):
                    some = tuple(sorted(map(_example, arns))[:SIMULATED])
                    yield Need(features=features, thing=thing, actions=actions, arns=some, told=told)


def _told(thing: Thing, resources: Resources) -> Iterator[tuple[set[str], tuple[tuple[str, str], ...]]]:
    """ARNs, and what a call about them tells to conditions."""
    match thing:
        case Thing.BOUND_ROLES:
            for boundary, arns in resources.bounds.items():
                yield arns, ((BOUNDARY_KEY, boundary),) if boundary else ()
        case Thing.BY_FUNCTION if thing in resources:
            yield resources[thing], (("lambda:FunctionArn", min(map(_example, resources[Thing.FUNCTIONS]))),)
        case _ if resources.get(thing):
            yield resources[thing], ()
        case _:
            pass


def features_of(
    engine: EngineTraits, targets: list[Target]
) -> Iterator[tuple[tuple[Feature, ...], list[Target]]]:
    """What is done to targets of an engine, as ``iam-policy`` names it; nothing where there are none."""
    features = tuple(map(Feature, engine.features))
    if Feature.SYNC in features:
        own = {KINDS[one.kind].feature for target in targets for one in target.resources} - {""}
        features += tuple(map(Feature, sorted(own)))
    if targets:
        yield features, targets
    rolled = [target for target in targets if target.is_rolled]
    if rolled and Feature.SYNC not in features:  # which is all that a rollout needs
        yield (*features, Feature.ROLLOUTS), rolled


def _example(arn: str) -> str:
    """An ARN that a pattern stands for: simulation takes no wildcards but for everything."""
    return arn if arn == "*" else arn.replace("*", "x").replace("?", "x")


def _buckets(
    workspace: Workspace, connection: Connection, environments: list[Environment]
) -> Iterator[Check]:
    names: set[str] = set()
    staging: set[PackageBucket] = set()
    for target in workspace.fleet.targets.values():
        environment = workspace.project.environment(target.environment)
        if target.function is not None and environment in environments:
            names.update(trigger.bucket for trigger in target.every_trigger)
            bucket = workspace.project.packages_for(target.environment)
            staging |= {bucket} if bucket else set()
    for bucket in sorted(staging, key=lambda one: one.name):
        yield checks.package_bucket(connection, bucket, workspace.project.file)
    for name in sorted(names):
        yield checks.trigger_bucket(connection, name)


def _surroundings(
    workspace: Workspace, connection: Connection, environments: list[Environment]
) -> Iterator[Check]:
    """What the functions of some environments stand on, each thing asked for once."""
    targets = [
        target
        for target in workspace.fleet.targets.values()
        if target.function is not None and workspace.project.environment(target.environment) in environments
    ]
    functions = [target.function for target in targets if target.function is not None]
    roles = {
        str(role)
        for target in targets
        if target.function is not None and (role := target.function.settings.get("role"))
        if not any(KINDS[one.kind].leads for one in target.resources)  # made with the function
    }
    for role in sorted(roles):
        yield surroundings.role(connection, role)
    networks = {
        (_texts(one.settings.get("vpc.subnetIds")), _texts(one.settings.get("vpc.securityGroupIds")))
        for one in functions
    }
    for subnets, groups in sorted(networks):
        if subnets or groups:
            yield surroundings.network(connection, subnets, groups)
    named = {str(one.settings["logging.group"]) for one in functions if one.settings.get("logging.group")}
    for group in sorted(named):
        yield surroundings.log_group(connection, group)
    references = {
        value for one in functions for value in _environment(one).values() if isinstance(value, Reference)
    }
    layers = {name for one in functions for name in parameters_of(one.settings.get("layers"))}
    references |= {Reference(store="ssm", name=name.removeprefix(PARAMETER)) for name in layers}
    yield from surroundings.values(connection, references)


def _environment(function: Function) -> Mapping[str, Value]:
    found = function.settings.get("environment")
    return found if isinstance(found, Mapping) else {}


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, tuple | list) else ()


def _handlers(fleet: Fleet, catalog: "Catalog") -> Iterator[Check]:
    """Handlers whose file the package does not hold, as far as the package can be had."""
    for key, target in fleet.targets.items():
        function = target.function
        package = function.code.package if function is not None else None
        if function is None or package is None or function.settings.get("layers"):
            continue
        try:
            path = catalog.fetch(package)
        except LockstepError:
            continue  # told above
        settings = function.settings
        found = handler_problem(path, str(settings.get("runtime", "")), str(settings.get("handler", "")))
        if found is not None:
            yield Check(name=f"handler ({key})", verdict=Verdict.FAILED, detail=found[0], fix=found[1])


def _packages(workspace: Workspace, connections: Connections) -> Iterator[Check]:
    token = read_settings().github_token
    catalog = open_catalog(workspace, connections, token)
    fleet, errors = with_packages(workspace.fleet, catalog, workspace.project)
    if errors:
        key, error = next(iter(sorted(errors.items())))
        yield Check(
            name="packages",
            verdict=Verdict.FAILED,
            detail=f"{len(errors)} cannot be had; {key}: {error.problem}",
            fix=error.fix,
        )
    else:
        yield Check(name="packages", verdict=Verdict.OK, detail="every declared version has its package")
    yield from _handlers(fleet, catalog)
