"""``lambda.asyncInvoke``: destinations as Lambda takes them."""

import pytest

from lockstep.config.validate import validate
from tests.unit.config.conftest import STAGING_FILE, staging


@pytest.mark.parametrize("name", ["onSuccess", "onFailure"])
@pytest.mark.parametrize("arn", ["sqs:eu-west-1:123456789012:a.fifo", "sns:eu-west-1:123456789012:a.fifo"])
def test_a_destination_is_a_standard_queue_or_topic(name: str, arn: str) -> None:
    """Lambda hands on to no FIFO queue and no FIFO topic, which is told before any call."""
    (found,) = validate(staging(f"  asyncInvoke: {{{name}: 'arn:aws:{arn}'}}")).problems
    assert f"is a FIFO one, and AWS takes none for {name}" in str(found)
    assert found.fix == "name a standard one"
    assert found.where == f"{STAGING_FILE}:4"


@pytest.mark.parametrize("service", ["sqs", "sns"])
def test_a_dead_letter_target_is_a_standard_queue_or_topic(service: str) -> None:
    """It was taken, and failed when the function was to be written."""
    line = f"  deadLetterTarget: arn:aws:{service}:eu-west-1:123456789012:a.fifo"
    (found,) = validate(staging(line)).problems
    assert "is a FIFO one, and AWS takes none for deadLetterTarget" in str(found)
    assert found.where == f"{STAGING_FILE}:4"


def test_a_destination_that_is_none_is_told_with_an_example() -> None:
    """By its own words, not those of a FIFO queue."""
    (found,) = validate(staging("  asyncInvoke: {onFailure: 'arn:aws:x'}")).problems
    assert "is no valid onFailure" in str(found)
    assert "for example arn:aws:sqs:" in str(found.fix)
