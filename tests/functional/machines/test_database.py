"""The history in PostgreSQL: as in a file, from every released revision, and while it is away."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lockstep.errors import BadInput
from lockstep.serve.recording import open_history
from lockstep.serve.web.app import make_app
from lockstep.store.base import StoreError
from lockstep.store.entries import Event, Happened, Run, RunState, Session, StepEntry
from lockstep.store.history import History
from lockstep.store.server import Server, url_of
from lockstep.store.tables import METADATA
from tests.support.postgres import Cluster, needs_postgres
from tests.unit.serve.test_page import ask

pytestmark = needs_postgres
AT = "2026-01-0{}T00:00:00.000+00:00"
REVISIONS = sorted((Path(__file__).parents[2] / "unit" / "store" / "revisions").glob("*.sql"))


@pytest.fixture
def history(url: str) -> Iterator[History]:
    """An empty one."""
    history = open_history(Path("/nowhere"), pytest.fail, url)
    assert history is not None
    yield history
    history.close()


def happened(words: str) -> Event:
    """An event."""
    return Event(at=AT.format(1), project="shop", kind=Happened.PUSHED, words=words, target="staging/api")


def test_what_is_written_is_read(history: History) -> None:
    """Runs with steps, events by words, drift, sessions; also texts that PostgreSQL itself refuses."""
    run = Run(
        id="cafe", project="shop", began=AT.format(1), why="pushed", actor="Ada", commit=None, targets="x"
    )
    history.begin(run)
    step = StepEntry(at=AT.format(1), target="staging/api", words="create", outcome="done", seconds=0.5)
    history.add_step(run.id, step)
    assert history.run("cafe") == (run, [step])
    history.end(
        "cafe",
        at=AT.format(2),
        state=RunState.DONE,
        words="a\0b \udcff",
        calls=7,
        events=[happened("100% é")],
    )
    (found,) = history.runs(query="ADA")
    assert (found.state, found.words) == (RunState.DONE, "a\N{REPLACEMENT CHARACTER}b ?")
    assert [one.words for one in history.events(query="0% é", kinds=[Happened.PUSHED])] == ["100% é"]
    assert history.events(query="0_ é") == history.events(scope={"shop": frozenset({"production"})}) == []
    for differing in ({"staging/api": ("aws", "memory")}, {}):
        history.drift("shop", AT.format(3), differing, lambda target: True)
    assert [one.mended for one in history.drifts(query="MEMORY")] == [AT.format(3)]
    session = Session(
        id="s",
        subject="1",
        name="Ada",
        groups=("a",),
        began=AT.format(1),
        checked="",
        ends=AT.format(9),
        sealed="",
    )
    history.sessions.begin(session)
    assert history.sessions.all(AT.format(2)) == [session]
    history.prune(AT.format(4))
    assert history.runs() == history.events() == history.drifts() == []


@pytest.mark.parametrize("path", REVISIONS, ids=[path.stem for path in REVISIONS])
def test_a_database_of_a_released_revision_is_brought_up(path: Path, cluster: Cluster, url: str) -> None:
    """By controllers that begin together, each once; nothing is lost, and the tables are those declared."""
    cluster.do(url, dialect(path.read_text()))
    both = [Server(url) for _ in range(2)]
    threads = [threading.Thread(target=one.run, args=(lambda to: None,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = History(both[0])
    assert [event.words for event in history.events()] == ["declared by Ada in cafecafe"]
    history.add(happened("another"))
    assert [run.targets for run in history.runs()] == ["staging/api"]
    assert both[1].run(lambda to: compare_metadata(MigrationContext.configure(to), METADATA)) == []
    for one in both:
        one.close()


def dialect(script: str) -> str:
    """What SQLite's shell dumped, as PostgreSQL reads it; its rows got their numbers by themselves."""
    script = re.sub(r"(?m)^(PRAGMA|BEGIN|COMMIT).*\n", "", script)
    script = re.sub(r"\bid INTEGER NOT NULL", "id SERIAL NOT NULL", script)
    for table in ("events", "steps", "drifts"):
        script += f"\nSELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}));"  # noqa: S608 - ours
    return script


def test_a_database_of_somebody_else_is_left_alone(cluster: Cluster, url: str, history: History) -> None:
    """Of another program, or of a newer Lockstep."""
    cluster.do(url, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(StoreError, match="something else"):
        history.add(happened(""))
    cluster.do(url, "CREATE TABLE alembic_version AS SELECT '9999' AS version_num")
    with pytest.raises(StoreError, match="newer Lockstep"):
        history.add(happened(""))


def test_while_it_is_away_that_is_said_and_then_it_goes_on(
    cluster: Cluster, url: str, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once and not by waiting; what is served does not depend on it, and /readyz tells of it."""
    monkeypatch.setattr("lockstep.store.server._QUIET", 0.0)
    app = make_app([], history, secret=None)
    history.add(happened("before"))
    assert ask(app, "/readyz").status == 200
    cluster.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match=f"127.0.0.1:{cluster.port}.*connection failed"):
                history.add(happened("meanwhile"))
        answer = ask(app, "/readyz")
        assert (answer.status, "the history cannot be read" in answer.text) == (503, True)
        assert ask(app, "/").status == ask(app, "/healthz").status == 200
        assert ask(app, "/audit").status == 503
    finally:
        cluster.start()
    assert ask(app, "/readyz").status == 200
    history.add(happened("after"))
    assert [one.words for one in history.events()] == ["after", "before"]


@pytest.mark.parametrize(
    "text", ["mysql://ada:secret@db/x", "postgresql://ada:secret@db", "secret", "a://[secret"]
)
def test_what_is_no_database_is_refused_without_its_password(text: str) -> None:
    """In a file that names it, or in the environment."""
    with pytest.raises(BadInput, match="no URL of a database") as told:
        url_of(text)
    assert "secret" not in str(told.value)
