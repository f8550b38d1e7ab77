"""Objects as YAML, read back by PyYAML; and the marks of files."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lockstep.roads.base import Manifest
from lockstep.roads.marks import as_file, mark_of
from lockstep.roads.writing import Said, text_of

_TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(["yes", "0.10", "1e3", "~", "null", "- a", "a: b", "#", "|", "012", "1:20", "a\n b\n\n"]),
    st.lists(st.sampled_from(["a", "  b", "", "c #", "d: "]), max_size=4).map("\n".join),
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(_TEXTS, _VALUES, min_size=1, max_size=4))
def test_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    """No text turns into another type, none loses a line, and the bytes are the same each time."""
    text = text_of([value])
    assert list(yaml.safe_load_all(text)) == [value]
    assert text_of([value]) == text


def test_comments_stand_behind_values_and_change_none() -> None:
    """Also behind the head of a map or a list."""
    text = text_of([{"a": Said("Zip", "why"), "b": Said([{"c": 1}], "all of it")}])
    assert text == "---\na: Zip # why\nb: # all of it\n  - c: 1\n"


@pytest.mark.parametrize("count", [1, 500])
def test_an_edited_file_is_told_from_ours_and_from_others(count: int) -> None:
    """By one character anywhere, of however many lines; without the first line it is not ours."""
    origins = ("a.yaml", *(f"{number}.yaml" for number in range(1, count)))
    manifest = Manifest(path="x", owner="staging/api", objects=({"kind": "X"},), origins=origins)
    text = as_file(manifest, "ack", "shop")
    mark = mark_of(text)
    assert mark is not None
    assert (mark.road, mark.owner, mark.project, mark.is_edited) == ("ack", "staging/api", "shop", False)
    for edited in (text + "\n", text.replace("kind: X", "kind: Y"), text.replace("# From a", "# From b")):
        found = mark_of(edited)
        assert found is not None
        assert found.is_edited
    assert mark_of("kind: X\n") is None
    assert mark_of("") is None


@pytest.mark.parametrize("line", ["# lockstep:sha256:", "# Made by `lockstep render --as ack` for"])
def test_half_a_mark_is_none(line: str) -> None:
    """A file that only quotes us is left alone."""
    found = mark_of(f"{line}\nkind: X\n")
    assert found is None or found.is_edited
