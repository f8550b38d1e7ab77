"""From a source to its package, whatever builds it."""

from pathlib import Path

import pytest

from lockstep.artifacts.building import build
from lockstep.errors import ArtifactError, BadInput
from lockstep.model import Source
from tests.functional.artifacts.builders.conftest import Shop
from tests.support.wheels import elf


def test_a_package_is_described(shop: Shop) -> None:
    """Digest, sizes, parts and warnings."""
    shop.write("app.py", "x" * 10)
    shop.write("lib/a.so", elf("x86_64", 100))
    built = shop.build("python", runtime="python3.13", architecture="arm64", version="1.2.3", commit="abc")
    assert (built.service, built.builder, built.version, built.commit) == ("app", "python", "1.2.3", "abc")
    assert (built.unpacked, built.files) == (110, 2)
    assert built.size == built.path.stat().st_size
    assert [part.name for part in built.parts] == ["lib", "app.py"]
    (warning,) = built.warnings
    assert warning.startswith("lib/a.so: is a program for another machine")


def test_a_package_that_is_too_large_is_not_written(shop: Shop) -> None:
    """It is known before anything is packed."""
    with shop.write("big/model.bin").open("wb") as file:
        file.truncate(263 << 20)
    with pytest.raises(ArtifactError, match=r"of app: it unpacks to 263 MB.*largest: big 263 MB"):
        shop.build("python", runtime="python3.13")
    assert not (shop.root / "out.zip").exists()


def test_a_zip_that_is_too_large_names_its_parts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip that was built elsewhere too."""
    from lockstep.artifacts import contents
    from lockstep.artifacts.package import make_zip_of

    monkeypatch.setattr(contents, "MAX_UNPACKED", 1000)
    make_zip_of({"lib/a": bytes(2000)}, shop.folder / "app.zip")
    with pytest.raises(ArtifactError, match="largest: lib 0 MB"):
        shop.build("prebuilt", output="app.zip")


def test_what_is_packed_is_not_the_package(shop: Shop) -> None:
    """A package that is written into its own source is not part of the next one."""
    shop.write("app.py")
    first = shop.build("python", runtime="python3.13", into="src/app/app.zip")
    assert shop.build("python", runtime="python3.13", into="src/app/app.zip").sha256 == first.sha256


@pytest.mark.parametrize("exclude", ["app.py", "*"])
def test_an_empty_package_is_refused(shop: Shop, exclude: str) -> None:
    """Lambda takes none."""
    shop.write("app.py")
    with pytest.raises(BadInput, match=r"lockstep\.yaml:4: the package of app would be empty"):
        shop.build("python", runtime="python3.13", exclude=(exclude,))


def test_a_source_without_a_build_says_what_to_write(tmp_path: Path) -> None:
    """A service whose version is only declared here."""
    with pytest.raises(BadInput) as caught:
        build(Source(service="api", place="lockstep.yaml:9"), root=tmp_path, into=tmp_path / "x.zip")
    assert str(caught.value).startswith("lockstep.yaml:9: nothing says how api is built\n  fix: add build:")


def test_a_missing_folder_is_told(shop: Shop) -> None:
    """With the line that names it."""
    with pytest.raises(BadInput, match=r"lockstep\.yaml:4: there is no folder src/other"):
        shop.build("python", runtime="python3.13", path="src/other")


def test_a_target_that_cannot_be_written_is_told(shop: Shop) -> None:
    """The system's own words."""
    shop.write("app.py")
    with pytest.raises(ArtifactError, match=r"x\.zip cannot be written: No such file or directory"):
        shop.build("python", runtime="python3.13", into="nowhere/x.zip")


def test_nothing_is_left_behind(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither after a build nor after a failure."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    shop.write("app.py")
    shop.build("python", runtime="python3.13")
    with pytest.raises(ArtifactError):
        shop.build("command", command="exit 1", output="x")
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in shop.root.iterdir()) == ["out.zip", "src"]
