"""What the gates of a rollout were judged by, as charts: the new version against the stable one."""

from collections.abc import Iterator, Mapping

from lockstep.model.chart import Chart, Line
from lockstep.model.rollout import Compared, Measured, MetricGate, Minutes, Rollout

__all__ = ["charts_of"]

_NEW, _STABLE = "new version", "stable version"


def charts_of(policy: Rollout, measured: Measured | None) -> tuple[Chart, ...]:
    """Calls a minute and each metric of the policy, since the step began; none where nothing was read."""
    return () if measured is None else tuple(_charts(policy, measured))


def _charts(policy: Rollout, measured: Measured) -> Iterator[Chart]:
    if "calls" in measured.new or "calls" in measured.stable:
        yield _sides("calls a minute", "", measured.new.get("calls", {}), measured.stable.get("calls", {}))
    for number, gate in enumerate(policy.metrics):
        if gate.compared is None:
            yield _own(gate, measured.own.get(number, {}))
        elif gate.compared.is_duration:
            one, other = (side.get(str(gate.compared), {}) for side in (measured.new, measured.stable))
            yield _sides(f"{gate.compared} of durations", "ms", one, other)
        else:
            one, other = (_shares(side, gate.compared) for side in (measured.new, measured.stable))
            yield _sides(f"{gate.compared} of calls", "%", one, other)


def _shares(side: Mapping[str, Minutes], compared: Compared) -> Minutes:
    """Percents of the calls of each minute. Throttled requests are no calls beside them."""
    bad, calls = side.get(str(compared), {}), side.get("calls", {})
    found = {}
    for minute in bad.keys() | calls.keys():
        more = bad.get(minute, 0.0) if compared is Compared.THROTTLES else 0.0
        if whole := calls.get(minute, 0.0) + more:
            found[minute] = min(100.0, 100.0 * bad.get(minute, 0.0) / whole)
    return found


def _own(gate: MetricGate, minutes: Minutes) -> Chart:
    bounds = tuple(bound for bound in (gate.most, gate.least) if bound is not None)
    name = f"{gate.name}: {gate.statistic}"
    return Chart(name=name, lines=(_line(gate.metric, minutes),), bounds=bounds)


def _sides(name: str, unit: str, new: Minutes, stable: Minutes) -> Chart:
    return Chart(name=name, unit=unit, lines=(_line(_NEW, new), _line(_STABLE, stable)))


def _line(name: str, minutes: Minutes) -> Line:
    return Line(name=name, points=tuple(sorted(minutes.items())))
