"""What previews leave behind, removed by a controller where its file says how often."""

import threading
from pathlib import Path

from lockstep.serve.file import Followed, Leave
from lockstep.serve.following import Follower
from lockstep.serve.recording import Recorder
from lockstep.store.database import Database
from lockstep.store.entries import Happened
from lockstep.store.history import History
from tests.functional.previews.ground import World
from tests.support.engine import Lab


def test_a_closed_pull_request_takes_its_preview_along(world: World, aws: Lab, tmp_path: Path) -> None:
    """Its folder in one commit, then its functions; an open one stays, and nothing happens twice."""
    said: list[str] = []
    numbers = [world.open_pull() for _ in range(2)]
    for number in numbers:
        world.up(number, "notifier@1.1.0-pr")
    passed = [0.0]
    history = History(Database(tmp_path / "history.db", said.append))
    follower = Follower(
        Followed(
            name="shop",
            repository=world.bare.as_uri(),
            environments={"preview": Leave(syncs=True)},
            poll=86_400,
            drift=86_400,
            clean=3600,
        ),
        data=tmp_path,
        credentials=world.gitops_credentials(),
        tell=said.append,
        clock=lambda: passed[0],
        stop=threading.Event(),
        recorder=Recorder(history, keep=1e6),
    )

    def settle() -> set[str]:
        """Do what is due; the folders of previews that there are then."""
        while follower.step() is None:
            pass
        return {name.partition("/")[0] for name in world.files() if name.startswith("pr-")}

    both = {f"pr-{number}" for number in numbers}
    assert settle() == both
    world.forge().close_pull(numbers[0])
    passed[0] = 3000
    assert settle() == both
    passed[0] = 3601
    assert settle() == {f"pr-{numbers[1]}"}
    before = world.log()
    passed[0] = 7300
    settle()
    assert world.log() == before
    (event,) = history.events(kinds=[Happened.CLEANED])
    assert event.words.startswith(f"preview/pr-{numbers[0]}; ")
    history.close()
