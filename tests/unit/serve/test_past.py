"""Pages, JSON and exports of the history, asked without a socket."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.types import ASGIApp

from lockstep.model import Explained, Health, Secret, SyncStatus
from lockstep.model.chart import Chart, Line
from lockstep.model.rollout import Progress
from lockstep.model.status import Origin
from lockstep.model.trying import LogLine
from lockstep.serve.following import Follower
from lockstep.serve.web.app import make_app
from lockstep.store.database import Database
from lockstep.store.entries import Event, Happened, Run, RunState, StepEntry, new_run
from lockstep.store.history import History
from tests.unit.serve.test_deciding import row
from tests.unit.serve.test_page import EVIL, ask, follower, saw

__all__ = ["follower"]

AT = "2026-01-01T00:00:00.000+00:00"
PAGES = ("/runs", "/drift", "/audit")
DOCUMENTS = ("/api/v1/runs", "/api/v1/drift", "/api/v1/events")
RUN = Run(
    id=new_run(),
    project="shop",
    began=AT,
    why=f"a push {EVIL}",
    actor=EVIL,
    commit="c" * 40,
    targets=f"staging/{EVIL}",
)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """One in which something happened, in words that somebody else chose."""
    history = History(Database(tmp_path / "history.db", pytest.fail))
    history.begin(RUN)
    step = StepEntry(
        at=AT, target="t", words=EVIL, outcome="failed", seconds=1, error=f"no\n{EVIL}", requests="1 2"
    )
    history.add_step(RUN.id, step)
    event = Event(
        at=AT, project="shop", kind=Happened.FAILED, words="=1+1", target=f"staging/{EVIL}", actor=EVIL
    )
    history.end(RUN.id, at=AT, state=RunState.FAILED, words=EVIL, calls=1, events=[event])
    history.drift("shop", AT, {f"staging/{EVIL}": (EVIL, EVIL)}, lambda _: False)
    yield history
    history.close()


def test_a_target_tells_what_became_of_it_and_where_its_values_are(
    follower: Follower, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With secrets masked and everything escaped; what stays of a value that another one won over, too."""
    declared = (
        Explained(
            path="lambda.memorySize",
            value=1024,
            origins=(
                Origin(layer="global", place="syrf/services/api/config.yaml:3", value=256),
                Origin(layer="environment", place="syrf/environments/staging/api/config.yaml:9", value=1024),
            ),
        ),
        Explained(
            path="lambda.environment.API_TOKEN",
            value=Secret("hunter2-hunter2-hunter2"),
            origins=(Origin(layer=EVIL, place="f:1", value=Secret("hunter2-hunter2-hunter2")),),
        ),
    )
    monkeypatch.setattr(follower, "explained", lambda target: declared)  # of a project that was read
    page = make_app([follower], history, secret=None)
    saw(follower, row(f"staging/{EVIL}", SyncStatus.SYNCED))
    text = ask(page, f"/targets/shop/{quote(f'staging/{EVIL}')}").text
    for words in ("<td>failed</td>", "config.yaml:9 (environment)", "<code>256</code> of syrf/services/api"):
        assert words in text
    assert "hunter2" not in text
    assert "<script>alert" not in text
    saw(follower, row("staging/other", SyncStatus.SYNCED))
    text = ask(page, "/targets/shop/staging/other").text
    assert "Nothing that is remembered here" in text


def test_what_a_rollout_is_judged_by_is_drawn_and_told(follower: Follower) -> None:
    """Two lines and the same as a table, in words that somebody else chose."""
    times = (datetime(2026, 1, 1, 12, minute, tzinfo=UTC) for minute in (1, 2))
    lines = tuple(Line(name=EVIL, points=((at, 25.0),)) for at in times)
    charts = (Chart(name=EVIL, unit="%", lines=lines, bounds=(30.0,)), Chart(name="none", lines=()))
    progress = Progress(health=Health.PROGRESSING, release="2", step=1, steps=2, charts=charts)
    off = replace(row("staging/api", SyncStatus.OUT_OF_SYNC), progress=progress)
    text = ask(saw(follower, off), "/targets/shop/staging/api").text
    assert "<script>alert" not in text
    assert len(re.findall('<path class="(?:line-[12]|bound)"', text)) == 3
    for words in ("2026-01-01 12:02:00 UTC", "<td>25 %</td><td>-</td>", "Nothing was measured yet."):
        assert words in text
    assert "style=" not in text


