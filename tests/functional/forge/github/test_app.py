"""A GitHub App as the one who asks."""

import sys
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lockstep.errors import BadInput, ForgeError
from lockstep.forge.github import App, GitHub
from tests.functional.forge.github.conftest import Time
from tests.support.github import Fault, GitHubServer, Identity, Repository


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    """A private key and its public one, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@pytest.fixture
def app(keys: tuple[str, str], server: GitHubServer, repository: Repository) -> App:
    """An app that is installed for acme/shop."""
    server.world.apps["12345"] = keys[1]
    server.world.installations["acme/shop"] = 77
    return App(app_id="12345", private_key=keys[0])


def test_an_app_gets_a_token_for_the_repository(
    connect: Callable[..., GitHub], app: App, server: GitHubServer, repository: Repository
) -> None:
    """Its installation is found, its token is limited to the one repository, and used for everything."""
    repository.git.commit("change", {"a": "b"}, "c", start="main")
    forge = connect(None, app=app)
    assert forge.open_pull(head="change", base="main", title="t", body="b").author == "lockstep[bot]"
    asked = server.requests("POST /app/installations/77/access_tokens")
    assert [seen.body for seen in asked] == [b'{"repositories": ["shop"]}']
    assert server.seen[-1].headers["authorization"] == "Bearer ghs_made_up_1"


def test_a_token_is_kept_until_shortly_before_its_end(
    connect: Callable[..., GitHub], app: App, server: GitHubServer, time: Time
) -> None:
    """One for an hour, then another."""
    forge = connect(None, app=app)
    for _ in range(3):
        forge.pulls()
        time.now += 1000
    assert server.world.tokens_made == 1
    time.now += 400
    forge.pulls()
    assert server.world.tokens_made == 2


def test_an_installation_may_be_given(connect: Callable[..., GitHub], app: App, server: GitHubServer) -> None:
    """Then it is not looked for."""
    given = App(app_id=app.app_id, private_key=app.private_key, installation=77)
    assert connect(None, app=given).pulls() == []
    assert server.requests("GET .*/installation$") == []


def test_failures_on_the_way_to_a_token(
    connect: Callable[..., GitHub], app: App, server: GitHubServer, repository: Repository
) -> None:
    """Passing ones are tried again."""
    server.faults = [Fault(match="/installation$"), Fault(match="access_tokens", is_done=True)]
    assert connect(None, app=app).pulls() == []


def test_an_app_that_is_not_installed(connect: Callable[..., GitHub], app: App, server: GitHubServer) -> None:
    """The repository is named."""
    server.world.installations.clear()
    with pytest.raises(ForgeError, match=r"not installed for acme/shop[\s\S]*Install App"):
        connect(None, app=app).pulls()


def test_a_key_of_another_app(connect: Callable[..., GitHub], app: App, server: GitHubServer) -> None:
    """GitHub's 401 is told as what it means for an app."""
    other = App(app_id="999", private_key=app.private_key)
    with pytest.raises(ForgeError, match="does not accept the app's id and private key"):
        connect(None, app=other).pulls()


@pytest.mark.parametrize("key", ["", "s3cret", "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n"])
def test_a_key_that_cannot_be_read(connect: Callable[..., GitHub], repository: Repository, key: str) -> None:
    """The message does not repeat it."""
    with pytest.raises(BadInput, match=r"private key of the GitHub App cannot be read") as error:
        connect(None, app=App(app_id="1", private_key=key)).pulls()
    assert "s3cret" not in str(error.value)


def test_the_key_is_not_shown(app: App, connect: Callable[..., GitHub]) -> None:
    """Neither by the app nor by the forge."""
    forge = connect(None, app=app)
    assert "PRIVATE" not in repr(app) + repr(forge) + repr(vars(forge))


def test_the_library_may_be_missing(
    connect: Callable[..., GitHub], app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra to install is named."""
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(BadInput, match=r"pip install 'lockstep-gitops\[github-app\]'"):
        connect(None, app=app).pulls()


def test_an_app_that_lacks_a_permission(
    connect: Callable[..., GitHub], app: App, server: GitHubServer, repository: Repository
) -> None:
    """Its owner is told what to give it."""
    repository.add_pull(head="main")
    forge = connect(None, app=app)
    forge.pulls()
    server.world.identities["ghs_made_up_1"] = Identity(
        login="lockstep[bot]", permissions={"contents": "read"}
    )
    with pytest.raises(
        ForgeError, match="give the GitHub App the permission pull_requests: write, and accept"
    ):
        forge.update_pull(1, title="x")
