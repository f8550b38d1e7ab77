"""Text on a terminal: escaped, measured and wrapped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.render.cells import columns_of, hanging, message_lines, printable, printable_lines, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("grün 日本", "grün 日本"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202ecba", "abc\\u202ecba"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_what_could_act_is_escaped(text: str, shown: str) -> None:
    """Escapes, C1 controls, bidi overrides and invisible characters are spelled out."""
    assert printable(text) == shown


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("●", 1)])
def test_width_is_counted_in_columns(text: str, columns: int) -> None:
    """Wide characters take two columns, combining ones none."""
    assert columns_of(text) == columns


@given(
    st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=50), max_size=9),
    st.integers(20, 40),
)
def test_wrapped_lines_fit_and_break_no_word(words: list[str], columns: int) -> None:
    """No line is wider than asked but one that is a single word, such as a path to be copied."""
    lines = wrap(" ".join(words), columns)
    assert [word for line in lines for word in line.split(" ") if word] == words
    assert all(columns_of(line) <= columns or " " not in line for line in lines)


def test_a_message_hangs_below_its_label_on_a_terminal() -> None:
    """In a pipe its lines stay as they are; on a terminal they are wrapped below their words."""
    text = "warning: a/long/path: is not as it should be\n  fix: run it again with more patience"
    assert message_lines(text, None) == text.splitlines()
    assert message_lines(text, 40) == [
        "warning: a/long/path: is not as it",
        "         should be",
        "  fix: run it again with more patience",
    ]


@pytest.mark.parametrize("text", ["::stop-commands::x", "  ::add-mask::x", "x\n::error::y"])
def test_no_line_is_a_ci_command(text: str) -> None:
    """A message cannot give orders to the CI system that shows it."""
    assert not any(line.strip().startswith("::") for line in printable_lines(text))


@given(st.text(":a ", max_size=120))
def test_wrapping_makes_no_ci_command(text: str) -> None:
    """Not even where a value is broken does a line begin like a command with a name."""
    first, *rest = hanging("    - ", text, 40)
    assert first.startswith("    - ")
    assert not any(line.strip().startswith("::a") for line in rest)
