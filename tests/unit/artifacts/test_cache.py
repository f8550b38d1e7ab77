"""The local cache."""

import multiprocessing
from pathlib import Path

import pytest

from lockstep.artifacts.cache import Cache
from lockstep.errors import Unreadable
from tests.unit.artifacts.conftest import digest


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
