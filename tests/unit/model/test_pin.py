"""Pins: a digest and the version that it belongs to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.pin import Pin, read_pin

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
versions = st.from_regex(
    re.compile(r"[0-9]{1,2}(\.[0-9]{1,2}){2}(-pr[0-9]{1,3}\.[0-9])?", re.ASCII), fullmatch=True
)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(versions, digests)
def test_a_pin_is_read_as_it_was_written(version: str, digest: str) -> None:
    """It is of its version, and names it."""
    pin = Pin.of(version, digest)
    assert read_pin(str(pin)) == pin
    assert pin.is_of(version)
    assert pin.is_named


@given(versions, versions, digests)
def test_a_pin_is_of_no_other_version_whatever_was_edited(one: str, other: str, digest: str) -> None:
    """Neither a changed version beside it nor a replacement over the whole file hands the digest on.

    As ``sed s/ONE/OTHER/`` does it, where a dot is any character.
    """
    if one == other:
        return
    text = str(Pin.of(one, digest))
    for edited in (text, re.sub(one, other, text, count=1), re.sub(one, other, text)):
        pin = read_pin(edited)
        assert pin is None or not pin.is_of(other)


@pytest.mark.parametrize("text", [HEX, HEX.upper()])
def test_a_digest_alone_may_be_any_versions(text: str) -> None:
    """As older files and people write it."""
    pin = read_pin(text)
    assert pin == Pin(sha256=HEX)
    assert pin.is_of("1.0.0")
    assert not pin.is_named


def test_by_hand_version_and_digest_are_enough() -> None:
    """Nobody has to work out a check."""
    pin = read_pin(f"1.5.0@{HEX}")
    assert pin == Pin(sha256=HEX, version="1.5.0")
    assert pin.is_of("1.5.0")
    assert not pin.is_of("1.6.0")


@pytest.mark.parametrize(
    "text", ["", "1.5.0", f"@{HEX}", f"1.5.0@{HEX}~", f"{HEX}0", f"1.5.0 @{HEX}", f"1.5.0@{HEX}\n", HEX[:-1]]
)
def test_anything_else_is_no_pin(text: str) -> None:
    """Half a digest, a version alone, more lines."""
    assert read_pin(text) is None
