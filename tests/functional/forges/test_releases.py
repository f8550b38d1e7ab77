"""Releases: published once, finished when they were begun, refused when they are another's."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lockstep.errors import ArtifactError, ForgeError
from lockstep.forge.base import Forge, ForgeRelease
from tests.functional.forges.conftest import GitHubGround
from tests.functional.forges.ground import Ground


@pytest.fixture
def tagged(ground: Ground) -> str:
    """The commit of main, tagged s3-notifier-v0.1.6 with an annotated tag."""
    ground.work.git("tag", "-a", "s3-notifier-v0.1.6", "-m", "0.1.6", "origin/main")
    ground.work.git("push", "-q", "origin", "s3-notifier-v0.1.6")
    return ground.work.git("rev-parse", "origin/main")


@pytest.fixture
def assets(tmp_path: Path) -> Mapping[str, Path]:
    """A package and its digest, as files to upload."""
    package, digest = tmp_path / "upload-1", tmp_path / "upload-2"
    package.write_bytes(b"PK\3\4" + bytes(range(256)) * 40)
    digest.write_text(hashlib.sha256(package.read_bytes()).hexdigest())
    return {"s3-notifier-0.1.6.zip": package, "s3-notifier-0.1.6.zip.sha256": digest}


def _publish(
    forge: Forge,
    commit: str,
    assets: Mapping[str, Path],
    *,
    body: str = "Built by CI",
    is_prerelease: bool = False,
) -> ForgeRelease:
    return forge.publish(
        tag="s3-notifier-v0.1.6",
        commit=commit,
        title="s3-notifier 0.1.6",
        body=body,
        assets=assets,
        is_prerelease=is_prerelease,
    )


def test_a_release_is_published_with_its_assets(
    ground: Ground, tagged: str, assets: Mapping[str, Path]
) -> None:
    """Another client reads tag, commit, names, sizes and digests."""
    assert ground.open().release("s3-notifier-v0.1.6") is None
    _publish(ground.open(), tagged, assets)
    release = ground.open().release("s3-notifier-v0.1.6")
    assert release is not None
    assert (release.tag, release.commit, release.is_draft) == ("s3-notifier-v0.1.6", tagged, False)
    assert release.published
    assert "s3-notifier-v0.1.6" in release.url
    assert {(asset.name, asset.size, asset.sha256) for asset in release.assets} == {
        (name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for name, path in assets.items()
    }


def test_publishing_again_changes_nothing(ground: Ground, tagged: str, assets: Mapping[str, Path]) -> None:
    """The same assets are kept."""
    first = _publish(ground.open(), tagged, assets)
    assert _publish(ground.open(), tagged, assets) == first


def test_a_missing_asset_is_added_or_refused_but_never_lost(
    ground: Ground, tagged: str, assets: Mapping[str, Path]
) -> None:
    """One asset first, then both: whoever asks afterwards finds the first one as it was."""
    (name, path), *_ = assets.items()
    first = _publish(ground.open(), tagged, {name: path})
    _publish(ground.open(), tagged, assets)
    release = ground.open().release("s3-notifier-v0.1.6")
    assert release is not None
    assert {asset.name for asset in release.assets} == set(assets)
    assert set(first.assets) <= set(release.assets)


def test_other_content_is_refused(
    ground: Ground, tagged: str, assets: Mapping[str, Path], tmp_path: Path
) -> None:
    """An asset that is there with another digest is named, and stays."""
    first = _publish(ground.open(), tagged, assets)
    other = tmp_path / "other"
    other.write_bytes(b"PK\3\4 something else")
    with pytest.raises(ArtifactError, match=r"s3-notifier-0\.1\.6\.zip[\s\S]*fix:"):
        _publish(ground.open(), tagged, {**assets, "s3-notifier-0.1.6.zip": other})
    assert ground.open().release("s3-notifier-v0.1.6") == first


def test_the_tag_has_to_name_the_commit(ground: Ground, tagged: str, assets: Mapping[str, Path]) -> None:
    """A tag of another commit is an error, before and after the release is there."""
    other = ground.work.commit("another")
    ground.work.git("push", "-q", "origin", "HEAD:refs/heads/other")
    for _ in range(2):
        with pytest.raises(ForgeError, match=rf"{tagged[:7]}[\s\S]*fix:"):
            _publish(ground.open(), other, assets)
        _publish(ground.open(), tagged, assets)


def test_a_tag_that_was_set_anew_gets_its_own_assets(
    ground: Ground, tagged: str, assets: Mapping[str, Path], tmp_path: Path
) -> None:
    """Without its tag a release is a draft: it does not stand in the way of another commit's build."""
    _publish(ground.open(), tagged, assets)
    ground.work.git("push", "-q", "origin", ":refs/tags/s3-notifier-v0.1.6")
    if isinstance(ground, GitHubGround):  # which GitHub does by itself
        (release,) = ground.repository.releases.values()
        release.is_draft = True
    draft = ground.open().release("s3-notifier-v0.1.6")
    assert draft is not None
    assert draft.is_draft
    other = ground.work.commit("another")
    ground.work.git("push", "-q", "origin", "HEAD:refs/heads/other", "HEAD:refs/tags/s3-notifier-v0.1.6")
    built = tmp_path / "built"
    built.write_bytes(b"PK\3\4 another build")
    made = _publish(ground.open(), other, {**assets, "s3-notifier-0.1.6.zip": built})
    assert (made.commit, made.is_draft) == (other, False)
    digests = {asset.name: asset.sha256 for asset in made.assets}
    assert digests["s3-notifier-0.1.6.zip"] == hashlib.sha256(built.read_bytes()).hexdigest()
    assert ground.open().release("s3-notifier-v0.1.6") == made


