"""Previews on a branch of their own: read as one tree with main, and compacted."""

import threading
from pathlib import Path

import pytest

from lockstep.delivery.places.selection import changed_since
from lockstep.delivery.previews.compact import compact
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan
from lockstep.errors import BadInput
from lockstep.model.move import Reached
from tests.functional.previews.ground import World, make_world
from tests.support.preview_tree import project_file


def compacted(world: World) -> str:
    """Run ``preview compact`` and return the branch's commit."""
    return compact(world.where(), world.gitops_credentials()).commit


@pytest.fixture
def apart(tmp_path: Path) -> World:
    """A project whose previews have a branch, which is begun."""
    world = make_world(tmp_path, preview="branch: previews")
    world.branch = "previews"
    compacted(world)
    return world


def test_main_does_not_see_previews_come_and_go(apart: World) -> None:
    """All commits of previews are on their branch; the tree that is read has both."""
    number = apart.open_pull()
    brought = apart.up(number, "notifier@1.1.0-pr")
    assert brought.reached is Reached.COMMITTED
    assert apart.log("main") == ["begin"]
    workspace = apart.workspace()
    assert workspace.fleet.targets[f"preview/pr-{number}/notifier"].version == "1.1.0-pr"
    assert workspace.fleet.targets["staging/notifier"].version == "1.0.0"
    assert workspace.fleet.previews == brought.commit
    assert workspace.fleet.commit == apart.work.git("rev-parse", "origin/main")
    assert apart.up(number, "notifier@1.1.0-pr").reached is Reached.NOTHING
    apart.down(number)
    assert not [key for key in apart.workspace().fleet.targets if key.startswith("preview/")]
    assert apart.log("main") == ["begin"]


def test_compacting_keeps_what_there_is(apart: World) -> None:
    """One commit with the same files; doing it again changes nothing, and previews go on from it."""
    number, other = apart.open_pull(), apart.open_pull()
    apart.up(number, "notifier@1.1.0-pr")
    apart.up(other)
    apart.down(other)
    before = apart.files()
    first = compacted(apart)
    assert apart.files() == before
    assert apart.log() == ["Previews, compacted from 4 commits"]
    assert compacted(apart) == first
    apart.up(number, "notifier@1.2.0-pr")
    assert apart.workspace().fleet.targets[f"preview/pr-{number}/notifier"].version == "1.2.0-pr"


def test_a_branch_that_is_gone_removes_nothing(apart: World) -> None:
    """Nobody has said that every preview is over: reading fails, and says how the branch begins."""
    apart.up(apart.open_pull())
    apart.work.git("push", "-q", "origin", ":previews")
    with pytest.raises(BadInput, match=r"has no branch previews.*\n.*lockstep preview compact"):
        apart.workspace()


def test_it_begins_with_the_previews_of_main(world: World) -> None:
    """Moving previews to a branch takes them along; what is left on main does not count any more."""
    number = world.open_pull()
    world.up(number, "notifier@1.1.0-pr")
    world.push(**{"lockstep.yaml": project_file("branch: previews")})
    compacted(world)
    world.branch = "previews"
    assert "pr.yaml" in world.files(number)
    assert f"preview/pr-{number}/notifier" in world.workspace().fleet.targets
    world.down(number)
    workspace = world.workspace()
    assert f"preview/pr-{number}/notifier" not in workspace.fleet.targets
    assert any("not read" in warning for warning in workspace.warnings)


def test_the_deployed_branch_is_not_theirs(world: World) -> None:
    """Compacting main would drop its history: a branch with a project file is refused."""
    world.push(**{"lockstep.yaml": project_file("branch: main")})
    before = world.log()
    with pytest.raises(BadInput, match=r"the branch main holds a lockstep\.yaml"):
        compacted(world)
    with pytest.raises(BadInput, match="is not the previews' own"):
        world.workspace()
    assert world.log() == before


