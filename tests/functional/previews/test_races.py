"""Everything at once: the end state is what the last commit says, and nothing is orphaned."""

import datetime
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockstep.delivery.places.gitops import open_gitops
from lockstep.delivery.previews.bring import bring_down
from lockstep.delivery.previews.ground import Ground
from lockstep.delivery.previews.waste import find_waste
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import run_sync
from lockstep.errors import Refused
from lockstep.forge.base import Pull
from lockstep.forge.local import LocalForge
from lockstep.model.move import Reached
from tests.functional.previews.ground import World, make_world
from tests.support.engine import Lab
from tests.support.git_http import GitServer, git_server
from tests.support.preview_tree import project_file
from tests.support.waiting import until
from tests.support.watching import Telling


class Forge(LocalForge):
    """A forge on which something happens just after a run has looked at it for the n-th time."""

    def __init__(self, world: World, number: int, happens: Callable[[], object]) -> None:
        super().__init__(str(world.bare), world.cache)
        self._left = number
        self._happens = happens

    def pull(self, number: int) -> Pull:
        """As it was before that happened."""
        pull = super().pull(number)
        self._left -= 1
        if self._left == 0:
            self._happens()
        return pull


class Watched(Ground):
    """Previews with such a forge."""

    given: Forge

    def forge(self) -> LocalForge:
        """The forge that was given."""
        return self.given


FIRST, GUARD = 1, 2  # looks: when a run begins, and when it is about to push


def run_while(world: World, look: int, happens: Callable[[], object]) -> Ground:
    """Previews on which something happens after the n-th look at the forge."""
    ground = Watched(gitops=open_gitops(world.where(), world.gitops_credentials()))
    object.__setattr__(ground, "given", Forge(world, look, happens))
    return ground


@pytest.fixture
def served(world: World) -> Iterator[World]:
    """The same repository behind HTTP, which the verbs reach by its URL."""
    server: GitServer
    with git_server(world.bare.parent) as server:
        world.url = server.url("gitops.git")
        yield world


@pytest.mark.parametrize("look", [FIRST, GUARD])
def test_the_pull_request_closes_while_it_is_written(served: World, look: int) -> None:
    """Its own ``down`` came before anything was there, so the run takes back what it has written."""
    number = served.open_pull()

    def close() -> None:
        served.forge().close_pull(number)
        assert served.down(number).reached is Reached.NOTHING

    brought = served.up_on(run_while(served, look, close), number, "notifier@1.1.0-pr")
    assert not brought.is_up
    assert served.files(number) == {}
    assert "closed" in " ".join(brought.notes)


def test_the_pull_request_closes_while_it_is_deployed(world: World, aws: Lab) -> None:
    """A sync that began before deploys what is closed by its end; the next one removes all of it."""
    number, other = world.open_pull(), world.open_pull()
    world.up(other)
    assert world.sync().is_success
    world.up(number, "notifier@1.1.0-pr")
    stale = world.workspace()
    report = run_sync(
        stale,
        Options(),
        watcher=Telling(planned=lambda _: (world.forge().close_pull(number), world.down(number))),
        stop=threading.Event(),
    )[1]
    assert report.is_success
    assert f"notifier-pr-{number}" in names(aws)
    nothing_of(world, aws, number)


def names(aws: Lab) -> list[str]:
    """The functions that there are."""
    return [one["FunctionName"] for one in aws.client("lambda").list_functions()["Functions"]]


def nothing_of(world: World, aws: Lab, number: int) -> None:
    """Neither a file nor anything in AWS is left of a preview, once AWS's listings have caught up."""
    for _ in range(5):
        assert world.sync().is_success
        if f"notifier-pr-{number}" not in names(aws):
            break
    assert world.files(number) == {}
    assert f"notifier-pr-{number}" not in names(aws)
    assert f"pr-{number}" not in str(aws.notifications())
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    assert f"/aws/lambda/notifier-pr-{number}" not in [one["logGroupName"] for one in groups]
    now = datetime.datetime.now(datetime.UTC)
    assert find_waste(world.workspace(), Options(), now=now, days=90).keys == ()


def test_two_pushes_to_a_pull_request(served: World) -> None:
    """The run for the older commit is late: it finds the newer one and leaves its preview alone."""
    number = served.open_pull("feature")
    old = served.forge().pull(number).sha

    def push_and_deploy() -> None:
        new = served.push_to("feature")
        assert served.up(number, "notifier@1.2.0-pr", sha=new).reached is Reached.COMMITTED

    late = served.up_on(run_while(served, GUARD, push_and_deploy), number, "notifier@1.1.0-pr", sha=old)
    assert late.reached is Reached.NOTHING
    assert "went on to" in late.notes[-1]
    target = served.workspace().fleet.targets[f"preview/pr-{number}/notifier"]
    assert (target.version, target.commit) == ("1.2.0-pr", served.forge().pull(number).sha)


