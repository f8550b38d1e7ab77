"""Two packages side by side."""

import zipfile
from pathlib import Path

import pytest

from lockstep.artifacts.compare import compare_packages
from lockstep.errors import ArtifactError
from lockstep.model.differing import How


def _zip(path: Path, files: dict[str, bytes], year: int = 1980) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(year, 1, 1, 0, 0, 0)), data)
    return path


def test_files_are_compared_by_their_bytes(tmp_path: Path) -> None:
    """Added, removed, changed with lines for text and digests for others; times and order do not count."""
    old = _zip(tmp_path / "a.zip", {"app.py": b"one\ntwo\n", "gone": b"x", "lib.so": b"\0a", "same": b"s"})
    new = _zip(tmp_path / "b.zip", {"same": b"s", "app.py": b"one\n2\n", "lib.so": b"\0b", "more": b""}, 2026)
    changes, same = compare_packages(old, new)
    assert [(one.path, one.how) for one in changes] == [
        ("app.py", How.CHANGED),
        ("gone", How.REMOVED),
        ("lib.so", How.CHANGED),
        ("more", How.ADDED),
    ]
    assert same == 1
    assert changes[0].lines == ("@@ -1,2 +1,2 @@", " one", "-two", "+2")
    assert changes[2].lines == ()
    assert (len(changes[2].old), len(changes[2].new)) == (64, 64)
    assert compare_packages(old, old) == ((), 4)


def test_what_is_no_package_is_an_error(tmp_path: Path) -> None:
    """As for a package that is to be deployed."""
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no zip")
    with pytest.raises(ArtifactError):
        compare_packages(bad, bad)


def test_texts_that_take_long_to_compare_are_told_and_not_compared(tmp_path: Path) -> None:
    """The time that lines take grows with their square; a package of somebody's holds any number of them."""
    old, new = tmp_path / "old.zip", tmp_path / "new.zip"
    for path, first in ((old, 0), (new, 1)):
        lines = "\n".join(f"{(number * 7 + first) % 150:x}" for number in range(60_000))
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("long.txt", lines)
            archive.writestr("short.txt", lines[:300])
    (long, short), _ = compare_packages(old, new)
    assert long.lines == ("... 60,000 and 60,000 lines, too many to compare",)
    assert len(short.lines) > 1
