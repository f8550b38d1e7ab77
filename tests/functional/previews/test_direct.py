"""Previews that are live before anything declares them: modes record and none, with kills in between."""

import datetime
import json
import threading
from collections.abc import Callable

import pytest

from lockstep.cli import main
from lockstep.delivery.previews import bring
from lockstep.delivery.previews.listing import Listing, list_previews
from lockstep.delivery.previews.waste import clear, collect
from lockstep.delivery.sync.options import Options
from lockstep.errors import BadInput, Refused
from lockstep.model.move import Reached
from tests.functional.previews.ground import NOW, World
from tests.functional.previews.test_races import GUARD, names, run_while
from tests.support.engine import Lab
from tests.support.preview_tree import project_file

START = datetime.datetime.fromisoformat(NOW)


class Killed(BaseException):
    """The run ends right here, as a process that is killed does."""


@pytest.fixture
def recorded(world: World, aws: Lab) -> World:
    """The project, whose previews are deployed first and written then; everything else is live."""
    world.push(**{"lockstep.yaml": project_file("mode: record")})
    assert world.sync().is_success
    return world


@pytest.fixture
def unwritten(world: World, aws: Lab) -> World:
    """The project, of whose previews nothing is written; everything else is live."""
    world.push(**{"lockstep.yaml": project_file("mode: none")})
    assert world.sync().is_success
    return world


def version(aws: Lab, number: int) -> str | None:
    """The version that a preview's function has by its tags; None when there is no function."""
    for one in aws.client("lambda").list_functions()["Functions"]:
        if one["FunctionName"] == f"notifier-pr-{number}":
            tags = aws.client("lambda").list_tags(Resource=one["FunctionArn"])["Tags"]
            return str(tags["lockstep:version"])
    return None


def dies(monkeypatch: pytest.MonkeyPatch, name: str, work: Callable[[], object]) -> None:
    """Do it, and be killed where a function of ``bring`` would be called."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(bring, name, die)
        with pytest.raises(Killed):
            work()


def listing(world: World) -> Listing:
    """``preview list``, once AWS's listings have caught up."""
    list_previews(world.ground(), Options())
    return list_previews(world.ground(), Options())


def told(world: World) -> str:
    """The notes of ``preview list``."""
    return "\n".join(listing(world).notes)


def collected(world: World) -> None:
    """``preview gc --apply``."""
    found = collect(world.ground(), Options(), is_applied=True, now=START, days=90)
    assert clear(found, stop=threading.Event()).is_success


def test_it_is_deployed_and_then_written(recorded: World, aws: Lab) -> None:
    """Live when its folder comes, with its trigger; again nothing is done; ``down`` removes both."""
    number = recorded.open_pull()
    brought = recorded.up(number, "notifier@1.1.0-pr")
    assert (brought.reached, brought.is_deployed) == (Reached.COMMITTED, True)
    assert version(aws, number) == "1.1.0-pr"
    assert f"preview/pr-{number}/" in str(aws.notifications())
    (listed,) = listing(recorded).previews
    assert (listed.is_recorded, listed.is_live) == (True, True)
    assert told(recorded) == ""
    assert recorded.sync().results == ()
    again = recorded.up(number, "notifier@1.1.0-pr")
    assert (again.reached, again.is_deployed) == (Reached.NOTHING, False)
    down = recorded.down(number)
    assert (down.reached, down.is_deployed) == (Reached.COMMITTED, True)
    assert version(aws, number) is None
    assert f"preview/pr-{number}/" not in str(aws.notifications())
    assert recorded.files(number) == {}
    assert listing(recorded).previews == ()


