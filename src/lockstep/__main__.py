"""``lockstep`` and ``python -m lockstep``. Ctrl-C leaves no traceback, however early or late it comes."""

import os
import signal
import sys
from types import FrameType

__all__ = ["start"]


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"\ninterrupted\n")
    os._exit(128 + number)


def start() -> int:
    """Run one command; nothing is imported before Ctrl-C is handled, and nothing handled after its end."""
    signal.signal(signal.SIGINT, _end)
    from lockstep.cli import main

    try:
        return main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(start())
