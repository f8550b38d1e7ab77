"""In which order tests run: those that take long begin first, or any order at all.

pytest-xdist's ``worksteal`` gives each worker a part of the list, as it stands, and lets whoever is done take
from the end of another's. A long test at the end of a part is what all wait for; so each part begins with
its share of the long ones.
"""

import random
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

__all__ = ["LONG", "STORIES", "TOGETHER", "long_first", "shuffled"]

LONG = (
    "tests/attack/test_canary_commands.py",
    "tests/docs/test_docs.py::test_commands_print_what_the_page_shows",
    "tests/e2e/",
    "tests/functional/machines/test_machines.py",
    "tests/functional/promotion/test_races.py",
    "tests/functional/terminal/",
    "tests/functional/terraform/",
    "tests/functional/test_faults",
    "tests/functional/test_iam_policy.py",
    "tests/functional/test_kill",
    "tests/functional/test_rollout_soak.py",
    "tests/functional/test_two_writers.py",
    "tests/functional/workflows/",
    "tests/terraform_modules/test_example.py",
    "tests/terraform_modules/test_module.py",
    "tests/functional/local/test_story.py",
)
"""How the names of tests begin that take more than some seconds."""

TOGETHER = ("tests/e2e/",)
"""Of these, each file goes to one worker: what its tests share takes as long as all of them."""

STORIES = ("tests/e2e/test_browser.py", "tests/e2e/test_serve_demo.py")
"""Files whose tests tell one story: each begins with what the one before it has left."""

Item = TypeVar("Item")


def long_first(items: Sequence[Item], workers: int, *, name: Callable[[Item], str]) -> list[Item]:
    """The same items, so that each of so many equal parts begins with its share of the long ones."""
    long = [item for item in items if name(item).startswith(LONG)]
    others = [item for item in items if not name(item).startswith(LONG)]
    dealt: dict[str, list[Item]] = {}
    for item in long:
        whole = name(item)
        dealt.setdefault(whole.partition("::")[0] if whole.startswith(TOGETHER) else whole, []).append(item)
    hands = [*dealt.values()]
    ordered: list[Item] = []
    for worker in range(workers):
        size = (len(items) - len(ordered)) // (workers - worker)
        mine = [item for hand in hands[worker::workers] for item in hand]
        room = max(0, size - len(mine))
        ordered += mine + others[:room]
        others = others[room:]
    return ordered + others


def shuffled(items: Sequence[Item], choose: random.Random, *, name: Callable[[Item], str]) -> list[Item]:
    """The same items with the files in any order, and the tests of each file too.

    A file stays together: what its tests share is made once, in whichever order they come. A story is told
    from its beginning.
    """
    files = [[*group] for _, group in groupby(items, key=lambda item: name(item).partition("::")[0])]
    choose.shuffle(files)
    for file in files:
        if not name(file[0]).startswith(STORIES):
            choose.shuffle(file)
    return [item for file in files for item in file]
