"""What the gates of a rollout say of what was measured.

The new version is held against the stable one by exact tests, so that three calls are as rightly judged as
three million. A gate fails where the new version is worse by more than was allowed *and* chance makes such
figures seldom enough. What is too little to say stays open.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from lockstep.model.rollout import (
    AlarmSeen,
    Compared,
    Finding,
    Measured,
    MetricGate,
    Minutes,
    Rollout,
    Ruling,
    Unjudged,
    share_words,
)

__all__ = ["LATE", "greater_by_chance", "judge", "settling", "worse_by_chance"]

LATE = 120
"""Seconds after which Lambda's metrics of a minute are complete, beside the function's own time-out.

Source: Lambda developer guide, "Types of metrics for Lambda functions": they bear the time at which the call
began. That two minutes are enough is our measure of it.
"""
_AT_END, _BEFORE = 0.05, 0.001  # chances; what is looked at often before the end has to be clearer


def settling(policy: Rollout, timeout: int) -> int:
    """Seconds that a step lasts longer than is declared, until what was measured in it is complete."""
    return timeout + LATE if policy.metrics else 0


def judge(
    policy: Rollout,
    measured: Measured | None,
    *,
    begun: datetime,
    since: datetime,
    until: datetime,
    weight: float,
    is_end: bool,
) -> tuple[Finding, ...]:
    """What each gate of the policy says; one for each, whatever was measured.

    Metrics count from ``since``, when the step began, to ``until``. An alarm that fired before ``begun`` is
    told, and the other gates decide. ``is_end``: the step has lasted as long as it is to.
    """
    measured = measured or Measured(problems={"alarms": "nobody looked", "metrics": "nobody looked"})
    decides = any(gate.compared is not None for gate in policy.metrics)
    chance = _AT_END if is_end else _BEFORE
    findings = [_alarm(name, measured, policy, begun, decides) for name in policy.alarms]
    for number, gate in enumerate(policy.metrics):
        findings.append(_metric(number, gate, measured, (since, until), weight, chance))
    return tuple(findings)


def _alarm(name: str, measured: Measured, policy: Rollout, begun: datetime, decides: bool) -> Finding:
    gate = f"alarm {name}"
    if (why := measured.problems.get("alarms")) is not None:
        return Finding(gate=gate, ruling=Ruling.BROKEN, words=f"not read: {why}")
    seen: AlarmSeen | None = measured.alarms.get(name)
    if seen is None:
        return Finding(gate=gate, ruling=Ruling.BROKEN, words="there is no such alarm in this Region")
    if seen.state == "ALARM":
        if seen.since is None or seen.since >= begun:
            return Finding(gate=gate, ruling=Ruling.FAILED, words="ALARM")
        words = "ALARM since before the rollout; "
        if decides:
            return Finding(gate=gate, ruling=Ruling.PASSED, words=f"{words}the comparison decides")
        return Finding(gate=gate, ruling=Ruling.OPEN, words=f"{words}nothing else is compared")
    if seen.trouble:
        return Finding(gate=gate, ruling=Ruling.BROKEN, words=seen.trouble)
    if seen.state == "OK":
        return Finding(gate=gate, ruling=Ruling.PASSED, words="OK")
    if seen.state != "INSUFFICIENT_DATA":
        return Finding(gate=gate, ruling=Ruling.BROKEN, words=f"its state is {seen.state}")
    ruling = {Unjudged.PAUSE: Ruling.OPEN, Unjudged.PASS: Ruling.PASSED, Unjudged.FAIL: Ruling.FAILED}
    return Finding(gate=gate, ruling=ruling[policy.no_data], words="it has no data")


def _metric(
    number: int,
    gate: MetricGate,
    measured: Measured,
    window: tuple[datetime, datetime],
    weight: float,
    chance: float,
) -> Finding:
    if (why := measured.problems.get("metrics")) is not None:
        return Finding(gate=gate.name, ruling=Ruling.BROKEN, words=f"not read: {why}")
    if gate.compared is None:
        return _own(gate, _within(measured.own.get(number, {}), window))
    new = {name: _within(minutes, window) for name, minutes in measured.new.items()}
    stable = {name: _within(minutes, window) for name, minutes in measured.stable.items()}
    calls = round(sum(new.get("calls", {}).values()))
    if calls < gate.calls:
        words = f"{calls} calls of the new version, {gate.calls} are needed"
        # What has failed already need not be waited for: a release that fails each of its few calls.
        if not gate.compared.is_duration and weight < 1:
            early = _shares(gate, new, stable, _BEFORE)
            if early.ruling is Ruling.FAILED:
                return early
        return Finding(gate=gate.name, ruling=Ruling.OPEN, words=words)
    if weight >= 1:
        words = "no calls go to the stable version to compare with"
        return Finding(gate=gate.name, ruling=Ruling.PASSED, words=words)
    if gate.compared.is_duration:
        return _durations(gate, new, stable, chance)
    return _shares(gate, new, stable, chance)


def _shares(
    gate: MetricGate, new: Mapping[str, Minutes], stable: Mapping[str, Minutes], chance: float
) -> Finding:
    """Errors, or throttles, of all calls: Fisher's exact test, one-sided."""
    name = str(gate.compared)
    (bad, calls), (bad_before, calls_before) = (_counted(side, gate.compared) for side in (new, stable))
    words = f"{name} {bad} of {calls} calls, stable {bad_before} of {calls_before}"
    if not calls_before:
        return Finding(gate=gate.name, ruling=Ruling.OPEN, words=f"{words}: nothing to compare with")
    rate, before = bad / max(calls, 1), bad_before / calls_before
    if rate - before <= gate.worse:
        return Finding(gate=gate.name, ruling=Ruling.PASSED, words=words)
    by_chance = worse_by_chance(bad, calls, bad_before, calls_before)
    if by_chance > chance:
        return Finding(gate=gate.name, ruling=Ruling.PASSED, words=f"{words}: may be chance")
    words += f": more than {share_words(gate.worse)} above it" if gate.worse else ": more"
    return Finding(gate=gate.name, ruling=Ruling.FAILED, words=words)


