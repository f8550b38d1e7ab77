"""Images in container registries: there, not there, and not to be seen."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.artifacts.oci import Registry
from lockstep.artifacts.web import Web
from lockstep.errors import ArtifactError, BadInput
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
