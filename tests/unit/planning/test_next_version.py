"""The next version of a service, from tags and commits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Source
from lockstep.model.commit import LogEntry
from lockstep.model.next_version import Basis, NextVersion, VersionTag
from lockstep.model.version import Version
from lockstep.planning.next_version import (
    given_version,
    last_release,
    next_version,
    objection,
    version_in_tag,
)

HEAD = "a" * 40
OTHER = "b" * 40
API = Source(service="api", paths=("src/api",), tag="api-v{version}")


def tag(version: str, commit: str = OTHER, *, is_reachable: bool = True) -> VersionTag:
    """A tag of the service."""
    return VersionTag(
        name=f"api-v{version}", commit=commit, version=Version.parse(version), is_reachable=is_reachable
    )


def entry(number: int, message: str) -> LogEntry:
    """A commit of the service."""
    return LogEntry(sha=f"{number:040x}", message=message, paths=frozenset({"src/api/a"}))


def found(*messages: str, tags: tuple[VersionTag, ...] = (), pr: int | None = None) -> NextVersion:
    """The next version after commits of the service."""
    entries = [entry(number, message) for number, message in enumerate(messages)]
    return next_version(API, commit=HEAD, tags=tags, entries=entries, count=len(entries) + 1, pr=pr)


@pytest.mark.parametrize(
    ("name", "template", "version"),
    [
        ("api-v1.0.0", "api-v{version}", "1.0.0"),
        ("api-v1.0.0-rc.1+5", "api-v{version}", "1.0.0-rc.1+5"),
        ("my-api-v1.0.0", "api-v{version}", None),
        ("api-v2-v1.0.0", "api-v{version}", None),
        ("api-vfoo", "api-v{version}", None),
        ("api-v", "api-v{version}", None),
        ("api-v1.0", "api-v{version}", None),
        ("v1.0.0", "v{version}", "1.0.0"),
        ("api-v1.0.0", "v{version}", None),
        ("1.0.0/api", "{version}/api", "1.0.0"),
        ("api-", "api-{version}-", None),
    ],
)
def test_the_version_in_a_tag(name: str, template: str, version: str | None) -> None:
    """The whole tag fits the template, or it is not the service's."""
    assert version_in_tag(name, template) == (Version.parse(version) if version else None)


def test_the_base_is_the_highest_reachable_release() -> None:
    """By precedence and not by name or order; pre-releases and other histories are not it."""
    tags = (
        tag("0.9.0"),
        tag("0.10.0"),
        tag("0.11.0-rc.1"),
        tag("0.12.0", is_reachable=False),
        tag("0.2.0"),
    )
    base = last_release(tags)
    assert base is not None
    assert base.name == "api-v0.10.0"
    assert last_release([tag("1.0.0-rc.1")]) is None


@pytest.mark.parametrize(
    ("messages", "tags", "expected", "basis"),
    [
        ((), (), "0.1.0", Basis.FIRST),
        (("feat!: x",), (), "0.1.0", Basis.FIRST),
        (("fix: x",), ("0.1.5",), "0.1.6", Basis.COMMITS),
        (("feat: x", "fix: x"), ("0.1.5",), "0.2.0", Basis.COMMITS),
        (("feat!: x",), ("0.1.5",), "0.2.0", Basis.COMMITS),
        (("feat!: x",), ("1.1.5",), "2.0.0", Basis.COMMITS),
        (("Anything",), ("0.1.5",), "0.1.6", Basis.COMMITS),
        ((), ("0.1.5",), "0.1.5", Basis.RELEASED),
        ((), ("1.0.0-rc.1",), "1.0.0", Basis.FIRST),
        (("fix: x",), ("0.1.5", "0.2.0-rc.1"), "0.2.0", Basis.COMMITS),
        (("feat!: x",), ("0.1.5", "0.1.6-rc.1"), "0.2.0", Basis.COMMITS),
        (("fix: x",), ("0.1.5", "0.2.0-pr9.4"), "0.1.6", Basis.COMMITS),
        (("fix: x",), ("0.2.0", "0.2.0-rc.1"), "0.2.1", Basis.COMMITS),
        (("fix: x",), ("1.0.0+1",), "1.0.1", Basis.COMMITS),
    ],
)
def test_next_versions(messages: tuple[str, ...], tags: tuple[str, ...], expected: str, basis: Basis) -> None:
    """The base moved by what the commits ask for, and not below an announced pre-release."""
    answer = found(*messages, tags=tuple(tag(one) for one in tags))
    assert (str(answer.version), answer.basis) == (expected, basis)
    assert (
        answer.tag == f"api-v{answer.base.version if basis is Basis.RELEASED and answer.base else expected}"
    )


