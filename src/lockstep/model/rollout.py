"""How a release reaches the calls of an alias, step by step, and what has to be well meanwhile.

What is declared (``Rollout``), what was measured (``Measured``), what a gate says of it (``Finding``), and
how far a rollout is (``Progress``).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from lockstep.model.chart import Chart
from lockstep.model.function import Health
from lockstep.values import dataclass

__all__ = [
    "OWN_METRICS",
    "AlarmSeen",
    "Compared",
    "Finding",
    "Measured",
    "MetricGate",
    "Minutes",
    "Progress",
    "Rollout",
    "RolloutWish",
    "Ruling",
    "Smoke",
    "Stage",
    "Unjudged",
    "Word",
    "share_words",
    "span_words",
]


class Compared(StrEnum):
    """Metrics of Lambda's own in which the new version is held against the stable one."""

    ERRORS = "errors"
    THROTTLES = "throttles"
    P95 = "p95"
    P99 = "p99"

    @property
    def is_duration(self) -> bool:
        """Whether it is a percentile of durations, and not a share of calls."""
        return self in (Compared.P95, Compared.P99)


OWN_METRICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount", "p90", "p95", "p99")
"""Statistics that a metric of one's own may be judged by."""


class Unjudged(StrEnum):
    """What becomes of a rollout while an alarm has no data."""

    PAUSE = "pause"
    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One step: what share of calls the new version gets, and for how long, or until somebody approves."""

    weight: float  # 0 to 1
    seconds: int = 0
    approval: bool = False  # ends when somebody approves, and not by time


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricGate:
    """A metric that has to be well. ``compared`` is one of Lambda's own; else it is one of somebody's."""

    compared: Compared | None = None
    worse: float = 0.0  # of shares: by how much the new one may be above; of durations: by which part
    calls: int = 0  # of the new version, below which nothing is said
    namespace: str = ""
    metric: str = ""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    statistic: str = "Average"
    most: float | None = None
    least: float | None = None

    @property
    def name(self) -> str:
        """As findings name it."""
        return str(self.compared) if self.compared is not None else f"{self.namespace} {self.metric}"

    @property
    def words(self) -> str:
        """The name with what is allowed."""
        if self.compared is not None:
            return f"{self.name} at most {share_words(self.worse)} above the stable version's"
        bounds = [
            f"at {what} {bound:g}"
            for what, bound in (("most", self.most), ("least", self.least))
            if bound is not None
        ]
        return f"{self.name}: {self.statistic} {' and '.join(bounds)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Smoke:
    """One call of a new version before any other call goes to it.

    Paths are the repository's; the texts are their contents, once they were read.
    """

    payload: str = ""  # path; "" for {}
    expect: str = ""  # path; "" for any answer
    sent: str = field(default="{}", compare=False)
    expected: str = field(default="", compare=False)
    place: str = field(default="", compare=False)  # file:line


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """The declared way of a release to an alias's calls. Without stages they all go at once."""

    name: str = "allAtOnce"  # as people know it
    stages: tuple[Stage, ...] = ()
    alarms: tuple[str, ...] = ()
    metrics: tuple[MetricGate, ...] = ()
    smoke: Smoke | None = None
    no_data: Unjudged = Unjudged.PAUSE
    rolls_back: bool = False  # in Git too, once it was taken back
    group: str = ""  # of targets of one environment whose rollouts move as one; "" for none
    place: str = field(default="", compare=False)  # file:line
    group_place: str = field(default="", compare=False)  # of the group, likewise

    @property
    def way(self) -> str:
        """``5% for 10 min, 50% for 10 min, approval, then all calls``."""
        steps = [
            "approval" if stage.approval else f"{share_words(stage.weight)} for {span_words(stage.seconds)}"
            for stage in self.stages
        ]
        if not steps:
            return "all calls at once"
        group = [f"as one of the group {self.group}"] if self.group else []
        return ", ".join([*steps, "then all calls", *group])

    @property
    def gates(self) -> tuple[str, ...]:
        """What is judged in each step."""
        return (*(f"alarm {name}" for name in self.alarms), *(gate.words for gate in self.metrics))

    @property
    def digest(self) -> str:
        """Eight digits that differ when the stages or what is judged differ."""
        said = [
            [[stage.weight, stage.seconds, stage.approval] for stage in self.stages],
            sorted(self.alarms),
            [
                [
                    *(gate.name, gate.worse, gate.calls, sorted(gate.dimensions.items())),
                    *(gate.statistic, gate.most, gate.least),
                ]
                for gate in self.metrics
            ],
            self.no_data,
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]


