"""The seed of a run: what tests choose by chance, among more than there is time for.

CI prints it at the end of each run; with LOCKSTEP_SEED the same is chosen again.
"""

import os
import random
import secrets

__all__ = ["chooser", "seed"]


def seed() -> str:
    """The seed of this run, the same in all its processes once the first one has asked."""
    return os.environ.setdefault("LOCKSTEP_SEED", str(secrets.randbelow(10**6)))


def chooser(*about: object) -> random.Random:
    """What makes the choices of one test."""
    return random.Random(f"{seed()} {about}")  # noqa: S311 - nothing is secret here
