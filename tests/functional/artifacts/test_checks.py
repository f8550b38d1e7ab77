"""What is refused before a package is used."""

import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.artifacts import checks
from lockstep.artifacts.checks import check_zip, sha256_of
from lockstep.errors import ArtifactError
from tests.functional.artifacts.conftest import digest, zip_of

Entry = tuple[str | zipfile.ZipInfo, bytes]


def info(name: str, mode: int = stat.S_IFREG | 0o644, **more: int) -> zipfile.ZipInfo:
    """An entry's head."""
    made = zipfile.ZipInfo(name)
    made.create_system = 3
    made.external_attr = mode << 16
    for key, value in more.items():
        setattr(made, key, value)
    return made


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    """Make a zip of entries in the order given."""

    def make(*entries: Entry, method: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "package.zip"
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
            warnings.simplefilter("ignore")  # about names that are in it twice: on purpose
            for name, data in entries:
                archive.writestr(name, data, compress_type=method)
        return path

    return make


def test_good_zips_pass(zipped: Callable[..., Path]) -> None:
    """Files, folders, executable files, links inside and other alphabets are all right."""
    link = stat.S_IFLNK | 0o777
    path = zipped(
        (info("lib/", stat.S_IFDIR | 0o755), b""),
        ("lib/a.py", b"x"),
        (info("bootstrap", stat.S_IFREG | 0o755), b"#!/bin/sh\n"),
        (info("lib/b.py", link), b"a.py"),
        (info("lib/up", link), b"../bootstrap"),
        ("..config/ü.txt", b"x"),
        ("a:b", b"x"),
    )
    check_zip(path, origin="github:x")
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        check_zip(zipped(("a", b"x" * 100), method=method), origin="x")


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([("/etc/passwd", b"x")], "is absolute"),
        ([("C:/x", b"x")], "is absolute"),
        ([("../x", b"x")], "leads out of the package"),
        ([("a/../../x", b"x")], "leads out of the package"),
        ([("a\\b.dll", b"x")], "backslashes"),
        ([("a\nb", b"x")], "characters that no name may have"),
        ([("a", b"x"), ("a", b"y")], "is in it twice"),
        ([("a", b"x"), ("./a", b"y")], "is in it twice"),
        ([("a", b"x"), ("a/b", b"y")], "is a file and a folder"),
        ([("a/b", b"x"), ("a", b"y")], "is in it twice|is a file and a folder"),
        ([(info("l", stat.S_IFLNK), b"/etc/passwd")], "link l leads out"),
        ([(info("l", stat.S_IFLNK), b"../x")], "link l leads out"),
        ([(info("a/l", stat.S_IFLNK), b"../../x")], "link a/l leads out"),
        ([(info("a/l", stat.S_IFLNK), b"b/../../x")], "link a/l leads out"),
        ([(info("l", stat.S_IFLNK), b"x" * 5000)], "is too long"),
        ([(info("l", stat.S_IFLNK), b"a"), ("l/x", b"x")], "is a file and a folder"),
        ([(info("f", stat.S_IFIFO), b"")], "neither a file nor a folder"),
        ([(info("d/", stat.S_IFDIR), b"")], "holds no file"),
        ([("zeros", bytes(20_000_000))], "times its size"),
        ([("zeros", bytes(262_144_001))], r"over Lambda's 250 MB"),
    ],
)
def test_bad_entries_are_refused(zipped: Callable[..., Path], entries: list[Entry], says: str) -> None:
    """Each is named, with origin and way out."""
    with pytest.raises(ArtifactError, match=rf"github:x: .*({says})[\s\S]*fix:"):
        check_zip(zipped(*entries), origin="github:x")


def test_other_compression_is_refused(zipped: Callable[..., Path]) -> None:
    """Lambda unpacks stored and deflated entries."""
    with pytest.raises(ArtifactError, match="compression method 14"):
        check_zip(zipped(("a", b"x" * 100), method=zipfile.ZIP_LZMA), origin="x")


def test_an_encrypted_entry_is_refused(zipped: Callable[..., Path]) -> None:
    """A password-protected zip says so."""
    path = zipped(("a", b"x"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match="a is encrypted"):
        check_zip(path, origin="x")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a zip"),
        (b"<html>404</html>", "not a zip"),
        (b"PK\5\6" + bytes(18), "the zip is empty"),
        (zip_of()[:-30], "damaged"),
        (zip_of()[:40], "damaged"),
        (b"\x7fELF" + zip_of(), "not a zip"),
        (b"PK\3\4" + bytes(2000), "damaged"),
    ],
)
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    """Empty files, error pages, cut files and files with something in front."""
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=says):
        check_zip(path, origin="x")


def test_every_damaged_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    """A flipped byte never ends in anything but acceptance of the same contents or an ArtifactError."""
    good = zip_of(a="hello " * 50, b="world")
    path = tmp_path / "x"
    for position in range(len(good)):
        data = bytearray(good)
        data[position] ^= 0xFF
        path.write_bytes(data)
        try:
            check_zip(path, origin="x")
        except ArtifactError:
            continue
        with zipfile.ZipFile(path) as archive:
            assert sorted(archive.read(name) for name in archive.namelist()) == [b"hello " * 50, b"world"]


def test_a_lie_about_the_size_is_noticed(zipped: Callable[..., Path]) -> None:
    """An entry that unpacks to more than it declares is damaged."""
    path = zipped(("a", b"x" * 1000))
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\1\2")
    for place, offset in ((0, 22), (central, 24)):
        struct.pack_into("<I", data, place + offset, 10)
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match="damaged"):
        check_zip(path, origin="x")


def test_too_many_entries_are_refused(zipped: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of entries is bounded."""
    monkeypatch.setattr(checks, "_MAX_ENTRIES", 2)
    with pytest.raises(ArtifactError, match="holds 3 entries, over 2"):
        check_zip(zipped(("a", b""), ("b", b""), ("c", b"")), origin="x")


def test_sha256_of_a_file(tmp_path: Path) -> None:
    """Lowercase hex of the bytes."""
    data = zlib.compress(b"x")
    (tmp_path / "x").write_bytes(data)
    assert sha256_of(tmp_path / "x") == digest(data)