def test_killed_before_it_is_written(recorded: World, aws: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is live and not recorded, as the list says; no sync and no gc removes it; the next run records."""
    number = recorded.open_pull()
    dies(monkeypatch, "_write", lambda: recorded.up(number, "notifier@1.1.0-pr"))
    assert version(aws, number) == "1.1.0-pr"
    assert recorded.files(number) == {}
    (listed,) = listing(recorded).previews
    assert (listed.is_recorded, listed.is_live) == (False, True)
    assert [row.live for row in listed.services] == ["1.1.0-pr"]
    assert f"preview/pr-{number} is live and not recorded" in told(recorded)
    assert recorded.sync().results == ()
    collected(recorded)
    assert version(aws, number) == "1.1.0-pr"
    brought = recorded.up(number, "notifier@1.1.0-pr")
    assert (brought.reached, brought.is_deployed) == (Reached.COMMITTED, False)
    assert told(recorded) == ""


def test_a_folder_that_cannot_be_written(recorded: World, aws: Lab) -> None:
    """A host that refuses the push leaves it live; the same run goes through when it is allowed."""
    number = recorded.open_pull()
    hook = recorded.bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed'\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match="the branch is protected"):
        recorded.up(number, "notifier@1.1.0-pr")
    hook.unlink()
    assert f"preview/pr-{number} is live and not recorded" in told(recorded)
    assert recorded.up(number, "notifier@1.1.0-pr").reached is Reached.COMMITTED
    assert told(recorded) == ""


def test_killed_before_it_is_removed(recorded: World, aws: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder is gone and it is live: the list says so, and the next ``down``, or gc, removes it."""
    first, second = recorded.open_pull(), recorded.open_pull()
    for number in (first, second):
        recorded.up(number, "notifier@1.1.0-pr")
        dies(monkeypatch, "deploy", lambda n=number: recorded.down(n))  # type: ignore[misc]
        assert recorded.files(number) == {}
        assert f"preview/pr-{number} is live and not recorded" in told(recorded)
    down = recorded.down(first)
    assert (down.reached, down.is_deployed) == (Reached.NOTHING, True)
    recorded.forge().close_pull(second)
    collected(recorded)
    assert [version(aws, number) for number in (first, second)] == [None, None]
    assert "preview/pr-" not in str(aws.notifications())
    assert told(recorded) == ""


def test_what_is_recorded_and_not_live_is_told(recorded: World, aws: Lab) -> None:
    """Somebody deleted it in AWS; the next ``up`` brings it back."""
    number = recorded.open_pull()
    recorded.up(number, "notifier@1.1.0-pr")
    aws.client("lambda").delete_function(FunctionName=f"notifier-pr-{number}")
    assert f"preview/pr-{number} is recorded and not live" in told(recorded)
    assert recorded.up(number, "notifier@1.1.0-pr").is_deployed
    assert told(recorded) == ""


def test_its_pull_request_closes_while_it_is_deployed(recorded: World, aws: Lab) -> None:
    """The run finds out before it writes, and takes back what it deployed."""
    number = recorded.open_pull()
    ground = run_while(recorded, GUARD, lambda: recorded.forge().close_pull(number))
    brought = recorded.up_on(ground, number, "notifier@1.1.0-pr")
    assert (brought.is_up, brought.is_deployed) == (False, True)
    assert version(aws, number) is None
    assert recorded.files(number) == {}


def test_an_older_run_that_deploys_last(recorded: World, aws: Lab) -> None:
    """The newer commit is recorded while the older one is deployed: that run brings the newer one back."""
    number = recorded.open_pull("feature")
    old = recorded.forge().pull(number).sha

    def overtake() -> None:
        new = recorded.push_to("feature")
        recorded.up(number, "notifier@1.2.0-pr", sha=new)

    late = recorded.up_on(run_while(recorded, GUARD, overtake), number, "notifier@1.1.0-pr", sha=old)
    assert "went on to" in late.notes[-1]
    assert version(aws, number) == "1.2.0-pr"
    assert recorded.workspace().fleet.targets[f"preview/pr-{number}/notifier"].version == "1.2.0-pr"


def test_what_nothing_declares_is_known_by_its_tags(
    unwritten: World, aws: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written; no sync removes it; gc does once its pull request is closed, ``down`` at once."""
    before = unwritten.log()
    first, second = unwritten.open_pull(), unwritten.open_pull()
    for number in (first, second):
        brought = unwritten.up(number, "notifier@1.1.0-pr", "api@2.1.0")
        assert (brought.reached, brought.commit, brought.is_deployed) == (Reached.NOTHING, None, True)
        assert brought.notes == ("api is deployed by other tools, and nothing is declared for those",)
    assert unwritten.log() == before
    assert unwritten.sync().results == ()
    found = listing(unwritten)
    assert [(one.preview.number, one.is_recorded, one.is_live) for one in found.previews] == [
        (number, False, True) for number in (first, second)
    ]
    assert found.notes == ()
    unwritten.forge().close_pull(first)
    collected(unwritten)
    assert [version(aws, number) for number in (first, second)] == [None, "1.1.0-pr"]
    capsys.readouterr()
    assert main(["-C", str(unwritten.work.folder), "preview", "down", "--pr", str(second), "-o", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["up"], said["deployed"], said["commit"]) == (
        False,
        True,
        unwritten.shared("rev-parse", "main"),
    )
    assert sorted(names(aws)) == ["notifier", "notifier-staging"]
    assert "preview/pr-" not in str(aws.notifications())


@pytest.mark.parametrize(
    ("preview", "more", "line", "words"),
    [
        ("mode: none\nttl: 14d", "", 13, "mode: none writes no folder, and only that says when a preview"),
        ("mode: none\nbranch: previews", "", 13, "mode: none writes no folder, and a branch is for those"),
        ("mode: sometimes", "", 12, "'sometimes'"),
    ],
)
def test_what_does_not_go_with_a_mode(world: World, preview: str, more: str, line: int, words: str) -> None:
    """It is said with its line and a way out."""
    world.push(**{"lockstep.yaml": project_file(preview, more)})
    with pytest.raises(BadInput) as caught:
        world.workspace()
    assert words in caught.value.problem
    assert str(caught.value.where).endswith(f"lockstep.yaml:{line}")
    assert caught.value.fix


def test_an_engine_that_takes_the_whole_deploys_no_preview_alone(world: World) -> None:
    """Terraform and clusters take what Git declares for all that is to be."""
    text = project_file("mode: record").replace("preview: {}", "preview: {engine: argocd-job}")
    world.push(**{"lockstep.yaml": text})
    with pytest.raises(BadInput, match="argocd-job takes what Git declares for the whole"):
        world.workspace()
