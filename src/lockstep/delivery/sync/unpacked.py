"""Whether a package and the layers that are built here fit into Lambda together.

Lambda looks only once both are with it, in the middle of a sync. Layers by ARN and packages that are not on
this machine are left out: of them nobody here knows how large they are unpacked.
Source: Lambda quotas, "Deployment package": 250 MB unzipped, layers included.
"""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from lockstep.artifacts.checks import MAX_UNPACKED
from lockstep.model import Obstacle, Package, Plan, Target

__all__ = ["too_large"]


def too_large(
    plan: Plan, targets: Mapping[str, Target], at_hand: Callable[[Package], Path | None]
) -> dict[str, Obstacle]:
    """What is in the way of targets whose code or layers the plan changes, where together they do not fit."""

    @cache
    def unpacked(package: Package) -> int:
        path = at_hand(package)
        return 0 if path is None else _unpacked(path)

    found: dict[str, Obstacle] = {}
    for one in plan.targets:
        target = targets.get(one.target)
        if target is None or not target.layers or {"code", "layers"}.isdisjoint(c.path for c in one.changes):
            continue
        sizes = {name: unpacked(package) for name, package in _parts(target)}
        if sum(sizes.values()) > MAX_UNPACKED:
            listed = ", ".join(f"{name} {size / 2**20:,.0f} MB" for name, size in sizes.items() if size)
            found[target.key] = Obstacle(
                text=f"{target.places.get('layers') or target.place}: the package and its layers unpack to "
                f"{sum(sizes.values()) / 2**20:,.0f} MB together, over Lambda's 250 MB: {listed}\n"
                "  fix: leave out what the function does not need (build.exclude), or use a container image"
            )
    return found


def _parts(target: Target) -> Iterator[tuple[str, Package]]:
    """The function's package and those of its layers, each with what it is called."""
    if target.function is not None and target.function.code.package is not None:
        yield "the package", target.function.code.package
    yield from ((one.release, one.package) for one in target.layers if one.package is not None)


def _unpacked(path: Path) -> int:
    """Bytes of a zip's files, as its end tells."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return 0  # told where the package is checked
