"""A release that is kept in a Git repository, and the refs that hold it.

    refs/lockstep/releases/TAG      commit with ``release.json``: what the release is
    refs/lockstep/assets/SHA256     blob: the bytes of an asset, whose name is in ``release.json``

Whoever wants an asset fetches its one ref: no other content comes along, from any Git server.
"""

import json
import re
from typing import Any

from lockstep.model.foreign import expect, read_json
from lockstep.values import dataclass

__all__ = [
    "RELEASE_FILE",
    "Published",
    "PublishedAsset",
    "asset_ref",
    "read_published",
    "release_ref",
    "write_published",
]

RELEASE_FILE = "release.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedAsset:
    """A file of a release."""

    name: str
    size: int  # bytes
    sha256: str  # lowercase hex


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What is written of a release."""

    tag: str
    commit: str  # that the tag names
    title: str
    body: str
    published: str  # ISO 8601
    author: str
    is_prerelease: bool = False
    assets: tuple[PublishedAsset, ...] = ()


def release_ref(tag: str) -> str:
    """The ref of a tag's release."""
    return f"refs/lockstep/releases/{tag}"


def asset_ref(sha256: str) -> str:
    """The ref of the bytes with this SHA-256."""
    return f"refs/lockstep/assets/{sha256}"


def write_published(release: Published) -> bytes:
    """The JSON of a release; the same release gives the same bytes."""
    record = {
        "tag": release.tag,
        "commit": release.commit,
        "title": release.title,
        "published": release.published,
        "author": release.author,
        "prerelease": release.is_prerelease,
        "assets": [
            {"name": asset.name, "size": asset.size, "sha256": asset.sha256} for asset in release.assets
        ],
        "body": release.body,
    }
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def read_published(data: bytes) -> Published:
    """The release of a JSON text; ValueError when it is not one."""
    try:
        record: Any = read_json(data)
        return Published(
            tag=expect(str, record["tag"]),
            commit=_matching(_COMMIT, record["commit"]),
            title=expect(str, record["title"]),
            body=expect(str, record["body"]),
            published=expect(str, record["published"]),
            author=expect(str, record["author"]),
            is_prerelease=expect(bool, record["prerelease"]),
            assets=tuple(
                PublishedAsset(
                    name=expect(str, asset["name"]),
                    size=expect(int, asset["size"]),
                    sha256=_matching(_SHA256, asset["sha256"]),
                )
                for asset in expect(list, record["assets"])
            ),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a release: {error}") from None


def _matching(pattern: re.Pattern[str], text: Any) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is not an id")
    return text
