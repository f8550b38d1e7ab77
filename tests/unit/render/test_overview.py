"""Status of ten services and of a thousand is one screen."""

import pytest

from lockstep.model import Health, StatusRow, SyncStatus
from lockstep.render.cells import columns_of
from lockstep.render.overview import is_well, overview_lines
from lockstep.render.palette import COLOUR


def _row(number: int, environment: str = "staging", **fields: object) -> StatusRow:
    service = f"service-{number:04d}"
    usual = {
        "target": f"{environment}/{service}",
        "service": service,
        "environment": environment,
        "deployment_type": "lambda",
        "declared": "1.0.0",
        "live": "1.0.0",
        "status": SyncStatus.SYNCED,
        "health": Health.HEALTHY,
    }
    return StatusRow(**{**usual, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [0, 3, 400, 1000])
def test_a_thousand_services_are_one_screen(bad: int) -> None:
    """Counts by environment, the worst first, how many more there are, and the totals, in 80 by 24."""
    off = {"status": SyncStatus.OUT_OF_SYNC, "live": "0.9.0"}
    rows = [_row(number, **(off if number < bad else {})) for number in range(1000)]
    rows += [_row(7, f"preview/pr-{number}", health=Health.DEGRADED) for number in range(2)]
    lines = overview_lines(rows, most=24)
    assert len(lines) <= 24
    assert max(map(columns_of, lines)) <= 80
    assert lines[1].split() == ["staging", "1000", str(1000 - bad), str(bad), "0", "0"]
    assert lines[2].split()[:3] == ["2", "previews", "2"]
    assert lines[4].startswith("preview/pr-0/service-0007"), "what is broken comes first"
    assert lines[-1].startswith(f"Status: {1002 - bad} synced, {bad} out of sync")
    assert ("more that are not well; --all shows everything" in "\n".join(lines)) is (bad > 20)
    assert [len(line) for line in overview_lines(rows, palette=COLOUR, most=24)]


def test_all_well_is_said() -> None:
    """A green screen says what it means; what another tool deploys is not judged."""
    rows = [_row(1), _row(2, deployment_type="helm", status=SyncStatus.UNKNOWN, health=Health.UNKNOWN)]
    assert all(map(is_well, rows))
    assert "All are as Git says, and healthy. --all shows each." in overview_lines(rows)
