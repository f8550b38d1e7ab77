"""Turns and jobs: the rules by which several machines share work, each by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from lockstep.delivery.places.forges import Credentials
from lockstep.engines.aws.connection import Connection
from lockstep.errors import Interrupted
from lockstep.fence import fenced
from lockstep.model import Environment
from lockstep.serve.deciding import Heads, Seen, Try, Waiting
from lockstep.serve.file import Followed
from lockstep.serve.following import Follower
from lockstep.serve.keeping import kept, left
from lockstep.serve.machines import Machines
from lockstep.serve.recording import Recorder
from lockstep.store.base import StoreError
from lockstep.store.history import History
from lockstep.store.jobs import Jobs
from lockstep.store.server import Server
from lockstep.store.turns import Turns
from tests.strict import Proxy
from tests.support.clouds import REGION, Moto, make_bucket
from tests.support.postgres import Cluster, needs_postgres
from tests.support.waiting import until

pytestmark = needs_postgres


@pytest.fixture
def server(url: str) -> Iterator[Server]:
    """The database of both machines."""
    server = Server(url)
    yield server
    server.close()


@pytest.fixture
def jobs(url: str) -> Iterator[Jobs]:
    """Jobs, where a worker without a sign of life for a second is dead."""
    jobs = Jobs(url, sign=1.0)
    yield jobs
    jobs.close()


def at_work(jobs: Jobs, do: Callable[[str], None]) -> Callable[[], None]:
    """A worker in a thread; what ends it."""
    stop = threading.Event()
    thread = threading.Thread(target=jobs.work, args=(do,), kwargs={"at_once": 4, "stop": stop})
    thread.start()

    def end() -> None:
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive()

    return end


def test_a_turn_is_one_machines_until_it_gives_no_sign(server: Server, cluster: Cluster, url: str) -> None:
    """Who stood still may write nothing any more, nor say what came of it; what was left goes on."""
    one, two = Turns(server, "one", 60.0), Turns(server, "two", 60.0)
    one.know(["shop"])
    assert one.due() == ["shop"]
    turn = one.take("shop")
    assert turn is not None
    assert (turn.token, turn.state, two.take("shop"), two.due()) == (1, "", None, [])
    assert one.keep("shop", 1)
    cluster.do(url, "UPDATE turns SET until = extract(epoch from now()) - 1")  # it stands still
    assert one.due() == ["shop"]
    assert one.keep("shop", 1)  # nobody else has begun
    assert two.take("shop") is None
    cluster.do(url, "UPDATE turns SET until = extract(epoch from now()) - 1")
    taken = two.take("shop")
    assert taken is not None
    assert (taken.token, taken.is_next) == (2, False)
    assert not one.keep("shop", 1)
    assert not one.end(turn, state="of one", due=0.0)
    assert two.keep("shop", 2)
    assert two.end(taken, state="of two", due=taken.now + 60)
    assert not two.keep("shop", 2)
    assert two.due() == []
    two.hint(["shop"])
    assert two.due() == ["shop"]
    again = two.take("shop")
    assert again is not None
    assert (again.state, again.is_next, again.is_hinted) == ("of two", True, True)
    assert two.states({}) == {"shop": (1, "of two")}
    assert two.states({"shop": 1}) == {}


def test_what_aws_tells_one_machine_is_known_to_whoever_has_the_next_turn(server: Server) -> None:
    """It makes a turn due, and waits until it is known what it concerns; what is told meanwhile waits on."""
    one, two = Turns(server, "one", 60.0), Turns(server, "two", 60.0)
    one.know(["shop", "blog"])
    for name in ("shop", "blog"):
        first = one.take(name)
        assert first is not None
        assert first.heard == ""
        assert one.end(first, state="", due=first.now + 60)
    assert one.due() == []
    one.hear("shop", ["api", "a \N{SNOWMAN} name"])
    assert two.due() == ["shop"]
    turn = two.take("shop")
    assert turn is not None
    assert turn.heard == "a \N{SNOWMAN} name\napi\n"
    one.hear("shop", ["web"])
    assert two.end(turn, state="", due=turn.now + 60, is_heard=False)  # Git could not be read
    again = one.take("shop")
    assert again is not None
    assert again.heard == "a \N{SNOWMAN} name\napi\nweb\n"
    one.hear("shop", ["cron"])
    assert one.end(again, state="", due=again.now + 60)
    assert two.due() == ["shop"]
    last = two.take("shop")
    assert last is not None
    assert (last.heard, last.is_hinted) == ("cron\n", False)


def test_a_machine_passes_on_what_it_hears(url: str, server: Server, tmp_path: Path) -> None:
    """Whoever has the next turn hears it as if AWS had told it itself, and keeps it until Git was read."""
    stop = threading.Event()
    history = History(Server(url))
    listens, works = (
        Machines(url, history, ["shop"], lasts=60.0, tell=lambda *_: None, stop=stop) for _ in range(2)
    )
    follower = Follower(
        Followed(name="shop", repository=f"file://{tmp_path}/nowhere"),
        data=tmp_path,
        credentials=Credentials(cache=tmp_path / "cache"),
        tell=lambda words: None,
        clock=time.monotonic,
        stop=stop,
    )
    threads = works.run({"shop": follower}, {}, Recorder(history), tells=False)
    turns = Turns(server, "observer", 60.0)
    until(lambda: turns.states({}) != {})  # its first turn is over
    listens.hear("shop", frozenset({"api"}))
    until(lambda: not follower.has_understood)
    assert works.is_alive
    stop.set()
    for thread in threads:
        thread.join()
    assert not works.is_alive
    for one in (listens, works, history):
        one.close()
    turn = turns.take("shop")
    assert turn is not None
    assert turn.heard == "api\n"


def test_an_order_is_taken_once_and_by_whose_turn_it_is(server: Server) -> None:
    """In the order in which they were given; so many wait and no more."""
    one = Turns(server, "one", 60.0)
    one.know(["shop"])
    assert [one.order("shop", run, "said", most=2) for run in ("a", "b", "c")] == [True, True, False]
    turn = one.take("shop")
    assert turn is not None
    assert one.ordered(turn) == ("a", "said")
    assert one.waiting("shop") == ["b"]
    one.end(turn, state="", due=turn.now + 60)
    assert one.due() == ["shop"]
    assert Turns(server, "two", 60.0).take("shop") is not None
    assert one.ordered(turn) is None


def test_what_waits_is_one_job_and_is_found_when_the_lock_is_free(jobs: Jobs) -> None:
    """What is asked for while it is done is done once more, beside other projects' and not beside itself."""
    going, go = threading.Event(), threading.Event()
    done: list[str] = []
    under_way: list[str] = []

    def do(project: str) -> None:
        assert project not in under_way
        under_way.append(project)
        if project == "shop":
            going.set()
            assert go.wait(20)
        under_way.remove(project)
        done.append(project)

    jobs.defer(["shop"])
    end = at_work(jobs, do)
    assert going.wait(20)
    for _ in range(3):
        jobs.defer(["shop", "blog"])
    until(lambda: "blog" in done)
    assert "shop" not in done
    go.set()
    until(lambda: done.count("shop") == 2)
    end()
    assert done.count("shop") == 2


