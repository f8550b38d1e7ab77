"""``lockstep`` and ``python -m lockstep``. Ctrl-C leaves no traceback, however early or late it comes."""

import os
import signal
import sys
from types import FrameType

__all__ = ["WINDOWS", "start"]

WINDOWS = """\
error: Lockstep does not run on Windows itself
  fix: use it in WSL (wsl --install), with the repository checked out there, or in a container
"""


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"\ninterrupted\n")
    os._exit(128 + number)


def start() -> int:
    """Run one command; nothing is imported before Ctrl-C is handled, and nothing handled after its end."""
    signal.signal(signal.SIGINT, _end)
    if (
        os.name == "nt"
    ):  # no fcntl, no process groups, other signals: nothing here was ever seen to work there
        sys.stderr.write(WINDOWS)
        return 3
    from lockstep.cli import main

    try:
        return main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(start())
