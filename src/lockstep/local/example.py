"""The example that the demo tells its story with: a copy in the wheel, the original in a checkout."""

import shutil
from pathlib import Path

from lockstep.errors import LockstepError

__all__ = ["copy_example"]

_PLACES = (Path(__file__).with_name("example"), Path(__file__).parents[3] / "examples" / "syrf")
_BUILT = shutil.ignore_patterns("packages", "__pycache__", "cache")


def copy_example(into: Path) -> None:
    """Copy the example to a folder that does not exist yet, without anything built from it."""
    for place in _PLACES:
        if (place / "gitops" / "lockstep.yaml").is_file():
            shutil.copytree(place, into, ignore=_BUILT)
            return
    raise LockstepError(
        "the example is missing from this installation",
        doing="starting the demo",
        fix="install lockstep-gitops again, from a wheel or a whole checkout",
    )
