"""``preview event``: from an event of a pull request to a running preview, and to nothing left."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.delivery.events.handling import Handled, Place, handle_event
from lockstep.delivery.events.reading import read_event
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Where
from lockstep.delivery.previews.ground import Ground
from lockstep.delivery.sync.options import Options
from lockstep.forge.base import Pull
from lockstep.forge.local import LocalForge
from lockstep.local.ministack import LocalCloud
from lockstep.model.move import Reached
from tests.functional.git.conftest import Work
from tests.functional.previews.ground import NOW
from tests.support import clouds
from tests.support.git_http import git_server
from tests.support.preview_tree import FILES, project_file
from tests.support.projects import PACKAGES, UPLOADS
from tests.support.pull_events import payload
from tests.support.waiting import until
from tests.support.watching import Telling

_MONO = """\
services:
  notifier:
    source: {paths: [src/notifier]}
    build: {builder: prebuilt, path: src/notifier, output: .}
  api:
    source: {paths: [src/api]}
"""
_APP = """\
def handler(event, context):
    for record in event["Records"]:
        print("%s saw " + record["s3"]["object"]["key"])
"""


@dataclass(kw_only=True)
class Shop:
    """A monorepo with a pull request, a GitOps repository beside it, and who runs the events."""

    url: Callable[[str], str]  # of a repository by its name
    folder: Path
    mono: Work
    gitops: Work
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    number: int = 0
    sha: str = ""
    count: int = field(default=0)

    def forge(self) -> LocalForge:
        """Where the pull request is."""
        return LocalForge(self.url("mono.git"), self.folder / "person")

    def push(self, words: str) -> str:
        """One more commit on the pull request's branch, with what the function says when it runs."""
        self.mono.git("checkout", "-q", "-B", "feature")
        self.sha = self.mono.commit(f"fix: {words}", **{"src__notifier__app.py": _APP.replace("%s", words)})
        self.mono.git("push", "-q", "origin", "feature")
        return self.sha

    def payload(self, action: str, **fields: Any) -> str:
        """What GitHub would tell of the pull request now."""
        given = {"number": self.number, "sha": self.sha, **fields}
        return json.dumps(payload(action=action, **given))

    def event(self, action: str, *, code: int = 0, **fields: Any) -> str:
        """Run ``preview event`` in the monorepo; what it said."""
        self.count += 1
        file = self.folder / f"event-{self.count}.json"
        file.write_text(self.payload(action, **fields))
        self.patch.setenv("GITHUB_EVENT_PATH", str(file))
        self.capture.readouterr()
        words = ["preview", "event", "--gitops", self.url("gitops.git")]
        got = main(["-C", str(self.mono.folder), *words])
        done = self.capture.readouterr()
        assert got == code, done.out + done.err
        assert "\x1b" not in done.out + done.err
        return done.out + done.err

    def place(self) -> Place:
        """Where the verb works; a cache of its own, as another machine has."""
        self.count += 1
        cache = self.folder / f"cache-{self.count}"
        here = Where(folder=self.mono.folder, cache=cache)
        there = replace(here, repo=self.url("gitops.git"))
        return Place(sources=here, gitops=there, credentials=Credentials(cache=cache))

    def handle(self, text: str, place: Place | None = None, **fields: Any) -> Handled:
        """The verb itself."""
        event = read_event(text, "event.json")
        place = place or self.place()
        return handle_event(place, event, label="preview", now=NOW, options=Options(), **fields)

    def served(self, *words: str) -> str:
        """Run git in the GitOps repository on the server."""
        command = ["git", "-C", str(self.folder / "served" / "gitops.git"), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def preview(self) -> str:
        """The file that says the function's version; empty when there is no preview."""
        path = f"environments/preview/pr-{self.number}"
        if not self.served("ls-tree", "main", path):
            return ""
        return self.served("show", f"main:{path}/services/notifier.values.yaml")

    def commits(self) -> int:
        """How many commits the GitOps repository has."""
        return int(self.served("rev-list", "--count", "main"))

    def sync(self) -> None:
        """Deploy the newest commit."""
        self.gitops.git("pull", "-q", "origin", "main")
        assert main(["-C", str(self.gitops.folder), "sync", "--allow-deletes", "1"]) == 0


@pytest.fixture
def shop(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Shop]:
    """Two repositories, in a folder or behind HTTP, and an open pull request with the label."""
    for name in [*os.environ]:
        if name.startswith("GITHUB_") or name == "GH_TOKEN":
            monkeypatch.delenv(name)
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path / "cache"))
    served = tmp_path / "served"
    with contextlib.ExitStack() as stack:
        is_http = getattr(request, "param", None) == "http"
        url = stack.enter_context(git_server(served)).url if is_http else f"{served}/{{}}".format
        works: dict[str, Work] = {}
        for name in ("mono", "gitops"):
            bare = served / f"{name}.git"
            subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
            subprocess.run(["git", "-C", str(bare), "config", "http.receivepack", "true"], check=True)
            work = works[name] = Work(tmp_path / name)
            command = ["git", "clone", "-q", url(f"{name}.git"), str(work.folder)]
            subprocess.run(command, check=True, capture_output=True)
        mono, gitops = works["mono"], works["gitops"]
        mono.commit("begin", **{"lockstep.yaml": _MONO, "src__notifier__app.py": "# begin\n"})
        mono.git("tag", "notifier-v1.0.0")
        mono.git("push", "-q", "origin", "HEAD:refs/heads/main", "--tags")
        mono.git("fetch", "-q", "origin")
        source = url("mono.git")
        directory = project_file(more=f'source: {{kind: local, repository: "{source}"}}\n')
        line = next(line for line in directory.splitlines() if line.startswith("artifacts:"))
        release = (
            f'source: git-release, repository: "{source}", tag: "{{service}}-v{{version}}", asset: "*.zip"'
        )
        files = {path.replace("/", "__"): text for path, text in FILES.items() if "staging/n" not in path}
        files = {path: text for path, text in files.items() if "production" not in path}
        files["lockstep.yaml"] = directory.replace(line, f"artifacts: {{{release}}}")
        gitops.commit("begin", **files)
        gitops.git("push", "-q", "origin", "HEAD:refs/heads/main")
        made = Shop(url=url, folder=tmp_path, mono=mono, gitops=gitops, capture=capsys, patch=monkeypatch)
        made.push("first")
        pull = made.forge().open_pull(
            head="feature", base="main", title="A change", body="", labels=("preview",)
        )
        made.number = pull.number
        yield made


