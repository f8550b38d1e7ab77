"""Packages of layers: what builders make lies where a runtime looks once it is unpacked to /opt."""

import zipfile

import pytest

from tests.functional.artifacts.builders.conftest import Shop


@pytest.mark.parametrize(
    ("builder", "fields", "names"),
    [
        ("python", {"runtime": "python3.13"}, ["python/bin/run", "python/common/__init__.py"]),
        ("node", {"runtime": "nodejs22.x"}, ["nodejs/bin/run", "nodejs/common/__init__.py"]),
        ("prebuilt", {"output": "."}, ["bin/run", "common/__init__.py"]),
        ("command", {"command": "mkdir out; cp -r bin out", "output": "out"}, ["bin/run"]),
    ],
)
def test_a_layer_has_the_folder_of_its_runtime(
    shop: Shop, builder: str, fields: dict[str, str], names: list[str]
) -> None:
    """Where somebody else laid it out it is taken as it lies, byte for byte the same each time."""
    shop.write("common/__init__.py")
    shop.write("bin/run", "#!/bin/sh\n")
    built = shop.build(builder, is_layer=True, **fields)
    assert sorted(zipfile.ZipFile(built.path).namelist()) == names
    assert built.warnings == ()
    assert shop.build(builder, into="again.zip", is_layer=True, **fields).sha256 == built.sha256


def test_a_layer_in_which_no_runtime_looks_is_told(shop: Shop) -> None:
    """It is no error: a function may read files below /opt by their paths."""
    shop.write("python.py")
    (warning,) = shop.build("prebuilt", output=".", is_layer=True).warnings
    assert warning.startswith(
        "a layer is unpacked to /opt, and no file lies where a runtime looks: in python/"
    )
