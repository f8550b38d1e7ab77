"""``lambda.logSubscriptions``: no function is called by what it writes itself."""

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput
from tests.unit.config.conftest import staging


@pytest.mark.parametrize(
    ("lines", "problem", "fix"),
    [
        ("{pattern: ERROR}", "needs group", "add logSubscriptions.a.group"),
        ("{group: /shop/a, pattern: ERROR, name: 'a:b'}", "name", "logSubscriptions.a"),
        (
            "{group: /aws/lambda/syrfAppUploadS3Notifier-staging}",
            "is the function's own log group",
            "another function",
        ),
        ("{group: /shop/own}\n  logging: {group: /shop/own}", "is the function's own log group", "another"),
        ("{group: /shop/a, name: x}\n    b: {group: /shop/a, name: x}", "are the same to AWS", "remove one"),
        ("{group: /shop/a, emitSystemFields: ['@aws.name']}", "emitSystemFields", "@aws.account"),
    ],
)
def test_what_logs_would_do_for_ever_or_refuse_is_told_at_its_line(
    lines: str, problem: str, fix: str
) -> None:
    """With what to do, before any call is made."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  logSubscriptions:\n    a: {lines}"))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)
