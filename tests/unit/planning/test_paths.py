"""Patterns that select the paths of a service."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.planning.paths import folders_of, matcher, touched, unmatched

YES = [
    ("src/api", "src/api"),
    ("src/api", "src/api/a/b.py"),
    ("src/api/", "src/api/a"),
    ("src/*/shared", "src/x/shared/a"),
    ("src/*.json", "src/a.json"),
    ("*.json", "a.json"),
    ("src/**", "src/a"),
    ("src/**/test", "src/test/a"),
    ("src/**/test", "src/a/b/test"),
    ("**/Dockerfile", "Dockerfile"),
    ("**/Dockerfile", "a/b/Dockerfile"),
    ("**", "anything/at all"),
    (".", "anything"),
    ("lib?", "libs/a"),
    ("lib[sx]", "libx"),
    ("lib[!a-c]", "libd"),
    ("a[]b]", "a]"),
    ("a.b", "a.b"),
    ("(a|b)+", "(a|b)+/c"),
    ("app/[id]", "app/[id]/page.tsx"),
    ("app/[id]", "app/i/page.tsx"),
    ("app/[id]/**", "app/[id]/a/b"),
    ("app/[...slug]/*.ts", "app/[...slug]/x.ts"),
    ("**/[id]", "a/b/[id]/c"),
    ("app/[[...all]]", "app/[[...all]]/page.tsx"),
    ("app/[id].*", "app/[id].ts"),
    ("[", "["),
    ("src/a\nb", "src/a\nb"),
]
NO = [
    ("src/api", "src/api2/a"),
    ("src/api", "src/ap"),
    ("src/api", "x/src/api"),
    ("src/*", "src"),
    ("src/*.json", "src/a/b.json"),
    ("*.json", "src/a.json"),
    ("src/**", "src"),
    ("src/**/test", "src/tests"),
    ("lib?", "lib/a"),
    ("lib[sx]", "liba"),
    ("lib[!a-c]", "libb"),
    ("lib[!a]b", "lib/b"),
    ("a.b", "axb"),
    ("app/[id]", "app/[ie]/x"),
    ("app/[id]", "app/id/x"),
    ("app/[id].*", "app/[id]x"),
    ("src/api", "src/api\n"),
]


@pytest.mark.parametrize(("pattern", "path"), YES)
def test_a_pattern_selects(pattern: str, path: str) -> None:
    """A file, a folder with all below it, and wildcards."""
    assert matcher((pattern,))(path)
    assert matcher(("other", pattern))(path)


@pytest.mark.parametrize(("pattern", "path"), NO)
def test_a_pattern_does_not_select(pattern: str, path: str) -> None:
    """Names are whole names; a star stays within one; all is seen from the root."""
    assert not matcher((pattern,))(path)


def test_no_patterns_select_everything() -> None:
    """A service without paths is the whole repository."""
    assert matcher(())("any/thing")
    assert touched(["b", "a"], ()) == "a"
    assert touched([], ()) is None
    assert touched(["x/b", "y/a", "x/a"], ("x",)) == "x/a"


@pytest.mark.parametrize(
    ("patterns", "folders"),
    [
        (("src/api",), ("src/api",)),
        (("src/api", "libs/*.py"), ("src/api",)),
        (("src/api/**",), ("src/api",)),
        (("src/api/**/*.py",), ("src/api",)),
        (("src/api/*",), ("src/api",)),
        (("src/api/a?.py",), ("src/api",)),
        (("app/[id]/**",), ("app/[id]",)),
        (("src/api/**", "src/api/*.json"), ("src/api",)),
        (("src/api/**", "libs/shared/**"), ("src/api", "libs/shared")),
        (("src/api/**", "libs/shared"), ("src/api", "libs/shared")),
        (("src/*/api",), ()),
        (("**/*.py",), ()),
        (("*",), ()),
        (("**",), ()),
        ((".",), ()),
        ((), ()),
    ],
)
def test_the_folder_that_paths_name(patterns: tuple[str, ...], folders: tuple[str, ...]) -> None:
    """What stands before the first wildcard; never the whole repository."""
    assert folders_of(patterns) == folders


def test_what_matches_nothing_is_found() -> None:
    """In the order in which it was written."""
    files = ["src/api/a.py", "app/[id]/page.tsx"]
    assert unmatched(("src/web", "src/**", "app/[id]", "lib[sx]"), files) == ("src/web", "lib[sx]")
    assert unmatched((), files) == ()
    assert unmatched(("src",), []) == ("src",)


@given(st.text(alphabet="ab/*?[]!^-\\.", min_size=1, max_size=12), st.text(alphabet="ab/]", max_size=12))
def test_any_pattern_can_be_used(pattern: str, path: str) -> None:
    """No text is a pattern that fails, however odd."""
    assert matcher((pattern,))(path) in (True, False)


@given(
    st.lists(st.sampled_from(["a", "b.c", "(d)", "e f"]), min_size=1, max_size=4), st.sampled_from(["", "/x"])
)
def test_a_path_without_wildcards_selects_itself_and_what_is_below(names: list[str], more: str) -> None:
    """And never its neighbour."""
    path = "/".join(names)
    assert matcher((path,))(path + more)
    assert not matcher((path,))(path + "2" + more)
