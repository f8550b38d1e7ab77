"""Whether a zip may be given to Lambda: looked at before use, without extracting anything.

Limits: 250 MB unpacked, layers included (Lambda quotas). Lambda itself finds these faults only after
the upload, and tells less.
"""

import hashlib
import os
import posixpath
import stat
import zipfile
import zlib
from pathlib import Path

from lockstep.errors import ArtifactError

__all__ = ["MAX_UNPACKED", "check_zip", "sha256_of"]

MAX_UNPACKED = 262_144_000  # bytes, "250 MB" in Lambda's quotas
_MAX_ENTRIES = 200_000
_MAX_RATIO = 200  # of unpacked to packed, once it is over 10 MB: no program packs so well
_RATIO_FROM = 10_000_000
_MAX_LINK = 4096
_END_BYTES = 22 + 0xFFFF  # the end record with the longest comment
_AGAIN = "build or upload it again"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in lowercase hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_zip(path: Path, *, origin: str) -> None:
    """Raise ArtifactError, naming ``origin``, when a file is not a zip that Lambda can use safely.

    Looks at every entry's name, type and declared size, then reads each once to compare its checksum.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PK\5\6":
            raise _bad(origin, "the zip is empty", "put the function's code into it")
        if start != b"PK\3\4":
            raise _bad(origin, "this is not a zip", "check that the build uploads the package itself")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_count(path, len(entries), origin)
            _check_sizes(entries, path.stat().st_size, origin)
            _check_names(entries, origin)
            for entry in entries:
                _check_content(archive, entry, origin)
    except (zipfile.BadZipFile, zlib.error) as error:
        raise _bad(origin, f"the zip is damaged: {error}", _AGAIN) from None
    except (NotImplementedError, RuntimeError, EOFError, OSError, ValueError, OverflowError) as error:
        raise _bad(origin, f"the zip cannot be read: {error}", _AGAIN) from None


def _check_count(path: Path, count: int, origin: str) -> None:
    """Compare with the number of entries that the end of the zip declares; Python does not."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, _END_BYTES), os.SEEK_END)
        tail = file.read()
    end = tail.rfind(b"PK\5\6")
    declared = int.from_bytes(tail[end + 10 : end + 12], "little")
    if declared != min(count, 0xFFFF):  # as many or more are counted elsewhere, in ZIP64
        raise _bad(origin, f"the zip is damaged: it declares {declared} entries and lists {count}", _AGAIN)


def _check_sizes(entries: list[zipfile.ZipInfo], packed: int, origin: str) -> None:
    if not any(not entry.is_dir() for entry in entries):
        raise _bad(origin, "the zip holds no file", "put the function's code into it")
    if len(entries) > _MAX_ENTRIES:
        raise _bad(
            origin, f"the zip holds {len(entries):,} entries, over {_MAX_ENTRIES:,}", "use a container image"
        )
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED:
        raise _bad(
            origin,
            f"it unpacks to {unpacked / 2**20:,.0f} MB, over Lambda's 250 MB (zip and layers together)",
            "leave out what the function does not need, or use a container image",
        )
    if unpacked > _RATIO_FROM and unpacked > _MAX_RATIO * packed:
        raise _bad(
            origin,
            f"it unpacks to {unpacked // max(packed, 1)} times its size, as a zip bomb does",
            "leave out files that hold nothing but repetition",
        )


def _check_names(entries: list[zipfile.ZipInfo], origin: str) -> None:
    files: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        name = _checked_name(entry, origin)
        if name in files or (name in folders and not entry.is_dir()):
            raise _bad(origin, f"the name {name} is in it twice", "build it again into a new file")
        if entry.is_dir():
            folders.add(name)
        else:
            files.add(name)
        parent = posixpath.dirname(name)
        while parent and parent not in folders:
            folders.add(parent)
            parent = posixpath.dirname(parent)
    if both := sorted(files & folders):
        raise _bad(origin, f"{both[0]} is a file and a folder in it", "build it again into a new file")


def _checked_name(entry: zipfile.ZipInfo, origin: str) -> str:
    raw, name = entry.orig_filename, entry.filename.removesuffix("/")
    if "\\" in raw:
        fix = "pack it with forward slashes (on Windows: dotnet lambda package, or tar -a)"
        raise _bad(origin, f"the name {raw!r} has backslashes, which are no folders to Lambda", fix)
    if raw != entry.filename or not name or any(ord(character) < 32 for character in raw):
        raise _bad(origin, f"the name {raw!r} has characters that no name may have", "rename the file")
    if name.startswith("/") or (name[1:3] == ":/" and name[0].isalpha()):
        raise _bad(origin, f"the name {name} is absolute", "pack it from inside the folder")
    if ".." in name.split("/"):
        raise _bad(origin, f"the name {name} leads out of the package", "pack it from inside the folder")
    return posixpath.normpath(name)


def _check_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, origin: str) -> None:
    name = entry.filename
    if entry.flag_bits & 1:
        raise _bad(origin, f"{name} is encrypted", "pack it without a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = f"compression method {entry.compress_type}"
        raise _bad(origin, f"{name} uses {method}", "pack it with the usual method, deflate")
    mode = entry.external_attr >> 16 if entry.create_system == 3 else 0
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise _bad(origin, f"{name} is neither a file nor a folder", "leave it out")
    if kind == stat.S_IFLNK:
        _check_link(archive, entry, origin)
        return
    with archive.open(entry) as file:
        size = 0
        while chunk := file.read(1 << 20):
            size += len(chunk)
    if size != entry.file_size:
        raise _bad(origin, f"{name} is not as long as the zip says", _AGAIN)


def _check_link(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, origin: str) -> None:
    if entry.file_size > _MAX_LINK:
        raise _bad(origin, f"the link {entry.filename} is too long", "pack the file itself")
    target = archive.read(entry).decode("utf-8", "replace")
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    depth = len(posixpath.normpath(entry.filename).split("/")) - 1
    # ".." behind a name could leave through another link, so it may only stand in front.
    if target.startswith("/") or up > depth or ".." in parts[up:]:
        raise _bad(origin, f"the link {entry.filename} leads out of the package", "pack the file itself")


def _bad(origin: str, problem: str, fix: str) -> ArtifactError:
    return ArtifactError(problem, where=origin, fix=fix)
