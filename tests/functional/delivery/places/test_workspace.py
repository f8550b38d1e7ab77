"""Opening a project."""

import os
from pathlib import Path

import pytest

from lockstep.delivery.places.workspace import Where, open_workspace
from lockstep.errors import BadInput


def test_a_folder_without_a_project_is_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command in the wrong place, a home perhaps, says so at once and looks into no subfolder."""
    home = tmp_path / "home"
    (home / "photos").mkdir(parents=True)
    seen: list[str] = []
    listing = os.scandir

    def watch(path: Path) -> object:
        seen.append(Path(path).name)
        return listing(path)

    monkeypatch.setattr(os, "scandir", watch)
    with pytest.raises(BadInput, match=r"there is no lockstep\.yaml"):
        open_workspace(Where(folder=home, cache=tmp_path / "cache"))
    assert "photos" not in seen
