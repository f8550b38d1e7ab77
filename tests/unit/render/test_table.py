"""Tables fit the terminal where they may be cut."""

from hypothesis import given
from hypothesis import strategies as st

from lockstep.render.cells import columns_of
from lockstep.render.table import table_lines

ROWS = [("N", "TITLE", "BY"), ("1", "a long title that goes on and on", "Ada"), ("10", "short", "Grace")]


def test_columns_stand_in_line() -> None:
    """Each as wide as its widest cell, two spaces between them, none at the end."""
    assert table_lines(ROWS) == [
        "N   TITLE                             BY",
        "1   a long title that goes on and on  Ada",
        "10  short                             Grace",
    ]


def test_what_may_be_cut_is_cut_to_fit() -> None:
    """The end is replaced by one mark; the others stay whole."""
    assert table_lines(ROWS, columns=30, cut=(1,)) == [
        "N   TITLE                BY",
        "1   a long title that …  Ada",
        "10  short                Grace",
    ]


@given(
    st.lists(st.tuples(*[st.text("ab漢é ", max_size=60)] * 3), min_size=1, max_size=6), st.integers(40, 120)
)
def test_a_table_is_no_wider_than_the_terminal(rows: list[tuple[str, ...]], columns: int) -> None:
    """As long as every column may be cut and keeps its least."""
    assert all(columns_of(line) <= columns for line in table_lines(rows, columns=columns, cut=(0, 1, 2)))
