"""The table of runtimes: complete, dated as AWS says, and judged by a day that is given."""

import datetime
import json
from importlib import resources

import botocore.session
import pytest

from lockstep.model.runtimes import RUNTIMES, Phase, edition, is_newer, phase_of, successor

KNOWN = botocore.session.get_session().get_service_model("lambda").shape_for("Runtime").enum


def day(text: str) -> datetime.date:
    """A date."""
    return datetime.date.fromisoformat(text)


def test_every_runtime_of_the_service_model_has_a_row() -> None:
    """A new one in botocore is noticed here, unless it is one that the table says may come."""
    missing = [name for name in KNOWN if name not in RUNTIMES and not is_newer(name)]
    assert not missing, "add rows to lockstep/model/runtimes.py, with the dates of AWS's page"


def test_dates_agree_with_another_reading_of_aws() -> None:
    """Deprecations are those of AWS's cfn-lint; blocks come no month earlier than it says."""
    pytest.importorskip("cfnlint", reason="comes with moto[server]")
    text = resources.files("cfnlint.data.AdditionalSpecs").joinpath("LmbdRuntimeLifecycle.json").read_text()
    for name, theirs in json.loads(text).items():
        if name not in RUNTIMES:
            assert name not in KNOWN, name
            continue
        ours = RUNTIMES[name]
        assert str(ours.deprecated) == theirs["deprecated"], name
        for one, other in ((ours.no_create, "create-block"), (ours.no_update, "update-block")):
            assert one is not None
            assert day(theirs[other]) - one < datetime.timedelta(days=30), name


@pytest.mark.parametrize(
    ("today", "phase"),
    [
        ("2025-12-14", Phase.SUPPORTED),
        ("2025-12-15", Phase.DEPRECATED),
        ("2027-07-28", Phase.DEPRECATED),
        ("2027-07-29", Phase.NO_CREATE),
        ("2027-08-30", Phase.NO_CREATE),
        ("2027-08-31", Phase.RETIRED),
    ],
)
def test_a_phase_begins_on_its_day(today: str, phase: Phase) -> None:
    """The day that AWS names is the first one."""
    assert phase_of(RUNTIMES["python3.9"], day(today)) is phase


def test_a_preview_has_no_end() -> None:
    """AWS has named no date."""
    assert phase_of(RUNTIMES["nodejs26.x"], day("2099-01-01")) is Phase.SUPPORTED


def test_the_edition_changes_with_a_phase_and_not_between() -> None:
    """What is remembered under it holds until the next date of the table."""
    assert edition(day("2027-07-29")) == edition(day("2027-08-30"))
    assert edition(day("2027-08-30")) != edition(day("2027-08-31"))
    assert edition(day("2000-01-01")) == ""


def test_what_follows_a_runtime_is_the_newest_that_is_no_preview() -> None:
    """Of its own family, or of the one that took its place."""
    found = {
        name: successor(RUNTIMES[name]) for name in ("python3.8", "nodejs24.x", "go1.x", "dotnetcore3.1")
    }
    assert found == {
        "python3.8": "python3.14",
        "nodejs24.x": None,
        "go1.x": "provided.al2023",
        "dotnetcore3.1": "dotnet10",
    }


@pytest.mark.parametrize("name", ["python3.16", "nodejs28.x", "java29", "dotnet12", "ruby4.1", "python4.0"])
def test_what_may_have_come_since_is_not_called_wrong(name: str) -> None:
    """AWS adds runtimes more often than this table is renewed."""
    assert name not in RUNTIMES
    assert is_newer(name)


@pytest.mark.parametrize(
    "name",
    ["python3.99", "nodejs99.x", "nodejs25.x", "dotnet7", "python3", "cobol1", "Python3.13", "java8.al3", ""],
)
def test_other_names_are_no_runtimes(name: str) -> None:
    """Misspelt, skipped, or far away."""
    assert name not in RUNTIMES
    assert not is_newer(name)
