"""From releases to packages."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.artifacts.cache import Cache
from lockstep.artifacts.catalog import Catalog
from lockstep.artifacts.directory import DirectorySource
from lockstep.artifacts.github_release import GitHubReleaseSource
from lockstep.artifacts.http import HttpSource
from lockstep.artifacts.web import Web
from lockstep.errors import ArtifactError, BadInput
from lockstep.model import Release
from lockstep.model.staged import checksum_for, metadata_for
from tests.functional.artifacts.conftest import Reply, Site, digest, s3_source, zip_of
from tests.support import clouds
from tests.support.github_releases import GitHubReleases

ZIP = zip_of()
Make = Callable[..., Release]


def checksum(data: bytes) -> dict[str, str]:
    """Parameters of an upload that let S3 tell the SHA-256 of the object."""
    return {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum_for(digest(data))}


@pytest.fixture
def open_catalog(github: GitHubReleases, web: Web, tmp_path: Path) -> Callable[[], Catalog]:
    """Open a catalog over the cache, as each new run does."""

    def make() -> Catalog:
        sources = [
            GitHubReleaseSource(token=github.token, api=github.api, web=web),
            HttpSource(web),
            DirectorySource(tmp_path),
        ]
        return Catalog({source.kind: source for source in sources}, Cache(tmp_path / "cache"))

    return make


@pytest.fixture
def from_github(release: Make) -> Make:
    """Make a release of a GitHub tag."""

    def make(tag: str = "v1", **more: Any) -> Release:
        return release("github-release", repository="a/b", tag=tag, asset="*.zip", **more)

    return make


def test_a_published_digest_needs_no_download(
    github: GitHubReleases, open_catalog: Callable[[], Catalog], from_github: Make
) -> None:
    """A plan knows the package and its staged key; only staging downloads, and only once."""
    github.add_release("a/b", "v1", {"p.zip": ZIP})
    catalog = open_catalog()
    package = catalog.package(from_github(), "bucket")
    assert (package.sha256, package.size, package.bucket) == (digest(ZIP), len(ZIP), "bucket")
    assert package.key == f"lockstep/packages/{digest(ZIP)}.zip"
    assert package.origin == "github:a/b@v1/p.zip"
    assert not package.is_staged
    assert github.downloads() == 0
    assert catalog.fetch(package).read_bytes() == ZIP
    assert open_catalog().fetch(package).read_bytes() == ZIP
    assert github.downloads() == 1


def test_without_a_digest_one_download_is_enough_for_ever(
    github: GitHubReleases, open_catalog: Callable[[], Catalog], from_github: Make
) -> None:
    """The digest of an older asset is remembered for the next run."""
    github.add_release("a/b", "v1", {"p.zip": ZIP}, has_digest=False)
    for _ in range(3):
        package = open_catalog().package(from_github(), "bucket")
        assert (package.sha256, package.size) == (digest(ZIP), len(ZIP))
    assert github.downloads() == 1


def test_a_pin_is_compared_with_the_bytes_where_nothing_else_tells_them(
    github: GitHubReleases, open_catalog: Callable[[], Catalog], from_github: Make
) -> None:
    """It says what is wanted, and not what the release is: that is downloaded, and once is enough."""
    github.add_release("a/b", "v1", {"p.zip": ZIP}, has_digest=False)
    for _ in range(2):
        with pytest.raises(ArtifactError, match=rf"digest {digest(ZIP)}, not 0000[\s\S]*fix:"):
            open_catalog().package(from_github(sha256="0" * 64), "bucket")
    right = open_catalog().package(from_github(sha256=digest(ZIP)), "bucket")
    assert open_catalog().fetch(right).read_bytes() == ZIP


def test_a_pin_that_is_not_the_published_digest_stops_the_plan(
    github: GitHubReleases, open_catalog: Callable[[], Catalog], from_github: Make
) -> None:
    """Declaration, origin and both digests are named."""
    github.add_release("a/b", "v1", {"p.zip": ZIP})
    with pytest.raises(
        ArtifactError, match=r"config.yaml:4: github:a/b@v1/p.zip has the digest .*, not 0000"
    ):
        open_catalog().package(from_github(sha256="0" * 64), "bucket")


def test_a_package_that_changes_on_its_way_is_refused(
    github: GitHubReleases, open_catalog: Callable[[], Catalog], from_github: Make
) -> None:
    """Bytes that do not have the published digest, and files that are no zip, never reach the cache."""
    github.add_release("a/b", "v1", {"p.zip": ZIP})
    github.contents[1] = zip_of(other="x")
    github.add_release("a/b", "v2", {"p.zip": b"<html>"})
    catalog = open_catalog()
    for tag, says in (("v1", "has the digest"), ("v2", "not a zip")):
        package = catalog.package(from_github(tag), "bucket")
        for _ in range(2):
            with pytest.raises(ArtifactError, match=says):
                catalog.fetch(package)


def test_many_releases_are_found_once_each_and_errors_are_collected(
    github: GitHubReleases, open_catalog: Callable[[], Catalog], from_github: Make, release: Make
) -> None:
    """Targets that share a release share a request; what fails is named for each target."""
    github.add_release("a/b", "v1", {"p.zip": ZIP})
    wanted: dict[str, tuple[Release, str | None]] = {
        f"staging/s{number}": (from_github(), "bucket") for number in range(20)
    }
    wanted["production/x"] = (from_github("v2"), "bucket")
    wanted["production/y"] = (release("directory", path="nope.zip"), "bucket")
    wanted["production/z"] = (release("ftp"), "bucket")
    wanted["production/no-bucket"] = (from_github(), None)
    resolved = open_catalog().resolve(wanted)
    assert set(resolved.packages) == {f"staging/s{number}" for number in range(20)}
    assert set(resolved.errors) == {"production/x", "production/y", "production/z", "production/no-bucket"}
    assert "set packages.bucket" in str(resolved.errors["production/no-bucket"])
    assert "no artifact source ftp" in str(resolved.errors["production/z"])
    requests = [seen.path for seen in github.seen]
    assert requests.count("/repos/a/b/releases/tags/v1") <= 2  # once for each bucket
    assert open_catalog().resolve({}).packages == {}


def test_what_is_wrong_with_a_release_is_told_at_each_declaration(
    open_catalog: Callable[[], Catalog], release: Make
) -> None:
    """Targets that share a release are asked about once, and each is told at its own line."""
    missing = release("directory", path="nope.zip")
    wanted: dict[str, tuple[Release, str | None]] = {
        name: (replace(missing, place=f"{name}.yaml:4"), "bucket") for name in ("staging", "production")
    }
    errors = open_catalog().resolve(wanted).errors
    assert {key: error.where for key, error in errors.items()} == {
        "staging": "staging.yaml:4",
        "production": "production.yaml:4",
    }


def test_targets_that_share_a_release_keep_their_own_keys(
    github: GitHubReleases, open_catalog: Callable[[], Catalog]
) -> None:
    """Fixed keys differ from environment to environment though the package is one."""
    github.add_release("a/b", "v1", {"p.zip": ZIP})
    wanted: dict[str, tuple[Release, str | None]] = {}
    for name in ("staging", "production"):
        options = {"repository": "a/b", "tag": "v1"}
        key = f"lambda-packages/{name}.zip"
        made = Release(service="s", version="1", source="github-release", options=options, staged_key=key)
        wanted[name] = (made, "bucket")
    packages = open_catalog().resolve(wanted).packages
    assert {key: package.key for key, package in packages.items()} == {
        "staging": "lambda-packages/staging.zip",
        "production": "lambda-packages/production.zip",
    }


def test_threads_share_one_download(
    github: GitHubReleases, open_catalog: Callable[[], Catalog], from_github: Make
) -> None:
    """Two steps that stage one package at once download it once."""
    github.add_release("a/b", "v1", {"p.zip": ZIP})
    catalog = open_catalog()
    package = catalog.package(from_github(), "bucket")
    threads = [threading.Thread(target=catalog.fetch, args=(package,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert github.downloads() == 1


def test_a_file_on_disk_is_read_again_only_when_it_changed(
    open_catalog: Callable[[], Catalog], release: Make, tmp_path: Path
) -> None:
    """The digest follows the file."""
    (tmp_path / "p.zip").write_bytes(ZIP)
    made = release("directory", path="p.zip")
    assert open_catalog().package(made, "bucket").sha256 == digest(ZIP)
    other = zip_of(other="x")
    (tmp_path / "p.zip").write_bytes(other)
    assert open_catalog().package(made, "bucket").sha256 == digest(other)
    (tmp_path / "p.zip").write_bytes(b"nonsense")
    with pytest.raises(ArtifactError, match=r"directory:p.zip: this is not a zip"):
        open_catalog().package(made, "bucket")


def test_a_url_without_an_etag_is_read_each_time(
    site: Site, open_catalog: Callable[[], Catalog], release: Make
) -> None:
    """Nothing identifies its content, and a pin is no proof of it."""
    url = site.put("/p.zip", Reply(body=ZIP))
    for _ in range(2):
        assert open_catalog().package(release("https", url=url), "bucket").sha256 == digest(ZIP)
    assert [method for method, _, _ in site.seen].count("GET") == 2
    open_catalog().package(release("https", url=url, sha256=digest(ZIP)), "bucket")
    assert [method for method, _, _ in site.seen].count("GET") == 3


def test_a_package_nobody_knows_cannot_be_fetched(
    open_catalog: Callable[[], Catalog], from_github: Make
) -> None:
    """A saved plan on another machine says to plan again."""
    from lockstep.model import Package

    package = Package(sha256="0" * 64, size=0, bucket="b", key="k", origin="github:x")
    with pytest.raises(ArtifactError, match=r"github:x is not on this machine[\s\S]*plan again"):
        open_catalog().fetch(package)


def test_an_object_in_the_package_bucket_is_used_where_it_is(
    cloud: clouds.Cloud, release: Make, cache: Cache
) -> None:
    """In the package bucket, or with none set, S3 objects are not staged again; elsewhere they are."""
    clouds.make_bucket(cloud, "packages")
    s3 = clouds.client(cloud, "s3")
    s3.put_object(Bucket="packages", Key="a.zip", Body=ZIP, **checksum(ZIP))
    catalog = Catalog({"s3": s3_source(s3)}, cache)
    made = release("s3", bucket="packages", key="a.zip")
    for bucket in ("packages", None):
        package = catalog.package(made, bucket)
        assert (package.bucket, package.key, package.is_staged) == ("packages", "a.zip", True)
    other = catalog.package(made, "other")
    assert (other.bucket, other.key, other.is_staged) == (
        "other",
        f"lockstep/packages/{digest(ZIP)}.zip",
        False,
    )
    assert catalog.fetch(other).read_bytes() == ZIP


def test_a_pinned_object_used_where_it_is_is_compared_before(
    moto: clouds.Moto, release: Make, cache: Cache
) -> None:
    """Nobody stages it, so its bytes are looked at once when nothing else tells the digest."""
    clouds.make_bucket(moto, "packages")
    s3 = clouds.client(moto, "s3")
    s3.put_object(Bucket="packages", Key="a.zip", Body=ZIP)
    catalog = Catalog({"s3": s3_source(s3)}, cache)
    with pytest.raises(ArtifactError, match="has the digest"):
        catalog.package(release("s3", bucket="packages", key="a.zip", sha256="0" * 64), "packages")


def test_a_place_that_does_not_follow_the_version_is_not_given_another_one(
    site: Site, open_catalog: Callable[[], Catalog], release: Make
) -> None:
    """The package that another version's pin names is that version's, as long as it lies there."""
    url = site.put("/latest.zip", Reply(body=ZIP))
    made = replace(release("https", url=url), outlived=digest(ZIP))
    with pytest.raises(ArtifactError, match=r"latest.zip is still the package of another version than 0.1.6"):
        open_catalog().package(made, "bucket")
    other = zip_of(other="x")
    site.put("/latest.zip", Reply(body=other))
    assert open_catalog().package(made, "bucket").sha256 == digest(other)
    # Two versions may be built to the same bytes.
    own = site.put("/0.1.6.zip", Reply(body=ZIP))
    made = replace(release("https", url=own), outlived=digest(ZIP))
    assert open_catalog().package(made, "bucket").sha256 == digest(ZIP)


def test_a_bucket_is_needed(
    github: GitHubReleases, open_catalog: Callable[[], Catalog], from_github: Make
) -> None:
    """Without a package bucket the setting is named."""
    github.add_release("a/b", "v1", {"p.zip": ZIP})
    with pytest.raises(BadInput, match=r"config.yaml:4: .*no bucket[\s\S]*packages.bucket"):
        open_catalog().package(from_github(), None)


def staged_as(s3: Any, *releases: str, data: bytes = ZIP) -> str:
    """Put a package where staging puts it, as what the releases are; returns its key."""
    key = f"lockstep/packages/{digest(data)}.zip"
    s3.put_object(Bucket="packages", Key=key, Body=data, Metadata=metadata_for(releases), **checksum(data))
    return key


def test_a_pinned_package_that_is_staged_needs_no_release(
    cloud: clouds.Cloud, github: GitHubReleases, web: Web, from_github: Make, cache: Cache
) -> None:
    """A release that was deleted can still be rolled back to; without a pin nothing says what it was."""
    clouds.make_bucket(cloud, "packages")
    s3 = clouds.client(cloud, "s3")
    key = staged_as(s3, "s3-notifier@0.1.5", "s3-notifier@0.1.6")
    source = GitHubReleaseSource(token=github.token, api=github.api, web=web)
    catalog = Catalog({source.kind: source}, cache, staged=lambda _bucket: s3_source(s3))
    package = catalog.package(from_github(sha256=digest(ZIP)), "packages")
    assert (package.bucket, package.key, package.is_staged) == ("packages", key, True)
    for pin in (None, "0" * 64):
        with pytest.raises(ArtifactError, match=r"a/b"):
            catalog.package(from_github(sha256=pin), "packages")


@pytest.mark.parametrize("releases", [(), ("s3-notifier@0.1.5",), ("other@0.1.6",)])
def test_a_package_that_was_staged_as_another_release_is_not_this_one(
    moto: clouds.Moto, site: Site, release: Make, cache: Cache, web: Web, releases: tuple[str, ...]
) -> None:
    """A pin that outlives its version finds the old package; it is not believed to be the new one."""
    clouds.make_bucket(moto, "packages")
    s3 = clouds.client(moto, "s3")
    staged_as(s3, *releases)
    url = site.url("/p.zip")
    catalog = Catalog({"https": HttpSource(web)}, cache, staged=lambda _bucket: s3_source(s3))
    made = release("https", url=url, sha256=digest(ZIP))
    with pytest.raises(ArtifactError, match="nothing at this URL"):
        catalog.package(made, "packages")
    other = zip_of(other="x")
    site.put("/p.zip", Reply(body=other))  # no ETag: nothing but the bytes tells what it is
    with pytest.raises(ArtifactError, match=rf"has the digest {digest(other)}, not {digest(ZIP)}"):
        catalog.package(made, "packages")


def test_what_was_staged_as_a_release_tells_its_digest(
    moto: clouds.Moto, site: Site, release: Make, cache: Cache, web: Web
) -> None:
    """Of a source that publishes none nothing is downloaded to compare a pin with."""
    clouds.make_bucket(moto, "packages")
    s3 = clouds.client(moto, "s3")
    key = staged_as(s3, "s3-notifier@0.1.6")
    url = site.put("/p.zip", Reply(body=ZIP))
    catalog = Catalog({"https": HttpSource(web)}, cache, staged=lambda _bucket: s3_source(s3))
    package = catalog.package(release("https", url=url, sha256=digest(ZIP)), "packages")
    assert (package.key, package.size, package.releases) == (key, len(ZIP), ("s3-notifier@0.1.6",))
    assert {method for method, _, _ in site.seen} == {"HEAD"}


def test_two_versions_with_one_place_are_told_apart(moto: clouds.Moto, release: Make, cache: Cache) -> None:
    """Each is judged by what was staged as itself, though both name the same source and digest."""
    clouds.make_bucket(moto, "packages")
    s3 = clouds.client(moto, "s3")
    staged_as(s3, "s3-notifier@0.1.6")
    catalog = Catalog({"s3": s3_source(s3)}, cache, staged=lambda _: s3_source(s3))
    good = release("s3", bucket="gone", key="p.zip", sha256=digest(ZIP))
    found = catalog.resolve({"good": (good, "packages"), "bad": (replace(good, version="12.0"), "packages")})
    assert set(found.packages) == {"good"}
    assert set(found.errors) == {"bad"}


def test_a_staged_package_with_another_digest_is_not_used(
    moto: clouds.Moto, github: GitHubReleases, web: Web, from_github: Make, cache: Cache
) -> None:
    """Something else at the key, or something that does not say what it is, proves nothing."""
    clouds.make_bucket(moto, "packages")
    s3 = clouds.client(moto, "s3")
    source = GitHubReleaseSource(token=github.token, api=github.api, web=web)
    catalog = Catalog({source.kind: source}, cache, staged=lambda _bucket: s3_source(s3))
    key, evil = f"lockstep/packages/{digest(ZIP)}.zip", zip_of(other="x")
    for more in ({}, checksum(evil)):
        s3.put_object(
            Bucket="packages", Key=key, Body=evil, Metadata={"lockstep-sha256": digest(ZIP)}, **more
        )
        with pytest.raises(ArtifactError, match=r"a/b"):
            catalog.package(from_github(sha256=digest(ZIP)), "packages")
