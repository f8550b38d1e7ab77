"""Manifests in a folder: what is written, what goes, what is left alone."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.delivery.sync.manifests import Fate, FolderFiles, apply_changes, changes_in
from lockstep.errors import BadInput, MachineError
from lockstep.roads.argocd_job import ROAD
from lockstep.roads.base import Rendering
from lockstep.roads.table import ROADS
from tests.support.roads import ground, target

FILE = "environments/staging/api/deploy-job.yaml"
KEYS = ("staging/api", "staging/web", "production/api", "preview/pr-1/api")


def _rendering(*keys: str, road: str = ROAD.name, held: Iterable[str] = ()) -> Rendering:
    made = ROADS[road].render(ground(*(target(key) for key in keys)))
    return Rendering(road=road, manifests=made.manifests, held=frozenset(held))


def _put(folder: Path, rendering: Rendering, **more: object) -> dict[str, Fate]:
    """Write, and say what became of each file."""
    road = ROADS[rendering.road]
    changes = changes_in(FolderFiles(folder), road, rendering, "shop", declared=KEYS, **more)  # type: ignore[arg-type]
    apply_changes(folder, changes)
    return {one.path: one.fate for one in changes}


def _files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@given(st.lists(st.sets(st.sampled_from(KEYS)), min_size=1, max_size=4))
def test_a_folder_holds_what_is_declared_whatever_was_there(
    tmp_path_factory: pytest.TempPathFactory, steps: list[set[str]]
) -> None:
    """After any history the files are those of a fresh folder, and what did not change was not touched."""
    folder, fresh = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")
    for keys in steps:
        _put(folder, _rendering(*sorted(keys)))
    before = _files(folder)
    _put(folder, _rendering(*sorted(steps[-1])))
    assert _files(folder) == before
    _put(fresh, _rendering(*sorted(steps[-1])))
    # A preview's path tells whether the project has several services.
    assert {path: data for path, (data, _) in _files(folder).items()} == {
        path: data for path, (data, _) in _files(fresh).items()
    }
    assert not any(path.is_dir() and not any(path.iterdir()) for path in folder.rglob("*"))


def test_a_file_that_was_edited_is_said_and_left_alone(tmp_path: Path) -> None:
    """Also when its target is gone; ``force`` takes it over."""
    _put(tmp_path, _rendering("staging/api"))
    path = tmp_path / FILE
    path.write_text(path.read_text().replace("backoffLimit: 2", "backoffLimit: 9"))
    edited = path.read_text()
    assert _put(tmp_path, _rendering("staging/api")) == {FILE: Fate.EDITED}
    assert _put(tmp_path, _rendering()) == {FILE: Fate.EDITED}
    assert path.read_text() == edited
    assert _put(tmp_path, _rendering("staging/api"), force=True) == {FILE: Fate.WRITTEN}
    assert "backoffLimit: 2" in path.read_text()


def test_a_file_of_somebody_else_is_never_overwritten_or_removed(tmp_path: Path) -> None:
    """One without our first line, one of another road and one of another project."""
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text("kind: Job\n")
    assert _put(tmp_path, _rendering("staging/api")) == {FILE: Fate.FOREIGN}
    assert _put(tmp_path, _rendering()) == {}
    path.unlink()
    _put(tmp_path, _rendering("staging/api", road="ack"))
    _put(tmp_path, _rendering("staging/web"))
    assert _put(tmp_path, _rendering()) == {FILE.replace("api", "web"): Fate.REMOVED}
    assert (tmp_path / FILE.replace("deploy-job", "function")).exists()


def test_the_manifest_of_another_project_is_somebody_elses(tmp_path: Path) -> None:
    """Two projects in one folder may come to one path; neither overwrites nor removes the other's."""
    _put(tmp_path, _rendering("staging/api"))
    for keys in (("staging/api",), ()):
        changes = changes_in(FolderFiles(tmp_path), ROAD, _rendering(*keys), "other")
        assert [one.fate for one in changes] == [Fate.FOREIGN for _ in keys]


def test_what_was_refused_or_could_not_be_read_keeps_its_file(tmp_path: Path) -> None:
    """Nothing goes because it was not seen."""
    _put(tmp_path, _rendering("staging/api"))
    assert _put(tmp_path, _rendering(held=["staging/api"])) == {FILE: Fate.HELD}
    other = changes_in(
        FolderFiles(tmp_path), ROAD, _rendering(), "shop", declared=["production/api"], doubts=["staging/*"]
    )
    assert [one.fate for one in other] == [Fate.HELD]
    assert (tmp_path / FILE).exists()


def test_a_selection_touches_nothing_else(tmp_path: Path) -> None:
    """Neither to write nor to remove."""
    _put(tmp_path, _rendering("production/api"))
    fates = _put(tmp_path, _rendering("staging/api", "staging/web"), patterns=("staging/web",))
    assert fates == {FILE.replace("api", "web"): Fate.WRITTEN}
    assert (tmp_path / FILE.replace("staging", "production")).exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A file of the repository cannot lead out of it."""
    outside, folder = tmp_path / "outside", tmp_path / "in"
    (outside / "api").mkdir(parents=True)
    (folder / "environments").mkdir(parents=True)
    (folder / "environments/staging").symlink_to(outside)
    with pytest.raises(BadInput, match="symbolic link"):
        _put(folder, _rendering("staging/api"))
    assert list((outside / "api").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """By its name."""
    (tmp_path / "environments").mkdir(mode=0o500)
    with pytest.raises(MachineError, match="environments"):
        _put(tmp_path, _rendering("staging/api"))
