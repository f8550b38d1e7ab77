"""Runs one command and writes what the kernel counted for it as JSON: ``child.py RESULT COMMAND...``.

A program of its own, on the standard library alone: a child's peak memory counts from the moment it
is forked, so whoever forks it must be small.
"""

import json
import os
import sys
import time


def main() -> int:
    """Run ``sys.argv[2:]`` and write wall time, processor time (s), peak (bytes) and exit code."""
    begun = time.perf_counter()
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - begun
    found = {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "code": os.waitstatus_to_exitcode(status),
    }
    with open(sys.argv[1], "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib would double our size
        json.dump(found, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
