"""Rows about ``lockstep serve``: how soon it is ready, a push is live and drift is seen; its page; its day.

The controller is a process of its own on the local cloud, asked over HTTP as anybody asks it.
"""

import contextlib
import hashlib
import hmac
import json
import signal
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.clouds import client
from tests.support.day import controlled
from tests.support.serving import DIRECT, Serving, fetched

from benchmarks import serving
from benchmarks.clouds import change_memory
from benchmarks.measure import run, summarise
from benchmarks.results import Goal, Result
from benchmarks.scenes import Bench, Scene, new_scene
from benchmarks.tree import ACCOUNT, REGION

__all__ = ["measure_day", "measure_following", "measure_page"]

_SECRET = "a secret"  # noqa: S105 - of a server that lasts a minute
_QUEUE = "lockstep-events"
_POLL = 60.0  # seconds between two looks at AWS
_LONG = 120.0  # seconds after which something never comes
_LEAST = 60  # targets to which something different happens each


def measure_following(bench: Bench) -> Result:
    """Of one function of two: from the start, a push and a change by hand to what comes of them."""
    times = bench.times(5)
    with new_scene(bench, "following", 2, triggers=False, others=False) as scene:
        (scene.repository.folder / ".gitignore").write_text("")  # whoever follows a repository has its files
        scene.repository.commit("with packages")
        scene.apply()
        ready = []
        for _ in range(times - 1):
            with _controller(scene) as (_, seconds):
                ready.append(seconds)
        with _controller(scene) as (url, seconds):
            ready.append(seconds)
            live = [_until_live(scene, url) for _ in range(times)]
            event = [_until_seen(scene, url, memory, is_told=True) for memory in _memories(times)]
            poll = _until_seen(scene, url, 3008, is_told=False)
    return Result(
        row="serve-following",
        title="lockstep serve, two functions on the local cloud: the times of a client beside it",
        goals=(
            _seconds("start to ready, median of at most 2 s", statistics.median(ready), 2),
            _seconds("webhook of a push to live, median under 2 s", statistics.median(live), 2),
            _seconds("drift by hand to seen, by an event, at most 3 s", max(event), 3),
            _seconds("drift by hand to seen, by a poll of 1 min, at most 65 s", poll, 65),
        ),
    )


def measure_page(bench: Bench) -> Result:
    """The page of made-up targets under load."""
    targets, pages, seconds = bench.size(10_000), bench.size(500), 2 if bench.is_quick else 60
    found = list(serving.measure(targets, pages, seconds))
    return Result(
        row="serve-10000",
        title=f"the page of {targets:,} targets, {pages} open ones, and 50 webhooks a second beside them",
        goals=tuple(
            Goal(text=f"{one.what}, {one.goal_text}", found=one.text, is_met=one.is_met)
            for one in found
            if one.goal is not None
        ),
        notes=tuple(f"{one.what}: {one.text}" for one in found if one.goal is None),
    )


def measure_day(bench: Bench) -> Result:
    """24 hours of a whole controller by a clock that is given; what happens in them is checked."""
    targets = max(_LEAST, bench.size(10_000))
    command = [sys.executable, "-m", "benchmarks.controller", str(targets)]
    found = run(command, env=bench.cold.env, cwd=Path(__file__).parents[1]).needs("as declared")
    return Result(
        row="serve-day",
        title=f"24 hours of {targets:,} targets by a clock that is given: all as declared afterwards",
        tools={"lockstep": summarise([found])},
        goals=(_seconds("in minutes, at most 5 min", found.wall, 300),),
    )


def _seconds(text: str, found: float, goal: float) -> Goal:
    return Goal(text=text, found=f"{found:.2f} s", is_met=found <= goal)


