"""Syncs that go wrong at a chosen call: the call, the fault, the witness, and what is live afterwards.

A sync runs its steps in threads, so its third call is not the same call each time. A ``Point`` names a
call by what it is about; ``points`` reads them off a run in which nothing went wrong.
"""

import functools
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockstep.engines.aws import AwsEngine
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.patience import Patience
from lockstep.model import Fleet, Package, Plan, Project, Report, StepResult
from lockstep.planning.policy import Rules
from tests.strict import (
    Call,
    EventRules,
    Fault,
    Faults,
    HttpRoutes,
    Managed,
    Notifications,
    PackageExists,
    PermissionLag,
    Proxy,
    Rule,
    Statements,
    UpdatesInProgress,
    Versions,
)
from tests.strict.errors import internal_error
from tests.strict.proxy import Reset
from tests.strict.wire import Answer
from tests.support.clouds import Cloud, client
from tests.support.projects import PACKAGES, UPLOADS, fetch_into, make_project

__all__ = [
    "ARCHIVE",
    "HTTP_API",
    "PACE",
    "At",
    "Chaos",
    "Job",
    "Killed",
    "Point",
    "Ran",
    "StrictAws",
    "Strike",
    "Witness",
    "about",
    "api",
    "notifications",
    "points",
    "snapshot",
    "sync",
]

ARCHIVE = "shop-archive"
BUCKETS = (UPLOADS, ARCHIVE)
HTTP_API = "abcdef1234"

PACE = Pace(
    patience=Patience(attempts=1, connect=2.0, read=20.0, storm=0.5),
    state_first=0.005,
    state_most=0.02,
    state_total=20.0,
    passing_pause=0.01,
    permission_pauses=(0.01, 0.02, 0.04),
    readback_pauses=(0.01, 0.02, 0.04),
    lease_pause=0.02,
    lease_total=20.0,
    lease_ttl=30.0,
)

