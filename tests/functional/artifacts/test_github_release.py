"""Packages from GitHub releases."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.artifacts.github_release import GitHubReleaseSource
from lockstep.artifacts.web import Web
from lockstep.errors import ArtifactError, BadInput, Unreadable
from lockstep.model import Release
from tests.functional.artifacts.conftest import digest, zip_of
from tests.support.github_releases import GitHubReleases

ZIP = zip_of()
REPOSITORY = "camarades/syrf"


@pytest.fixture
def make(release: Callable[..., Release]) -> Callable[..., Release]:
    """Make a release that names the usual repository and tag."""

    def make(**options: str) -> Release:
        usual = {"repository": REPOSITORY, "tag": "s3-notifier-v0.1.6", "asset": "*.zip"}
        return release("github-release", **{**usual, **options})

    return make


@pytest.fixture
def source(github: GitHubReleases, web: Web) -> GitHubReleaseSource:
    """A source without a token."""
    return GitHubReleaseSource(api=github.api, web=web)


def test_the_digest_is_known_without_a_download(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release]
) -> None:
    """One request tells digest, size and origin."""
    github.add_release(REPOSITORY, "s3-notifier-v0.1.6", {"package.zip": ZIP, "notes.txt": b"x"})
    found = source.find(make())
    assert (found.sha256, found.size) == (digest(ZIP), len(ZIP))
    assert found.origin == "github:camarades/syrf@s3-notifier-v0.1.6/package.zip"
    source.find(make())
    assert [seen.path for seen in github.seen] == [f"/repos/{REPOSITORY}/releases/tags/s3-notifier-v0.1.6"]
    assert (github.seen[0].agent or "").startswith("lockstep/")


def test_a_private_asset_is_downloaded_and_the_token_stays_behind(
    github: GitHubReleases, web: Web, make: Callable[..., Release], tmp_path: Path
) -> None:
    """The API gets the token, the host that it redirects to does not."""
    github.add_repository(REPOSITORY, is_private=True)
    github.add_release(REPOSITORY, "s3-notifier-v0.1.6", {"package.zip": ZIP})
    source = GitHubReleaseSource(token=github.token, api=github.api, web=web)
    source.download(make(), source.find(make()), tmp_path / "p.zip")
    assert (tmp_path / "p.zip").read_bytes() == ZIP
    assert {seen.authorization for seen in github.seen if seen.host == "api"} == {f"Bearer {github.token}"}
    assert [seen.authorization for seen in github.seen if seen.host == "storage"] == [None]


def test_another_api_gets_no_token(github: GitHubReleases, web: Web, make: Callable[..., Release]) -> None:
    """A repository that names an API of its own cannot draw the token there; the message says so."""
    github.add_repository(REPOSITORY, is_private=True)
    source = GitHubReleaseSource(token=github.token, api="https://api.github.com", web=web)
    with pytest.raises(ArtifactError, match=r"only sent to https://api.github.com; GITHUB_API_URL"):
        source.find(make(api=github.api))
    assert {seen.authorization for seen in github.seen} == {None}


def test_an_asset_without_a_digest_is_known_by_its_upload(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release]
) -> None:
    """Older assets have no digest; their id and time identify them."""
    github.add_release(REPOSITORY, "s3-notifier-v0.1.6", {"package.zip": ZIP}, has_digest=False)
    found = source.find(make())
    assert found.sha256 is None
    assert found.etag == f"1-2026-11-01T12:00:00Z-{len(ZIP)}"


@pytest.mark.parametrize(
    ("assets", "pattern", "says"),
    [
        ({"a.zip": ZIP, "b.zip": ZIP}, "*.zip", r"2 assets match \*.zip \(there: a.zip, b.zip\)"),
        ({"a.tar": ZIP}, "*.zip", r"no asset matches \*.zip \(there: a.tar\)"),
        ({}, "*.zip", r"no asset matches \*.zip \(there: none\)"),
    ],
)
def test_exactly_one_asset_must_match(
    github: GitHubReleases,
    source: GitHubReleaseSource,
    make: Callable[..., Release],
    assets: dict[str, bytes],
    pattern: str,
    says: str,
) -> None:
    """None or several are errors that list what is there."""
    github.add_release(REPOSITORY, "s3-notifier-v0.1.6", assets)
    with pytest.raises(ArtifactError, match=says + r"[\s\S]*fix: .*artifacts.asset"):
        source.find(make(asset=pattern))


def test_an_asset_that_is_still_uploading_does_not_count(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release]
) -> None:
    """Only finished uploads are packages."""
    made = github.add_release(REPOSITORY, "s3-notifier-v0.1.6", {"a.zip": ZIP, "b.zip": ZIP})
    made["assets"][0]["state"] = "starter"
    assert source.find(make()).origin.endswith("/b.zip")


def test_releases_with_many_assets_are_listed_whole(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release]
) -> None:
    """An asset beyond the first page is found."""
    assets = {f"{number}.txt": b"x" for number in range(150)} | {"package.zip": ZIP}
    github.add_release(REPOSITORY, "s3-notifier-v0.1.6", assets)
    assert source.find(make()).sha256 == digest(ZIP)


def test_a_missing_release_names_the_newest(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release]
) -> None:
    """The message has the declaration's place, the tag and what there is."""
    github.add_release(REPOSITORY, "s3-notifier-v0.1.5", {"package.zip": ZIP})
    with pytest.raises(ArtifactError) as error:
        source.find(make())
    assert type(error.value) is ArtifactError  # it is known that there is none
    assert str(error.value) == (
        "syrf/environments/staging/s3-notifier/config.yaml:4: "
        "camarades/syrf has no release s3-notifier-v0.1.6 (newest: s3-notifier-v0.1.5)\n"
        "  fix: publish it, or check the version and artifacts.tag"
    )
    github.add_release(REPOSITORY, "s3-notifier-v0.1.6", {"package.zip": ZIP})
    assert source.find(make()).sha256