def test_runs_for_many_pull_requests_at_once(served: World) -> None:
    """Each gets its commit, however often it was too late to push."""
    numbers = [served.open_pull() for _ in range(3)]
    grounds = {number: served.ground() for number in numbers}
    together(
        [
            lambda n=number: served.up_on(grounds[n], n, "notifier@1.1.0-pr")  # type: ignore[misc]
            for number in numbers
        ]
    )
    assert sorted(name for name in served.files() if name.endswith("/pr.yaml")) == [
        f"pr-{number}/pr.yaml" for number in numbers
    ]
    assert len(served.log()) == 1 + len(numbers)


def together(works: list[Callable[[], object]]) -> None:
    """Do everything in threads; the first error is raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_a_label_removed_and_added(world: World) -> None:
    """Removed while a run writes, the preview does not stay; added again, the next run brings it back."""
    world.push(**{"lockstep.yaml": project_file("label: preview")})
    number = world.open_pull(labels=("preview",))
    ground = run_while(world, GUARD, lambda: world.forge().label(number, remove=["preview"]))
    brought = world.up_on(ground, number, "notifier@1.1.0-pr")
    assert not brought.is_up
    assert world.files(number) == {}
    world.forge().label(number, add=["preview"])
    assert world.up(number, "notifier@1.1.0-pr").reached is Reached.COMMITTED
    assert "services/notifier.values.yaml" in world.files(number)


def test_up_and_down_of_one_preview(served: World) -> None:
    """A preview is there as a whole or not at all, as the last of the two commits says."""
    number = served.open_pull()
    for _ in range(2):
        grounds = served.ground(), served.ground()
        together(
            [
                lambda g=grounds[0]: served.up_on(g, number, "notifier@1.1.0-pr"),  # type: ignore[misc]
                lambda g=grounds[1]: bring_down(g, number, Options()),  # type: ignore[misc]
            ]
        )
        files = served.files(number)
        last = served.log()[0]
        assert set(files) == (
            set()
            if last.endswith(": down")
            else {"pr.yaml", "services/api.values.yaml", "services/notifier.values.yaml"}
        )


def test_a_push_that_is_rejected(served: World) -> None:
    """Somebody else's commit in between costs another attempt, on top of what that one says."""
    number = served.open_pull()
    staging = 'serviceName: api\nimage: {tag: "2.2.0"}\n'
    ground = run_while(
        served, GUARD, lambda: served.push(**{"environments__staging__api__config.yaml": staging})
    )
    assert served.up_on(ground, number, "notifier@1.1.0-pr").reached is Reached.COMMITTED
    assert len(served.log()) == 3


def test_a_push_that_is_refused(world: World) -> None:
    """A rule of the host leaves everything as it was and says so; without it the same run goes through."""
    number = world.open_pull()
    hook = world.bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed'\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match="the branch is protected"):
        world.up(number, "notifier@1.1.0-pr")
    hook.unlink()
    assert world.files(number) == {}
    assert world.up(number, "notifier@1.1.0-pr").reached is Reached.COMMITTED


def test_a_sync_that_dies(world: World, aws: Lab) -> None:
    """Killed after it has made a function; the pull request closes; the next sync leaves nothing."""
    number, other = world.open_pull(), world.open_pull()
    world.up(other)
    assert world.sync().is_success
    world.up(number, "notifier@1.1.0-pr")
    world.work.git("fetch", "-q", "origin")
    command = [sys.executable, "-m", "lockstep", "-C", str(world.work.folder), "--rev", "origin/main", "sync"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "LOCKSTEP_CACHE": str(world.cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: f"notifier-pr-{number}" in names(aws) or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert f"notifier-pr-{number}" in names(aws)
    world.forge().close_pull(number)
    world.down(number)
    nothing_of(world, aws, number)


def test_previews_of_a_branch_race_too(tmp_path: Path) -> None:
    """The same guards hold where previews have a branch of their own."""
    from lockstep.delivery.previews.compact import compact

    world = make_world(tmp_path, preview="branch: previews")
    world.branch = "previews"
    compact(world.where(), world.gitops_credentials())
    number = world.open_pull()
    ground = run_while(world, GUARD, lambda: world.forge().close_pull(number))
    assert not world.up_on(ground, number).is_up
    assert world.files(number) == {}
