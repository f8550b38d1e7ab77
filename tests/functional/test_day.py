"""A controller over a whole day, by a clock that is given."""

from pathlib import Path

from tests.support.day import controlled


def test_a_day_on_which_everything_happens_leaves_everything_as_declared(tmp_path: Path) -> None:
    """Pushes, drift, failing syncs, a repository, an AWS and a database that are away, a clock that is set
    back, a soak, previews whose time is over, a rollout and a project file that does not parse: what is due
    happens when it is, nothing happens twice, and nothing is looked at more often than it has to be.
    """
    with controlled(tmp_path, 60, poll="30m", drift="20m") as (day, said):
        day.run(pushes=1)
        day.check(poll=1800, drift=1200, said=said)
