"""MiniStack that keeps what it holds under a name and takes it up again: its program, and what asks it.

What many tests begin with is made once. ``POST /_ministack/kept?keep=NAME`` keeps a copy of every service's
state, ``?take=NAME`` forgets all that is there and puts a copy of it back.
"""

import copy
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lockstep import local
from lockstep.local.server import call

__all__ = ["can_keep", "keep", "program", "take"]

_PATH = "/_ministack/kept"
_States = list[tuple[Any, dict[Any, Any]]]  # each container with what it held


def program() -> tuple[str, ...] | None:
    """The command that runs it; None where MiniStack is not installed here, or another one is named."""
    if os.environ.get("LOCKSTEP_MINISTACK") or importlib.util.find_spec("ministack") is None:
        return None
    return (sys.executable, "-P", str(Path(__file__)), str(Path(local.__file__).with_name("traffic.py")))


def can_keep() -> bool:
    """Whether the MiniStack that tests start is this one."""
    return program() is not None


def keep(endpoint: str, name: str) -> None:
    """Keep all that is there under a name."""
    call(f"{endpoint}{_PATH}?{urlencode({'keep': name})}", method="POST", seconds=30)


def take(endpoint: str, name: str) -> None:
    """Make what is there what was kept."""
    call(f"{endpoint}{_PATH}?{urlencode({'take': name})}", method="POST", seconds=30)


def _install() -> None:
    """Answer these requests where MiniStack answers that for its reset."""
    from ministack import app
    from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

    reset = app._handle_admin_reset
    kept: dict[str, _States] = {}

    def containers() -> list[Any]:
        found: dict[int, Any] = {}
        for name, module in [*sys.modules.items()]:
            if name.startswith("ministack."):
                for value in vars(module).values():
                    if isinstance(value, AccountRegionScopedDict | AccountScopedDict):
                        found[id(value)] = value
        return [*found.values()]

    async def answer(path: str, method: str, query: dict[str, list[str]]) -> Any:
        if path != _PATH or method != "POST":
            return await reset(path, method, query)
        if "keep" in query:
            # In one copy, so that what two of them share they share afterwards.
            data = copy.deepcopy([one._data for one in containers()])
            kept[query["keep"][0]] = [*zip(containers(), data, strict=True)]
        else:
            states = kept[query["take"][0]]
            app._reset_all_state()
            for (container, _), data in zip(states, copy.deepcopy([data for _, data in states]), strict=True):
                container._data.clear()
                container._data.update(data)
        return 200, {"Content-Type": "application/json"}, b"{}"

    app._handle_admin_reset = answer


if __name__ == "__main__":
    from lockstep.local import traffic

    traffic.install()
    _install()
    del sys.argv[1:]  # by which LocalCloud knows what it runs
    from ministack.app import main

    main()
