"""Submodules: what a release does not have is in no package, wherever it is built."""

import pytest

from lockstep.errors import BadInput
from tests.functional.artifacts.builders.conftest import Shop, contents

OTHER = ("src/app/lib",)


@pytest.mark.parametrize("builder", ["prebuilt", "command"])
def test_files_of_a_submodule_are_not_packed(shop: Shop, builder: str) -> None:
    """As in the checkout that a release is built from, in which it is empty; links into it count too."""
    shop.write("dist/a.js")
    shop.write("dist/lib/b.js")
    (shop.folder / "dist/c.js").symlink_to("lib/b.js")
    how = {"command": "true", "exclude": ("lib",)} if builder == "command" else {}
    built = shop.build(builder, output="dist", submodules=("src/app/dist/lib",), **how)
    assert list(contents(built)) == ["a.js"]


@pytest.mark.parametrize("builder", ["prebuilt", "command"])
def test_an_output_in_a_submodule_is_refused(shop: Shop, builder: str) -> None:
    """A release would not find it."""
    shop.write("lib/out/a.js")
    how = {"command": "true", "exclude": ("lib",)} if builder == "command" else {}
    with pytest.raises(BadInput, match="output 'lib/out' lies in the submodule src/app/lib"):
        shop.build(builder, output="lib/out", submodules=OTHER, **how)


def test_a_command_is_not_run_where_it_could_read_one(shop: Shop) -> None:
    """Unless exclude says that it needs nothing of it, or it is not checked out."""
    shop.write("lib/b.js")
    with pytest.raises(BadInput, match="src/app/lib is a submodule: the build could read it") as caught:
        shop.build(
            "command", command="touch ran; mkdir -p dist; touch dist/a", output="dist", submodules=OTHER
        )
    assert caught.value.where == "lockstep.yaml:4"
    assert not (shop.folder / "ran").exists()
    make = {"command": "mkdir -p dist; touch dist/a", "output": "dist"}
    assert list(contents(shop.build("command", submodules=OTHER, exclude=("lib",), **make))) == ["a"]
    (shop.folder / "lib/b.js").unlink()
    assert list(contents(shop.build("command", submodules=OTHER, **make))) == ["a"]
    assert list(contents(shop.build("command", submodules=("src/other", "src/app2"), **make))) == ["a"]


def test_a_source_in_a_submodule_is_refused(shop: Shop) -> None:
    """It is another repository's."""
    shop.write("app.py")
    with pytest.raises(BadInput, match="the folder src/app lies in the submodule src"):
        shop.build("python", runtime="python3.13", submodules=("src",))