@pytest.mark.parametrize("shop", ["http"], indirect=True)
def test_from_the_label_to_nothing_left(
    shop: Shop, ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labelled, deployed, an upload to its prefix runs it; a push updates it; closed, all of it goes."""
    for name, value in ministack.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clouds.make_role(ministack)
    clouds.make_bucket(ministack, PACKAGES)
    clouds.make_bucket(ministack, UPLOADS)
    s3, logs = clouds.client(ministack, "s3"), clouds.client(ministack, "logs")
    name = f"notifier-pr-{shop.number}"

    def runs(words: str) -> None:
        key = f"preview/pr-{shop.number}/{words}.pdf"
        s3.put_object(Bucket=UPLOADS, Key=key, Body=b"a paper")

        def said() -> bool:
            try:
                found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
            except logs.exceptions.ResourceNotFoundException:
                return False
            return f"{words} saw {key}" in "".join(one["message"] for one in found)

        until(said)

    assert "released notifier 1.0.1-pr1.1" in shop.event("labeled", label="preview")
    shop.sync()
    runs("first")
    shop.push("second")
    assert "released notifier 1.0.1-pr1.2" in shop.event("synchronize")
    shop.sync()
    runs("second")
    shop.forge().close_pull(shop.number)
    shop.event("closed", is_open=False)
    assert shop.preview() == ""
    shop.sync()
    left = clouds.client(ministack, "lambda").list_functions()["Functions"]
    assert [one["FunctionName"] for one in left] == []
    assert name not in json.dumps(s3.get_bucket_notification_configuration(Bucket=UPLOADS), default=str)


def test_repeated_and_old_events(shop: Shop) -> None:
    """The same again commits nothing; an event of an older commit does nothing, nor does a late one."""
    old = shop.sha
    shop.event("labeled", label="preview")
    commits = shop.commits()
    shop.event("labeled", label="preview")
    assert shop.commits() == commits
    shop.push("second")
    assert f"is at {shop.sha[:12]} by now" in shop.event("synchronize", sha=old)
    assert shop.commits() == commits
    assert "its preview stays" in shop.event("closed", is_open=False)  # it was opened again since
    assert "1.0.1-pr1.1" in shop.preview()
    shop.forge().close_pull(shop.number)
    shop.event("closed", is_open=False)
    assert "is closed by now" in shop.event("synchronize")
    commits = shop.commits()
    shop.event("closed", is_open=False)
    assert (shop.preview(), shop.commits()) == ("", commits)


def test_the_label_goes_and_comes(shop: Shop) -> None:
    """Without it there is no preview; with it there is one again."""
    shop.event("labeled", label="preview")
    shop.forge().label(shop.number, remove=["preview"])
    shop.event("unlabeled", labels=["preview"], label="preview")  # listed still, as in GitHub's examples
    assert shop.preview() == ""
    shop.forge().label(shop.number, add=["preview"])
    shop.event("labeled", label="preview")
    assert "1.0.1-pr1.1" in shop.preview()


def test_two_events_at_once(shop: Shop) -> None:
    """Runs for an older and for the newest commit: the newest is what remains, whoever is late."""
    older = shop.payload("synchronize")
    shop.push("second")
    newest = shop.payload("synchronize")
    errors: list[BaseException] = []

    def run(text: str, place: Place) -> None:
        try:
            shop.handle(text, place)
        except BaseException as error:
            errors.append(error)

    works = [(text, shop.place()) for text in (older, newest, newest)]
    threads = [threading.Thread(target=run, args=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert "1.0.1-pr1.2" in shop.preview()
    assert shop.sha in shop.preview()


@pytest.mark.parametrize(("what", "moment"), [("closed", "finding packages"), ("unlabeled", "writing")])
def test_it_ends_while_it_is_brought_up(shop: Shop, what: str, moment: str) -> None:
    """Its own event finds nothing to remove yet, so the run takes back what it has written."""

    def end(words: str) -> None:
        if words != moment:
            return
        if what == "closed":
            shop.forge().close_pull(shop.number)
            text = shop.payload("closed", is_open=False)
        else:
            shop.forge().label(shop.number, remove=["preview"])
            text = shop.payload("unlabeled", labels=[], label="preview")
        down = shop.handle(text).brought
        assert down is not None
        assert down.reached is Reached.NOTHING

    brought = shop.handle(shop.payload("labeled", label="preview"), watcher=Telling(progress=end)).brought
    assert brought is not None
    assert not brought.is_up
    assert shop.preview() == ""


class _Forge(LocalForge):
    """A forge on which something happens just after the first look at a pull request."""

    happens: Callable[[], object] | None = None

    def pull(self, number: int) -> Pull:
        """As it was before that happened."""
        pull = super().pull(number)
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return pull


class _Ground(Ground):
    """Previews with such a forge."""

    given: _Forge

    def forge(self) -> LocalForge:
        """The forge that was given."""
        return self.given


class _Place(Place):
    """Where the first look at the forge is followed by something."""

    given: _Forge

    def ground(self) -> Ground:
        """The previews as they are now."""
        made = _Ground(gitops=super().ground().gitops)
        object.__setattr__(made, "given", self.given)
        return made


def test_labelled_again_while_it_is_removed(shop: Shop) -> None:
    """The run for the new label found the preview still there; the removal notices and brings it back."""
    shop.event("labeled", label="preview")
    shop.forge().label(shop.number, remove=["preview"])

    def again() -> None:
        shop.forge().label(shop.number, add=["preview"])
        up = shop.handle(shop.payload("labeled", label="preview")).brought
        assert up is not None
        assert up.reached is Reached.NOTHING

    plain = shop.place()
    place = _Place(sources=plain.sources, gitops=plain.gitops, credentials=plain.credentials)
    forge = _Forge(shop.url("mono.git"), shop.folder / "person")
    forge.happens = again
    object.__setattr__(place, "given", forge)
    handled = shop.handle(shop.payload("unlabeled", labels=[], label="preview"), place)
    assert handled.brought is not None
    assert handled.brought.is_up
    assert "1.0.1-pr1.1" in shop.preview()


def test_a_fork(shop: Shop) -> None:
    """Nobody has approved its commit: a notice, nothing is built, and no repository is asked."""
    shop.url = lambda name: f"/nowhere/{name}"
    said = shop.event("labeled", label="preview", source="somebody/shop")
    assert "comes from a fork, and nobody has approved its commit" in said


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "GITHUB_EVENT_PATH: no event is named"),
        ({"GITHUB_EVENT_PATH": "/nowhere.json"}, "cannot read the event"),
        (
            {"GITHUB_EVENT_NAME": "pull_request_target"},
            "is for the event pull_request, not pull_request_target",
        ),
    ],
)
def test_no_event(shop: Shop, variables: dict[str, str], said: str) -> None:
    """Bad input: among it the event that would give a fork's code what is secret."""
    for name, value in variables.items():
        shop.patch.setenv(name, value)
    assert main(["-C", str(shop.mono.folder), "preview", "event"]) == 3
    assert said in shop.capture.readouterr().err


def test_a_build_that_fails(shop: Shop) -> None:
    """The preview stays as it was, and the exit code tells."""
    shop.event("labeled", label="preview")
    before = shop.preview()
    shop.mono.commit("fix: broken", **{"lockstep.yaml": _MONO.replace("output: .", "output: missing")})
    shop.mono.git("push", "-q", "origin", "feature")
    shop.sha = shop.mono.git("rev-parse", "HEAD")
    shop.event("synchronize", code=3)
    assert shop.preview() == before