_VOLATILE = (
    *("RevisionId", "LastModified", "State", "StateReason", "StateReasonCode", "LastUpdateStatus"),
    *("LastUpdateStatusReason", "LastUpdateStatusReasonCode", "CodeSize", "RuntimeVersionConfig"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One sync as it can be handed to another process."""

    fleet: Fleet
    environment: Mapping[str, str]  # of the process: where AWS is
    folder: Path  # for package files
    project: Project = field(default_factory=make_project)
    adopt: bool = False
    pace: Pace = PACE


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What came of a sync."""

    plan: Plan
    reports: tuple[Report, ...]
    engine: AwsEngine

    @property
    def is_success(self) -> bool:
        """The last round did all that it was to do, and nothing is blocked."""
        return self.reports[-1].is_success and not self.plan.problems and not self.plan.blocked

    @property
    def errors(self) -> list[str]:
        """What failed in the last round."""
        return [result.error or "" for result in self.reports[-1].results if result.error]


def sync(
    job: Job,
    *,
    stop: threading.Event | None = None,
    on_step: Callable[[StepResult], None] = lambda _: None,
    rounds: int = 3,
) -> Ran:
    """Plan and apply as ``delivery.sync.run_sync`` does: what was stale is planned again.

    The process's environment has to be the job's.
    """
    engine = AwsEngine(
        Rules(project=job.project, adopt=job.adopt),
        lambda package: _fetch(job.folder, package),
        pace=job.pace,
        stop=stop,
        vouch=lambda _: True,  # there is no repository that could
    )
    plan = engine.preview(job.fleet).plan
    reports = [engine.apply(plan, on_step)]
    while engine.stale and len(reports) < rounds and not engine.connection("staging").stop.is_set():
        plan = engine.preview(job.fleet).plan
        reports.append(engine.apply(plan, on_step))
    return Ran(plan=plan, reports=tuple(reports), engine=engine)


def _fetch(folder: Path, package: Package) -> Path:
    file = folder / f"{package.sha256}.zip"
    return file if file.exists() else fetch_into(folder, package)


@functools.cache
def api(cloud: Cloud, service: str) -> Any:
    """Return a client that reaches an emulator past every rule, made once."""
    return client(cloud, service)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One call of a sync: the ``nth`` of its name that is about the same thing."""

    name: str
    about: str
    nth: int

    def __str__(self) -> str:
        return f"{self.name} {self.about} #{self.nth}"


def points(calls: Iterable[Call], *, mutating: bool) -> list[Point]:
    """Return the points of a recorded run, those that change something or those that read."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for call in calls:
        if (call.mutation is not None) is mutating:
            key = (call.name, about(call))
            seen[key] += 1
            found.append(Point(name=key[0], about=key[1], nth=seen[key]))
    return found


def about(call: Call) -> str:
    """Return what a call is about: a function, a bucket, an object or a log group."""
    if call.operation.service == "logs":
        return str(call.json().get("logGroupName", ""))
    params = call.operation.params
    place = "/".join(params[name] for name in ("Bucket", "Key") if name in params)
    return place or call.function


class _Counting:
    """Recognises a point among the calls of a run."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self.seen = 0
        self._lock = threading.Lock()

    def is_it(self, call: Call) -> bool:
        """Count the call; say whether it is the point's."""
        if call.name != self.point.name or about(call) != self.point.about:
            return False
        with self._lock:
            self.seen += 1
            return self.seen == self.point.nth


@dataclass(kw_only=True)
class Strike(Fault):
    """A fault at a point."""

    point: Point

    def __post_init__(self) -> None:
        self._counting = _Counting(self.point)

    def strikes(self, call: Call) -> bool:
        """Say whether this call is hit, and count it."""
        if not self._counting.is_it(call):
            return False
        self.happened += 1
        return True


class At(Rule):
    """Calls ``action`` exactly before a point's call reaches the emulator, or after it took effect.

    An action that kills the client's process before the call keeps the call from being made.
    """

    def __init__(self, point: Point, action: Callable[[], None], *, when: str = "before") -> None:
        self._counting = _Counting(point)
        self._action = action
        self._when = when
        self._number: int | None = None
        self.happened = 0

    def before(self, call: Call) -> Answer | None:
        """Act before the call."""
        if self._counting.is_it(call):
            self._number = call.number
            if self._when == "before":
                self._act()
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Act after the call."""
        if call.number == self._number and self._when == "after":
            self._act()
        return answer

    def _act(self) -> None:
        self.happened += 1
        self._action()


class Killed(At):
    """Kills the client's process: a call that was not made yet never is."""

    def before(self, call: Call) -> Answer | None:
        """Kill before the call, which then is never made."""
        super().before(call)
        if call.number == self._number and self._when == "before":
            raise Reset
        return None


class Chaos(Rule):
    """Lets calls fail here and there; which ones and how follows from the seed and what they are about."""

    _WAYS = ("error_before", "reset_before", "error_after", "reset_after")

    def __init__(self, seed: int, *, share: float) -> None:
        self._seed = seed
        self._share = share
        self._seen: Counter[tuple[str, str]] = Counter()
        self._late: dict[int, str] = {}
        self._lock = threading.Lock()
        self.happened: list[str] = []

    def before(self, call: Call) -> Answer | None:
        """Fail before the call, or choose to fail after it."""
        key = (call.name, about(call))
        with self._lock:
            self._seen[key] += 1
            dice = random.Random(f"{self._seed} {key} {self._seen[key]}")  # noqa: S311 - no secret
        if dice.random() >= self._share:
            return None
        way = dice.choice(self._WAYS)
        self.happened.append(f"{way} at {call.summary}")
        if way == "error_before":
            return internal_error(call.operation)
        if way == "reset_before":
            raise Reset
        self._late[call.number] = way
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Fail after the call."""
        way = self._late.pop(call.number, None)
        if way == "reset_after":
            raise Reset
        return internal_error(call.operation) if way else answer


class Witness(Rule):
    """Looks at the emulator itself after each change and writes down what must never be so.

    - Entries that are not ours are lost, altered or reordered, or EventBridge is switched off.
    - One of the ``guarded`` prefixes has no entry in its bucket (bucket, prefix).
    - A Lambda entry names a function that is gone or that its bucket may not call.
    """

    _WATCHED = frozenset(
        {
            "s3.PutBucketNotificationConfiguration",
            "lambda.DeleteFunction",
            "lambda.RemovePermission",
        }
    )

    def __init__(self, cloud: Cloud, guarded: Iterable[tuple[str, str]] = ()) -> None:
        self._cloud = cloud
        self._guarded = tuple(guarded)
        self._foreign = {bucket: _foreign(notifications(cloud, bucket)) for bucket in BUCKETS}
        self.problems: list[str] = []
        self.looks = 0

    def after(self, call: Call, answer: Answer) -> Answer:
        """Look, when the change took effect."""
        if call.name in self._WATCHED and answer.is_success:
            self.looks += 1
            self.problems += [f"after {call.summary}: {problem}" for problem in self._look()]
        return answer

    def allow(self, bucket: str, entry_id: str) -> None:
        """Let an entry of somebody else's go: it is to be taken over."""
        kinds = self._foreign[bucket]
        for kind, entries in kinds.items():
            if isinstance(entries, list):
                kinds[kind] = [entry for entry in entries if entry.get("Id") != entry_id]

    def _look(self) -> list[str]:
        found = []
        policies: dict[str, dict[str, Any]] = {}  # each is read once for all entries
        for bucket in BUCKETS:
            raw = notifications(self._cloud, bucket)
            if not _keeps(_foreign(raw), self._foreign[bucket]):
                found.append(f"entries of others on {bucket} are {_foreign(raw)}")
            entries = raw.get("LambdaFunctionConfigurations", [])
            prefixes = {_prefix(entry) for entry in entries}
            found += [
                f"nobody serves s3://{at}/{prefix}"
                for at, prefix in self._guarded
                if at == bucket and prefix not in prefixes
            ]
            for entry in entries:
                arn = entry["LambdaFunctionArn"]
                if arn not in policies:
                    policies[arn] = _policy(self._cloud, arn)
                if not _may_call(policies[arn], bucket):
                    found.append(f"{entry['Id']} of {bucket} calls {arn}, which it may not")
        return found


class StrictAws(Proxy):
    """A strict AWS whose rules are changed between runs, so that clients stay connected.

    An update takes ``looks`` looks at the function.
    """

    looks = 1

    def use(self, *first: Rule | Fault, witness: Witness) -> None:
        """Begin again: new rules, faults first and the witness last, and an empty record."""
        self.rules = (
            *(Faults(one) if isinstance(one, Fault) else one for one in first),
            UpdatesInProgress(calls=self.looks),
            PermissionLag(calls=1),
            Notifications(),
            Statements(),
            Versions(),
            PackageExists(),
            EventRules(),
            HttpRoutes(),
            Managed(),
            witness,
        )
        for rule in self.rules:
            rule.start(self._upstream)
        self.forget()


def snapshot(cloud: Cloud) -> dict[str, Any]:
    """Return all that is live and that a sync may touch, in a form in which equal means equal."""
    functions, groups = api(cloud, "lambda"), api(cloud, "logs")
    found: dict[str, Any] = {}
    for config in functions.list_functions()["Functions"]:
        name = config["FunctionName"]
        whole = functions.get_function(FunctionName=name)
        kept = {key: value for key, value in whole["Configuration"].items() if key not in _VOLATILE}
        found[f"function {name}"] = {
            "configuration": kept,
            "tags": whole.get("Tags", {}),
            "concurrency": whole.get("Concurrency"),
            "policy": _policy(cloud, name),
            "aliases": {
                alias["Name"]: [alias["FunctionVersion"], alias["Description"].partition(" @")[0]]
                for alias in functions.list_aliases(FunctionName=name)["Aliases"]
            },
        }
        urls = functions.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
        found[f"addresses of {name}"] = [[one["FunctionArn"], one["AuthType"]] for one in urls]
        mapped = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        found[f"sources of {name}"] = [[one["FunctionArn"], one["BatchSize"]] for one in mapped]
        versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
        found[f"versions of {name}"] = len(versions)
    for layer in functions.list_layers()["Layers"]:
        of_it = functions.list_layer_versions(LayerName=layer["LayerName"])["LayerVersions"]
        found[f"layer {layer['LayerName']}"] = [(one["Version"], one["Description"]) for one in of_it]
    for bucket in BUCKETS:
        raw = notifications(cloud, bucket)
        found[f"bucket {bucket}"] = {
            kind: sorted(entries, key=lambda e: str(e["Id"])) if isinstance(entries, list) else entries
            for kind, entries in raw.items()
        }
    events = api(cloud, "events")
    for rule in events.list_rules()["Rules"]:
        about = {"Rule": rule["Name"], "EventBusName": rule["EventBusName"]}
        kept = {key: value for key, value in rule.items() if value}
        found[f"rule {rule['Name']}"] = [kept, events.list_targets_by_rule(**about)["Targets"]]
    sns = api(cloud, "sns")
    for one in sns.list_subscriptions()["Subscriptions"]:
        told = sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
        kept = {key: value for key, value in told.items() if key != "SubscriptionArn"}
        found[f"subscription of {one['Endpoint']} to {one['TopicArn']}"] = kept
    scheduler = api(cloud, "scheduler")
    for one in scheduler.list_schedules()["Schedules"]:
        whole = scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"])
        unlike = ("ResponseMetadata", "CreationDate", "LastModificationDate")
        found[f"schedule {one['Name']}"] = {key: value for key, value in whole.items() if key not in unlike}
    iam = api(cloud, "iam")
    for role in iam.list_roles(PathPrefix="/lockstep/")["Roles"]:
        attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        found[f"role {role['RoleName']}"] = [one["PolicyArn"] for one in attached]
    http = api(cloud, "apigatewayv2")
    for integration in http.get_integrations(ApiId=HTTP_API)["Items"]:
        target = f"integrations/{integration.pop('IntegrationId')}"
        routes = [one for one in http.get_routes(ApiId=HTTP_API)["Items"] if one["Target"] == target]
        keys = [(one["RouteKey"], one["AuthorizationType"]) for one in routes]
        found.setdefault("integrations", []).append([integration, sorted(keys)])
    for group in groups.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        found[f"log group {name}"] = group.get("retentionInDays")
        for one in groups.describe_subscription_filters(logGroupName=name)["subscriptionFilters"]:
            kept = {key: value for key, value in one.items() if key != "creationTime"}
            found[f"filter {one['filterName']} of {name}"] = kept
    packages = api(cloud, "s3").list_objects_v2(Bucket=PACKAGES, Prefix="lockstep/packages/")
    found["packages"] = sorted(one["Key"] for one in packages.get("Contents", ()))
    return found


def notifications(cloud: Cloud, bucket: str) -> dict[str, Any]:
    """Return a bucket's notification configuration, past every rule."""
    raw: dict[str, Any] = api(cloud, "s3").get_bucket_notification_configuration(Bucket=bucket)
    raw.pop("ResponseMetadata")
    return raw


def _foreign(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: [e for e in entries if not e["Id"].startswith("lockstep-")]
        if isinstance(entries, list)
        else entries
        for kind, entries in raw.items()
    }


def _keeps(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Everything that was there is there, in the same order."""
    for kind, entries in before.items():
        if isinstance(entries, list):
            if [entry for entry in now.get(kind, []) if entry in entries] != entries:
                return False
        elif now.get(kind) != entries:
            return False
    return True


def _prefix(entry: Mapping[str, Any]) -> str:
    rules_ = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((rule["Value"] for rule in rules_ if rule["Name"].lower() == "prefix"), "")


def _may_call(policy: Mapping[str, Any], bucket: str) -> bool:
    return any(f"arn:aws:s3:::{bucket}" in str(statement.get("Condition")) for statement in policy.values())


def _policy(cloud: Cloud, function: str) -> dict[str, Any]:
    functions = api(cloud, "lambda")
    try:
        text = functions.get_policy(FunctionName=function)["Policy"]
    except functions.exceptions.ResourceNotFoundException:
        return {}
    return {statement["Sid"]: statement for statement in json.loads(text)["Statement"]}
