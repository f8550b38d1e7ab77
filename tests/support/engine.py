"""Runs of the aws engine against a strict AWS, with short waits."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockstep.engines.aws import AwsEngine
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.patience import Patience
from lockstep.model import Fleet, Outcome, Package, Plan, Project, Report, StepResult
from lockstep.planning.policy import Rules
from tests.strict import Call, Proxy, Rule
from tests.strict.errors import error
from tests.strict.wire import Answer
from tests.support.clouds import ACCOUNT, REGION, client, make_bucket, make_role
from tests.support.projects import PACKAGES, UPLOADS, fetch_into, make_project
from tests.support.waiting import until

__all__ = ["PACE", "Lab", "Meanwhile", "Refuse", "Run", "changes_of", "prepare"]

PACE = Pace(
    state_first=0.005,
    state_most=0.02,
    state_total=20.0,
    passing_pause=0.01,
    permission_pauses=(0.01, 0.02, 0.04),
    readback_pauses=(0.01, 0.02, 0.04),
    lease_pause=0.02,
    lease_total=20.0,
    lease_ttl=120.0,
    patience=Patience(attempts=3, connect=2.0, read=20.0),
)


class Meanwhile(Rule):
    """Somebody does something exactly before the first call of a name is made."""

    def __init__(self, name: str, happens: Callable[[Call], None]) -> None:
        self._name = name
        self._happens: Callable[[Call], None] | None = happens
        self._lock = threading.Lock()

    def before(self, call: Call) -> Answer | None:
        """Let it happen, once."""
        with self._lock:
            happens = self._happens if call.name == self._name else None
            if happens is not None:
                self._happens = None
        if happens is not None:
            happens(call)
        return None


class Refuse(Rule):
    """AWS refuses calls of a name with an error, for so many ``times`` (None: always).

    With ``saying`` only those whose body has that text.
    """

    def __init__(
        self,
        name: str,
        code: str,
        message: str,
        *,
        status: int = 400,
        times: int | None = None,
        saying: str = "",
    ) -> None:
        self._name, self._code, self._message, self._status = name, code, message, status
        self.times = times
        self.saying = saying.encode()
        self.refused = 0

    def before(self, call: Call) -> Answer | None:
        """Refuse the call."""
        if call.name != self._name or self.saying not in (call.request.body or b""):
            return None
        if self.times is not None and self.refused >= self.times:
            return None
        self.refused += 1
        return error(call.operation, self._status, self._code, self._message)


@dataclass(kw_only=True)
class Run:
    """One plan and what came of it."""

    engine: AwsEngine
    plan: Plan
    report: Report
    told: list[StepResult] = field(default_factory=list)

    @property
    def failures(self) -> dict[str, str]:
        """Step to what went wrong."""
        return {r.step: r.error or "" for r in self.report.results if r.outcome is Outcome.FAILED}

    @property
    def error(self) -> str:
        """The only failure's text."""
        (text,) = self.failures.values()
        return text


@dataclass(kw_only=True)
class Lab:
    """A strict AWS with a project's role and buckets, and engines that run on it."""

    aws: Proxy
    folder: Path
    project: Project = field(default_factory=make_project)
    pace: Pace = PACE
    fetched: list[str] = field(default_factory=list)  # digest of each package that was fetched

    def engine(self, **options: Any) -> AwsEngine:
        """Return a new engine; ``project``, ``adopt``, ``allow_deletes`` and ``wish`` go to the rules."""
        rules = {name: options.pop(name) for name in ("adopt", "allow_deletes", "wish") if name in options}
        project = options.pop("project", self.project)
        pace = options.pop("pace", self.pace)
        fetch: Callable[[Package], Path] = options.pop("fetch", self.fetch)
        options.setdefault("vouch", lambda _: True)  # there is no repository that could
        return AwsEngine(Rules(project=project, **rules), fetch, pace=pace, **options)

    def fetch(self, package: Package) -> Path:
        """Give the engine a package's file."""
        self.fetched.append(package.sha256)
        return fetch_into(self.folder, package)

    def plan(self, fleet: Fleet, **options: Any) -> Plan:
        """Plan with a new engine."""
        return self.engine(**options).preview(fleet).plan

    def run(self, fleet: Fleet, **options: Any) -> Run:
        """Plan and apply with a new engine or the one given, whatever comes of it.

        ``between`` is called with the plan before it is applied.
        """
        between: Callable[[Plan], None] = options.pop("between", lambda _: None)
        engine: AwsEngine = options.pop("engine", None) or self.engine(**options)
        plan = engine.preview(fleet).plan
        between(plan)
        told: list[StepResult] = []
        return Run(engine=engine, plan=plan, report=engine.apply(plan, told.append), told=told)

    def sync(self, fleet: Fleet, **options: Any) -> Run:
        """Plan and apply, which must succeed, and see that there is nothing left to do."""
        run = self.run(fleet, **options)
        assert not run.plan.blocked, run.plan.blocked
        assert run.report.is_success, run.failures
        again = run.engine.preview(fleet).plan
        assert again.is_empty, [again.steps, again.blocked]
        return run

    def client(self, service: str, **options: Any) -> Any:
        """Return a client that reaches the emulator past the proxy: somebody behind our back."""
        return client(self.aws.behind, service, **options)

    def somebody(self, service: str, **options: Any) -> Any:
        """Return a client of somebody else's that the proxy sees, so that its rules know of the change."""
        return client(self.aws, service, **options)

    def settle(self, name: str) -> None:
        """Wait until a function's last change is over."""
        functions = client(self.aws, "lambda")
        until(
            lambda: (
                functions.get_function(FunctionName=name)["Configuration"]["LastUpdateStatus"] != "InProgress"
            )
        )

    def live(self, name: str, **options: Any) -> dict[str, Any]:
        """Return what GetFunction says, past the proxy."""
        answer: dict[str, Any] = self.client("lambda", **options).get_function(FunctionName=name)
        return answer

    def notifications(self, bucket: str = UPLOADS) -> dict[str, Any]:
        """Return a bucket's whole notification configuration, as the proxy tells it."""
        s3 = client(self.aws, "s3")
        answer: dict[str, Any] = s3.get_bucket_notification_configuration(Bucket=bucket)
        answer.pop("ResponseMetadata")
        return answer

    def put_notifications(self, configuration: Mapping[str, Any], bucket: str = UPLOADS) -> None:
        """Write a bucket's notifications as somebody else, without S3's checks of destinations."""
        client(self.aws, "s3").put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True
        )


def prepare(aws: Proxy, folder: Path, *, account: str = ACCOUNT, region: str = REGION, **fields: Any) -> Lab:
    """Make the role and the buckets that most projects have, past the proxy's rules."""
    make_role(aws.behind, account=account)
    make_bucket(aws.behind, PACKAGES, account=account, region=region)
    make_bucket(aws.behind, UPLOADS, account=account, region=region)
    return Lab(aws=aws, folder=folder, **fields)


def changes_of(plan: Plan, key: str) -> dict[str, Any]:
    """Return path -> new value of what a plan changes of a target."""
    (one,) = (target for target in plan.targets if target.target == key)
    return {change.path: change.new for change in one.changes}
