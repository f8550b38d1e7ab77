"""Several machines at once: each has a cache of its own, so only the server keeps them apart."""

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lockstep.forge.base import MergeMethod, PullState
from tests.functional.forge.local.conftest import Place
from tests.functional.forges.ground import push

Open = Callable[..., int]


def test_everybody_gets_a_number_of_their_own(place: Place) -> None:
    """Twenty pull requests, opened by four machines with five runs each, have twenty numbers."""
    work = place.work
    heads = [f"lockstep/promote/{number}" for number in range(20)]
    commits = [push(work, heads[0])]
    work.git("push", "-q", "origin", *(f"{commits[0].sha}:refs/heads/{head}" for head in heads[1:]))

    def open_pull(number: int) -> int:
        forge = place.forge(f"machine-{number % 4}")
        return forge.open_pull(head=heads[number], base="main", title=heads[number], body="").number

    with ThreadPoolExecutor(20) as pool:
        numbers = list(pool.map(open_pull, range(20)))
    assert sorted(numbers) == list(range(1, 21))
    assert {pull.number: pull.head for pull in place.forge().pulls()} == dict(
        zip(numbers, heads, strict=True)
    )


def test_the_same_branches_get_one_pull_request(place: Place) -> None:
    """However many open it at once."""
    push(place.work, "a")

    def open_pull(number: int) -> int:
        forge = place.forge(f"machine-{number}")
        return forge.open_pull(head="a", base="main", title="A", body=str(number)).number

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(open_pull, range(6))) == {1}
    assert [pull.number for pull in place.forge().pulls(is_open=False)] == [1]


def test_all_merges_arrive(place: Place, opened: Open) -> None:
    """Merges into one branch at once: each brings its file, none is lost."""
    changes = [push(place.work, f"lockstep/{name}", **{name: "1\n"}) for name in "abcd"]
    numbers = [opened(change.head) for change in changes]

    def merge(index: int) -> None:
        forge = place.forge(f"machine-{index}")
        forge.merge_pull(numbers[index], sha=changes[index].sha, method=MergeMethod.SQUASH)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(merge, range(4)))
    place.work.git("fetch", "-q", "origin")
    files = place.work.git("ls-tree", "--name-only", "origin/main").split()
    assert set("abcd") <= set(files)
    assert {pull.state for pull in place.forge().pulls(is_open=False)} == {PullState.MERGED}


def test_a_publisher_that_was_killed_is_finished_by_the_next(place: Place) -> None:
    """Killed before the assets, and before the release: nobody sees half a release."""
    work = place.work
    work.git("tag", "v1", "origin/main")
    work.git("push", "-q", "origin", "v1")
    commit = work.git("rev-parse", "v1")
    assets = {name: work.write(f"build/{name}", name) for name in ("a.zip", "b.zip")}

    for pushes in (0, 1):
        words = [
            str(place.bare),
            str(place.machines / "killed"),
            commit,
            str(pushes),
            *map(str, assets.values()),
        ]
        done = subprocess.run([sys.executable, "-c", _KILLED, *words], check=False)
        assert done.returncode == -signal.SIGKILL
        assert place.forge("reader").release("v1") is None
    release = place.forge("next").publish(
        tag="v1", commit=commit, title="1", body="", assets=assets, is_prerelease=False
    )
    assert place.forge("reader").release("v1") == release
    assert {asset.name for asset in release.assets} == set(assets)
    assert len(work.git("ls-remote", "origin", "refs/lockstep/assets/*").splitlines()) == 2


_KILLED = """
import os, signal, sys
from pathlib import Path
from lockstep.forge.local import LocalForge, ledger, releases

_, place, cache, commit, pushes, *files = sys.argv
left, push = int(pushes), ledger.push

def dying(*arguments):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    push(*arguments)

ledger.push = releases.push = dying
assets = {Path(file).name: Path(file) for file in files}
LocalForge(place, Path(cache)).publish(
    tag="v1", commit=commit, title="1", body="", assets=assets, is_prerelease=False
)
"""
"""Publishes, and is killed in place of its next push once it has pushed so often."""
