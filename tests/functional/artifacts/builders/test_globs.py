"""Patterns of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.artifacts.builders.globs import matcher

_PART = st.text(st.sampled_from("ab.[]*?-"), min_size=1, max_size=4).filter(
    lambda part: part not in (".", "..")
)
_NAME = st.lists(_PART, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.md", ["README.md", "docs/a.md"], ["a.mdx", "md"]),
        ("tests", ["tests/a.py", "lib/tests/b/c.py", "tests"], ["tests.py", "mytests/a"]),
        ("tests/", ["tests/a.py", "lib/tests/b.py"], ["test"]),
        ("/tests", ["tests/a.py"], ["lib/tests/a.py"]),
        ("lib/*.so", ["lib/a.so"], ["lib/x/a.so", "a.so", "my/lib/a.so"]),
        ("lib/**/*.so", ["lib/a.so", "lib/x/y/a.so"], ["a.so"]),
        ("**/x", ["x", "a/x", "a/b/x/c"], ["ax"]),
        ("lib/**", ["lib/a", "lib/a/b"], ["li", "libs/a"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("./lib/a", ["lib/a"], ["x/lib/a"]),
        ("[id].js", ["[id].js", "pages/[id].js"], ["i.js"]),
        ("a+b", ["a+b"], ["aab"]),
    ],
)
def test_patterns_mean_what_they_say(pattern: str, yes: list[str], no: list[str]) -> None:
    """Names anywhere, paths from the top, folders with all that is in them."""
    takes = matcher([pattern])
    assert [name for name in yes if not takes(name)] == []
    assert [name for name in no if takes(name)] == []


def test_no_pattern_matches_nothing() -> None:
    """An empty list, and patterns that name nothing."""
    assert not matcher([])("a")
    assert not matcher(["", "/", "//"])("a")


@given(name=_NAME, below=_NAME)
def test_a_folder_stands_for_what_is_in_it(name: str, below: str) -> None:
    """Whatever matches a name matches everything below it."""
    literal = "/" + name.replace("*", "?")
    takes = matcher([literal])
    assert takes(name)
    assert takes(f"{name}/{below}")


@given(names=st.lists(_NAME, max_size=5), patterns=st.lists(_NAME, max_size=3))
def test_several_patterns_match_what_one_of_them_does(names: list[str], patterns: list[str]) -> None:
    """A list is the union of its patterns."""
    for name in names:
        assert matcher(patterns)(name) == any(matcher([pattern])(name) for pattern in patterns)
