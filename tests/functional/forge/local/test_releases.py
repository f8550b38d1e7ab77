"""Releases as refs that people can look at and delete."""

import hashlib
from pathlib import Path

import pytest

from lockstep.errors import ArtifactError
from lockstep.forge.base import DeploymentState, ForgeRelease
from lockstep.model.published import asset_ref
from tests.functional.forge.local.conftest import Place
from tests.functional.forges.ground import push


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A file to publish."""
    file = tmp_path / "package.zip"
    file.write_bytes(b"PK\3\4" + bytes(range(256)))
    return file


def _publish(place: Place, package: Path) -> ForgeRelease:
    place.work.git("tag", "-f", "v1", "origin/main")
    place.work.git("push", "-q", "-f", "origin", "v1")
    commit = place.work.git("rev-parse", "v1")
    return place.forge().publish(
        tag="v1", commit=commit, title="1", body="", assets={"package.zip": package}, is_prerelease=False
    )


def test_a_deleted_release_is_gone_and_can_be_made_again(place: Place, package: Path) -> None:
    """Its assets are still there, and are used again."""
    first = _publish(place, package)
    place.work.git("push", "-q", "origin", ":refs/lockstep/releases/v1")
    assert place.forge("two").release("v1") is None
    assert _publish(place, package).assets == first.assets


def test_without_its_tag_it_is_a_draft(place: Place, package: Path) -> None:
    """As on GitHub; a tag that moved shows where it is now."""
    _publish(place, package)
    moved = push(place.work, "main", version="1\n")
    place.work.git("push", "-q", "-f", "origin", f"{moved.sha}:refs/tags/v1")
    release = place.forge().release("v1")
    assert release is not None
    assert (release.commit, release.is_draft) == (moved.sha, False)
    place.work.git("push", "-q", "origin", ":refs/tags/v1")
    release = place.forge().release("v1")
    assert release is not None
    assert (release.commit, release.is_draft) == (None, True)


def test_an_asset_is_one_blob_that_git_hands_out(place: Place, package: Path) -> None:
    """Whoever has Git can fetch it, and nothing else comes along."""
    _publish(place, package)
    ref = asset_ref(hashlib.sha256(package.read_bytes()).hexdigest())
    other = place.machines / "other.git"
    place.work.git("init", "-q", "--bare", str(other))
    place.work.git("-C", str(other), "fetch", "-q", place.bare.as_uri(), f"{ref}:{ref}")
    assert place.work.git("-C", str(other), "count-objects").startswith("1 objects")
    assert place.work.git("-C", str(other), "cat-file", "-t", ref) == "blob"


def test_what_cannot_be_read_is_not_published(place: Place, package: Path) -> None:
    """A missing file is named before anything is pushed."""
    package.unlink()
    with pytest.raises(ArtifactError, match=r"package\.zip[\s\S]*fix:"):
        _publish(place, package)
    assert place.work.git("ls-remote", "origin", "refs/lockstep/*") == ""


def test_deployments_of_an_environment_are_kept_in_order(place: Place) -> None:
    """One entry for each deployment; one that succeeds makes those before it inactive."""
    forge = place.forge()
    first, second = (push(place.work, name).sha for name in "ab")

    def deploy(sha: str, state: DeploymentState) -> None:
        forge.deployment(sha, environment="staging", state=state, description="s3-notifier")

    for sha in (first, second):
        deploy(sha, DeploymentState.IN_PROGRESS)
        deploy(sha, DeploymentState.SUCCESS)
        deploy(sha, DeploymentState.SUCCESS)
    found = place.forge("two").deployments("staging")
    assert [(one["sha"], one["state"]) for one in found] == [(second, "success"), (first, "inactive")]
    deploy(first, DeploymentState.FAILURE)
    assert [one["state"] for one in forge.deployments("staging")] == ["failure", "success", "inactive"]
    assert forge.deployments("production") == []