def test_jobs_of_the_dead_are_removed(jobs: Jobs, cluster: Cluster, url: str) -> None:
    """Until then their lock blocks what comes after; those of the living stay."""
    jobs.defer(["shop"])
    (schema,) = cluster.do(url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lockstep_jobs%'")[0]
    within = f"SET search_path = {schema}; "
    cluster.do(
        url, within + "SELECT procrastinate_fetch_job_v2(NULL, (SELECT procrastinate_register_worker_v1()))"
    )
    jobs.defer(["shop"])
    assert jobs.reap() == 0
    done: list[str] = []
    end = at_work(jobs, done.append)
    jobs.defer(["blog"])
    until(lambda: done == ["blog"])
    dead = "SET last_heartbeat = now() - interval '1h' WHERE id = 1"
    cluster.do(url, f"UPDATE {schema}.procrastinate_workers {dead}")
    assert jobs.reap() == 1
    until(lambda: done == ["blog", "shop"])
    end()
    assert jobs.reap() == 0


def test_without_a_database_jobs_say_so_and_go_on_after(jobs: Jobs, cluster: Cluster) -> None:
    """Making and removing them; a worker ends, and is begun again by who began it."""
    done: list[str] = []
    jobs.defer(["shop"])
    end = at_work(jobs, done.append)
    until(lambda: done == ["shop"])
    end()
    cluster.stop()
    try:
        for work in (lambda: jobs.defer(["blog"]), jobs.reap):
            with pytest.raises(StoreError):
                work()
        with pytest.raises(StoreError):
            jobs.work(done.append, at_once=1, stop=threading.Event())
    finally:
        cluster.start()
    jobs.defer(["blog"])
    end = at_work(jobs, done.append)
    until(lambda: done == ["shop", "blog"])
    end()


def test_what_a_turn_leaves_is_read_by_the_next() -> None:
    """All but rows, on another clock; what cannot be read is looked at anew."""
    seen = Seen(
        heads=Heads(commit="c" * 40, previews="p"),
        asked=10.0,
        at=Heads(commit="a" * 40),
        tried=11.0,
        looked=9.0,
        listened=8.0,
        moved=7.0,
        cleaned=6.0,
        aws=Try(count=1, at=14.0, why="away"),
        moving=Try(count=1, at=15.0, why="away"),
        cleaning=Try(count=1, at=16.0, why="away"),
        is_hinted=True,
        heard=frozenset({"staging/api"}),
        git=Try(count=2, at=12.0, why="away"),
        targets={"staging/api": Try(count=1, at=13.0, why="it still differs")},
        waiting={"production/api": Waiting(version="1", at=float("inf"), why="soaks")},
    )
    assert [one.name for one in fields(Seen) if getattr(seen, one.name) == getattr(Seen(), one.name)] == [
        "rows"
    ]
    assert kept(left(seen)) == seen
    moved = kept(left(seen), shift=-10.0)
    assert (moved.asked, moved.looked, moved.targets["staging/api"].at) == (0.0, -1.0, 3.0)
    assert moved.waiting["production/api"].at == float("inf")
    for text in ("", "{}", "[]", '{"heads": 1}'):
        assert kept(text) == Seen()


def test_who_has_no_turn_any_more_writes_nothing(
    moto: Moto, strict: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in this thread nor in those of a run; what only reads is answered; who works alone writes."""
    proxy = strict(moto)
    for name, value in proxy.environment().items():
        monkeypatch.setenv(name, value)
    make_bucket(moto, "my-packages")

    def lost() -> None:
        raise Interrupted("it is somebody else's")

    with fenced(lost):
        connection = Connection(Environment(name="staging", region=REGION), threading.Event())
    write = {"Bucket": "my-packages", "Key": "a", "Body": b""}
    with ThreadPoolExecutor(1) as pool, pytest.raises(Interrupted):
        pool.submit(connection.call, "s3", "PutObject", **write).result()
    with pytest.raises(Interrupted):
        connection.call("s3", "PutObject", **write)
    assert connection.call("s3", "ListObjectsV2", Bucket="my-packages").get("Contents") is None
    assert proxy.counts(mutating=True) == {}
    Connection(Environment(name="staging", region=REGION), threading.Event()).call("s3", "PutObject", **write)
