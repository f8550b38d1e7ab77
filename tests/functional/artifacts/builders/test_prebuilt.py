"""Packages that are built already."""

import zipfile
from pathlib import Path

import pytest

from lockstep.artifacts.checks import sha256_of
from lockstep.errors import ArtifactError, BadInput
from tests.functional.artifacts.builders.conftest import Shop, contents


def test_a_folder_is_packed(shop: Shop) -> None:
    """As every folder is, with what include and exclude say."""
    for name in ("dist/a.js", "dist/a.js.map", "dist/lib/b.js", "other"):
        shop.write(name)
    assert list(contents(shop.build("prebuilt", output="dist"))) == ["a.js", "a.js.map", "lib/b.js"]
    some = shop.build("prebuilt", output="dist", include=("*.js", "*.map"), exclude=("*.map",))
    assert list(contents(some)) == ["a.js", "lib/b.js"]


def test_a_zip_is_taken_byte_for_byte(shop: Shop) -> None:
    """It may be signed, or its digest known elsewhere."""
    file = shop.folder / "app.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"signed"
        archive.writestr(zipfile.ZipInfo("b.py", (2020, 2, 2, 2, 2, 2)), "b")
        archive.writestr(zipfile.ZipInfo("a.py", (2020, 2, 2, 2, 2, 2)), "a")
    built = shop.build("prebuilt", output="app.zip")
    assert built.path.read_bytes() == file.read_bytes()
    assert (built.sha256, built.size) == (sha256_of(file), file.stat().st_size)
    assert built.files == 2


def test_a_zip_may_be_its_own_target(shop: Shop) -> None:
    """Then it stays where it is."""
    file = shop.folder / "app.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.py", "a")
    before = file.stat().st_mtime_ns
    assert shop.build("prebuilt", output="app.zip", into="src/app/app.zip").path == file
    assert file.stat().st_mtime_ns == before


def test_nothing_can_be_left_out_of_a_zip(shop: Shop) -> None:
    """That would be another zip."""
    shop.write("app.zip")
    with pytest.raises(BadInput, match="nothing of it can be left out"):
        shop.build("prebuilt", output="app.zip", exclude=("x",))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\3\4 damaged"])
def test_what_is_no_zip_is_told(shop: Shop, content: bytes) -> None:
    """Before anything is written."""
    shop.write("app.zip", content)
    with pytest.raises(ArtifactError, match="the package of app: "):
        shop.build("prebuilt", output="app.zip")
    assert not (shop.root / "out.zip").exists()


def test_the_output_stays_in_the_repository(shop: Shop, tmp_path: Path) -> None:
    """Neither by name nor by a link."""
    (tmp_path / "outside").mkdir()
    (shop.folder / "dist").symlink_to(tmp_path / "outside")
    with pytest.raises(BadInput, match="output 'dist' leads out of the repository"):
        shop.build("prebuilt", output="dist")
    with pytest.raises(BadInput, match="there is no output 'nope' in src/app"):
        shop.build("prebuilt", output="nope")