def test_versions_of_pull_requests() -> None:
    """A pre-release of the next version with the count of commits; the release where nothing changed."""
    assert str(found("fix: x", tags=(tag("0.1.5"),), pr=123).version) == "0.1.6-pr123.2"
    assert str(found("feat: x", "feat: y", tags=(tag("0.1.5"),), pr=1).version) == "0.2.0-pr1.3"
    assert str(found(pr=7).version) == "0.1.0-pr7.1"
    assert str(found(tags=(tag("0.1.5"),), pr=7).version) == "0.1.5"
    assert found("fix: x", tags=(tag("0.1.5"),), pr=123).tag == "api-v0.1.6-pr123.2"


@pytest.mark.parametrize(
    ("taken", "version"),
    [
        (("0.1.6-pr7.2",), "0.1.6-pr7.3"),  # amended, or rebased with as many commits
        (("0.1.6-pr7.2", "0.1.6-pr7.3"), "0.1.6-pr7.4"),
        (("0.1.6-pr7.9",), "0.1.6-pr7.10"),  # squashed: fewer commits than before
        (("0.1.6-pr7.1",), "0.1.6-pr7.2"),  # pushed on top
        (("0.2.0-pr7.5", "0.1.6-pr8.5", "0.1.6-rc.5", "0.1.6-pr7.5.1"), "0.1.6-pr7.2"),  # of other things
    ],
)
def test_a_history_that_was_written_anew_gets_the_next_free_number(
    taken: tuple[str, ...], version: str
) -> None:
    """Above all that the pull request's other commits got, so that a later push is higher all the same."""
    tags = (tag("0.1.5"), *(tag(one, is_reachable=False) for one in taken))
    again = found("fix: x", tags=tags, pr=7)
    assert str(again.version) == version
    assert objection(again, tags) is None


def test_a_commit_of_a_pull_request_keeps_its_number() -> None:
    """Asked again, also after commits that came later and went."""
    tags = (tag("0.1.5"), tag("0.1.6-pr7.4", HEAD), tag("0.1.6-pr7.8", is_reachable=False))
    assert str(found("fix: x", tags=tags, pr=7).version) == "0.1.6-pr7.4"


def given_(version: str, *tags: VersionTag) -> tuple[str, str] | None:
    """What there is to say against a version that was given."""
    one = given_version(API, Version.parse(version), commit=HEAD, tags=tags, basis=Basis.GIVEN, why="given")
    return objection(one, tags)


@pytest.mark.parametrize(
    ("version", "tags", "problem"),
    [
        ("0.1.6", (tag("0.1.5"),), None),
        ("0.1.5", (tag("0.1.5", HEAD),), None),
        ("0.1.4", (tag("0.1.4", HEAD), tag("0.1.5")), None),
        ("0.1.5", (tag("0.1.5"),), "taken: the tag api-v0.1.5 is on bbbbbbbb, an earlier commit"),
        ("0.1.5+x", (tag("0.1.5"),), "taken"),
        ("0.3.0", (tag("0.3.0", is_reachable=False),), "a commit that this history does not have"),
        ("0.1.4", (tag("0.1.5"),), "not above the last release 0.1.5"),
        ("0.1.5-rc.1", (tag("0.1.5"),), "not above the last release 0.1.5"),
        ("0.1.6", (tag("0.1.5"), tag("0.2.0", is_reachable=False)), None),
        ("0.2.0-pr4.1", (tag("0.1.5"), tag("0.2.0-pr5.9")), None),
        ("0.0.1", (), None),
    ],
)
def test_a_given_version_has_to_be_free_and_above(
    version: str, tags: tuple[VersionTag, ...], problem: str | None
) -> None:
    """One version is one commit's; the last release of this history is the floor."""
    refused = given_(version, *tags)
    if problem is None:
        assert refused is None
    else:
        assert refused is not None
        assert problem in refused[0]


def test_a_computed_version_has_to_be_free_too() -> None:
    """A tag on another branch took it: that is told, with the way out."""
    tags = (tag("0.1.5"), tag("0.1.6", is_reachable=False))
    refused = objection(found("fix: x", tags=tags), tags)
    assert refused is not None
    assert "0.1.6 is taken" in refused[0]
    assert "merge the branch that has it" in refused[1]
    assert objection(found("fix: x", tags=tags, pr=4), tags) is None
    assert objection(found(tags=tags), tags) is None


@given(
    st.lists(st.sampled_from(["feat: a", "fix: a", "Anything", "feat!: a"]), min_size=1, max_size=5),
    st.sampled_from(["0.1.5", "1.2.3", "0.0.0"]),
    st.integers(min_value=1, max_value=10**6),
)
def test_a_later_push_is_higher_and_the_release_highest(messages: list[str], base: str, pr: int) -> None:
    """Versions of a pull request rise from push to push, above the base and below the next release."""
    tags = (tag(base),)
    earlier = found(*messages[1:], tags=tags, pr=pr).version
    later = found(*messages, tags=tags, pr=pr).version
    release = found(*messages, tags=tags).version
    assert earlier < later < release
    assert Version.parse(base) <= earlier
