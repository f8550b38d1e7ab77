"""``doctor``: can everything that Lockstep needs be reached, and what to do where it cannot."""

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lockstep.delivery.places.nobody import any_preview
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.setup.resources import Place, resources_of
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.packages import open_catalog, with_packages
from lockstep.delivery.sync.session import Session
from lockstep.engines.aws import notification
from lockstep.engines.aws.actions import CONDITIONS, Feature, Thing, actions_of, needs_of
from lockstep.engines.aws.connection import Connection, Connections
from lockstep.errors import LockstepError
from lockstep.model import Check, Environment, Merge, PackageBucket, Verdict
from lockstep.model.engines import ENGINES
from lockstep.settings import read_settings

__all__ = ["run_checks"]

SKEW_REFUSED = 300  # seconds by which AWS lets a signature's time be off
SKEW_ODD = 30
STORAGE_TIGHT = 0.9  # of the Region's code storage

_READS: tuple[tuple[str, str, Mapping[str, int]], ...] = (
    ("lambda", "ListFunctions", {"MaxItems": 1}),
    ("resourcegroupstaggingapi", "GetResources", {"ResourcesPerPage": 1}),
)
"""Calls that change nothing and are tried."""
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
        yield _failed("repository", error)
        return
    lambdas = sum(1 for target in workspace.fleet.targets.values() if target.function)
    yield Check(
        name="repository",
        verdict=Verdict.WARNING if workspace.warnings else Verdict.OK,
        detail=f"{workspace.project.file}: {len(workspace.fleet.targets)} targets, {lambdas} of them Lambda"
        + "".join(f"; {warning}" for warning in workspace.warnings),
    )
    yield from _forge(workspace)
    yield from _clouds(workspace)
    engines = Session(workspace, Options(github_token=read_settings().github_token)).engines
    try:
        yield from engines.checks(workspace.fleet)
    finally:
        engines.close()


def _forge(workspace: Workspace) -> Iterator[Check]:
    """Whether promotions that merge themselves can, where a policy wants that."""
    wants = any(one.promotion.merge is Merge.AUTO for one in workspace.project.environments.values())
    if workspace.repository is None or not wants:
        return
    from lockstep.delivery.places.forges import Credentials, open_forge
    from lockstep.git.remote import open_remote

    settings, where = read_settings(), workspace.where
    credentials = Credentials(
        cache=where.cache,
        github_token=settings.github_token,
        github_app_key=settings.github_app_key,
    )
    try:
        remote = open_remote(where.repo or where.folder, where.cache, access=credentials.access())
        forge = open_forge(workspace.project.sources.forge, remote, credentials)
        is_allowed = forge.allows_auto_merge()
    except LockstepError as error:
        yield _failed("forge", error)
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
        return _failed("git", error)
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
    usable: list[Connection] = []
    for connection, environments in by_connection.values():
        names = ", ".join(environment.name for environment in environments)
        try:
            scope = connection.scope
        except LockstepError as error:
            yield _failed(f"credentials ({names})", error)
            continue
        usable.append(connection)
        yield Check(
            name=f"credentials ({names})",
            verdict=Verdict.OK,
            detail=f"account {scope.account}, Region {scope.region}",
        )
        yield _clock(connection)
        yield _code_storage(connection)
        yield _permissions(workspace, connection, environments)
        yield from _buckets(workspace, connection, environments)
    if usable:
        yield from _packages(workspace, connections)


def _clock(connection: Connection) -> Check:
    answer = connection.call("sts", "GetCallerIdentity")
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if not date:
        return Check(name="clock", verdict=Verdict.SKIPPED, detail="the answer has no Date")
    skew = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    if skew < SKEW_ODD:
        return Check(name="clock", verdict=Verdict.OK, detail=f"within {max(1, round(skew))} s of AWS")
    return Check(
        name="clock",
        verdict=Verdict.FAILED if skew > SKEW_REFUSED else Verdict.WARNING,
        detail=f"{skew:.0f} s away from AWS, which refuses signatures from {SKEW_REFUSED} s on",
        fix="set this machine's clock, for example by switching NTP on",
    )


def _code_storage(connection: Connection) -> Check:
    """Room for packages: the limit differs between accounts and Regions, so AWS is asked."""
    name = "code storage"
    try:
        answer = connection.call("lambda", "GetAccountSettings")
        limit = int(answer["AccountLimit"]["TotalCodeSize"])
        used = int(answer["AccountUsage"]["TotalCodeSize"])
    except (LockstepError, KeyError):
        return Check(name=name, verdict=Verdict.SKIPPED, detail="lambda:GetAccountSettings does not tell")
    share = used / limit if limit else 1.0
    is_tight = share > STORAGE_TIGHT
    return Check(
        name=name,
        verdict=Verdict.WARNING if is_tight else Verdict.OK,
        detail=f"{used / 2**30:.1f} of {limit / 2**30:.0f} GiB used in {connection.scope.region}",
        fix="delete functions and old versions that nobody uses, or ask AWS for more" if is_tight else None,
    )


