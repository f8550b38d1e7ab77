"""Files of a release: uploading them whole, and knowing that they are what was meant."""

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockstep.errors import ArtifactError, BadInput
from lockstep.forge.base import Asset
from lockstep.forge.github.client import Client
from lockstep.forge.github.pace import backoff
from lockstep.forge.github.problems import RefusedByGitHub
from lockstep.forge.github.transport import Uncertain
from lockstep.values import dataclass

__all__ = ["File", "OtherContent", "check", "complete", "files_of", "listed", "missing", "to_asset"]

_NEEDS = "contents=write"
_LARGEST = 2**31 - 1  # bytes; GitHub takes less than 2 GiB
_TRIES = 4
_LOOKS = 6  # for somebody else's upload to end
_BETWEEN = 5.0  # seconds
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file that is to be an asset."""

    name: str
    path: Path
    size: int  # bytes
    sha256: str


class OtherContent(ArtifactError):
    """A release has an asset of the same name whose bytes are not those of the file."""


def files_of(assets: Mapping[str, Path]) -> list[File]:
    """The files with their digests; BadInput for a name that GitHub would change, or no usable size."""
    found = []
    for name, path in sorted(assets.items()):
        if not re.fullmatch(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*", name):
            raise BadInput(
                f"{name!r} cannot be the name of a release's asset",
                fix="use letters, digits, '.', '-', '_' and '+'",
            )
        size = path.stat().st_size
        if not 0 < size <= _LARGEST:
            raise BadInput(
                f"{path} has {size} bytes",
                fix="an asset of a GitHub release has 1 byte at least and less than 2 GiB",
            )
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append(File(name=name, path=path, size=size, sha256=digest))
    return found


def to_asset(value: Any) -> Asset:
    """An asset from GitHub's JSON; its digest is null for uploads before June 2025 and on older servers."""
    digest = _DIGEST.fullmatch(value.get("digest") or "")
    return Asset(name=value["name"], size=value["size"], sha256=digest.group(1) if digest else None)


def listed(client: Client, release: int, *, doing: str) -> list[Any]:
    """All assets of a release, those that are not uploaded wholly included."""
    return list(client.pages(f"/releases/{release}/assets", doing=doing, needs="contents=read"))


def missing(client: Client, release: int, files: list[File], *, doing: str) -> list[File]:
    """The files that a release does not have yet; OtherContent for one with other content."""
    there = {each["name"]: each for each in listed(client, release, doing=doing)}
    return [
        file
        for file in files
        if (found := there.get(file.name)) is None or not check(found, file, doing=doing)
    ]


def complete(client: Client, release: int, files: list[File], *, doing: str) -> None:
    """Upload what is missing. What a broken upload left behind is removed first.

    Another run may upload the same file at the same time: it is given half a minute to end. Raises
    Refused with status 404 when the release is gone, OtherContent for an asset with other content.
    """
    there = {each["name"]: each for each in listed(client, release, doing=doing)}
    for file in files:
        _put(client, release, file, there.get(file.name), doing=f"{doing}: uploading {file.name}")


def check(value: Any, file: File, *, doing: str) -> bool:
    """Whether an asset is the file; False when it was not uploaded wholly, OtherContent for another."""
    if value["state"] != "uploaded":
        return False
    asset = to_asset(value)
    if asset.name != file.name:
        raise ArtifactError(
            f"GitHub calls it {asset.name}",
            doing=doing,
            fix="use letters, digits, '.', '-' and '_' in its name",
        )
    if asset.size != file.size or asset.sha256 not in (None, file.sha256):
        have = asset.sha256[:12] if asset.sha256 else f"{asset.size} bytes"
        want = file.sha256[:12] if asset.sha256 else f"{file.size} bytes"
        raise OtherContent(
            f"the release has a {file.name} with other content ({have}, not {want})",
            doing=doing,
            fix="release a new version; or delete the release, if nobody uses it yet, and run again",
        )
    if asset.sha256 is None:
        _log.info("GitHub tells no digest of %s: only its size was compared", file.name)
    return True


def _put(client: Client, release: int, file: File, there: Any, *, doing: str) -> None:
    if there is not None and there["state"] != "uploaded":
        there = _awaited(client, release, file, there, doing=doing)
    for attempt in range(1, _TRIES + 1):
        if there is not None:
            if check(there, file, doing=doing):
                return
            _remove(client, there["id"], doing=doing)
        there = _upload(client, release, file, attempt=attempt, doing=doing)
    if there is None or not check(there, file, doing=doing):
        raise ArtifactError(
            f"GitHub did not get the whole file in {_TRIES} attempts",
            doing=doing,
            fix="check the connection, and run again: what is uploaded stays",
        )


def _upload(client: Client, release: int, file: File, *, attempt: int, doing: str) -> Any:
    """Send the file once; return the asset that is there then, which may be half of it, or None."""
    try:
        return client.upload(
            f"/releases/{release}/assets",
            file.path,
            kind="application/zip" if file.name.endswith(".zip") else "application/octet-stream",
            doing=doing,
            needs=_NEEDS,
            name=file.name,
        )
    except Uncertain as error:
        _log.warning("%s: %s", doing, error.problem)
        client.sleep(backoff(attempt))
        return _named(client, release, file.name, doing=doing)
    except RefusedByGitHub as error:
        if error.status != 422 or "already" not in error.said.lower():
            raise
        # Another run was quicker, or is busy with it.
        return _awaited(client, release, file, _named(client, release, file.name, doing=doing), doing=doing)


def _awaited(client: Client, release: int, file: File, there: Any, *, doing: str) -> Any:
    """What became of an upload that another run may still be busy with."""
    for _ in range(_LOOKS):
        if there is None or there["state"] == "uploaded":
            break
        client.sleep(_BETWEEN)
        there = _named(client, release, file.name, doing=doing)
    return there


def _named(client: Client, release: int, name: str, *, doing: str) -> Any:
    return next((each for each in listed(client, release, doing=doing) if each["name"] == name), None)


def _remove(client: Client, number: int, *, doing: str) -> None:
    try:
        client.write("DELETE", f"/releases/assets/{number}", doing=doing, needs=_NEEDS)
    except RefusedByGitHub as error:
        if error.status != 404:
            raise
