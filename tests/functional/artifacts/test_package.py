"""Reproducible zips."""

import os
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.artifacts.checks import check_zip, sha256_of
from lockstep.artifacts.package import make_zip, make_zip_of
from lockstep.errors import BadInput

_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0\\:", exclude_categories=["C"]), min_size=1
)
_PATHS = st.lists(_NAMES.filter(lambda name: name not in (".", "..", "__pycache__")), min_size=1, max_size=3)
_FILES = st.dictionaries(_PATHS.map("/".join), st.tuples(st.binary(max_size=50), st.booleans()), min_size=1)


def _write(folder: Path, files: dict[str, tuple[bytes, bool]], time: float) -> bool:
    for name, (data, is_executable) in files.items():
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        except OSError:  # a file and a folder of one name, or a name that is too long
            return False
        file.chmod(0o700 if is_executable else 0o600)
        os.utime(file, (time, time))
    return True


@given(files=_FILES, times=st.tuples(*[st.integers(0, 2**31)] * 2), order=st.randoms())
@settings(deadline=None, max_examples=60)
def test_the_same_contents_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, tuple[bytes, bool]],
    times: tuple[int, int],
    order: random.Random,
) -> None:
    """Whatever the order of writing, the times, the place and the other mode bits."""
    folder = tmp_path_factory.mktemp("zip")
    shuffled = list(files.items())
    order.shuffle(shuffled)
    if not _write(folder / "a", files, times[0]) or not _write(folder / "b", dict(shuffled), times[1]):
        return
    first = make_zip(folder / "a", folder / "a.zip")
    assert first == make_zip(folder / "b", folder / "b.zip")
    assert (folder / "a.zip").read_bytes() == (folder / "b.zip").read_bytes()
    assert first == (sha256_of(folder / "a.zip"), (folder / "a.zip").stat().st_size)
    check_zip(folder / "a.zip", origin="x")
    with zipfile.ZipFile(folder / "a.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: data for name, (data, _) in files.items()
        }


def test_the_bytes_are_these(tmp_path: Path) -> None:
    """The digest of a known zip is pinned: a change of it would deploy every function again."""
    made = make_zip_of({"b.txt": b"2\n", "a/ü.py": b"x = 1\n"}, tmp_path / "x.zip")
    assert made == make_zip_of({"a/ü.py": b"x = 1\n", "b.txt": b"2\n"}, tmp_path / "y.zip")
    assert made == ("c25804ecf5fea2d025b3a837e28a9571bd9c38caabeadcb3374b674f05f1fea2", 206)


def test_modes_follow_the_executable_bit(tmp_path: Path) -> None:
    """0755 for what may be run, 0644 for the rest, and nothing else of the mode."""
    folder = tmp_path / "f"
    folder.mkdir()
    for name, mode in (("run", 0o4711), ("read", 0o600)):
        (folder / name).touch()
        (folder / name).chmod(mode)
    make_zip(folder, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        modes = {each.filename: each.external_attr >> 16 for each in archive.infolist()}
    assert modes == {"run": 0o100755, "read": 0o100644}


def test_what_running_leaves_behind_is_left_out(tmp_path: Path) -> None:
    """Compiled caches hold times, and the zip itself may lie in the folder."""
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").touch()
    (tmp_path / "a.py").write_text("x")
    first = make_zip(tmp_path, tmp_path / "x.zip")
    assert make_zip(tmp_path, tmp_path / "x.zip") == first
    assert zipfile.ZipFile(tmp_path / "x.zip").namelist() == ["a.py"]


def test_links_inside_are_packed_as_files(tmp_path: Path) -> None:
    """A link to a file of the folder becomes that file; any other link is refused."""
    folder = tmp_path / "f"
    (folder / "d").mkdir(parents=True)
    (folder / "a").write_text("x")
    (folder / "d" / "l").symlink_to("../a")
    make_zip(folder, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.read("d/l") == b"x"
    for target in ("/etc/passwd", "../../outside", "nothing", "..", "self"):
        (tmp_path / "outside").touch()
        (folder / "d" / "self").unlink(missing_ok=True)
        (folder / "d" / "self").symlink_to(target)
        with pytest.raises(BadInput, match="is a link"):
            make_zip(folder, tmp_path / "y.zip")
    assert not (tmp_path / "y.zip").exists()


def test_bad_folders_are_bad_input(tmp_path: Path) -> None:
    """Missing, empty, and with a pipe in it."""
    for folder, says in ((tmp_path / "nope", "no folder"), (tmp_path, "no file to pack")):
        with pytest.raises(BadInput, match=says):
            make_zip(folder, tmp_path / "x.zip")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="neither a file nor a folder"):
        make_zip(tmp_path, tmp_path / "x.zip")