class Word(StrEnum):
    """What somebody says of a rollout."""

    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    RETRY = "retry"


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutWish:
    """A word on one rollout, with whose it is and why."""

    target: str
    word: Word
    reason: str  # "by ann", "by ann: it loses files"


Minutes = Mapping[datetime, float]
"""Values of a metric by the beginning of their minute; minutes without a call are absent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmSeen:
    """An alarm as CloudWatch tells of it."""

    state: str  # OK, ALARM, INSUFFICIENT_DATA
    since: datetime | None = None  # it came to this state
    trouble: str = ""  # why CloudWatch could not judge all of it


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What was read for the gates of one rollout, at one moment.

    ``new`` and ``stable`` have, by name, ``calls``, ``errors``, ``throttles``, ``p95`` and ``p99`` as far as
    they were asked for; ``own`` the metrics of somebody's by their gates' places in the list.
    """

    alarms: Mapping[str, AlarmSeen] = field(default_factory=dict)  # those that exist
    new: Mapping[str, Minutes] = field(default_factory=dict)
    stable: Mapping[str, Minutes] = field(default_factory=dict)
    own: Mapping[int, Minutes] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)  # "alarms" or "metrics" -> why not read


class Ruling(StrEnum):
    """What a gate says."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "not known yet"  # too little to say
    BROKEN = "not judged"  # it could not be looked at


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one gate says, with the figures."""

    gate: str
    ruling: Ruling
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a rollout is: what ``status`` and a plan tell of it."""

    health: Health  # Progressing, Suspended, or Degraded when it was taken back
    release: str  # that comes
    weight: float = 0.0
    step: int = 0  # from 1; 0: not begun
    steps: int = 0
    due: str | None = None  # when the step is over at the earliest, ISO 8601 in UTC
    at: str | None = None  # when this was seen, likewise
    way: str = ""  # the steps that are declared, in words
    gates: tuple[str, ...] = ()  # what is judged, in words
    reason: str = ""  # why it does not go on, or was taken back
    findings: tuple[Finding, ...] = ()
    charts: tuple[Chart, ...] = field(default=(), compare=False)  # of what the findings are about
    is_asked: bool = False  # it stands still because somebody, or the declaration, wants it so
    late: int = 0  # seconds since it could have gone on, once they are so many that nobody seems to sync

    @property
    def is_under_way(self) -> bool:
        """Whether a version has, or is about to have, a share of the calls."""
        return bool(self.step) and self.health is not Health.DEGRADED

    @property
    def words(self) -> str:
        """``Progressing 10% 0.1.6, step 2 of 3, 4 min left``, ``Suspended (waiting for approval) ...``.

        Of one that has not begun the steps that are declared.
        """
        if not self.step and not self.reason:
            return self.way
        state = f"{self.health} ({self.reason})" if self.reason else str(self.health)
        parts = [f"{state} {share_words(self.weight)} {self.release}"]
        if self.step:
            parts.append(f"step {self.step} of {self.steps}")
        if self.due is not None and self.at is not None:
            left = (datetime.fromisoformat(self.due) - datetime.fromisoformat(self.at)).total_seconds()
            parts.append(f"{span_words(left)} left" if left > 0 else "due")
        if self.late:
            parts.append(f"overdue for {span_words(self.late)}")
        return ", ".join(parts)


def share_words(share: float) -> str:
    """``0.5%``."""
    return f"{round(share * 100, 6):g}%"


def span_words(seconds: float) -> str:
    """``40 s``, ``4 min``, ``2 h 5 min``: rounded up."""
    whole = max(0, -int(-seconds // 1))
    if whole < 60:
        return f"{whole} s"
    minutes = -(-whole // 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
