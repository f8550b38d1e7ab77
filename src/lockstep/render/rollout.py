"""A rollout in words: how far it is, and what its gates say."""

from lockstep.model.rollout import Progress
from lockstep.render.cells import printable

__all__ = ["progress_lines"]


def progress_lines(progress: Progress) -> list[str]:
    """``rollout: Progressing 10% 0.1.6, step 2 of 3, 4 min left``, and a line for each gate."""
    found = [f"{one.gate}: {one.ruling}, {one.words}" for one in progress.findings]
    return [
        printable(text)
        for text in (f"rollout: {progress.words}", *(f"  {x}" for x in found or progress.gates))
    ]
