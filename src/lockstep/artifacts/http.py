"""Packages at an https URL (kind ``https``; option ``url``)."""

import re
from pathlib import Path

from lockstep.artifacts.base import Found
from lockstep.artifacts.web import Answer, Web
from lockstep.errors import ArtifactError, BadInput, Unreadable
from lockstep.model import Release
from lockstep.web import check_url, shown

__all__ = ["HttpSource"]

MAX_BYTES = 262_144_000  # a zip that is larger cannot unpack to Lambda's 250 MB


class HttpSource:
    """Finds a package by its URL; its content is known by a strong ETag or by downloading it.

    http is taken for this machine only. A presigned URL works; its query is never shown.
    """

    kind = "https"

    def __init__(self, web: Web | None = None) -> None:
        self._web = web or Web()

    def find(self, release: Release) -> Found:
        """Ask for size and ETag; ArtifactError when there is nothing at the URL."""
        url = _url(release)
        answer = self._web.ask(url, method="HEAD")
        if answer.status in (400, 403, 405, 501):  # no HEAD, or a URL presigned for GET
            answer = self._web.ask(url, headers={"Range": "bytes=0-0"}, wants_body=False)
        _check(release, url, answer)
        etag = answer.headers.get("etag", "")
        return Found(
            origin=shown(url),
            size=_size(answer),
            etag=None if not etag or etag.startswith("W/") else etag,  # a weak one may hide a change
        )

    def download(self, release: Release, found: Found, into: Path) -> None:
        """Write the package to ``into``; ArtifactError when it cannot be had."""
        url = _url(release)
        _check(release, url, self._web.download(url, into, limit=MAX_BYTES))


def _url(release: Release) -> str:
    url = release.options.get("url")
    if not url:
        raise BadInput("the https source has no url", where=release.place, fix="set artifacts.url")
    return check_url(url, where=release.place)


def _size(answer: Answer) -> int | None:
    size = answer.headers.get("content-range", "").rpartition("/")[2]
    if answer.status != 206:
        size = answer.headers.get("content-length", "")
    return int(size) if re.fullmatch(r"[0-9]{1,15}", size) else None


def _check(release: Release, url: str, answer: Answer) -> None:
    match answer.status:
        case 200 | 206:
            return
        case 404 | 410:
            raise ArtifactError(
                f"{shown(url)}: there is nothing at this URL",
                where=release.place,
                fix="check the version, and that it was uploaded",
            )
        case 401 | 403:
            problem, fix = "access is denied", "a presigned URL may have expired; check who may read it"
        case 429:
            problem, fix = (
                "the host asks to wait",
                f"run again in {answer.headers.get('retry-after', '60')} s",
            )
        case status:
            problem, fix = f"the host answered {status}", "check the URL, or run again later"
    raise Unreadable(f"{shown(url)}: {problem}", where=release.place, fix=fix)
