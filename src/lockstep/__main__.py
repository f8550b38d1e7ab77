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


def _leave(code: int) -> int:
    """End the process as it stands: taking all its modules apart is a fifth of what a small plan takes.

    What is registered for the end is done. Returns the code where the interpreter itself has to see to the
    rest: a thread that it waits for, an output that takes no more.
    """
    import atexit
    import threading

    if any(not one.daemon for one in threading.enumerate() if one is not threading.main_thread()):
        return code
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return code
    os._exit(code)


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
        code = main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _leave(code)


if __name__ == "__main__":
    sys.exit(start())
