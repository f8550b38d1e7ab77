"""The waves of a preview: its functions follow the services that other tools deploy."""

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockstep.delivery.previews import waiting
from lockstep.delivery.previews.bring import Brought, Request, bring_up
from lockstep.delivery.previews.services import parse_wish
from lockstep.delivery.sync.options import Options
from lockstep.errors import Interrupted, LockstepError
from lockstep.forge.base import CheckState
from lockstep.model.move import Reached
from lockstep.model.watching import Silent
from tests.functional.previews.ground import NOW, World, make_world

API, NOTIFIER = "services/api.values.yaml", "services/notifier.values.yaml"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_POLL", 0.01)


class _Deploying(Silent):
    """Does, each time that a service is waited for, what the tool does that deploys it."""

    def __init__(self, does: Callable[[str], None]) -> None:
        self._does = does

    def progress(self, words: str) -> None:
        """Deploy a little more."""
        if words.startswith("waiting for"):
            self._does(words)


def _up(
    world: World, number: int, version: str, does: Callable[[str], None], stop: threading.Event | None = None
) -> Brought:
    request = Request(number=number, wishes=(parse_wish(f"notifier@{version}"),))
    return bring_up(world.ground(), request, Options(), now=NOW, stop=stop, watcher=_Deploying(does))


@contextlib.contextmanager
def _service() -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """A service: its URL, the paths that it was asked for, and what it answers to each when it is up."""
    asked: list[str] = []
    says: dict[str, str] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = says.get(self.path, "").encode()
            self.send_response(200 if body else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked, says
        finally:
            server.shutdown()
            thread.join()


def test_functions_are_written_when_the_services_answer(tmp_path: Path) -> None:
    """First what Argo CD deploys, then the functions; what is up already is not waited for twice, and where
    no function changes nothing is waited for.
    """
    with _service() as (url, asked, says):
        wait = f'waitFor: {{url: "{url}/{{env}}/{{service}}", contains: "v{{version}}"}}'
        world = make_world(tmp_path, preview=wait)
        number = world.open_pull()
        seen: list[tuple[str, set[str]]] = []

        def deploy(words: str) -> None:
            seen.append((words, set(world.files(number))))
            path = f"/pr-{number}/api"
            says[path] = "v2.0.0" if path in says else "v1.9.9"

        brought = _up(world, number, "1.1.0-pr", deploy)
        assert brought.reached is Reached.COMMITTED
        assert [words for words, _ in seen] == [
            "waiting for api 2.0.0: it answers 503",
            "waiting for api 2.0.0: it answers without 'v2.0.0'",
        ]
        assert all(API in files and NOTIFIER not in files for _, files in seen)
        assert NOTIFIER in world.files(number)
        name = f"preview/pr-{number}"
        assert world.log()[:2] == [f"{name}: api 2.0.0, notifier 1.1.0-pr", f"{name}: api 2.0.0"]
        before = len(asked)
        assert _up(world, number, "1.1.0-pr", deploy).reached is Reached.NOTHING
        assert len(asked) == before


def test_a_service_that_does_not_come_up_leaves_the_functions_as_they_were(tmp_path: Path) -> None:
    """The error says what is missing, and the same command again goes on; so does one that was stopped."""
    with _service() as (url, _, says):
        wait = f'waitFor: {{url: "{url}/{{service}}", timeout: 0s}}'
        world = make_world(tmp_path, preview=wait)
        number = world.open_pull()
        with pytest.raises(LockstepError, match="answers 503; the functions are as they were") as told:
            _up(world, number, "1.1.0-pr", lambda _: None)
        assert told.value.where is not None
        assert told.value.where.startswith("lockstep.yaml:")
        assert set(world.files(number)) == {"pr.yaml", API}
        says["/api"] = "up"
        assert _up(world, number, "1.1.0-pr", lambda _: None).reached is Reached.COMMITTED
        assert NOTIFIER in world.files(number)


def test_functions_are_written_when_the_commit_is_checked(tmp_path: Path) -> None:
    """By what Argo CD sets on the commit that it has synced, which may be a later one than that of the
    services; a failure is waited out.
    """
    world = make_world(tmp_path, preview='waitFor: {check: "argocd/{env}-{service}"}')
    number = world.open_pull()
    stop = threading.Event()
    states = [CheckState.FAILURE, CheckState.SUCCESS]
    told: list[str] = []

    def deploy(words: str) -> None:
        told.append(words)
        commit = (
            world.push(README="words\n" * len(told)) if len(told) == 1 else world.shared("rev-parse", "main")
        )
        context = f"argocd/pr-{number}-api"
        world.forge().set_status(commit, context=context, state=states[len(told) - 1], description="synced")

    assert _up(world, number, "1.1.0-pr", deploy).reached is Reached.COMMITTED
    assert [words.partition(": it ")[2] for words in told] == [
        f"has no check argocd/pr-{number}-api yet",
        f"has the check argocd/pr-{number}-api at failure",
    ]
    assert NOTIFIER in world.files(number)
    other = world.open_pull()
    with pytest.raises(Interrupted, match="the functions are as they were"):
        _up(world, other, "1.1.0-pr", lambda _: stop.set(), stop)
    assert NOTIFIER not in world.files(other)
