"""Runs pip as if on the machine that a function runs on: ``PYTHON pip_target.py MARKERS ARGUMENT...``.

pip chooses wheels for another platform (``--platform``, ``--python-version``), but judges the markers of
requirements (``; python_version < "3.11"``) by the Python that it runs on itself, and in older versions
Requires-Python too. A package would so differ with the machine that it is built on. This puts the
function's values in their place, checks that pip heeds them, and ends with code 97 when it does not. It
runs in any Python that has pip, so it imports nothing of Lockstep.
"""

import sys

if __name__ == "__main__":
    del sys.path[0]  # this folder: its modules have names that others may look for

import importlib
import inspect
import json
from typing import Any

__all__ = ["UNFIT", "run"]

UNFIT = 97
"""Exit code: this pip cannot be told which machine to think of."""


def run(wanted: "dict[str, str]", arguments: "list[str]") -> int:
    """Run pip with these markers and return its exit code."""
    try:
        markers: Any = importlib.import_module("pip._vendor.packaging.markers")
        pip: Any = importlib.import_module("pip._internal.cli.main")
        own = markers.default_environment
        markers.default_environment = lambda: {**own(), **wanted}
        heeds = all(markers.Marker(f"{name} == '{value}'").evaluate() for name, value in wanted.items())
        _resolve_for(wanted["python_version"])
    except (ImportError, AttributeError, TypeError):
        return UNFIT
    return int(pip.main(arguments)) if heeds else UNFIT


def _resolve_for(version: str) -> None:
    """Give the resolver the function's Python, which older versions of ``pip install`` do not."""
    command: Any = importlib.import_module("pip._internal.cli.req_command").RequirementCommand
    make = command.make_resolver
    if "py_version_info" not in inspect.signature(make).parameters:
        raise TypeError
    numbers = tuple(map(int, version.split(".")))

    def make_for(*arguments: Any, **options: Any) -> Any:
        return make(*arguments, **{**options, "py_version_info": numbers})

    command.make_resolver = staticmethod(make_for)


if __name__ == "__main__":
    sys.exit(run(json.loads(sys.argv[1]), sys.argv[2:]))  # noqa: TID251 - runs without Lockstep
