"""``lambda.schedules``: when, where and with whose leave, judged as EventBridge Scheduler judges them."""

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput
from lockstep.model.cron import problem_of
from tests.unit.config.conftest import staging

ROLE = "role: 'arn:aws:iam::123456789012:role/scheduler'"


@pytest.mark.parametrize(
    ("entry", "problem", "fix"),
    [
        (f"{{{ROLE}}}", "needs schedule", "add schedules.orders.schedule"),
        ("{schedule: rate(1 day)}", "needs role", "add schedules.orders.role"),
        (f"{{{ROLE}, schedule: every day}}", "no valid schedule", "rate(5 minutes)"),
        (f"{{{ROLE}, schedule: cron(0 8 * * * *)}}", "has to be ?", "MON-FRI"),
        (f"{{{ROLE}, schedule: 'at(2026-02-30T18:00:00)'}}", "is no schedule", "MON-FRI"),
        (f"{{{ROLE}, schedule: rate(1 day), timezone: Europe/Berln}}", "did you mean Europe/Berlin?", "IANA"),
        (f"{{{ROLE}, schedule: rate(1 day), input: nightly}}", "the input is no JSON", "write one"),
        (f"{{{ROLE}, schedule: rate(1 day), flexibleWindow: 1441}}", "flexibleWindow", "1440"),
        (
            f"{{{ROLE}, schedule: 'at(2026-12-24T18:00:00)', end: '2027-01-01T00:00:00Z'}}",
            "no start and no end",
            "remove them",
        ),
        (
            f"{{{ROLE}, schedule: rate(1 day), start: '2027-01-01T00:00:00Z', end: '2026-01-01T00:00:00Z'}}",
            "is not after the start",
            "a later end",
        ),
    ],
)
def test_what_the_scheduler_refuses_is_told_at_its_line(entry: str, problem: str, fix: str) -> None:
    """With what to do, before any call is made."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  schedules:\n    orders: {entry}"))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)


def test_a_rule_and_a_schedule_of_one_name_are_refused() -> None:
    """Both would call the function, and people would take one for the other."""
    both = f"  rules: {{a: {{schedule: rate(1 day)}}}}\n  schedules: {{a: {{schedule: rate(1 day), {ROLE}}}}}"
    with pytest.raises(BadInput, match="are a schedule and a rule of one name") as caught:
        load(staging(both))
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)


@pytest.mark.parametrize("rate", ["rate(1 hours)", "rate(1 hour)", "rate(5 minute)"])
def test_a_rate_has_any_unit_for_the_scheduler(rate: str) -> None:
    """Singular or plural, whatever the number; EventBridge's rules want it as English does."""
    assert problem_of(rate, once=True) is None
    assert (problem_of(rate) is None) == (rate == "rate(1 hour)")
    assert problem_of("rate(0 hours)", once=True) is not None
