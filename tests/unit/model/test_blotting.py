"""Texts of others, without the secrets that are known."""

import json
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockstep.model.blotting import blotted
from tests.attack.spelling import LOSSLESS, SPELLINGS

PASSWORDS = (
    "hunter2hunter2",
    "correct horse battery staple",
    "p@ss/w:rd?#[]!$&'()*+,;=%",
    "quo\"ted\\and\\\\more's",
    "n0tn\\n\\t\\u0041%41%2541&amp;",
    "schlüssel-日本-\U0001f511",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n",
)
secrets = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=8, max_size=40).filter(
    lambda text: sum(character.isalnum() for character in text) >= 8
)


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("secret", PASSWORDS)
def test_a_secret_is_seen_in_every_spelling(secret: str, name: str) -> None:
    """A program that quotes it writes it in its own way; what is around it stays."""
    spelled = SPELLINGS[name](secret)
    text = f"error: the value <<{spelled}>> is refused"
    shown = blotted(text, [secret])
    assert "(secret)" in shown
    assert spelled not in shown
    assert shown.startswith("error: the value <<")
    assert shown.endswith(">> is refused")
    around = SPELLINGS[name]("")
    assert len(shown) <= len(text) - len(spelled) + len(around) + 60


@given(secrets, st.text(max_size=20), st.text(max_size=20), st.sampled_from(LOSSLESS))
@example("abcdefgh", "\\", "", "as it is")
@example("nabcdefgh", "\\", "", "as it is")
@example("41abcdefgh", "%", "", "as it is")
@example("amp;abcdefgh", "&", "", "as it is")
def test_no_neighbour_hides_a_secret(secret: str, before: str, after: str, name: str) -> None:
    """Whatever stands before and behind it, also what begins like an escape."""
    spelled = SPELLINGS[name](secret)
    assert spelled not in blotted(f"{before} {spelled} {after}", [secret])
    assert secret not in blotted(f"{before}{secret}{after}", [secret])


@given(st.text(max_size=60))
def test_without_secrets_a_text_is_as_it_was(text: str) -> None:
    """Nothing is read into it."""
    assert blotted(text, []) == text
    assert blotted(text, [""]) == text


@pytest.mark.parametrize(
    ("secret", "parts"),
    [
        (json.dumps({"username": "app-user", "password": "hunter2"}), ["app-user", "hunter2"]),
        (json.dumps({"db": json.dumps({"password": "hu"}), "pin": 1234}), ["hu", "1234"]),
        (json.dumps(["first-value", {"nested": ["second-value"]}]), ["first-value", "second-value"]),
        ("postgres://app:hunt%2Fer@db:5432/x", ["hunt%2Fer", "hunt/er"]),
        ("Server=db;User Id=app;Password=hunter2;", ["hunter2"]),
        ("first line\nsecond line", ["first line", "second line"]),
    ],
)
def test_parts_of_a_secret_are_secret(secret: str, parts: list[str]) -> None:
    """A function reads a document and shows one of its fields."""
    for part in parts:
        assert blotted(f"refused: '{part}'", [secret]) == "refused: '(secret)'"


def test_short_values_count_where_they_stand_by_themselves() -> None:
    """Otherwise no text would be readable any more."""
    assert blotted("no: not known, 1 of 11", ["no", "1"]) == "(secret): not known, (secret) of 11"
    assert blotted("a%26b and a&amp;b and a&b", ["a&b"]) == "(secret) and (secret) and (secret)"


def test_overlapping_secrets_leave_nothing() -> None:
    """The longer one, and what is left of the other."""
    assert blotted("abcdefghij", ["abcdef12", "cdefghij", "abcdefg"]) == "(secret)"


@given(st.integers(0, 120))
def test_no_half_of_a_secret_is_left_at_the_cut(before: int) -> None:
    """A long text is cut, and what is cut is said; a secret at the cut goes whole."""
    secret = "s3cr3tvalue" * 3
    shown = blotted("x" * before + json.dumps(secret) + "y" * 10_000, [secret], longest=100)
    assert "s3c" not in shown
    assert len(shown) < 220
    assert "characters in all; the rest is left out)" in shown


def steps(do: Callable[[], object]) -> int:
    """How many lines of this project's code a call runs: time that no busy machine changes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal count
        if "lockstep" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        do()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "unit", ["a", " ", "\\", "%25", "&amp;", "a b", "'x'", "hunter2hunter2 ", "hunter2 \\"]
)
def test_the_time_grows_with_the_text(unit: str) -> None:
    """Twice the text takes twice the steps; a limit makes the rest of it free."""
    one, two = (steps(lambda size=size: blotted(unit * size, ["hunter2hunter2"])) for size in (400, 800))
    assert two <= 2.2 * one + 200
    one, two = (
        steps(lambda size=size: blotted(unit * size, ["hunter2hunter2"], longest=100))
        for size in (2_000, 4_000)
    )
    assert two == one
