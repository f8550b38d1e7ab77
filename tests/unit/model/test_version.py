"""Semantic versions: what is one, which is higher, what comes next. Examples: semver.org."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.version import Level, NotAVersion, Version

VALID = """
0.0.4
1.2.3
10.20.30
1.1.2-prerelease+meta
1.1.2+meta
1.1.2+meta-valid
1.0.0-alpha
1.0.0-beta
1.0.0-alpha.beta
1.0.0-alpha.beta.1
1.0.0-alpha.1
1.0.0-alpha0.valid
1.0.0-alpha.0valid
1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay
1.0.0-rc.1+build.1
2.0.0-rc.1+build.123
1.2.3-beta
10.2.3-DEV-SNAPSHOT
1.2.3-SNAPSHOT-123
1.0.0
2.0.0
1.1.7
2.0.0+build.1848
2.0.1-alpha.1227
1.0.0-alpha+beta
1.2.3----RC-SNAPSHOT.12.9.1--.12+788
1.2.3----R-S.12.9.1--.12+meta
1.2.3----RC-SNAPSHOT.12.9.1--.12
1.0.0+0.build.1-rc.10000aaa-kk-0.1
99999999999999999999999.999999999999999999.99999999999999999
1.0.0-0A.is.legal
0.1.5-pr123
0.1.6-pr123.4
"""

INVALID = """
1
1.2
1.2.3-0123
1.2.3-0123.0123
1.1.2+.123
+invalid
-invalid
-invalid+invalid
-invalid.01
alpha
alpha.beta
alpha.beta.1
alpha.1
alpha+beta
alpha_beta
alpha.
alpha..
beta
1.0.0-alpha_beta
-alpha.
1.0.0-alpha..
1.0.0-alpha..1
1.0.0-alpha...1
1.0.0-alpha....1
1.0.0-alpha.....1
1.0.0-alpha......1
1.0.0-alpha.......1
01.1.1
1.01.1
1.1.01
1.2.3.DEV
1.2-SNAPSHOT
1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788
1.2-RC-SNAPSHOT
-1.0.3-gamma+b7718
+justmeta
9.8.7+meta+meta
9.8.7-whatever+meta+meta
99999999999999999999999.999999999999999999.99999999999999999----RC-SNAPSHOT.12.09.1--------------------------------..12
"""

CHAIN = """
0.0.9 0.9.0 0.10.0 1.0.0-1 1.0.0-2 1.0.0-10 1.0.0--1 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta
1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.0.0 2.1.0 2.1.1
"""
"""The specification's own examples, § 11, in order, with a few between."""


@pytest.mark.parametrize("text", VALID.split())
def test_what_the_specification_takes_is_read_and_written_back(text: str) -> None:
    """The examples of semver.org's regular expression, which match."""
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    "text", [*INVALID.split(), "", "v1.2.3", " 1.2.3", "1.2.3\n", "1.2.3-", "1.2.3+", "١.2.3"]
)
def test_what_the_specification_refuses_is_refused(text: str) -> None:
    """The examples of semver.org's regular expression, which do not match, and what people paste."""
    with pytest.raises(NotAVersion):
        Version.parse(text)
    assert Version.find(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("v1.2.3", "begins with v, which is part of a tag"),
        ("1.2", "has 2 of the three numbers"),
        ("1.2.3.4", "has more than the three numbers"),
        ("1.02.3", "a number with a leading zero"),
        ("1.2.3-01", "the number 01 with a leading zero in its pre-release"),
        ("1.2.3-a..b", "an empty part in its pre-release"),
        ("1.2.3+a_b", "characters other than 0-9, A-Z, a-z and - in its build metadata"),
        ("1.2.3-é", "characters other than"),
        ("latest", "does not begin with MAJOR.MINOR.PATCH"),
        ("1.2.3 ", "has blanks around it"),
        ("1.2." + "3" * 300, "is longer than 255 characters"),
    ],
)
def test_a_refusal_says_why(text: str, reason: str) -> None:
    """The message names what is wrong with the text."""
    with pytest.raises(NotAVersion, match=reason):
        Version.parse(text)


def test_precedence_is_that_of_the_specification() -> None:
    """Each of the chain is lower than all that follow."""
    versions = [Version.parse(text) for text in CHAIN.split()]
    for lower, higher in itertools.combinations(versions, 2):
        assert lower < higher
        assert lower.precedence < higher.precedence


