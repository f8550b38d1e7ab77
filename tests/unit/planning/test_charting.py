"""Charts of what gates are judged by."""

from datetime import UTC, datetime

from lockstep.model.rollout import Compared, Measured, MetricGate, Rollout
from lockstep.planning.charting import charts_of

ONE, TWO = (datetime(2026, 1, 1, 12, minute, tzinfo=UTC) for minute in (1, 2))
OWN = MetricGate(namespace="Shop", metric="Orders", statistic="Sum", least=5.0)


def test_each_metric_of_the_policy_is_a_chart_of_both_versions() -> None:
    """Calls first; shares in percent of the minute's calls; a minute without a call is none of any line."""
    compared = (MetricGate(compared=one) for one in (Compared.ERRORS, Compared.THROTTLES, Compared.P95))
    new = {"calls": {ONE: 4.0}, "errors": {ONE: 1.0}, "throttles": {ONE: 1.0}, "p95": {ONE: 12.5}}
    stable = {
        "calls": {ONE: 10.0, TWO: 0.0},
        "errors": {ONE: 0.0},
        "throttles": {TWO: 2.0},
        "p95": {TWO: 9.0},
    }
    measured = Measured(new=new, stable=stable, own={3: {TWO: 7.0, ONE: 6.0}})
    calls, errors, throttles, p95, own = charts_of(Rollout(metrics=(*compared, OWN)), measured)
    found = [[line.points for line in one.lines] for one in (calls, errors, throttles, p95)]
    assert found == [
        [((ONE, 4.0),), ((ONE, 10.0), (TWO, 0.0))],
        [((ONE, 25.0),), ((ONE, 0.0),)],
        [((ONE, 20.0),), ((ONE, 0.0), (TWO, 100.0))],
        [((ONE, 12.5),), ((TWO, 9.0),)],
    ]
    assert [line.name for line in errors.lines] == ["new version", "stable version"]
    assert (errors.unit, p95.unit) == ("%", "ms")
    assert (own.bounds, own.lines[0].points) == ((5.0,), ((ONE, 6.0), (TWO, 7.0)))


def test_nothing_is_drawn_of_what_nobody_measured() -> None:
    """Also where only alarms are judged."""
    assert charts_of(Rollout(metrics=(OWN,)), None) == ()
    assert charts_of(Rollout(alarms=("checkout",)), Measured()) == ()