def test_logs_are_shown_or_why_they_cannot_be(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked for once for each load: an open page does not go on asking AWS."""
    page = saw(follower, row("staging/api", SyncStatus.SYNCED))
    path = "/logs/shop/staging/api"
    found = ask(page, path)
    assert (found.status, "was not read yet" in found.text) == (502, True)
    line = LogLine(id="1", at=1767225600000, text=EVIL)
    monkeypatch.setattr(follower, "logs", lambda target: (line,))  # read from AWS elsewhere
    text = ask(page, path, accept="text/event-stream").text
    assert "2026-01-01 00:00:00 UTC" in text
    assert "<script>alert" not in text
    assert ask(page, "/logs/shop/staging/other").status == 404


@pytest.fixture
def app(follower: Follower, history: History) -> ASGIApp:
    """The page with that history."""
    return make_app([follower], history, secret=None)


def test_everything_that_happened_is_escaped(app: ASGIApp) -> None:
    """In pages as in JSON; each answer says what browsers may do."""
    for path in (*PAGES, f"/runs/{RUN.id}", "/audit?q=" + quote(EVIL[:9]), *DOCUMENTS, "/audit.jsonl"):
        found = ask(app, path)
        assert found.status == 200, path
        assert "alert(1)" in found.text or "q=" in path
        assert "<script>" not in found.text or "json" in found.headers["content-type"]
        assert not re.search("[\x1b\u202e]", found.text)
        assert "default-src 'none'" in found.headers["content-security-policy"]


def test_the_audit_is_searched_and_taken_along(app: ASGIApp, history: History) -> None:
    """In parts by pages, whole by files, in which no cell is a formula."""
    for number in range(60):
        history.add(
            Event(at=AT, project="shop", kind=Happened.PUSHED, words=f"main is at {number:04}", actor="Ada")
        )
    page = ask(app, "/audit?q=ada")
    assert page.text.count('<th scope="row">') == 50
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
    rest = ask(app, "/audit" + older.replace("&amp;", "&"))
    assert rest.text.count('<th scope="row">') == 10
    assert ask(app, "/audit?q=0042").text.count('<th scope="row">') == 1
    lines = ask(app, "/audit.jsonl?q=ADA").text.splitlines()
    assert [json.loads(line)["words"][-4:] for line in lines] == [f"{n:04}" for n in range(59, -1, -1)]
    answer = ask(app, "/audit.csv")
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert 'filename="audit.csv"' in answer.headers["content-disposition"]
    assert len(rows) == 62
    assert "'=1+1" in {row["words"] for row in rows}


@pytest.mark.parametrize("run", ["x", "..%2f..%2fetc%2fpasswd", "'", "0" * 5000, "%00"])
def test_what_is_not_there_is_not_found(app: ASGIApp, run: str) -> None:
    """Whatever is asked for."""
    assert ask(app, f"/runs/{run}").status == 404
    assert ask(app, f"/api/v1/runs/{run}").status == 404
    for path in ("history", "logs", "previews"):
        assert ask(app, f"/api/v1/{path}?project={run}&target={run}").status == 404
    for path in (*PAGES, *DOCUMENTS):
        odd = ask(app, f"{path}?page={run}&before={run}&q={run}&project={run}")
        assert odd.status == 200


def test_runs_are_read_with_their_steps(app: ASGIApp) -> None:
    """By people and by programs."""
    (run,) = json.loads(ask(app, "/api/v1/runs").text)["runs"]
    assert (run["id"], run["state"]) == (RUN.id, "failed")
    told = json.loads(ask(app, f"/api/v1/runs/{RUN.id}").text)["run"]
    assert [step["requests"] for step in told["steps"]] == ["1 2"]
    assert f'href="/runs/{RUN.id}"' in ask(app, "/runs").text


def test_a_page_says_why_there_is_no_history(follower: Follower, tmp_path: Path) -> None:
    """None is kept, or it cannot be read; what is seen now is shown all the same."""
    lost = History(Database(tmp_path / "gone" / "history.db", pytest.fail))
    for history in (None, lost):
        app = make_app([follower], history, secret=None)
        assert ask(app, "/").status == 200
        for path in (*PAGES, *DOCUMENTS, f"/runs/{RUN.id}", "/audit.csv", "/audit.jsonl"):
            assert ask(app, path).status == 503, path
        assert "istory" in ask(app, "/runs").text


def test_an_empty_history_says_so(follower: Follower, tmp_path: Path) -> None:
    """No table without rows."""
    history = History(Database(tmp_path / "empty.db", pytest.fail))
    app = make_app([follower], history, secret=None)
    for path in PAGES:
        assert "<table" not in ask(app, path).text
        assert "Nothing matches." in ask(app, f"{path}?q=x").text
    assert ask(app, "/audit.csv").text.count("\n") == 1
    assert ask(app, "/audit.jsonl").text == ""
    history.begin(replace(RUN, id=new_run()))
    assert "<table" in ask(app, "/runs").text
    history.close()
