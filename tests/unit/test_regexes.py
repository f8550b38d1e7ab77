"""Regular expressions are those of the standard library, compiled when they are first asked."""

import re

import pytest

from lockstep.regexes import _NAMES, regex


def test_nothing_is_compiled_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And once only, whatever else is asked afterwards."""
    compiled: list[str] = []

    def compile_(text: str, flags: int = 0) -> "re.Pattern[str]":
        compiled.append(text)
        return kept(text, flags)

    kept = re.compile
    monkeypatch.setattr("lockstep.regexes.re.compile", compile_)
    word = regex("[a-z]+")
    assert compiled == []
    assert word.fullmatch("abc")
    assert word.sub("-", "abc def") == "- -"
    assert compiled == ["[a-z]+"]


def test_it_has_all_that_a_compiled_one_has() -> None:
    """So that no caller finds a method missing that the type checker knows; what it does not know fails."""
    own = {name for name in dir(re.Pattern) if not name.startswith("_")}
    assert set(_NAMES) == own - {"scanner"}  # which is not documented
    word = regex(r"(?P<first>[a-z])[a-z]*", re.IGNORECASE)
    assert (word.pattern, word.groups, dict(word.groupindex)) == (r"(?P<first>[a-z])[a-z]*", 1, {"first": 1})
    assert word.flags & re.IGNORECASE
    assert [found[0] for found in word.finditer("Ab c")] == ["Ab", "c"]
    assert regex(rb"\d").search(b"a1")
    with pytest.raises(AttributeError):
        word.scan  # type: ignore[attr-defined]  # noqa: B018
