"""Charts as they are drawn."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.chart import Chart, Line
from lockstep.serve.web.drawing import HIGH, WIDE, bars, drawn

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def line(*values: float, name: str = "new version", gap: int = 1) -> Line:
    """One value each so many minutes."""
    return Line(
        name=name, points=tuple((NOON + timedelta(minutes=gap * n), one) for n, one in enumerate(values))
    )


@given(
    st.lists(st.floats(-1e9, 1e9), max_size=20), st.lists(st.floats(-1e9, 1e9), max_size=2), st.integers(1, 3)
)
def test_whatever_was_measured_stays_within_the_box(
    values: list[float], bounds: list[float], gap: int
) -> None:
    """Each value once, and in the table."""
    found = drawn(Chart(name="p95", lines=(line(*values, gap=gap), line()), bounds=tuple(bounds)))
    assert len(found["lines"]) == (1 if values else 0)
    assert len(found["table"]) == len(values)
    points = [
        (float(x), float(y))
        for one in found["lines"]
        for x, y in re.findall(r"[ML] (\S+) (\S+)", one["path"])
    ]
    assert len(points) == len(values)
    assert all(0 <= x <= WIDE and 0 <= y <= HIGH for x, y in points)
    assert all(0 <= bound["y"] <= HIGH for bound in found["bounds"])


def test_what_was_not_measured_is_not_joined() -> None:
    """A line goes from minute to minute; one that stands alone is a dot."""
    (joined,) = drawn(Chart(name="errors", lines=(line(0, 10),), unit="%"))["lines"]
    assert (joined["path"], joined["last"]) == ("M 0 38 h 0 L 100 2", "10 %")
    (alone,) = drawn(Chart(name="errors", lines=(line(0, 10, gap=2),)))["lines"]
    assert alone["path"] == "M 0 38 h 0 M 100 2 h 0"


def test_a_bar_is_as_high_as_its_day() -> None:
    """The newest day is first in the table; without any count there is no bar that divides by nothing."""
    found = bars([("2026-01-01", 0), ("2026-01-02", 1), ("2026-01-03", 2)])
    assert [one["height"] for one in found["bars"]] == [19, 38]
    assert found["table"][0] == ("2026-01-03", 2)
    assert bars([("2026-01-01", 0)])["bars"] == []
    assert bars([])["bars"] == []
