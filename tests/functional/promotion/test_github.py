"""Promotions where pull requests live on GitHub: a stand-in that follows GitHub's own description."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.gitops import open_gitops
from lockstep.delivery.places.workspace import Where
from tests.functional.promotion.conftest import PROJECT, Shop
from tests.support.github import GitHubServer, Repository, github_server
from tests.support.github.world import Identity, Protection

NAME = "acme/shop"
API = "environments/staging/api/config.yaml"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubServer]:
    """A GitHub on loopback; every request and answer of the test has to be as GitHub describes."""
    with github_server(tmp_path / "github") as running:
        yield running


@pytest.fixture
def on_github(shop: Shop, github: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The shop as a repository on GitHub, with a token that may do everything."""
    repository = github.world.add_repository(NAME)
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_made_up")
    monkeypatch.setenv("GITHUB_API_URL", github.api)
    forge = f"forge: {{kind: github, repository: {NAME}, api: '{github.api}'}}\n"
    project = PROJECT + forge
    shop.work.git("remote", "set-url", "origin", str(repository.git.folder))
    shop.work.git("fetch", "-q", "origin")
    commit = shop.work.commit("on GitHub", **{"lockstep.yaml": project})
    shop.work.git("push", "-q", "-f", "origin", f"{commit}:refs/heads/main")
    return repository


def test_a_promotion_merges_itself_once_its_checks_pass(shop: Shop, on_github: Repository) -> None:
    """Auto-merge is switched on; the check succeeds and GitHub merges."""
    on_github.protections["main"] = Protection(checks=("test",))
    out = shop.run("promote", "api@1.1.0", "--to", "staging")
    assert "merges itself when its checks pass" in " ".join(out.split())
    (pull,) = on_github.pulls()
    assert pull.auto_merge is not None
    assert pull.title == "staging: api 1.0.0 -> 1.1.0"
    assert pull.labels == ["lockstep"]


def test_auto_merge_that_is_switched_off_is_named(shop: Shop, on_github: Repository) -> None:
    """GitHub's default: the setting and the way out are told, and doctor tells them before."""
    on_github.allows_auto_merge = False
    on_github.protections["main"] = Protection(checks=("test",))
    words = "auto-merge is switched off in the repository"
    out = " ".join(shop.run("promote", "api@1.1.0", "--to", "staging", code=1).split())
    assert f"was to merge itself, and {words}: switch it on (Settings, General, Allow auto-merge)" in out
    shop.pull()
    checks = {one["name"]: one for one in shop.json("doctor", code=1)["checks"]}
    assert checks["forge"]["verdict"] == "failed"
    assert checks["forge"]["detail"] == words
    on_github.allows_auto_merge = True
    checks = {one["name"]: one for one in shop.json("doctor", code=1)["checks"]}
    assert checks["forge"]["verdict"] == "ok"


def test_a_promotion_without_checks_is_merged_at_once(shop: Shop, on_github: Repository) -> None:
    """GitHub refuses auto-merge of what could be merged already: then it is merged."""
    out = shop.run("promote", "api@1.1.0", "--to", "staging")
    assert "Merged: pull request #1" in " ".join(out.split())
    assert 'tag: "1.1.0"' in shop.show(API)


def test_a_newer_version_updates_the_pull_request(shop: Shop, on_github: Repository) -> None:
    """One pull request at a time, its text and head renewed."""
    for version in ("1.1.0", "1.2.0"):
        shop.run("promote", f"api@{version}", "--to", "production", "--override", "x")
    (pull,) = on_github.pulls()
    assert pull.title == "production: api 1.0.0 -> 1.2.0"
    assert "`1.2.0`" in pull.body


def test_a_token_that_may_not_open_pull_requests_is_told_what_it_lacks(
    shop: Shop, on_github: Repository, github: GitHubServer
) -> None:
    """The permission by its name, for a workflow's token; running again with it goes on."""
    github.world.identities["ghp_made_up"] = Identity(
        permissions={"contents": "write", "pull_requests": "read"}
    )
    shop.run("promote", "api@1.1.0", "--to", "production", "--override", "x", code=1)
    assert "pull" in shop.err.lower()
    assert "write" in shop.err
    assert "ghp_made_up" not in shop.err
    github.world.identities["ghp_made_up"] = Identity()
    shop.run("promote", "api@1.1.0", "--to", "production", "--override", "x")
    assert len(on_github.pulls()) == 1


def test_a_project_cannot_send_the_token_elsewhere(
    shop: Shop, on_github: Repository, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An API that only the repository names, as a pull request may, gets no request."""
    monkeypatch.delenv("GITHUB_API_URL")
    github.seen.clear()
    shop.run("promote", "api@1.1.0", "--to", "staging", code=3)
    assert "is not the one that credentials are sent to, https://api.github.com" in shop.err
    assert github.seen == []


def test_an_app_opens_the_pull_request_and_pushes(
    shop: Shop, on_github: Repository, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named in lockstep.yaml, its key in the environment: git gets its token, and GitHub sees the App."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    github.world.apps["12345"] = public.decode()
    github.world.installations[NAME] = 77
    text = shop.show("lockstep.yaml").replace("forge: {", 'forge: {app: "12345", ')
    shop.push(**{"lockstep.yaml": f"{text}\n"})
    shop.run("promote", "api@1.1.0", "--to", "production", "--override", "x", code=3)
    assert "LOCKSTEP_GITHUB_APP_KEY" in shop.err
    monkeypatch.setenv("LOCKSTEP_GITHUB_APP_KEY", pem.decode())
    shop.run("promote", "api@1.1.0", "--to", "production", "--override", "x")
    (pull,) = on_github.pulls()
    assert pull.author == "lockstep[bot]"
    credentials = Credentials(cache=shop.cache, github_app_key=pem.decode())
    remote = open_gitops(Where(folder=shop.work.folder, cache=shop.cache), credentials).remote
    assert remote.repository.access is not None
    assert remote.repository.access.token.startswith("ghs_made_up_")
    assert "PRIVATE KEY" not in repr(credentials)


def test_a_repository_that_only_takes_merge_commits_is_told_how_to_say_so(
    shop: Shop, on_github: Repository
) -> None:
    """GitHub's refusal names what it takes; ``forge.method`` then does."""
    on_github.methods = ("merge",)
    shop.run("promote", "api@1.1.0", "--to", "staging", code=1)
    assert "squash" in shop.err
    text = shop.show("lockstep.yaml").replace("forge: {", "forge: {method: merge, ")
    shop.push(**{"lockstep.yaml": f"{text}\n"})
    out = shop.run("promote", "api@1.1.0", "--to", "staging")
    assert "Merged: pull request #1" in " ".join(out.split())