def test_build_metadata_does_not_count_in_precedence() -> None:
    """Versions that differ in build metadata only are of one precedence, and still have an order."""
    plain, one, two = (Version.parse(text) for text in ("1.0.0", "1.0.0+1", "1.0.0+2"))
    assert plain.precedence == one.precedence == two.precedence
    assert plain < one < two


@pytest.mark.parametrize(
    ("version", "level", "expected"),
    [
        ("0.1.5", Level.NONE, "0.1.5"),
        ("0.1.5", Level.PATCH, "0.1.6"),
        ("0.1.5", Level.MINOR, "0.2.0"),
        ("0.1.5", Level.MAJOR, "1.0.0"),
        ("1.2.3+build", Level.PATCH, "1.2.4"),
        ("1.2.3-rc.1", Level.PATCH, "1.2.3"),
        ("1.2.3-rc.1", Level.MINOR, "1.3.0"),
        ("1.2.0-rc.1", Level.MINOR, "1.2.0"),
        ("1.2.0-rc.1", Level.MAJOR, "2.0.0"),
        ("2.0.0-rc.1", Level.MAJOR, "2.0.0"),
        ("2.0.1-rc.1", Level.MAJOR, "3.0.0"),
    ],
)
def test_bumps(version: str, level: Level, expected: str) -> None:
    """The next release by level."""
    assert str(Version.parse(version).bump(level)) == expected


def test_a_pull_requests_version_is_below_its_release() -> None:
    """Later pushes are higher, also from nine to ten, and all of them below the release."""
    release = Version.parse("0.1.6")
    nine, ten = release.as_prerelease("pr123", 9), release.as_prerelease("pr123", 10)
    assert str(nine) == "0.1.6-pr123.9"
    assert Version.parse("0.1.5") < nine < ten < release
    with pytest.raises(NotAVersion):
        release.as_prerelease("a b")


def test_levels_have_an_order_and_a_name() -> None:
    """The highest level that any change asks for wins."""
    assert max(Level.PATCH, Level.MAJOR, Level.MINOR, Level.NONE) is Level.MAJOR
    assert [str(level) for level in Level] == ["none", "patch", "minor", "major"]


_identifiers = st.from_regex(r"(0|[1-9][0-9]{0,2}|[0-9]*[A-Za-z-][0-9A-Za-z-]{0,3})", fullmatch=True)
_numbers = st.integers(min_value=0, max_value=3)


def _written(core: tuple[int, ...], prerelease: list[str], build: list[str]) -> str:
    ends = [f"{mark}{'.'.join(parts)}" for mark, parts in (("-", prerelease), ("+", build)) if parts]
    return ".".join(map(str, core)) + "".join(ends)


texts = st.builds(
    _written,
    st.tuples(_numbers, _numbers, _numbers),
    st.lists(_identifiers, max_size=3),
    st.lists(st.from_regex(r"[0-9A-Za-z-]{1,3}", fullmatch=True), max_size=2),
)
versions = texts.map(Version.parse)


@given(texts)
def test_writing_what_was_read_gives_it_back(text: str) -> None:
    """str after parse is the identity, and parse after str too."""
    version = Version.parse(text)
    assert str(version) == text
    assert Version.parse(str(version)) == version


@given(versions, versions, versions)
def test_the_order_is_total(a: Version, b: Version, c: Version) -> None:
    """Of two versions one is lower or they are the same; the order has no circles."""
    assert [a < b, a == b, a > b].count(True) == 1
    if a <= b and b <= c:
        assert a <= c
    assert (a.precedence < b.precedence) <= (a < b)
    assert sorted([a, b, c]) == sorted([c, a, b])


@given(versions, st.sampled_from([Level.PATCH, Level.MINOR, Level.MAJOR]))
def test_a_bump_is_a_higher_release(version: Version, level: Level) -> None:
    """A bump strictly increases, is no pre-release, and a higher level never gives a lower version."""
    bumped = version.bump(level)
    assert bumped.precedence > version.precedence
    assert bumped.is_release
    assert version.bump(Level.PATCH) <= bumped <= version.bump(Level.MAJOR)


@given(versions)
def test_a_prerelease_is_below_its_release(version: Version) -> None:
    """And above every release before it."""
    if not version.is_release:
        assert version.precedence < version.core.precedence
    assert version.core.as_prerelease("pr1", 1) < version.core
