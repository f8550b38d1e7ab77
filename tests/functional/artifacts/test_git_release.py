"""Packages that are assets of releases in a Git repository."""

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockstep.artifacts.cache import Cache
from lockstep.artifacts.catalog import Catalog
from lockstep.artifacts.git_release import GitReleaseSource
from lockstep.errors import ArtifactError, BadInput, GitError
from lockstep.forge.local import LocalForge
from lockstep.model import Release
from tests.functional.artifacts.conftest import digest, zip_of
from tests.functional.git.conftest import Work, _own_configuration
from tests.support.git_http import GitServer, git_server

__all__ = ["_own_configuration"]

Make = Callable[..., Release]
ZIP = zip_of(app__py="x = 1\n")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A Git server with ``app.git``, in which s3-notifier 0.1.6 is released with two assets."""
    bare = tmp_path / "served" / "app.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    work = Work(tmp_path / "work")
    subprocess.run(["git", "clone", "-q", str(bare), str(work.folder)], check=True, capture_output=True)
    commit = work.commit("begin", README="x\n")
    work.git("tag", "v0.1.6")
    work.git("push", "-q", "origin", "HEAD:refs/heads/main", "v0.1.6")
    files = {"package.zip": ZIP, "notes.txt": b"notes", "big.bin": bytes(3_000_000)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    LocalForge(bare, tmp_path / "publisher").publish(
        tag="v0.1.6",
        commit=commit,
        title="0.1.6",
        body="",
        assets={name: tmp_path / name for name in files},
        is_prerelease=False,
    )
    with git_server(tmp_path / "served") as running:
        yield running


def _release(release: Make, server: GitServer, **options: str) -> Release:
    return release("git-release", **{"repository": server.url("app.git"), "tag": "v0.1.6", **options})


@pytest.mark.parametrize("kind", ["url", "folder", "clone", "relative"])
def test_an_asset_is_found_and_copied(kind: str, server: GitServer, release: Make, tmp_path: Path) -> None:
    """By URL, by folder and from a clone; finding fetches no content."""
    repository = {
        "url": server.url("app.git"),
        "folder": str(tmp_path / "served" / "app.git"),
        "clone": str(tmp_path / "work"),
        "relative": "../served/app.git",
    }[kind]
    (tmp_path / "gitops").mkdir()
    source = GitReleaseSource(cache=tmp_path / "cache", root=tmp_path / "gitops")
    wanted = _release(release, server, repository=repository)
    found = source.find(wanted)
    assert (found.sha256, found.size) == (digest(ZIP), len(ZIP))
    assert found.origin == f"git:{repository}@v0.1.6/package.zip"
    source.download(wanted, found, tmp_path / "copy.zip")
    assert (tmp_path / "copy.zip").read_bytes() == ZIP


def test_only_the_asset_itself_is_fetched(server: GitServer, release: Make, tmp_path: Path) -> None:
    """Other assets of the release, large ones too, stay where they are."""
    source = GitReleaseSource(cache=tmp_path / "cache", root=None)
    wanted = _release(release, server)
    source.download(wanted, source.find(wanted), tmp_path / "copy.zip")
    large = subprocess.run(
        ["git", "hash-object", str(tmp_path / "big.bin")], capture_output=True, text=True, check=True
    ).stdout.strip()
    (mirror,) = (tmp_path / "cache" / "repositories").glob("*.git")
    listing = subprocess.run(
        ["git", "-C", str(mirror), "cat-file", "--batch-all-objects", "--batch-check"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert large not in listing


def test_a_plan_of_many_asks_once(server: GitServer, release: Make, cache: Cache, tmp_path: Path) -> None:
    """A catalog identifies all targets with one listing of refs, and stages what it downloads."""
    source = GitReleaseSource(cache=tmp_path / "cache", root=None)
    catalog = Catalog({"git-release": source}, cache)
    wanted = _release(release, server)
    server.requests.clear()
    resolved = catalog.resolve({str(number): (wanted, f"bucket-{number}") for number in range(5)})
    assert not resolved.errors
    listings = [request for request in server.requests if request.startswith("GET")]
    assert len(listings) <= 3  # the refs, the release, its text
    path = catalog.fetch(resolved.packages["0"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest(ZIP)


def test_what_is_missing_is_said(server: GitServer, release: Make, tmp_path: Path) -> None:
    """No release, no tag any more, no asset or several, content that was deleted."""
    work = Work(tmp_path / "work")

    def find(**options: str) -> None:
        source = GitReleaseSource(cache=tmp_path / "cache", root=None)
        wanted = _release(release, server, **options)
        source.download(wanted, source.find(wanted), tmp_path / "copy.zip")

    with pytest.raises(
        ArtifactError, match=r"config.yaml:4: .*no release v9: it is not there .there: v0.1.6"
    ):
        find(tag="v9")
    with pytest.raises(
        ArtifactError, match=r"no asset matches \*\.jar .there: big.bin, notes.txt, package.zip"
    ):
        find(asset="*.jar")
    with pytest.raises(ArtifactError, match="3 assets match"):
        find(asset="*")
    work.git("tag", "v0.1.7")
    work.git("push", "-q", "origin", "v0.1.7")
    with pytest.raises(ArtifactError, match=r"v0.1.7: it is tagged, but not released[\s\S]*fix:"):
        find(tag="v0.1.7")
    work.git("push", "-q", "origin", f":refs/lockstep/assets/{digest(ZIP)}")
    with pytest.raises(ArtifactError, match=r"has lost its content[\s\S]*fix:"):
        find()
    work.git("push", "-q", "origin", ":refs/tags/v0.1.6")
    with pytest.raises(ArtifactError, match=r"v0.1.6 .* is gone[\s\S]*fix:"):
        find()
    work.git("push", "-q", "origin", f"{work.git('rev-parse', 'HEAD')}:refs/lockstep/releases/v0.1.7")
    with pytest.raises(ArtifactError, match=r"is not a release that Lockstep wrote[\s\S]*fix:"):
        find(tag="v0.1.7")


@pytest.mark.parametrize("repository", ["owner/name", "", "./served/app.git"])
def test_a_repository_that_cannot_be_meant_is_bad_input(
    repository: str, server: GitServer, release: Make, tmp_path: Path
) -> None:
    """A GitHub name, nothing, a folder beside a project that is not on disk."""
    source = GitReleaseSource(cache=tmp_path / "cache", root=None)
    with pytest.raises(BadInput, match=r"config.yaml:4[\s\S]*fix:"):
        source.find(_release(release, server, repository=repository))


def test_a_host_that_cannot_be_asked_is_an_error(server: GitServer, release: Make, tmp_path: Path) -> None:
    """A repository that is not there, and a server that fails."""
    source = GitReleaseSource(cache=tmp_path / "cache", root=None)
    with pytest.raises((BadInput, GitError), match="fix:"):
        source.find(_release(release, server, repository=server.url("other.git")))
    server.failing = 500
    with pytest.raises(GitError, match=r"cannot be reached[\s\S]*fix:"):
        source.find(_release(release, server))
