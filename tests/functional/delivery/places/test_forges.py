"""Which forge a repository is on."""

from pathlib import Path

import pytest

from lockstep.delivery.places.forges import Credentials, open_forge
from lockstep.errors import BadInput
from lockstep.forge.github import GitHub
from lockstep.git.remote import open_remote
from lockstep.model import ForgeSettings
from tests.functional.git.conftest import Work, _own_configuration, work

__all__ = ["_own_configuration", "work"]


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of ssh's with nothing in it, and nothing of a workflow's environment."""
    for name in ("GITHUB_SERVER_URL", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    configuration = tmp_path / "ssh-config"
    configuration.write_text("")
    monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F {configuration}")
    return configuration


def _forge(work: Work, url: str, settings: ForgeSettings | None = None) -> str:
    """The kind of forge that a clone with this remote has, with the repository on GitHub."""
    work.git("remote", "add", "origin", url)
    cache = work.folder / "cache"
    forge = open_forge(settings or ForgeSettings(), open_remote(work.folder, cache), Credentials(cache=cache))
    return f"github:{repr(forge).split(chr(39))[1]}" if isinstance(forge, GitHub) else forge.kind


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/shop",
        "https://GitHub.com/acme/shop.git",
        "https://www.github.com/acme/shop.git",
        "https://x-access-token:made-up@github.com/acme/shop",
        "git@github.com:acme/shop.git",
        "git@GITHUB.COM:acme/shop.git",
        "git@github.com-work:acme/shop.git",
        "ssh://git@github.com-work/acme/shop.git",
        "ssh://git@github.com/acme/shop",
        "ssh://git@github.com:22/acme/shop.git/",
        "ssh://git@ssh.github.com:443/acme/shop.git",
        "git@ssh.github.com:acme/shop.git",
    ],
)
def test_github_by_its_names(work: Work, url: str) -> None:
    """However people write it."""
    assert _forge(work, url) == "github:acme/shop"


@pytest.mark.parametrize("url", ["git@github.com:octo_acme/shop.git", "https://github.com/octo_acme/shop"])
def test_an_owner_may_have_an_underscore(work: Work, url: str) -> None:
    """As those of Enterprise Managed Users have."""
    assert _forge(work, url) == "github:octo_acme/shop"


@pytest.mark.parametrize("url", ["work:acme/shop", "git@work:acme/shop.git", "ssh://work/acme/shop.git"])
def test_a_name_of_ssh_configuration_is_the_host_that_it_stands_for(work: Work, ssh: Path, url: str) -> None:
    """ssh is asked, because git asks it too."""
    ssh.write_text("Host work\n  HostName ssh.github.com\n  Port 443\n  User git\n")
    assert _forge(work, url) == "github:acme/shop"


def test_a_short_form_of_git_configuration_is_what_it_stands_for(work: Work) -> None:
    """``insteadOf`` is applied first."""
    work.git("config", "url.git@github.com:.insteadOf", "gh:")
    assert _forge(work, "gh:acme/shop") == "github:acme/shop"


def test_the_host_of_github_enterprise_is_known_from_the_environment(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a workflow there has it; github.com is another server then."""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://GitHub.example.org")
    monkeypatch.setenv("GITHUB_API_URL", "https://github.example.org/api/v3")
    assert _forge(work, "git@github.example.org:acme/shop.git") == "github:acme/shop"


@pytest.mark.parametrize(
    "url",
    [
        "git@work:acme/shop.git",
        "git@github-work:acme/shop.git",
        "https://github.example.org/acme/shop.git",
        "https://github.com.example.org/acme/shop.git",
        "https://github.com-work/acme/shop.git",
        "git@evil-github.com:acme/shop.git",
        "https://gitlab.com/acme/shop.git",
        "ssh://git@git.example.org:2222/acme/shop.git",
    ],
)
def test_a_host_that_nobody_knows_has_to_be_named(work: Work, url: str) -> None:
    """A plain server's branches are merged without asking, so no host is one by not being recognised."""
    with pytest.raises(BadInput, match=r"nothing says whether .* is GitHub or a plain Git server") as raised:
        _forge(work, url)
    assert raised.value.fix is not None
    assert "forge: {kind: github, repository: owner/name}" in raised.value.fix
    assert "forge: {kind: local}" in raised.value.fix


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (ForgeSettings(kind="local"), "local"),
        (ForgeSettings(kind="github", repository="acme/shop"), "github:acme/shop"),
        (ForgeSettings(repository="acme/shop"), "github:acme/shop"),
    ],
)
def test_what_the_project_says_counts(work: Work, settings: ForgeSettings, kind: str) -> None:
    """Whatever the remote's host is called."""
    assert _forge(work, "git@work:acme/shop.git", settings) == kind


@pytest.mark.parametrize("url", ["../gitops.git", "/srv/gitops.git", "http://127.0.0.1:1/gitops.git"])
def test_what_is_on_this_machine_is_a_plain_server(work: Work, url: str) -> None:
    """A folder, and a server on loopback."""
    assert _forge(work, url) == "local"


def test_a_repository_without_a_remote_is_its_own(work: Work) -> None:
    """Nothing else could be meant."""
    cache = work.folder / "cache"
    forge = open_forge(ForgeSettings(), open_remote(work.folder, cache), Credentials(cache=cache))
    assert forge.kind == "local"
