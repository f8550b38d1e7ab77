"""Each parser of bytes of others gives a result or an error of ours; see the package."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.errors import BadInputs, LockstepError, Several
from tests.attack.fuzz.changing import GONE, bounded, changed, damaged, places, put, written
from tests.attack.fuzz.parsers import PARSERS, Parser

pytestmark = pytest.mark.timeout(120)  # of one parser: what hangs, hangs longer


def check(parser: Parser, data: bytes) -> None:
    """Read; what is refused says what to do about it."""
    told = True
    try:
        parser.read(data)
    except LockstepError as error:
        several = error.errors if isinstance(error, BadInputs | Several) else (error,)
        told = all(one.fix for one in several)
    except parser.raises:
        pass
    assert told


def given_to(parser: Parser) -> st.SearchStrategy[bytes]:
    """Documents that are nearly right, and bytes that are nearly documents."""
    documents = changed(parser.documents).map(written) if parser.documents else st.nothing()
    return documents | damaged((*map(written, parser.documents), *parser.seeds))


@pytest.mark.parametrize("name", PARSERS)
def test_it_is_read_or_refused(name: str) -> None:
    """Whatever it is."""

    @bounded
    @given(given_to(PARSERS[name]))
    def reads(data: bytes) -> None:
        check(PARSERS[name], data)

    reads()


OPTIONAL: dict[str, set[str]] = {
    "an event": {
        "title",
        "color",
        "label",
        "name",
        "full_name",
        "repo",
        "repository",
        "ref",
        "sha",
        "number",
    },
    "a pull request in Git": {"head", "auto", "ending"},
    "a release in Git": set(),
    "a saved plan": {"previews", "old", "new", "settings", "tags"},
    "a report": {"format", "success", "seconds"},
}
"""Parsers that take no half document, and the names of members that they may do without, or do not read."""


@pytest.mark.parametrize("name", OPTIONAL)
def test_nothing_stands_for_what_is_missing_or_of_another_kind(name: str) -> None:
    """No default is made up."""
    parser, taken = PARSERS[name], []
    for document in parser.documents:
        for path in places(document)[1:]:
            at = document
            for key in path:
                at = at[key]
            for value in (GONE, *others(at)):
                made = put(document, path, value)
                if OPTIONAL[name] & set(map(str, path)) or (value is GONE and isinstance(path[-1], int)):
                    continue
                try:
                    parser.read(written(made))
                except (LockstepError, *parser.raises):
                    continue
                taken.append((path, value))
    assert not taken


def others(value: object) -> list[object]:
    """Values of other kinds."""
    kinds: list[object] = [[], {}, "x", 5, True]
    return [] if value is None else [one for one in kinds if type(one) is not type(value)]


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_right_is_read(name: str) -> None:
    """The examples that all others are made from are taken."""
    parser = PARSERS[name]
    for data in (*map(written, parser.documents), *parser.seeds):
        parser.read(data)
