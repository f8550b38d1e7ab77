"""AWS's request quotas: Lockstep keeps below them by itself, and lives with 429 when others use them up."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lockstep.engines.aws.patience import Patience
from tests.strict import Notifications, Quotas
from tests.support.clouds import Cloud
from tests.support.engine import Lab, Refuse
from tests.support.projects import make_fleet, make_target, trigger

SCALE = 4.0  # times AWS's rates, to be done in seconds


def test_a_first_sync_keeps_below_the_quotas(
    cloud: Cloud, lab_on: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty functions are made under the quotas with hardly a call refused."""
    monkeypatch.setenv("LOCKSTEP_QUOTAS", str(SCALE))
    quotas = Quotas(scale=SCALE)
    lab = lab_on(cloud, quotas)
    run = lab.run(make_fleet(*(make_target(f"preview/pr-{n}/x") for n in range(60))))
    assert run.report.is_success, run.failures
    assert sum(quotas.throttled.values()) <= 3, quotas.throttled


def test_a_sync_succeeds_when_others_use_up_the_quotas(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Calls of every family are refused for a while; each is made again and nothing fails."""
    names = ("CreateFunction", "AddPermission", "GetFunction", "GetPolicy")
    refusals = [
        Refuse(f"lambda.{name}", "TooManyRequestsException", "Rate exceeded", status=429, times=5)
        for name in names
    ]
    lab = lab_on(cloud, Notifications(), *refusals)
    targets = [make_target(f"preview/pr-{n}/x", trigger(f"p/{n}/")) for n in range(20)]
    run = lab.run(make_fleet(*targets), pace=replace(lab.pace, patience=Patience(attempts=8)))
    assert run.report.is_success, run.failures
    assert [refusal.refused for refusal in refusals] == [5, 5, 5, 5]


def test_a_cloud_on_this_machine_has_no_quotas_unless_asked(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``LOCKSTEP_QUOTAS`` that is no number is bad input; a loopback endpoint is not paced by default."""
    monkeypatch.setenv("LOCKSTEP_QUOTAS", "fast")
    with pytest.raises(Exception, match="LOCKSTEP_QUOTAS: 'fast'"):
        lab.plan(make_fleet(make_target()))
