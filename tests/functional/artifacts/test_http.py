"""Packages at URLs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.artifacts.http import HttpSource
from lockstep.artifacts.web import Web
from lockstep.errors import ArtifactError, BadInput, Unreadable
from lockstep.model import Release
from tests.functional.artifacts.conftest import Reply, Site, zip_of

ZIP = zip_of()
Make = Callable[..., Release]


def test_a_url_is_found_by_its_head(site: Site, web: Web, release: Make, tmp_path: Path) -> None:
    """Size and ETag come without the body; the query is not in the origin."""
    url = site.put("/a.zip", Reply(body=ZIP, headers={"ETag": '"1"'})) + "?X-Amz-Signature=s3cret"
    source = HttpSource(web)
    found = source.find(release("https", url=url))
    assert (found.origin, found.size, found.etag) == (site.url("/a.zip"), len(ZIP), '"1"')
    assert [method for method, _, _ in site.seen] == ["HEAD"]
    source.download(release("https", url=url), found, tmp_path / "p.zip")
    assert (tmp_path / "p.zip").read_bytes() == ZIP


def test_a_host_without_head_is_asked_for_one_byte(site: Site, web: Web, release: Make) -> None:
    """A URL presigned for GET refuses HEAD."""
    partial = Reply(status=206, headers={"Content-Range": f"bytes 0-0/{len(ZIP)}", "ETag": '"1"'}, body=b"P")
    url = site.put("/a.zip", Reply(status=403), partial)
    found = HttpSource(web).find(release("https", url=url))
    assert (found.size, found.etag) == (len(ZIP), '"1"')
    assert site.seen[1][2]["Range"] == "bytes=0-0"


def test_a_weak_etag_identifies_nothing(site: Site, web: Web, release: Make) -> None:
    """Weak ETags may stay the same when bytes change."""
    url = site.put("/a.zip", Reply(headers={"ETag": 'W/"1"'}))
    assert HttpSource(web).find(release("https", url=url)).etag is None


@pytest.mark.parametrize(
    ("status", "says", "kind"),
    [
        (404, "nothing at this URL", ArtifactError),
        (403, "access is denied", Unreadable),
        (418, "answered 418", Unreadable),
    ],
)
def test_what_is_not_there_is_named(
    site: Site, web: Web, release: Make, status: int, says: str, kind: type[ArtifactError]
) -> None:
    """The place of the declaration and the URL without its query; what is missing is not what is not told."""
    url = site.put("/a.zip", Reply(status=status)) + "?sig=s3cret"
    with pytest.raises(ArtifactError, match=rf"config.yaml:4: {site.url('/a.zip')}: .*{says}") as error:
        HttpSource(web).find(release("https", url=url))
    assert "s3cret" not in str(error.value)
    assert type(error.value) is kind


def test_a_url_is_needed(release: Make) -> None:
    """No URL and plain http to another machine are bad input."""
    with pytest.raises(BadInput, match=r"no url"):
        HttpSource().find(release("https"))
    with pytest.raises(BadInput, match="not an https URL"):
        HttpSource().find(release("https", url="http://example.org/a.zip"))
