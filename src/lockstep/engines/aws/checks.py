"""What ``doctor`` asks of an account: the clock, room for packages, permissions, buckets. Changes nothing."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lockstep.engines.aws import notification
from lockstep.engines.aws.actions import CONDITIONS, Feature, Thing, actions_of
from lockstep.engines.aws.connection import Connection
from lockstep.errors import LockstepError
from lockstep.model import Check, PackageBucket, Verdict
from lockstep.values import dataclass

__all__ = ["Need", "clock", "code_storage", "package_bucket", "permissions", "trigger_bucket"]

SKEW_REFUSED = 300  # seconds by which AWS lets a signature's time be off
SKEW_ODD = 30
STORAGE_TIGHT = 0.9  # of the Region's code storage

_READS: tuple[tuple[str, str, Mapping[str, int]], ...] = (
    ("lambda", "ListFunctions", {"MaxItems": 1}),
    ("resourcegroupstaggingapi", "GetResources", {"ResourcesPerPage": 1}),
)
"""Calls that change nothing and are tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """Actions that some features take on a thing, and ARNs of it that they are tried on."""

    features: tuple[Feature, ...]
    thing: Thing
    actions: tuple[str, ...]
    arns: tuple[str, ...]
    told: tuple[tuple[str, str], ...] = ()  # what a call tells to conditions besides


def clock(connection: Connection) -> Check:
    """How far this machine's time is from AWS's, which refuses signatures that are off."""
    answer = connection.call("sts", "GetCallerIdentity")
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    try:
        skew = abs(datetime.now(UTC).timestamp() - parsedate_to_datetime(date or "").timestamp())
    except (ValueError, TypeError, OverflowError):
        detail = "the answer's Date is none" if date else "the answer has no Date"
        return Check(name="clock", verdict=Verdict.SKIPPED, detail=detail)
    if skew < SKEW_ODD:
        return Check(name="clock", verdict=Verdict.OK, detail=f"within {max(1, round(skew))} s of AWS")
    return Check(
        name="clock",
        verdict=Verdict.FAILED if skew > SKEW_REFUSED else Verdict.WARNING,
        detail=f"{skew:.0f} s away from AWS, which refuses signatures from {SKEW_REFUSED} s on",
        fix="set this machine's clock, for example by switching NTP on",
    )


def code_storage(connection: Connection) -> Check:
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


def permissions(connection: Connection, needs: Iterable[Need]) -> Check:
    """By simulation on the resources that are needed, otherwise by calls that only read."""
    name = f"permissions ({connection.environment.name})"
    reading = _reading(connection)
    if reading is not None:
        return Check.failure(name, reading)
    principal = _principal(str(connection.call("sts", "GetCallerIdentity")["Arn"]))
    denied: set[str] = set()
    allowed: set[str] = set()
    features: set[Feature] = set()
    try:
        for need in needs:
            features.update(need.features)
            no = _denied(connection, principal, need)
            denied |= no
            allowed |= {*need.actions} - no
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


def _denied(connection: Connection, principal: str, need: Need) -> set[str]:
    """Those of the actions that a simulation denies on one of the ARNs.

    Where a policy asks for something of the call that only the call itself tells, nobody knows.
    """
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in (*CONDITIONS.get(need.thing, {}).items(), *need.told)
    ]
    results = connection.pages(
        *("iam", "SimulatePrincipalPolicy", "EvaluationResults", "Marker", "Marker"),
        PolicySourceArn=principal,
        ActionNames=list(need.actions),
        ResourceArns=list(need.arns),
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


def package_bucket(connection: Connection, bucket: PackageBucket, file: str) -> Check:
    """Whether the bucket that packages are staged in is there; ``file`` is what declares it."""
    owner = bucket.account or connection.scope.account
    try:
        connection.call("s3", "HeadBucket", Bucket=bucket.name, ExpectedBucketOwner=owner)
        return Check(name="package bucket", verdict=Verdict.OK, detail=bucket.name)
    except LockstepError as error:
        is_missing = error.problem.startswith("404")
        return Check(
            name="package bucket",
            verdict=Verdict.FAILED,
            detail=f"{bucket.name}: {'there is no such bucket' if is_missing else error.problem}",
            fix=f"create it in account {owner}, or change `packages:` in {file}",
        )


def trigger_bucket(connection: Connection, name: str) -> Check:
    """Whether a bucket's notifications can be read."""
    try:
        raw = notification.read(connection, name)
    except LockstepError as error:
        return Check.failure(f"bucket {name}", error)
    if raw is None:
        return Check(
            name=f"bucket {name}",
            verdict=Verdict.FAILED,
            detail="there is no such bucket",
            fix="create it, or correct the trigger",
        )
    entries = sum(len(value) for value in raw.values() if isinstance(value, list))
    return Check(name=f"bucket {name}", verdict=Verdict.OK, detail=f"{entries} notification entries")
