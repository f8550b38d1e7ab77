"""What is in a package: what makes it large, how near it is to Lambda's limits, what should not be in it."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from lockstep.artifacts.checks import MAX_UNPACKED
from lockstep.errors import ArtifactError
from lockstep.model import Part

__all__ = ["MAX_DIRECT", "check_size", "find_faults", "parts_of", "sizes_in"]

MAX_DIRECT = 52_428_800
"""Bytes of a zip that may be uploaded in one request, "50 MB" in Lambda's quotas."""
_NEAR = 0.8
_TOLD = 5  # parts that an error names
_NAMED = 3  # files that a warning names
_SMALL = 65_536  # bytes: keys and Git LFS pointers are smaller

_SECRET_NAMES = re.compile(
    r"(^|/)(\.env(\.(?!example$|sample$|template$|dist$)[^/]*)?|\.netrc|\.npmrc|\.pypirc|\.git-credentials|\.htpasswd"
    r"|id_(rsa|dsa|ecdsa|ed25519)|[^/]*\.(p12|pfx|jks|keystore|tfstate)|[^/]*\.tfstate\.backup)$"
    r"|(^|/)\.(git|aws|ssh|azure|gnupg|docker|kube)/"
    r"|(^|/)(\.config/)?gcloud/.*credentials[^/]*$"
)
_KEY_NAMES = re.compile(r"(^|/)[^/]*\.(pem|key)$")
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_POINTER = b"version https://git-lfs.github.com/spec/"
_ELF = b"\x7fELF"
_MACHINES = {62: "x86_64", 183: "arm64"}  # e_machine of an ELF file


def sizes_in(package: Path) -> dict[str, int]:
    """Bytes of each file of a zip, unpacked."""
    with zipfile.ZipFile(package) as archive:
        return {entry.filename: entry.file_size for entry in archive.infolist() if not entry.is_dir()}


def parts_of(sizes: Mapping[str, int]) -> tuple[Part, ...]:
    """What the files belong to, the largest first: folders at the top, or packages of ``node_modules``."""
    found: dict[str, list[int]] = {}
    for name, size in sizes.items():
        found.setdefault(_part(name), []).append(size)
    parts = (Part(name=name, size=sum(each), files=len(each)) for name, each in found.items())
    return tuple(sorted(parts, key=lambda part: (-part.size, part.name)))


def _part(name: str) -> str:
    first, _, rest = name.partition("/")
    if first == "node_modules" and rest:
        return "/".join([first, *rest.split("/")[: 2 if rest.startswith("@") else 1]])
    return first


def check_size(sizes: Mapping[str, int], *, origin: str) -> None:
    """Raise ArtifactError, with what makes it large, for files that unpack to more than Lambda takes."""
    total = sum(sizes.values())
    if total <= MAX_UNPACKED:
        return
    largest = ", ".join(f"{part.name} {_mb(part.size)} MB" for part in parts_of(sizes)[:_TOLD])
    raise ArtifactError(
        f"it unpacks to {_mb(total)} MB, over Lambda's 250 MB (zip and layers together); largest: {largest}",
        where=origin,
        fix="leave out what the function does not need (build.exclude), or use a container image",
    )


def _mb(size: int) -> str:
    return f"{size / 2**20:,.0f}"


def find_faults(package: Path, architecture: str) -> tuple[str, ...]:
    """Warnings about a zip: near a limit, secret files, programs for another machine, Git LFS pointers."""
    size = package.stat().st_size
    with zipfile.ZipFile(package) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        heads = {entry.filename: _head(archive, entry) for entry in entries}
        names = list(heads)
        secret = [name for name in names if _is_secret(archive, name, heads[name])]
    pointers = [name for name in names if heads[name].startswith(_POINTER)]
    foreign = [name for name in names if _machine(heads[name]) not in (None, architecture)]
    return (
        *_near_limits(size, sum(entry.file_size for entry in entries)),
        *_about(secret, "looks secret and is in the package", "leave it out (build.exclude)"),
        *_about(
            pointers, "is a pointer of Git LFS, not the file itself", "git lfs install, then git lfs pull"
        ),
        *_about(
            foreign,
            f"is a program for another machine than the function's, {architecture}",
            "set build.architecture, or build it for that machine",
        ),
    )


def _near_limits(size: int, unpacked: int) -> Iterable[str]:
    if unpacked > MAX_UNPACKED * _NEAR:
        yield f"it unpacks to {_mb(unpacked)} MB; Lambda's limit is 250 MB, layers included"
    if size > MAX_DIRECT:
        yield (
            f"the zip has {_mb(size)} MB: over 50 MB Lambda takes it from S3 only, as Lockstep does; "
            "the console cannot upload it"
        )
    elif size > MAX_DIRECT * _NEAR:
        yield f"the zip has {_mb(size)} MB; the console and the API take at most 50 MB directly"


def _head(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        return file.read(64)


def _is_secret(archive: zipfile.ZipFile, name: str, head: bytes) -> bool:
    if _SECRET_NAMES.search(name):
        return True
    if not _KEY_NAMES.search(name) and not head.startswith(b"-----BEGIN"):
        return False
    with archive.open(name) as file:  # certificates have these names too
        return _KEY.search(file.read(_SMALL)) is not None


def _machine(head: bytes) -> str | None:
    """The machine that a program or library for Linux is for; None for other files."""
    if not head.startswith(_ELF) or len(head) < 20:
        return None
    number = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
    return _MACHINES.get(number, f"machine {number}")


def _about(names: list[str], problem: str, fix: str) -> Iterable[str]:
    """One warning for all files with the same fault."""
    if not names:
        return
    more = f" (and {len(names) - _NAMED} more)" if len(names) > _NAMED else ""
    yield f"{', '.join(sorted(names)[:_NAMED])}{more}: {problem}; {fix}"
