"""Texts of a function's own without what is secret in them."""

import pytest

from lockstep.model.masking import without_literals, without_secrets_in


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("connected with hunter2-long-enough", "connected with (secret)"),
        ('{"password": "abc", "user": "ada"}', '{"password": "(secret)", "user": "ada"}'),
        (
            r'{"message": "{\"password\": \"x y\", \"user\": \"ada\"}"}',
            r'{"message": "{\"password\": \"(secret)\", \"user\": \"ada\"}"}',
        ),
        ("DB_PASSWORD=x1 level=info", "DB_PASSWORD=(secret) level=info"),
        ("password: null", "password: null"),
        ("key AKIAIOSFODNN7EXAMPLE was used", "key (secret) was used"),
        ("amqp://user:pass@host/ is down", "(secret) is down"),
        ("REPORT RequestId: 1 Duration: 5 ms", "REPORT RequestId: 1 Duration: 5 ms"),
        ("2026-11-29T10:00:00 took 12:30", "2026-11-29T10:00:00 took 12:30"),
    ],
)
def test_known_values_names_and_shapes_are_masked(text: str, shown: str) -> None:
    """And nothing else: a log is there to be read."""
    assert without_secrets_in(text, ["hunter2-long-enough"]) == shown


def test_a_program_keeps_what_is_no_text() -> None:
    """A password that is written out is masked; an expression that asks for one is not."""
    assert without_literals('password = "hunter2"') == 'password = "(secret)"'
    line = '+    return {"password": os.environ["DB_PASSWORD"]}'
    assert without_literals(line) == line
    assert without_literals("key='AKIAIOSFODNN7EXAMPLE'") == "key='(secret)'"
