"""Hosts and paths of repositories."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.git.address import Address, address_of, real_host


@pytest.mark.parametrize(
    ("url", "host", "port", "is_ssh"),
    [
        ("https://github.com/acme/shop.git", "github.com", None, False),
        ("https://user:secret@GitHub.COM/acme/shop/", "github.com", None, False),
        ("https://github.com./acme/shop", "github.com", None, False),
        ("http://127.0.0.1:8080/acme/shop.git", "127.0.0.1", 8080, False),
        ("http://[::1]:8080/acme/shop.git", "::1", 8080, False),
        ("ssh://git@ssh.github.com:443/acme/shop.git", "ssh.github.com", 443, True),
        ("git@github.com:acme/shop.git", "github.com", None, True),
        ("git@GitHub.com:/acme/shop", "github.com", None, True),
        ("git@github.com-work:acme/shop.git", "github.com-work", None, True),
        ("work:acme/shop", "work", None, True),
        ("org-1234@github.com:acme/shop.git/", "github.com", None, True),
    ],
)
def test_what_a_url_names(url: str, host: str, port: int | None, is_ssh: bool) -> None:
    """Host in lower case, port, the path without what people add to it, and whether ssh is used."""
    assert address_of(url) == Address(host=host, path="acme/shop", port=port, is_ssh=is_ssh)


@pytest.mark.parametrize(
    "place",
    ["/srv/git/shop.git", "../shop.git", "./a:b", "file:///srv/shop.git", "", "https://", "https://[x/"],
)
def test_a_folder_is_no_address(place: str) -> None:
    """Neither is what cannot be read."""
    assert address_of(place) is None


@given(st.text())
def test_every_text_can_be_asked(text: str) -> None:
    """No text is an error, and a host is never an option of ssh's."""
    found = address_of(text)
    assert found is None or not found.host.startswith("-")


def test_ssh_says_which_host_a_name_stands_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own configuration, as git calls it; a name without an entry stands for itself."""
    configuration = tmp_path / "config"
    configuration.write_text("Host work\n  HostName GitHub.com\n  User git\nHost far\n  Port 443\n")
    monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F {configuration}")
    assert real_host("work") == "github.com"
    assert real_host("far") == "far"
    assert real_host("-Fx") == "-Fx"


@pytest.mark.parametrize("command", ["plink", "no-such-folder/ssh", "ssh --no-such-option", "'"])
def test_without_ssh_a_name_is_what_it_is(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another client, or one that does not answer."""
    monkeypatch.setenv("GIT_SSH_COMMAND", command)
    assert real_host("work") == "work"