def test_the_tag_has_to_be_there(ground: Ground, assets: Mapping[str, Path]) -> None:
    """A tag that was not pushed is named, and nothing is made."""
    with pytest.raises(ForgeError, match=r"s3-notifier-v0\.1\.6[\s\S]*fix:"):
        _publish(ground.open(), ground.work.git("rev-parse", "origin/main"), assets)
    assert ground.open().release("s3-notifier-v0.1.6") is None


def test_several_publishers_make_one_release(ground: Ground, tagged: str, assets: Mapping[str, Path]) -> None:
    """All of them succeed and see the same release."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: _publish(ground.open(), tagged, assets), range(4)))
    release = ground.open().release("s3-notifier-v0.1.6")
    assert release is not None
    for one in made:
        assert (one.url, set(one.assets)) == (release.url, set(release.assets))


def test_a_pre_release_of_ours_is_withdrawn(ground: Ground, tagged: str, assets: Mapping[str, Path]) -> None:
    """The release and its tag are gone, and a second time does nothing; another tag stays."""
    ground.work.git("push", "-q", "origin", "HEAD:refs/tags/s3-notifier-v0.1.5", "HEAD:refs/tags/web-v1")
    made = _publish(ground.open(), tagged, assets, is_prerelease=True)
    assert made.is_trial
    assert ground.open().release("s3-notifier-v0.1.6") == made
    assert ground.open().tags("s3-notifier-v") == ["s3-notifier-v0.1.5", "s3-notifier-v0.1.6"]
    for _ in range(2):
        ground.open().withdraw("s3-notifier-v0.1.6")
        assert ground.open().release("s3-notifier-v0.1.6") is None
        assert ground.open().tags("s3-notifier-v") == ["s3-notifier-v0.1.5"]
    assert ground.open().tags("") == ["s3-notifier-v0.1.5", "web-v1"]


def test_nothing_but_a_pre_release_of_ours_is_withdrawn(
    ground: Ground, tagged: str, assets: Mapping[str, Path]
) -> None:
    """A release, a tag without one, and on GitHub a pre-release that a person made, stay."""
    with pytest.raises(ForgeError, match=r"s3-notifier-v0\.1\.6 has no release[\s\S]*fix:"):
        ground.open().withdraw("s3-notifier-v0.1.6")
    made = _publish(ground.open(), tagged, assets)
    assert not made.is_trial
    with pytest.raises(ForgeError, match=r"no pre-release[\s\S]*fix:"):
        ground.open().withdraw("s3-notifier-v0.1.6")
    if isinstance(ground, GitHubGround):
        (release,) = ground.repository.releases.values()
        release.is_prerelease = True
        with pytest.raises(ForgeError, match="that Lockstep made"):
            ground.open().withdraw("s3-notifier-v0.1.6")
    there = ground.open().release("s3-notifier-v0.1.6")
    assert there is not None
    assert (there.commit, there.assets, there.is_trial) == (made.commit, made.assets, False)
