"""What of an expected answer is missing in another one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.planning.subsets import missing_from

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_everything_is_a_part_of_itself(value: Any) -> None:
    """And members that nobody expects are no difference."""
    assert missing_from(value, value) is None
    if isinstance(value, dict):
        assert missing_from(value, {**value, "more": 1}) is None


@pytest.mark.parametrize(
    ("expected", "found", "missing"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "$.a.b is not 1"),
        ({"a": 1}, {}, "$.a is missing"),
        ({"a": 1}, [1], "$ is no object"),
        ([{"a": 1}], [{"a": 1, "b": 2}], None),
        ([1], [1, 2], "$ is no list of 1"),
        (True, 1, "$ is not True"),
        (0, False, "$ is not 0"),
        (1, 1.0, None),
    ],
)
def test_what_is_missing_is_named_by_its_path(expected: Any, found: Any, missing: str | None) -> None:
    """Lists are compared item by item, and truth is no number."""
    assert missing_from(expected, found) == missing