def test_a_draft_is_named(github: GitHubReleases, web: Web, make: Callable[..., Release]) -> None:
    """A release that was not published yet says so."""
    github.add_release(REPOSITORY, "s3-notifier-v0.1.6", {"package.zip": ZIP}, is_draft=True)
    source = GitHubReleaseSource(token=github.token, api=github.api, web=web)
    with pytest.raises(ArtifactError, match=r"still a draft\n  fix: publish it"):
        source.find(make())


def test_private_or_missing_cannot_be_told_apart_without_a_token(
    github: GitHubReleases, source: GitHubReleaseSource, web: Web, make: Callable[..., Release]
) -> None:
    """Without a token both are possible; with one, its permission is the question."""
    github.add_repository(REPOSITORY, is_private=True)
    with pytest.raises(Unreadable, match=r"does not exist or is private[\s\S]*set GITHUB_TOKEN"):
        source.find(make())
    with_token = GitHubReleaseSource(token=github.token, api=github.api, web=web)
    with pytest.raises(Unreadable, match=r"the token may not see it[\s\S]*contents: read"):
        with_token.find(make(repository="camarades/other"))


def test_a_wrong_token_is_named_and_not_shown(
    github: GitHubReleases, web: Web, make: Callable[..., Release]
) -> None:
    """A refused token is renewed, not printed."""
    github.add_repository(REPOSITORY)
    source = GitHubReleaseSource(token="ghp_expired", api=github.api, web=web)
    with pytest.raises(Unreadable, match="does not accept the token") as error:
        source.find(make())
    assert "ghp_expired" not in str(error.value) + repr(error.value)


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1798761600"}, "used up until 00:00 UTC"),
        (429, {"Retry-After": "120"}, "used up for 120 s"),
        (403, {"Retry-After": "60"}, "used up for 60 s"),
        (403, {"X-GitHub-SSO": "required; url=https://example.org"}, "SSO"),
        (403, {}, "contents: read"),
        (418, {}, "answered 418"),
    ],
)
def test_refusals_say_what_to_do(
    github: GitHubReleases,
    source: GitHubReleaseSource,
    make: Callable[..., Release],
    status: int,
    headers: dict[str, str],
    says: str,
) -> None:
    """Both rate limits, single sign-on and permissions are told apart, and none says what there is."""
    github.failing = [(status, headers)] * 3
    with pytest.raises(Unreadable, match=says):
        source.find(make())


def test_a_listing_that_is_refused_says_nothing_of_the_repository(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release]
) -> None:
    """The tag is not there, and why is not known: GitHub is down, which is not "does not exist"."""
    github.add_repository(REPOSITORY)
    github.failing = [(404, {}), *[(500, {})] * 4]
    with pytest.raises(Unreadable, match="GitHub answered 500"):
        source.find(make())


def test_a_short_secondary_limit_is_waited_out(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release]
) -> None:
    """Retry-After within patience is respected and the request repeated."""
    github.add_release(REPOSITORY, "s3-notifier-v0.1.6", {"package.zip": ZIP})
    github.failing = [(403, {"Retry-After": "1"})]
    assert source.find(make()).sha256 == digest(ZIP)


@pytest.mark.parametrize(
    "options",
    [
        {"repository": "x"},
        {"repository": "../.."},
        {"repository": "a/.."},
        {"repository": "a/b/c"},
        {"tag": ""},
    ]
    + [{"api": "http://example.org"}, {"repository": "a/b?x"}],
)
def test_bad_options_are_bad_input(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release], options: dict[str, str]
) -> None:
    """What could reach another path or host is refused before any request."""
    with pytest.raises(BadInput, match=r"config.yaml:4[\s\S]*fix:"):
        source.find(make(**options))
    assert github.seen == []


def test_odd_tags_reach_the_right_path(
    github: GitHubReleases, source: GitHubReleaseSource, make: Callable[..., Release]
) -> None:
    """A tag with a slash or a question mark is one path segment."""
    github.add_release(REPOSITORY, "s3/v1?x", {"package.zip": ZIP})
    assert source.find(make(tag="s3/v1?x")).sha256 == digest(ZIP)