def test_without_a_branch_there_is_nothing_to_compact(world: World) -> None:
    """The error says what to add."""
    with pytest.raises(BadInput, match=r"preview: \{branch: previews\}"):
        compacted(world)


def test_compacting_while_previews_come_and_go(apart: World) -> None:
    """Whoever comes second goes on from what is there: nothing is lost, whatever the order."""
    numbers = [apart.open_pull() for _ in range(3)]
    grounds = [apart.ground() for _ in numbers]
    threads = [
        threading.Thread(target=lambda n=number, g=ground: apart.up_on(g, n))
        for number, ground in zip(numbers, grounds, strict=True)
    ]
    threads.append(threading.Thread(target=lambda: [compacted(apart) for _ in range(3)]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    previews = {key.split("/")[1] for key in apart.workspace().fleet.targets if key.startswith("preview/")}
    assert previews == {f"pr-{number}" for number in numbers}


def test_since_a_commit_of_either_branch(apart: World) -> None:
    """A push to the previews' branch is about its previews, one to main about what main changed."""
    first, second = apart.open_pull(), apart.open_pull()
    one = apart.up(first, "notifier@1.1.0-pr").commit or ""
    two = apart.up(second).commit or ""
    assert changed_since(apart.workspace(), one) == (
        f"preview/pr-{second}/api",
        f"preview/pr-{second}/notifier",
    )
    apart.down(first)
    assert changed_since(apart.workspace(), two) == (f"preview/pr-{first}/*",)
    main = apart.work.git("rev-parse", "origin/main")
    assert changed_since(apart.workspace(), main) == ()
    apart.push(**{"environments__staging__api__config.yaml": 'serviceName: api\nimage: {tag: "3"}\n'})
    assert changed_since(apart.workspace(), main) == ("staging/api",)


def test_a_saved_plan_names_both_commits(apart: World) -> None:
    """The plan says which previews it was made from, and reads back."""
    from lockstep.render.codec import decode_plan, encode_plan

    brought = apart.up(apart.open_pull())
    plan = make_plan(apart.workspace(), Options(since=apart.work.git("rev-parse", "origin/main")))
    assert plan.previews == brought.commit
    assert decode_plan(encode_plan(plan)).previews == brought.commit


@pytest.mark.parametrize("preview", ["", "branch: previews"])
def test_a_project_below_the_root(tmp_path: Path, preview: str) -> None:
    """The project's folder in the repository, and the tree's in the project, are part of every path."""
    world = make_world(tmp_path)
    for folder in ("services", "environments"):
        world.work.git("mv", folder, f"{folder}.away")
        (world.work.folder / "team" / "syrf").mkdir(parents=True, exist_ok=True)
        world.work.git("mv", f"{folder}.away", f"team/syrf/{folder}")
    world.work.git("mv", "packages", "team/packages")
    world.work.git("rm", "-q", "lockstep.yaml")
    world.work.write(
        "team/lockstep.yaml", project_file(preview).replace("project: shop", "project: shop\nfolder: syrf")
    )
    world.work.commit("below")
    world.work.git("push", "-q", "origin", "HEAD:refs/heads/main")
    world.inside = "team"
    if preview:
        world.branch = "previews"
        compacted(world)
    number = world.open_pull()
    assert world.up(number, "notifier@1.1.0-pr").reached is Reached.COMMITTED
    assert world.up(number, "notifier@1.1.0-pr").reached is Reached.NOTHING
    listing = world.shared("ls-tree", "-r", "--name-only", world.branch)
    assert f"team/syrf/environments/preview/pr-{number}/services/api.values.yaml" in listing.splitlines()
    assert (
        world.ground().gitops.workspace.fleet.targets[f"preview/pr-{number}/notifier"].version == "1.1.0-pr"
    )
    assert world.down(number).reached is Reached.COMMITTED
    assert f"pr-{number}/" not in world.shared("ls-tree", "-r", "--name-only", world.branch)
