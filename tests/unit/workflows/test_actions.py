"""The runner that tests use: its expressions are GitHub's."""

import pytest

from tests.support.actions import evaluate, fill

CONTEXTS = {
    "github": {"event": {"labels": [{"name": "Preview"}, {"name": "x"}], "number": 7}, "server": "http://s"},
    "vars": {},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.event.number == 7", True),
        ("contains(github.event.labels.*.name, 'preview')", True),
        ("!contains(github.event.labels.*.name, 'previews')", True),
        ("vars.NONE || format('{0}/{1}', github.server, 'it''s')", "http://s/it's"),
        ("github.event.missing.deeper == null && 'yes'", "yes"),
        ("false || (true && 'a' == 'A')", True),
        ("vars.NONE != ''", False),
        ("github.event.number == '7'", True),
        ("github.event.number == 'seven'", False),
        ("true == 1", True),
    ],
)
def test_expressions_mean_what_they_mean_on_github(text: str, value: object) -> None:
    """Operators bind and give operands as GitHub's do; strings are compared without case."""
    assert evaluate(text, CONTEXTS) == value


def test_what_is_missing_is_an_empty_text() -> None:
    """A variable that nobody set leaves nothing behind."""
    assert fill("a${{ vars.NONE }}b${{ github.event.number }}", CONTEXTS) == "ab7"
