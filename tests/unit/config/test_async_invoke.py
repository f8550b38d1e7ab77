"""``lambda.asyncInvoke``: destinations as Lambda takes them."""

import pytest

from lockstep.config.validate import validate
from tests.unit.config.conftest import STAGING_FILE, staging


@pytest.mark.parametrize("name", ["onSuccess", "onFailure"])
@pytest.mark.parametrize(
    "arn", ["sqs:eu-west-1:123456789012:a.fifo", "sns:eu-west-1:123456789012:a.fifo", "x"]
)
def test_a_destination_is_a_standard_queue_or_topic(name: str, arn: str) -> None:
    """Lambda hands on to no FIFO queue and no FIFO topic, which is told before any call."""
    (found,) = validate(staging(f"  asyncInvoke: {{{name}: 'arn:aws:{arn}'}}")).problems
    assert f"is no valid {name}" in str(found)
    assert "for example arn:aws:sqs:" in str(found.fix)
    assert found.where == f"{STAGING_FILE}:4"
