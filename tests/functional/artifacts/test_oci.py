"""Images in container registries: there, not there, and not to be seen."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.artifacts.oci import Registry
from lockstep.artifacts.web import Web
from lockstep.errors import ArtifactError, BadInput, Unreadable
from tests.functional.artifacts.conftest import Reply, Site
from tests.support.oci_registry import OciRegistry, serving


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OciRegistry]:
    """A registry that shows its images to everybody, and a machine without a login."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serving(OciRegistry()) as served:
        yield served


def _digest(registry: OciRegistry, tag: str = "1.0.0") -> str | None:
    return Registry(Web(attempts=1)).digest(f"{registry.host}/acme/web", tag, place="lockstep.yaml:9")


def _log_in(registry: OciRegistry, folder: Path, login: str) -> None:
    auth = base64.b64encode(login.encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))


@pytest.mark.parametrize("auth", ["none", "token"])
def test_an_image_is_known_by_its_digest(registry: OciRegistry, auth: str) -> None:
    """For everybody to see, or with a token that everybody gets; one that is not there is None."""
    registry.auth = auth
    digest = registry.push("acme/web", "1.0.0")
    assert _digest(registry) == digest
    assert _digest(registry, "1.0.1") is None


def test_a_registry_that_names_no_digest_is_read(registry: OciRegistry) -> None:
    """The digest is that of the manifest's bytes."""
    registry.names_digest = False
    digest = registry.push("acme/web", "1.0.0")
    assert _digest(registry) == digest


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_a_private_image_needs_the_login_of_docker(registry: OciRegistry, auth: str, tmp_path: Path) -> None:
    """Without one, and with a wrong one, it is not said to be missing; no password is shown."""
    registry.auth, registry.login = auth, "ada:hunter2"
    digest = registry.push("acme/web", "1.0.0")
    for login in (None, "ada:wrong-word"):
        if login:
            _log_in(registry, tmp_path, login)
        with pytest.raises(ArtifactError, match="answered 401") as caught:
            _digest(registry)
        assert f"docker login {registry.host}" in str(caught.value)
        assert "wrong-word" not in str(caught.value)
    _log_in(registry, tmp_path, "ada:hunter2")
    assert _digest(registry) == digest


def test_a_registry_that_is_ill_is_not_believed(registry: OciRegistry) -> None:
    """An error is not an answer: neither there nor missing."""
    registry.push("acme/web", "1.0.0")
    registry.status = 503
    with pytest.raises(ArtifactError) as caught:
        _digest(registry)
    assert registry.host in str(caught.value)


@pytest.mark.parametrize("tag", ["1.0.0+build", "a/b", "", "-x", "1.0.0\n", "x" * 129])
def test_what_cannot_be_a_tag_is_said(registry: OciRegistry, tag: str) -> None:
    """Before anything is asked."""
    with pytest.raises(BadInput, match="cannot be the tag"):
        _digest(registry, tag)
    assert registry.asked == []


def _helper(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Put a credential helper on PATH: a program as Docker starts it."""
    program = folder / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


_LOGIN = """read -r address
[ "$1" = get ] || exit 9
printf '{"ServerURL": "%s", "Username": "ada", "Secret": "hunter2"}' "$address"
"""


@pytest.mark.parametrize("auth", ["basic", "token"])
@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_a_credential_helper_of_docker_is_asked(
    registry: OciRegistry, auth: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the registry before the store of all, and both before what stands in the file."""
    registry.auth, registry.login = auth, "ada:hunter2"
    digest = registry.push("acme/web", "1.0.0")
    _helper(tmp_path, monkeypatch, "right", _LOGIN)
    _helper(tmp_path, monkeypatch, "wrong", "exit 3")
    settings: dict[str, object] = {"auths": {registry.host: {"auth": "d3Jvbmc6d3Jvbmc="}}}
    settings |= (
        {"credHelpers": {registry.host: "right"}, "credsStore": "wrong"}
        if key == "credHelpers"
        else {"credHelpers": {"other.example": "wrong"}, "credsStore": "right"}
    )
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert _digest(registry) == digest


def test_a_helper_that_knows_no_login_leaves_the_file(
    registry: OciRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Docker does when a store was set up after a login."""
    registry.auth, registry.login = "basic", "ada:hunter2"
    digest = registry.push("acme/web", "1.0.0")
    _helper(tmp_path, monkeypatch, "empty", "echo 'credentials not found in native keychain'; exit 1")
    auth = base64.b64encode(b"ada:hunter2").decode()
    logins = {"credsStore": "empty", "auths": {registry.host: {"auth": auth}}}
    (tmp_path / "config.json").write_text(json.dumps(logins))
    assert _digest(registry) == digest


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "cannot be started"),
        ("echo hunter2; exit 3", "exit code 3"),
        ("echo hunter2", "is no login"),
        ("""echo '{"Username": "<token>", "Secret": "hunter2"}'""", "identity token"),
    ],
)
def test_a_helper_that_fails_is_named(
    registry: OciRegistry, script: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do, and without what it printed."""
    registry.auth, registry.login = "basic", "ada:hunter2"
    if script is not None:
        _helper(tmp_path, monkeypatch, "odd", script)
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "odd"}))
    with pytest.raises(ArtifactError, match=said) as caught:
        _digest(registry)
    assert "docker-credential-odd" in str(caught.value)
    assert "fix:" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_name_that_leads_elsewhere_is_no_helper(registry: OciRegistry, tmp_path: Path) -> None:
    """A helper is a program on PATH, never a path."""
    registry.auth, registry.login = "basic", "ada:hunter2"
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "../../bin/sh"}))
    with pytest.raises(ArtifactError, match="is no name of a credential helper"):
        _digest(registry)


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (404, "text/html; charset=utf-8", b"<html>not found</html>"),
        (200, "text/html", b"<html>sign in</html>"),
        (200, "application/json", b"{}"),
        (200, "application/octet-stream", b""),
    ],
)
def test_a_page_in_the_registrys_place_is_neither_an_image_nor_its_absence(
    status: int, kind: str, body: bytes, site: Site, web: Web
) -> None:
    """A proxy's page was pinned by the digest of its HTML, or taken for a tag that is not there."""
    site.put("/v2/acme/web/manifests/1", Reply(status=status, headers={"Content-Type": kind}, body=body))
    with pytest.raises(Unreadable, match="not the registry's") as caught:
        Registry(web).digest(f"127.0.0.1:{site.server_port}/acme/web", "1", place="c.yaml:3")
    assert caught.value.fix
    assert caught.value.where == "c.yaml:3"
