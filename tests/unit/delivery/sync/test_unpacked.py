"""Packages and layers that do not fit into Lambda together."""

import zipfile
from pathlib import Path

import pytest

from lockstep.delivery.sync.unpacked import too_large
from lockstep.model import Change, Package, Plan, Target, TargetPlan, Verb
from lockstep.model.layer import BuiltLayer
from tests.support.projects import make_package, make_target

MB = 2**20
KEY = "staging/notifier"


def zip_of(path: Path, size: int) -> Path:
    """A zip whose end says that it unpacks to so many bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"")
        archive.filelist[0].file_size = size
    return path


def layer(version: str) -> BuiltLayer:
    """A version of a layer, with a package of its own."""
    package = make_package(f"# {version}\n")
    return BuiltLayer(
        target="staging/common", service="common", version=version, name="common", package=package
    )


def look(folder: Path, code: int, *layers: int | None, path: str = "layers") -> dict[str, str]:
    """What is said of a function with layers, each by bytes; None is not on this machine."""
    built = tuple(layer(f"{number}.0.0") for number in range(len(layers)))
    target: Target = make_target(KEY, layers=built)
    assert target.function is not None
    packages = [target.function.code.package, *(one.package for one in built)]
    files = {
        package.sha256: zip_of(folder / f"{number}.zip", size)
        for number, (package, size) in enumerate(zip(packages, (code, *layers), strict=True))
        if package is not None and size is not None
    }

    def at_hand(package: Package) -> Path | None:
        return files.get(package.sha256)

    change = Change(path=path, new="x")
    plan = Plan(
        engine="aws", project="shop", targets=(TargetPlan(target=KEY, verb=Verb.UPDATE, changes=(change,)),)
    )
    return {key: one.text for key, one in too_large(plan, {KEY: target}, at_hand).items()}


def test_what_does_not_fit_is_told_with_what_is_large(tmp_path: Path) -> None:
    """Before anything is applied, at the target's line."""
    (told,) = look(tmp_path, 200 * MB, 30 * MB, 21 * MB).values()
    assert "unpack to 251 MB together, over Lambda's 250 MB" in told
    assert "the package 200 MB, common@0.0.0 30 MB, common@1.0.0 21 MB" in told
    assert "fix: " in told


@pytest.mark.parametrize(
    ("code", "layers", "path"),
    [
        (200 * MB, (50 * MB,), "code"),  # exactly so much is taken
        (249 * MB, (), "code"),
        (249 * MB, (None,), "layers"),  # nobody here knows how large it is
        (200 * MB, (60 * MB,), "memorySize"),  # it is so already
    ],
)
def test_nothing_is_said_of_what_fits_or_is_not_known(
    tmp_path: Path, code: int, layers: tuple[int | None, ...], path: str
) -> None:
    """Only a sum of sizes that are known, of what a plan changes."""
    assert look(tmp_path, code, *layers, path=path) == {}
