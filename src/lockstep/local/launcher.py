"""Run a command; end it, and all its process group, when standard input closes.

Started by ``server.py`` as a program of its own, on the standard library alone. The parent holds the
other end of standard input: the kernel closes it however the parent ends, so no server outlives it.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Run ``sys.argv[1:]`` and return its exit code."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def watch() -> None:
        sys.stdin.buffer.read()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    # not sys.exit: on its way out the interpreter waits for the lock of the stream that is being read
    os._exit(main())
