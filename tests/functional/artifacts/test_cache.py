"""The local cache."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lockstep.artifacts.cache import Cache
from lockstep.errors import Unreadable
from tests.functional.artifacts.conftest import digest


def _add(folder: str, data: bytes) -> bool:
    cache = Cache(Path(folder))
    with cache.new_file() as file:
        file.write_bytes(data)
        cache.add(file, digest(data))
    cache.remember("o", "e", digest(data), len(data))
    path = cache.get(digest(data))
    return path is not None and path.read_bytes() == data and cache.remembered("o", "e") is not None


def test_packages_are_kept_by_digest(cache: Cache, tmp_path: Path) -> None:
    """What was added is found under its digest, also by another run."""
    assert cache.get(digest(b"x")) is None
    assert _add(str(tmp_path / "cache"), b"x")
    assert cache.has(digest(b"x"))
    assert (cache.get(digest(b"x")) or Path()).name == f"{digest(b'x')}.zip"


def test_a_damaged_package_is_not_used(cache: Cache, tmp_path: Path) -> None:
    """A file that is not what its name says is removed."""
    _add(str(tmp_path / "cache"), b"x")
    path = cache.get(digest(b"x"))
    assert path
    path.write_bytes(b"y")
    assert cache.get(digest(b"x")) is None
    assert not path.exists()


def test_a_run_that_fails_leaves_nothing(cache: Cache, tmp_path: Path) -> None:
    """A file that was not added is gone."""
    with cache.new_file() as file:
        file.write_bytes(b"half")
    assert list((tmp_path / "cache" / "packages").iterdir()) == []


def test_a_disk_that_is_full_while_a_package_arrives_is_said(cache: Cache, tmp_path: Path) -> None:
    """The error names the cache and the way out, and what was begun is gone."""
    with pytest.raises(Unreadable, match="No space left on device") as caught, cache.new_file():
        Path("/dev/full").write_bytes(b"x")
    assert "LOCKSTEP_CACHE" in str(caught.value.fix)
    assert str(tmp_path / "cache" / "packages") in str(caught.value)
    assert list((tmp_path / "cache" / "packages").iterdir()) == []


def test_digests_are_remembered_by_origin_and_etag(cache: Cache, tmp_path: Path) -> None:
    """Another origin or ETag knows nothing, and a damaged note neither."""
    cache.remember("o", "e", digest(b"x"), 1)
    assert cache.remembered("o", "e") == (digest(b"x"), 1)
    assert cache.remembered("o", "f") is None
    assert cache.remembered("oe", "") is None
    next((tmp_path / "cache" / "digests").iterdir()).write_text("nonsense")
    assert cache.remembered("o", "e") is None


def test_processes_share_a_cache(tmp_path: Path) -> None:
    """Many writers of the same and other packages at once all succeed."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        data = [b"%d" % (number % 3) * 100_000 for number in range(24)]
        assert all(pool.starmap(_add, [(str(tmp_path / "cache"), each) for each in data]))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The setting that names another one is in the message."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(Unreadable, match=r"cannot be written[\s\S]*LOCKSTEP_CACHE"),
        Cache(tmp_path / "file").new_file(),
    ):
        pass


def test_a_digest_is_never_a_path(cache: Cache) -> None:
    """Nothing but a digest names a file."""
    with pytest.raises(ValueError, match="not a SHA-256"):
        cache.get("../../etc/passwd")


def _fill(folder: Path, ages: dict[bytes, int], size: int = 1000) -> None:
    """Packages of ``size`` bytes each, by content, last used so many seconds ago."""
    (folder / "packages").mkdir(parents=True, exist_ok=True)
    for letter, age in ages.items():
        path = folder / "packages" / f"{digest(letter * size)}.zip"
        path.write_bytes(letter * size)
        os.utime(path, (time.time() - age,) * 2)


def _left(folder: Path) -> set[bytes]:
    return {path.read_bytes()[:1] for path in (folder / "packages").glob("*.zip")}


def test_the_oldest_packages_go_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was longest unused is removed until the rest fits, and that is said."""
    _fill(tmp_path, {b"a": 40, b"b": 30, b"c": 20, b"d": 10})
    assert Cache(tmp_path, limit=2500).get(digest(b"a" * 1000))
    assert _left(tmp_path) == {b"a", b"d"}
    assert "took 0.004 MB, more than its 0.0025 MB: the 2 that were longest unused are removed" in caplog.text


def test_a_cache_within_its_bound_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Exactly as much as the bound is not too much; using a package makes it the youngest."""
    _fill(tmp_path, {b"a": 40, b"b": 30, b"c": 20})
    assert Cache(tmp_path, limit=3000).get(digest(b"a" * 1000))
    assert _left(tmp_path) == {b"a", b"b", b"c"}
    assert not caplog.text
    assert Cache(tmp_path, limit=1000).get(digest(b"x")) is None
    assert _left(tmp_path) == {b"a"}


def test_a_new_package_makes_room_for_itself(tmp_path: Path) -> None:
    """What a run adds pushes out what it does not use, and nothing that it does."""
    _fill(tmp_path, {b"a": 40, b"b": 30})
    cache = Cache(tmp_path, limit=2000)
    assert cache.get(digest(b"a" * 1000))
    for letter in (b"c", b"d"):
        with cache.new_file() as file:
            file.write_bytes(letter * 1000)
            cache.add(file, digest(letter * 1000))
    assert _left(tmp_path) == {b"a", b"c", b"d"}


def test_nothing_goes_while_another_run_uses_the_cache(tmp_path: Path) -> None:
    """A run that has found its package finds it still when it comes to read it."""
    _fill(tmp_path, {b"a": 40, b"b": 30})
    other = Cache(tmp_path, limit=5000)
    assert other.get(digest(b"a" * 1000))
    assert Cache(tmp_path, limit=0).get(digest(b"x")) is None
    assert _left(tmp_path) == {b"a", b"b"}
    del other
    assert Cache(tmp_path, limit=0).get(digest(b"x")) is None
    assert _left(tmp_path) == set()


def test_what_killed_runs_left_is_cleared_away(tmp_path: Path) -> None:
    """Half a download of a run that is gone goes at once; that of a run that is there stays."""
    script = (
        "import os, sys; from pathlib import Path; from lockstep.artifacts.cache import Cache\n"
        "with Cache(Path(sys.argv[1])).new_file() as file:\n"
        "    file.write_bytes(b'half'); print(file, flush=True); sys.stdin.read(); os._exit(9)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        half = Path(process.stdout.readline().strip())
        assert Cache(tmp_path).get(digest(b"x")) is None
        assert half.read_bytes() == b"half"
        process.kill()
        process.wait()
    assert Cache(tmp_path).get(digest(b"x")) is None
    assert not half.exists()
