"""A release that the forge publishes, as the artifact source finds it."""

import hashlib
from pathlib import Path

from lockstep.artifacts.github_release import GitHubReleaseSource
from lockstep.forge.github import GitHub
from lockstep.model import Release
from tests.functional.forge.github.conftest import NAME, TOKEN
from tests.support.github import GitHubServer, Repository


def test_what_is_published_is_found_and_downloaded(
    forge: GitHub, repository: Repository, server: GitHubServer, tmp_path: Path
) -> None:
    """The same bytes by the same digest; the host that holds them gets no token."""
    commit = repository.git.resolve("main")
    assert commit is not None
    repository.git.tag("v1", commit)
    package = tmp_path / "shop.zip"
    package.write_bytes(b"PK" * 1000)
    forge.publish(
        tag="v1", commit=commit, title="T", body="", assets={"shop.zip": package}, is_prerelease=False
    )
    source = GitHubReleaseSource(token=TOKEN, api=server.api)
    wanted = Release(
        service="shop", version="1", source="github-release", options={"repository": NAME, "tag": "v1"}
    )
    found = source.find(wanted)
    assert found.sha256 == hashlib.sha256(package.read_bytes()).hexdigest()
    source.download(wanted, found, tmp_path / "copy.zip")
    assert (tmp_path / "copy.zip").read_bytes() == package.read_bytes()
    (download,) = server.requests("GET /bytes/")
    assert (download.host, "authorization" in download.headers) == ("localhost", False)