def _counted(side: Mapping[str, Minutes], compared: Compared | None) -> tuple[int, int]:
    """Bad ones, and all. Throttled requests are no invocations. Source: Lambda's metrics, "Invocations"."""
    calls = round(sum(side.get("calls", {}).values()))
    bad = round(sum(side.get(str(compared), {}).values()))
    if compared is Compared.THROTTLES:
        return bad, calls + bad
    return bad, max(calls, bad)


def _durations(
    gate: MetricGate, new: Mapping[str, Minutes], stable: Mapping[str, Minutes], chance: float
) -> Finding:
    """Percentiles minute by minute, in which both have calls: a sign test of how many were worse."""
    name = str(gate.compared)
    one, other = new.get(name, {}), stable.get(name, {})
    both = sorted(one.keys() & other.keys())
    worse = sum(one[minute] > other[minute] * (1 + gate.worse) for minute in both)
    words = f"{name} more than {share_words(gate.worse)} above the stable one in {worse} of {len(both)} min"
    if 0.5 ** len(both) > _AT_END:
        return Finding(gate=gate.name, ruling=Ruling.OPEN, words=f"{words}: too few minutes to say")
    ruling = Ruling.FAILED if greater_by_chance(worse, len(both)) <= chance else Ruling.PASSED
    return Finding(gate=gate.name, ruling=ruling, words=words)


def _own(gate: MetricGate, minutes: Minutes) -> Finding:
    values = list(minutes.values())
    if not values:
        return Finding(gate=gate.name, ruling=Ruling.OPEN, words="it has no data in this step")
    match gate.statistic:
        case "Sum" | "SampleCount":
            value = sum(values)
        case "Average":
            value = sum(values) / len(values)
        case "Minimum":
            value = min(values)
        case _:
            value = max(values)
    words = f"{gate.statistic} {value:g}"
    for bound, is_off, what in (
        (gate.most, gate.most is not None and value > gate.most, "most"),
        (gate.least, gate.least is not None and value < gate.least, "least"),
    ):
        if is_off:
            return Finding(gate=gate.name, ruling=Ruling.FAILED, words=f"{words}, at {what} {bound:g}")
    return Finding(gate=gate.name, ruling=Ruling.PASSED, words=words)


def _within(minutes: Minutes, window: tuple[datetime, datetime]) -> Minutes:
    """The minutes that lie in the window whole."""
    since, until = window
    return {at: value for at, value in minutes.items() if since <= at and at + _MINUTE <= until}


_MINUTE = timedelta(minutes=1)


def worse_by_chance(bad: int, calls: int, bad_before: int, calls_before: int) -> float:
    """How likely so many bad calls, or more, fall to the new version when both are alike.

    The upper tail of the hypergeometric distribution: Fisher's exact test, one-sided.
    """
    both, all_bad = calls + calls_before, bad + bad_before
    return min(1.0, math.fsum(math.exp(each) for each in _tail(bad, calls, all_bad, both)))


def _tail(bad: int, calls: int, all_bad: int, both: int) -> Iterator[float]:
    """Logarithms of the tail's terms, until they add nothing any more."""
    whole = _choose(both, calls)
    most = -math.inf
    for count in range(bad, min(calls, all_bad) + 1):
        if calls - count > both - all_bad:
            continue
        term = _choose(all_bad, count) + _choose(both - all_bad, calls - count) - whole
        most = max(most, term)
        yield term
        if term < most - 40:
            return


def _choose(whole: int, part: int) -> float:
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)


def greater_by_chance(worse: int, minutes: int) -> float:
    """How likely so many of the minutes, or more, are worse when each is by an even chance."""
    log = minutes * math.log(2)
    terms = (math.exp(_choose(minutes, count) - log) for count in range(worse, minutes + 1))
    return min(1.0, math.fsum(terms))