def _permissions(workspace: Workspace, connection: Connection, environments: list[Environment]) -> Check:
    """By simulation on this project's own resources, otherwise by calls that only read."""
    name = f"permissions ({connection.environment.name})"
    reading = _reading(connection)
    if reading is not None:
        return _failed(name, reading)
    principal = _principal(str(connection.call("sts", "GetCallerIdentity")["Arn"]))
    denied: set[str] = set()
    allowed: set[str] = set()
    features: set[Feature] = set()
    try:
        for feature, thing, actions, arns in _needs(workspace, connection, environments):
            features.update(feature)
            no = _denied(connection, principal, thing, actions, arns)
            denied |= no
            allowed |= {*actions} - no
    except LockstepError:
        return _unsimulated(name)
    proven = {actions_of(f"{service}:{operation}")[0] for service, operation, _ in _READS}
    if proven & denied or not allowed:
        # They have just worked, so this simulation does not know what is really allowed.
        return _unsimulated(name)
    if denied:
        words = " ".join(feature for feature in Feature if feature in features)
        return Check(
            name=name,
            verdict=Verdict.FAILED,
            detail=f"denied (by simulation): {', '.join(sorted(denied))}",
            fix=f"allow them on this project's resources: `lockstep iam-policy {words}` prints how",
        )
    return Check(name=name, verdict=Verdict.OK, detail=f"{len(allowed)} actions allowed (by simulation)")


def _needs(
    workspace: Workspace, connection: Connection, environments: list[Environment]
) -> Iterator[tuple[tuple[Feature, ...], Thing, tuple[str, ...], list[str]]]:
    """What is done in the environments: for which features, on what, which actions, and a few of its ARNs."""
    scope = connection.scope
    place = Place(account=scope.account, region=scope.region, partition=scope.partition)
    everything = {**workspace.fleet.targets, **any_preview(workspace)}
    for engine in ENGINES.values():
        features = tuple(map(Feature, engine.features))
        targets = [
            target
            for target in everything.values()
            for environment in [workspace.project.environment(target.environment)]
            if target.function and environment in environments and environment.engine == engine.name
        ]
        resources = resources_of(workspace, targets, place) if targets else {}
        for thing, actions in needs_of(frozenset(features)).items():
            if arns := resources.get(thing):
                yield features, thing, actions, sorted(map(_example, arns))[:SIMULATED]


def _example(arn: str) -> str:
    """An ARN that a pattern stands for: simulation takes no wildcards but for everything."""
    return arn if arn == "*" else arn.replace("*", "x").replace("?", "x")


def _denied(
    connection: Connection, principal: str, thing: Thing, actions: tuple[str, ...], arns: list[str]
) -> set[str]:
    """Those of the actions that a simulation denies on one of the ARNs.

    Where a policy asks for something of the call that only the call itself tells, nobody knows.
    """
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in CONDITIONS.get(thing, {}).items()
    ]
    results = connection.pages(
        *("iam", "SimulatePrincipalPolicy", "EvaluationResults", "Marker", "Marker"),
        PolicySourceArn=principal,
        ActionNames=list(actions),
        ResourceArns=arns,
        ContextEntries=context,
    )
    return {
        str(result["EvalActionName"])
        for result in results
        for one in (result, *result.get("ResourceSpecificResults", ()))
        if one.get("EvalResourceDecision", one.get("EvalDecision")) != "allowed"
        and not one.get("MissingContextValues")
    }


def _principal(arn: str) -> str:
    """The role behind an assumed role's session: simulation takes no sessions."""
    if ":assumed-role/" not in arn:
        return arn
    head, _, rest = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.split('/')[0]}"


def _reading(connection: Connection) -> LockstepError | None:
    """The error of the first harmless call that does not work, if any."""
    try:
        for service, operation, params in _READS:
            connection.call(service, operation, **params)
    except LockstepError as error:
        return error
    return None


def _unsimulated(name: str) -> Check:
    return Check(
        name=name,
        verdict=Verdict.OK,
        detail="reading works; writing was not tried (iam:SimulatePrincipalPolicy would tell)",
    )


def _buckets(
    workspace: Workspace, connection: Connection, environments: list[Environment]
) -> Iterator[Check]:
    names: set[str] = set()
    staging: set[PackageBucket] = set()
    for target in workspace.fleet.targets.values():
        environment = workspace.project.environment(target.environment)
        if target.function is not None and environment in environments:
            names.update(trigger.bucket for trigger in target.triggers)
            bucket = workspace.project.packages_for(target.environment)
            staging |= {bucket} if bucket else set()
    for bucket in sorted(staging, key=lambda one: one.name):
        owner = bucket.account or connection.scope.account
        try:
            connection.call("s3", "HeadBucket", Bucket=bucket.name, ExpectedBucketOwner=owner)
            yield Check(name="package bucket", verdict=Verdict.OK, detail=bucket.name)
        except LockstepError as error:
            is_missing = error.problem.startswith("404")
            yield Check(
                name="package bucket",
                verdict=Verdict.FAILED,
                detail=f"{bucket.name}: {'there is no such bucket' if is_missing else error.problem}",
                fix=f"create it in account {owner}, or change `packages:` in {workspace.project.file}",
            )
    for name in sorted(names):
        try:
            raw = notification.read(connection, name)
        except LockstepError as error:
            yield _failed(f"bucket {name}", error)
            continue
        if raw is None:
            yield Check(
                name=f"bucket {name}",
                verdict=Verdict.FAILED,
                detail="there is no such bucket",
                fix="create it, or correct the trigger",
            )
        else:
            entries = sum(len(value) for value in raw.values() if isinstance(value, list))
            yield Check(name=f"bucket {name}", verdict=Verdict.OK, detail=f"{entries} notification entries")


def _packages(workspace: Workspace, connections: Connections) -> Iterator[Check]:
    token = read_settings().github_token
    catalog = open_catalog(workspace, connections, token)
    _, errors = with_packages(workspace.fleet, catalog, workspace.project)
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


def _failed(name: str, error: LockstepError) -> Check:
    return Check(
        name=name,
        verdict=Verdict.FAILED,
        detail=str(error).partition("\n  fix: ")[0],
        fix=error.fix,
    )
