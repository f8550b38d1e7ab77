"""``lambda.provisionedConcurrency``: a number, with an alias, of no more than the function may run."""

import pytest

from lockstep.config.load import load
from lockstep.config.validate import validate
from tests.unit.config.conftest import STAGING_FILE, staging

KEY = "staging/s3-notifier"


@pytest.mark.parametrize(
    ("block", "line", "problem", "fix"),
    [
        ("  provisionedConcurrency: 2", 4, "is about published versions", "add lambda.alias"),
        ("  provisionedConcurrency: 0\n  alias: live", 4, "provisionedConcurrency", "1"),
        ("  provisionedConcurrency: -1\n  alias: live", 4, "provisionedConcurrency", "1"),
        ("  provisionedConcurrency: many\n  alias: live", 4, "is not a whole number", "1"),
        ("  provisionedConcurrency: {executions: 2}\n  alias: live", 4, "is not a whole number", "1"),
        (
            "  provisionedConcurrency: 3\n  alias: live\n  reservedConcurrency: 2",
            *(4, "never runs more than 2 calls", "write at most 2"),
        ),
        (
            "  provisionedConcurrency: 3\n  alias: live\n  snapStart: PublishedVersions",
            *(4, "does not go with SnapStart", "remove provisionedConcurrency"),
        ),
        ("  provisionedConcurency: 3\n  alias: live", 4, "unknown key", "provisionedConcurrency"),
        ("  provisionedConcurrencyConfig: 3\n  alias: live", 4, "unknown key", "provisionedConcurrency"),
    ],
)
def test_what_aws_would_refuse_is_told_at_its_line(block: str, line: int, problem: str, fix: str) -> None:
    """Before any call, with a way out."""
    (found,) = validate(staging(block)).problems
    assert problem in str(found)
    assert fix in str(found.fix)
    assert found.where == f"{STAGING_FILE}:{line}"


@pytest.mark.parametrize(
    ("value", "settings"), [("5", [{"executions": 5}]), ("null", []), ("{service}", None)]
)
def test_it_is_one_number_and_null_takes_it_away(value: str, settings: object) -> None:
    """As ``reservedConcurrency`` is; no text is taken for it."""
    tree = staging(f"  alias: live\n  provisionedConcurrency: {value}")
    if settings is None:
        assert len(validate(tree).problems) == 1
        return
    found = load(tree).fleet.targets[KEY].resources
    assert [one.settings for one in found] == settings
    assert all(one.qualifier == "live" for one in found)
