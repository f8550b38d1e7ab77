"""The seed of a run: what tests choose by chance, among more than there is time for.

It is drawn from the files that are checked out: a commit gets the same answer each time and on every machine,
so what is refused is refused for what it holds, and the next commit tries something else. With LOCKSTEP_SEED
others are chosen; the weekly run of CI does so. It is printed at the end of each run.
"""

import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

__all__ = ["chooser", "seed", "spread"]

_ROOT = Path(__file__).parents[2]


def seed() -> str:
    """The seed of this run, the same in all its processes once the first one has asked."""
    if not os.environ.get("LOCKSTEP_SEED"):
        os.environ["LOCKSTEP_SEED"] = str(int(_tree()[:6] or "0", 16))
    return os.environ["LOCKSTEP_SEED"]


def chooser(*about: object) -> random.Random:
    """What makes the choices of one test."""
    return random.Random(f"{seed()} {about}")  # noqa: S311 - nothing is secret here


Item = TypeVar("Item")


def spread(items: Sequence[Item], choose: random.Random, *, one_in: int, most: int = 12) -> Sequence[Item]:
    """One in so many of the items, and about ``most`` of them, evenly; all with LOCKSTEP_EVERY_FAULT=1.

    What a scenario comes to hold with each kind of resource costs time once a week, and not for each commit.
    """
    if os.environ.get("LOCKSTEP_EVERY_FAULT"):
        return items
    stride = max(one_in, -(-len(items) // most))
    return items[choose.randrange(stride) :: stride]


def _tree() -> str:
    """The id of the tree that is checked out; nothing where this is no checkout."""
    command = ["git", "-C", str(_ROOT), "rev-parse", "--verify", "--quiet", "HEAD^{tree}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
