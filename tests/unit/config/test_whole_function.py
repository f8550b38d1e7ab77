"""``lambda.recursion`` and ``lambda.runtimeManagement``: of the function as a whole, whatever is called."""

import pytest

from lockstep.config.load import load
from lockstep.config.validate import validate
from tests.unit.config.conftest import STAGING_FILE, staging

KEY = "staging/s3-notifier"
VERSION = f"arn:aws:lambda:eu-west-1::runtime:{'8' * 64}"


@pytest.mark.parametrize(
    ("block", "line", "problem", "fix"),
    [
        ("  recursion: Stop", 4, "Stop", "Terminate"),
        ("  recursion: {loop: Allow}", 4, "recursion", "Allow"),
        ("  recursiveLoop: Allow", 4, "unknown key", "recursion"),
        ("  runtimeManagement: {updateOn: Never}", 4, "Never", "Manual"),
        ("  runtimeManagement: {updateOn: Manual}", 4, "needs the version", "add version: and its ARN"),
        (f"  runtimeManagement: {{version: '{VERSION}'}}", 4, "for Manual alone", "add updateOn: Manual"),
        ("  runtimeManagement: {updateOn: Manual, version: latest}", 4, "latest", "arn:aws:lambda"),
        (
            "  alias: live\n  runtimeManagement: {updateOn: FunctionUpdate}",
            *(5, "for each published version", "remove runtimeManagement, or lambda.alias"),
        ),
        ("  runtimeManagementConfig: {updateOn: Auto}", 4, "unknown key", "runtimeManagement"),
    ],
)
def test_what_aws_would_refuse_is_told_at_its_line(block: str, line: int, problem: str, fix: str) -> None:
    """Before any call, with a way out."""
    (found,) = validate(staging(block)).problems
    assert problem in str(found)
    assert fix in str(found.fix)
    assert found.where == f"{STAGING_FILE}:{line}"


def test_recursion_is_of_the_function_itself_whatever_alias_is_called() -> None:
    """AWS keeps one for all versions; what is on an alias beside it stays there."""
    tree = staging("  alias: live\n  recursion: Allow\n  asyncInvoke: {maximumRetryAttempts: 0}")
    found = load(tree).fleet.targets[KEY].resources
    assert {one.kind: one.qualifier for one in found} == {"recursion": "", "asyncInvoke": "live"}
