"""Run a command in a process group of its own; end it all when standard input closes.

Started by ``server.py`` as a program of its own, on the standard library alone: ``launcher.py FOLDER
COMMAND...``. The parent holds the other end of standard input, which the kernel closes however the
parent ends, so no server outlives it and its temporary folder goes too. A byte instead of the end means:
end the command, and leave the folder with its log.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main(folder: str, command: list[str]) -> int:
    """Run ``command`` and return its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end() -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)

    is_ending = threading.Event()

    def watch() -> None:
        is_kept = bool(sys.stdin.buffer.read(1))
        is_ending.set()
        end()
        child.wait()
        if not is_kept:
            import shutil

            shutil.rmtree(folder, ignore_errors=True)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    code = child.wait()
    if is_ending.is_set():
        watcher.join()
    end()  # what the command left behind
    return code


if __name__ == "__main__":
    # not sys.exit: on its way out the interpreter waits for the lock of the stream that is being read
    os._exit(main(sys.argv[1], sys.argv[2:]) & 0xFF)
