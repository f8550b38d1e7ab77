"""Packages of layers: files where a function's runtime looks for them once the layer is unpacked to /opt.

Source: Lambda developer guide, "Packaging your layer content", layer paths for each Lambda runtime.
"""

from collections.abc import Iterable
from dataclasses import replace

from lockstep.artifacts.builders.base import Product
from lockstep.model import Builder

__all__ = ["as_layer", "misplaced"]

_FOLDERS = {Builder.PYTHON: "python", Builder.NODE: "nodejs"}
_LOOKED_IN = ("python", "nodejs", "java", "ruby", "dotnetcore", "bin", "lib", "extensions")


def as_layer(product: Product, builder: Builder) -> Product:
    """What a builder made, in the folder of its runtime; what has been built already lies as it is to lie."""
    folder = _FOLDERS.get(builder)
    if folder is None:
        return product
    return replace(product, files={f"{folder}/{name}": path for name, path in product.files.items()})


def misplaced(names: Iterable[str]) -> tuple[str, ...]:
    """A warning about a layer in which no runtime finds anything."""
    if any(name.partition("/")[0] in _LOOKED_IN and "/" in name for name in names):
        return ()
    folders = ", ".join(f"{one}/" for one in _LOOKED_IN[:4])
    return (
        f"a layer is unpacked to /opt, and no file lies where a runtime looks: in {folders}, lib/ or bin/; "
        "functions find the files by their paths below /opt alone",
    )