@contextlib.contextmanager
def _controller(scene: Scene) -> Iterator[tuple[str, float]]:
    """The address of a controller that is ready, and the seconds that it took.

    Its queue is new: MiniStack hands messages to a controller that has ended while it waited for them.
    """
    name = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{_QUEUE}"
    sqs = client(scene.cloud, "sqs", account=ACCOUNT)
    sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName=_QUEUE)["QueueUrl"])
    sqs.create_queue(QueueName=_QUEUE)
    folder = scene.folder / "serve"
    folder.mkdir(exist_ok=True)
    config = folder / "lockstep-serve.yaml"
    config.write_text(
        f"listen: 127.0.0.1:0\npoll: 1h\ndrift: {_POLL:.0f}s\nprojects:\n  bench:\n"
        f"    repository: {scene.repository.folder}\n    events: ['{name}']\n"
        "    environments:\n      staging: {sync: true}\n      production: {sync: true}\n"
    )
    begun = time.monotonic()
    env = {**scene.lockstep.env, "LOCKSTEP_CACHE": str(scene.lockstep.cache)}
    one = Serving("--config", str(config), env={**env, "LOCKSTEP_GITHUB_HOOK_SECRET": _SECRET})
    try:
        said = one.until(r"http://127\.0\.0\.1:\d+/")
        url = next(word for word in said.split() if word.startswith("http://127.0.0.1:"))
        _until(lambda: _is_ready(url))
        took = time.monotonic() - begun
        _until(lambda: [row["sync"] for row in _rows(url)] == ["Synced", "Synced"])
        yield url, took
    finally:
        one.end(signal.SIGTERM)


def _is_ready(url: str) -> bool:
    try:
        with DIRECT.open(f"{url}readyz", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _rows(url: str) -> list[dict[str, object]]:
    try:
        rows: list[dict[str, object]] = json.loads(fetched(f"{url}api/v1/projects/bench/targets"))["targets"]
    except OSError:
        return []
    return rows


def _until_live(scene: Scene, url: str) -> float:
    """Seconds from the announcement of another version to the function that has it."""
    name = scene.repository.targets[0].name
    functions = client(scene.cloud, "lambda", account=ACCOUNT)
    before = functions.get_function_configuration(FunctionName=name)["CodeSha256"]
    version = scene.repository.raise_version().version  # two announcements alike would be one
    begun = time.monotonic()
    place = scene.repository.folder.as_uri()
    body = json.dumps({"repository": {"clone_url": place}, "version": version}).encode()
    digest = hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
    with DIRECT.open(urllib.request.Request(f"{url}hooks/github", data=body, headers=headers), timeout=30):
        pass
    _until(lambda: functions.get_function_configuration(FunctionName=name)["CodeSha256"] != before)
    took = time.monotonic() - begun
    _until(lambda: [row["sync"] for row in _rows(url)] == ["Synced", "Synced"])
    return took


def _memories(times: int) -> Iterator[int]:
    yield from range(513, 513 + times)


def _until_seen(scene: Scene, url: str, memory: int, *, is_told: bool) -> float:
    """Seconds from a change by hand to the target that says so; another change than was seen before."""
    name = scene.repository.targets[0].name
    begun = time.monotonic()
    change_memory(scene.cloud, ACCOUNT, name, memory)
    if is_told:
        sqs = client(scene.cloud, "sqs", account=ACCOUNT)
        detail = {"requestParameters": {"functionName": name}}
        told = {"source": "aws.lambda", "detail-type": "AWS API Call via CloudTrail", "detail": detail}
        sqs.send_message(
            QueueUrl=sqs.get_queue_url(QueueName=_QUEUE)["QueueUrl"], MessageBody=json.dumps(told)
        )
    _until(lambda: any(f" {memory}" in json.dumps(row) for row in _rows(url)))
    return time.monotonic() - begun


def _until(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + _LONG
    while not happens():
        if time.monotonic() > end:
            raise TimeoutError("it does not come")
        time.sleep(0.01)


def main(targets: int) -> None:
    """Let a day pass."""
    with (
        tempfile.TemporaryDirectory() as folder,
        controlled(Path(folder), targets, poll="30m", drift="20m") as (day, said),
    ):
        day.run(pushes=1)
        day.check(poll=1800, drift=1200, said=said)
    print("as declared")


if __name__ == "__main__":
    main(int(sys.argv[1]))
