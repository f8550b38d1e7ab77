"""Passwords in URLs and remotes never stay in what git says, whatever characters they have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.git.command import explain_failure, mask
from tests.unit.model.test_blotting import steps

PASSWORDS = [
    "hunter2",
    "hun/ter2",
    "hun@ter2",
    "hun?ter2",
    "hun#ter2",
    "hun'ter2",
    'hun"ter2',
    "hun:ter2",
    "%20ter2",
    "/hunter2",
    "12hun/ter2",
]
REMOTES = [
    "https://user:{}@host/path",
    "fatal: unable to access 'https://user:{}@host/path?x=1': no",
    "ssh://user:{}@host:22/path",
    "amqps://user:{}@host",
    "two https://host/a and http://user:{}@host:8080/b",
    "http_proxy=http://user:{}@proxy:3128 is refused",
]
PLAIN = [
    "git@github.com:owner/repository.git",
    "ssh://git@host/path",
    "https://host:8080/@scope/package",
    "https://host/path@v1 and somebody@example.org",
    "registry/name:tag@sha256:0123",
    "http://[::1]:80/x",
    "remote: Counting objects: 100% (3/3), done.",
]


@pytest.mark.parametrize("remote", REMOTES)
@pytest.mark.parametrize("password", PASSWORDS)
def test_no_part_of_a_password_is_shown(password: str, remote: str) -> None:
    """What stands around it is."""
    said = remote.format(password)
    assert "ter2" not in mask(said)
    assert "hun" not in mask(said)
    assert "@" in mask(said)
    assert "ter2" not in str(explain_failure(f"fatal: {said}", doing="fetching"))


@pytest.mark.parametrize(
    "text", ["user:hunter2@host:path/x", "proxy user:hunter2@proxy:3128", "https://hunter2@host/"]
)
def test_remotes_of_scp_proxies_and_tokens_are_masked(text: str) -> None:
    """As they are written without a scheme, and where a token is the user."""
    assert "hunter2" not in mask(text)


@pytest.mark.parametrize("text", PLAIN)
def test_what_holds_no_password_stays(text: str) -> None:
    """Users of SSH, scopes of packages, digests and ports."""
    assert mask(text) == text


@given(st.text(st.sampled_from("a/:@?#'\" ") | st.characters(), max_size=40))
def test_masking_twice_is_masking_once(text: str) -> None:
    """Also of what is no URL at all."""
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize("unit", ["a ", "a", "://", "https://a:b@c ", "a:b@c:d ", "?"])
def test_the_steps_grow_with_the_text(unit: str) -> None:
    """Twice the text, twice the steps."""
    one, two = (steps(lambda size=size: mask(unit * size)) for size in (500, 1_000))
    assert two <= 2.2 * one + 100
