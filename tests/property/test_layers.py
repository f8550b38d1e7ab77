"""Laws of merging layers, as Helm merges values."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lockstep.config.layers import fold, merge

KEYS = st.sampled_from("abcd")
SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x"])
VALUES = st.recursive(
    SCALARS | st.lists(st.integers(0, 3) | st.none(), max_size=2),
    lambda below: st.dictionaries(KEYS, below, max_size=3),
    max_leaves=8,
)
LAYERS = st.dictionaries(KEYS, VALUES, max_size=4)
MAPS_ONLY = st.dictionaries(
    KEYS,
    st.dictionaries(KEYS, st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2), max_size=3),
    max_size=3,
)
"""Layers of one shape and without nulls, in which a map never stands against a scalar."""


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """The map without keys that are null, at any depth of maps."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def has_null(values: Mapping[str, Any]) -> bool:
    """A null is the value of some key."""
    return any(v is None or (isinstance(v, dict) and has_null(v)) for v in values.values())


@given(LAYERS)
def test_an_empty_layer_changes_nothing(layer: dict[str, Any]) -> None:
    """On either side, once nulls have done their work."""
    clean = without_nulls(layer)
    assert merge(clean, {}) == clean
    assert merge({}, layer) == clean


@given(LAYERS)
def test_a_layer_on_itself_is_itself(layer: dict[str, Any]) -> None:
    """Saying a thing twice says it once."""
    clean = without_nulls(layer)
    assert merge(clean, clean) == clean


@given(st.lists(LAYERS, max_size=4))
def test_nothing_merged_is_null(layers: list[dict[str, Any]]) -> None:
    """Null deletes, and leaves nothing behind."""
    assert not has_null(fold(layers))


@given(LAYERS, LAYERS)
def test_what_the_upper_layer_says_holds(base: dict[str, Any], over: dict[str, Any]) -> None:
    """Scalars and lists replace, null deletes, maps hold what both say."""
    merged = merge(without_nulls(base), over)
    for key, value in over.items():
        if value is None:
            assert key not in merged
        elif isinstance(value, dict):
            below = merged[key]
            assert all(
                below.get(name) == inside for name, inside in value.items() if not isinstance(inside, dict)
            )
        else:
            assert merged[key] == value
    assert {key: merged[key] for key in base if key not in over and base[key] is not None} == {
        key: value for key, value in without_nulls(base).items() if key not in over
    }


@given(LAYERS, LAYERS)
def test_merging_changes_neither_layer(base: dict[str, Any], over: dict[str, Any]) -> None:
    """Layers are shared by many targets."""
    before = repr(base), repr(over)
    merge(base, over)
    assert (repr(base), repr(over)) == before


@given(MAPS_ONLY, MAPS_ONLY, MAPS_ONLY)
def test_layers_of_one_shape_may_be_merged_in_any_grouping(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    """Associativity holds where no null and no scalar stands between maps."""
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(st.lists(LAYERS, max_size=3), st.lists(LAYERS, max_size=3))
def test_common_layers_may_be_merged_first(common: list[dict[str, Any]], own: list[dict[str, Any]]) -> None:
    """Folding a common prefix once and laying the rest on it is folding everything."""
    assert fold([fold(common), *own]) == fold([*common, *own])
