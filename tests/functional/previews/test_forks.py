"""A fork's pull request gets a preview only for a commit that somebody who may label has approved."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.delivery.previews.waste import find_folders
from lockstep.errors import NotAllowed
from lockstep.model.move import Reached
from lockstep.planning.previews import Fate
from tests.functional.previews.ground import World, make_world
from tests.functional.previews.test_gc import START
from tests.support.github import GitHubServer, Repository, github_server
from tests.support.github.world import Pull

NAME = "acme/shop"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubServer]:
    """A GitHub on loopback that answers as GitHub describes."""
    with github_server(tmp_path / "github") as running:
        yield running


@pytest.fixture
def repository(github: GitHubServer) -> Repository:
    """The repository of the pull requests."""
    return github.world.add_repository(NAME)


@pytest.fixture
def world(
    github: GitHubServer, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """A project whose services are built from that repository."""
    monkeypatch.setenv("GITHUB_API_URL", github.api)
    return make_world(tmp_path, more=f"source: {{kind: github, repository: {NAME}}}\n")


def from_fork(repository: Repository) -> Pull:
    """A pull request of somebody else's repository."""
    sha = repository.git.commit("main", {"x": "1\n"}, "Theirs")
    pull = repository.add_pull(head="main", source="somebody/shop")
    pull.last_sha = sha
    return pull


def test_nobody_has_looked(world: World, repository: Repository) -> None:
    """Without the label there is no preview, and the error says which label approves which commit."""
    pull = from_fork(repository)
    with pytest.raises(NotAllowed, match=f"comes from a fork.*\n.*adds the label preview:{pull.last_sha}"):
        world.up(pull.number, "notifier@1.1.0-pr")
    pull.labels.append("preview")  # a label without a commit approves nothing
    with pytest.raises(NotAllowed, match="nobody has approved its commit"):
        world.up(pull.number)
    assert world.files(pull.number) == {}


def test_one_commit_is_approved(world: World, repository: Repository) -> None:
    """The approved commit gets its preview; the next commit needs a label of its own."""
    pull = from_fork(repository)
    pull.labels.append(f"preview:{pull.last_sha}")
    assert world.up(pull.number, "notifier@1.1.0-pr").reached is Reached.COMMITTED
    approved = pull.last_sha
    pull.last_sha = repository.git.commit("main", {"x": "2\n"}, "Theirs, after the look at it")
    with pytest.raises(NotAllowed, match="nobody has approved its commit"):
        world.up(pull.number, "notifier@1.2.0-pr")
    target = world.workspace().fleet.targets[f"preview/pr-{pull.number}/notifier"]
    assert (target.version, target.commit) == ("1.1.0-pr", approved)


def test_a_build_that_waits_for_the_approval_is_not_let_through(world: World, repository: Repository) -> None:
    """A dry run says no for a commit that is not the newest: nobody has looked whether it is approved."""
    pull = from_fork(repository)
    pull.labels.append(f"preview:{pull.last_sha}")
    with pytest.raises(NotAllowed, match=f"is at {pull.last_sha[:12]}, not at {'0' * 12}"):
        world.up(pull.number, sha="0" * 40, dry_run=True)
    assert world.up(pull.number, sha=pull.last_sha, dry_run=True).reached is Reached.NOTHING


def test_labels_fit(repository: Repository) -> None:
    """GitHub takes labels of 50 characters: the longest prefix, a colon and a whole commit."""
    assert len(f"{'x' * 9}:{'0' * 40}") == 50


def test_our_own_pull_requests_need_none(world: World, repository: Repository) -> None:
    """Who may push to the repository needs nobody's approval."""
    repository.git.commit("feature", {"x": "1\n"}, "Ours", start="main")
    pull = repository.add_pull(head="feature")
    assert world.up(pull.number).reached is Reached.COMMITTED


def test_gc_on_github(world: World, repository: Repository) -> None:
    """Open ones come in one listing, each closed one is asked for by its number."""
    repository.git.commit("feature", {"x": "1\n"}, "Ours", start="main")
    first, second = repository.add_pull(head="feature"), repository.add_pull(head="feature")
    world.up(first.number)
    world.up(second.number)
    second.is_open = False
    found = find_folders(world.ground(), now=START)
    assert {one.preview.number: one.fate for one in found.judged} == {
        first.number: Fate.KEEP,
        second.number: Fate.REMOVE,
    }
    assert found.problem is None
