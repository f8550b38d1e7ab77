"""How many Git processes a preview takes, and how often it asks the repository's host."""

from pathlib import Path

from tests.functional.previews.ground import World
from tests.support.git_calls import counted


def test_up_and_down(world: World, tmp_path: Path) -> None:
    """Read once, asked of the forge, drafted, and pushed."""
    number = world.open_pull()
    with counted(tmp_path) as calls:
        world.up(number, "notifier@1.1.0-pr")
    assert (calls.processes <= 40, calls.asked <= 8) == (True, True), str(calls)
    with counted(tmp_path) as calls:
        world.down(number)
    assert (calls.processes <= 11, calls.asked <= 3) == (True, True), str(calls)
