"""Images at a registry server as people run it."""

from pathlib import Path

import pytest

from lockstep.artifacts.oci import Registry
from tests.support.docker_registry import needs_registry, push_image, registry_server


@needs_registry
def test_an_image_of_a_real_registry_is_known_by_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest is that of the manifest that was pushed; a tag and a repository that are not there are
    None; a tag that is moved is seen.
    """
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with registry_server(tmp_path) as host:
        first = push_image(host, "acme/web", "1.0.0", {"app": b"first"})
        registry = Registry()
        assert registry.digest(f"{host}/acme/web", "1.0.0") == first
        assert registry.digest(f"{host}/acme/web", "1.0.1") is None
        assert registry.digest(f"{host}/acme/other", "1.0.0") is None
        second = push_image(host, "acme/web", "1.0.0", {"app": b"second"})
        assert registry.digest(f"{host}/acme/web", "1.0.0") == second != first
