"""What comes to a controller from outside, and what goes away under it, asked of its process."""

import contextlib
import hashlib
import hmac
import http.client
import json
import re
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import User
from tests.strict import Proxy
from tests.strict.errors import expired_token
from tests.strict.proxy import Call, Hang, Rule
from tests.strict.wire import Answer
from tests.support.badinput.desk import git
from tests.support.serving import Serving, fetched, shown, stream
from tests.support.waiting import until

STAGING = "environments/staging/hello/config.yaml"
EVIL = "<script>alert(1)</script>\x1b[2J\x1b]0;owned\x07\u202e"


class Expired(Rule):
    """Credentials that are over for as long as somebody says so, and functions of which nothing is heard."""

    is_over = False
    is_silent = False

    def __init__(self) -> None:
        self.is_asked = threading.Event()  # when nothing is answered

    def before(self, call: Call) -> Answer | None:
        """No call gets through with them."""
        if self.is_silent and call.operation.service == "lambda":
            self.is_asked.set()
            raise Hang
        return expired_token(call.operation) if self.is_over else None


@pytest.fixture
def served(
    project: User, tmp_path: Path, strict: Callable[..., Proxy]
) -> Iterator[tuple[Serving, str, Expired]]:
    """A controller that looks all the time, its page, and the credentials that it has."""
    expired = Expired()
    proxy = strict(project.cloud, expired)
    project.env |= {name: value for name, value in proxy.environment().items() if name.startswith("AWS_")}
    project.env["LOCKSTEP_GITHUB_HOOK_SECRET"] = "a secret"
    path = tmp_path / "serve" / "lockstep-serve.yaml"
    path.parent.mkdir()
    path.write_text(
        "listen: 127.0.0.1:0\npoll: 1s\ndrift: 2s\nprojects:\n"
        f"  hello:\n    repository: {project.folder}\n    environments: {{staging: {{sync: true}}}}\n"
    )
    serving = Serving("--config", str(path), env=project.env)
    (url,) = re.findall(r"http://127\.0\.0\.1:\d+/", serving.until("Status: 1 synced, 1 out of sync"))
    yield serving, url, expired
    if serving.process.poll() is None:
        assert serving.end(signal.SIGTERM) == 0


def trouble(url: str) -> str:
    """What the page says that it cannot read, and why."""
    return " ".join(re.findall(r'<div class="trouble".*?</div>', fetched(url), re.S))


def test_what_goes_away_is_said_and_the_last_good_state_stays(
    served: tuple[Serving, str, Expired], project: User
) -> None:
    """A project file that stops parsing, a repository that is gone, another history, credentials that are
    over and a full disk: each is told with its cause, nothing that was known is forgotten, and all of it goes
    on by itself.
    """
    serving, url, expired = served

    def is_told(*words: str) -> None:
        until(lambda: all(word in trouble(url) for word in words), seconds=60)
        page = fetched(url)
        assert "0.1.0 ● Synced/Healthy" in page or "0.2.0 ● Synced/Healthy" in page
        assert fetched(f"{url}healthz") == "ok\n"

    def is_over() -> None:
        until(lambda: not trouble(url), seconds=60)

    good = (project.folder / "lockstep.yaml").read_text()
    project.write("lockstep.yaml", f"{good}\nenvironments: [\n")
    project.commit("Broken")
    is_told("Git cannot be read; what was read last stays in force", "lockstep.yaml:")
    project.write("lockstep.yaml", good)
    project.commit("Mended")
    is_over()

    away = project.folder.with_name("away")
    project.folder.rename(away)
    is_told("Git cannot be read", "not a git repository")
    away.rename(project.folder)
    is_over()

    branch = git(project.folder, "branch", "--show-current").strip()
    git(project.folder, "checkout", "-q", "--orphan", "other")
    project.change(STAGING, '"0.1.0"', '"0.2.0"')
    project.commit("Another history")
    git(project.folder, "branch", "-M", branch)
    git(project.folder, "reflog", "expire", "--expire=now", "--all")
    git(project.folder, "gc", "-q", "--prune=now")
    shown(url, "0.2.0 ● Synced/Healthy")
    assert project.invoke("hello-staging") == "0.2.0"

    expired.is_over = True
    is_told("AWS cannot be read", "xpired")
    expired.is_over = False
    is_over()

    no_room = (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    before = resource.prlimit(serving.process.pid, resource.RLIMIT_FSIZE, no_room)
    project.change(STAGING, '"0.2.0"', '"0.1.0"')
    project.commit("Back")
    is_told("Git cannot be read", "index-pack")
    until(lambda: "history: not written" in serving.text)
    assert sent(url, "GET", "/readyz")[0] == 503
    resource.prlimit(serving.process.pid, resource.RLIMIT_FSIZE, before)
    shown(url, "0.1.0 ● Synced/Healthy")
    serving.until("history: written again; what happened meanwhile is missing")
    assert project.invoke("hello-staging") == "0.1.0"
    is_over()


def sent(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
    """What is answered to a request whose path is sent as it stands here."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not read all of it
            connection.request(method, path, body, given)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def announced(url: str, body: bytes, *, secret: bytes | None = b"a secret") -> tuple[int, str]:
    """What is answered to a webhook with a signature by some secret, or none."""
    digest = hmac.new(secret or b"", body, hashlib.sha256).hexdigest()
    signed = {"x_hub_signature_256": f"sha256={digest}"} if secret is not None else {}
    return sent(url, "POST", "/hooks/github", body, content_type="application/json", **signed)


ADDRESSES = (
    "/targets/{}/staging/hello",
    "/targets/hello/{}",
    "/logs/{}/staging/hello",
    "/logs/hello/{}",
    "/act/sync/{}/staging/hello",
    "/act/{}/hello/staging/hello",
    "/act/rollback/hello/{}",
    "/calls/{}.svg",
    "/runs/{}",
    "/static/{}",
    "/static/vendor/{}",
    "/api/v1/projects/{}/targets",
    "/api/v1/projects/hello/targets/{}",
    "/api/v1/projects/{}/targets/staging/hello",
    "/api/v1/runs/{}",
    "/{}",
)
"""Each address that has an id in it, and where that stands."""
TRAVERSALS = (
    "../../../../../../../../../../etc/hostname",
    "..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fhostname",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/hostname",
    "/etc/hostname",
    "%2fetc%2fhostname",
    "..%5c..%5cetc%5chostname",
    "..%252f..%252fetc%252fhostname",
    "../app.py",
    "..%2fapp.py",
    "hello%00.html",
    "%ff%fe",
    "." * 2000,
)


def test_what_comes_from_outside_is_refused_and_nothing_of_the_machine_is_told(
    served: tuple[Serving, str, Expired], project: User, tmp_path: Path
) -> None:
    """Webhooks that are none or name another repository, 30 MB of one, ids that lead elsewhere, tokens of
    another project; and what somebody wrote into a commit reaches pages and the log as text.
    """
    serving, url, _ = served
    named = json.dumps({"repository": {"clone_url": project.folder.as_uri()}}).encode()
    other = json.dumps({"repository": {"clone_url": "https://git.example.org/acme/other.git"}}).encode()
    assert announced(url, named) == (202, "1 asked\n")
    assert announced(url, named, secret=b"another secret")[0] == 401
    assert announced(url, named, secret=None)[0] == 401
    assert announced(url, other) == (202, "0 asked\n")
    for odd in (b"", b"null", b"[" * 100_000, named[:-1]):
        assert announced(url, odd)[0] == 400
    used = memory(serving)
    assert announced(url, b"x" * 30_000_000)[0] == 413
    assert memory(serving) - used < 10e6

    (tmp_path / "serve" / "lockstep-data" / "secret").write_text("hunter2-in-the-data-folder")
    hostname = Path("/etc/hostname").read_text().strip()
    for address in ADDRESSES:
        for traversal in TRAVERSALS:
            status, text = sent(url, "GET", address.format(traversal))
            assert status in (400, 404, 421), (address, traversal)
            assert hostname not in text.split(), (address, traversal)
            assert "hunter2" not in text
            assert "Traceback" not in text

    token = project.run("serve", "--token", "ci").strip()
    lines = project.err.partition("\n")[2].replace("groups: []", "groups: [others]")
    path = tmp_path / "serve" / "lockstep-serve.yaml"
    path.write_text(f"{path.read_text()}tokens:\n{lines}")
    serving.until("who may what is as the file says now")
    given = {"authorization": f"Bearer {token}"}
    assert json.loads(sent(url, "GET", "/api/v1/projects", **given)[1])["projects"] == []
    for address in ("/targets/hello/staging/hello", "/logs/hello/staging/hello"):
        assert sent(url, "GET", address, **given)[0] == 404
    assert sent(url, "GET", "/api/v1/projects/hello/targets", **given)[0] == 404

    project.change(STAGING, '"0.1.0"', '"0.2.0"')
    author = EVIL.replace("<", "").replace(">", "")  # Git takes none in a name
    git(project.folder, "add", "-A")
    git(project.folder, "commit", "-qm", EVIL, f"--author={author} <evil@example.org>")
    announced(url, named)
    shown(url, "0.2.0 ● Synced/Healthy")
    pages = ("", "targets/hello/staging/hello", "audit", "runs", "drift", "promotions", "previews")
    texts = [fetched(f"{url}{page}") for page in pages]
    assert any("scriptalert(1)/script" in text for text in texts)
    assert not any("<script>alert" in text for text in texts)
    for text in (*texts, serving.text):
        assert not re.search("[\x1b\x07\u202e]", text)
    project.run("serve", "--config", str(path), code=3)
    assert "another lockstep serve works in this folder" in project.err


def test_a_stop_waits_neither_for_an_aws_that_is_silent_nor_for_pages_that_are_open(
    served: tuple[Serving, str, Expired],
) -> None:
    """Reading is cut short, though a call may take a minute and more; nothing is told of a failure."""
    serving, url, expired = served
    with stream(url) as page:
        assert page.readline()
        expired.is_silent = True
        assert expired.is_asked.wait(60)
        assert serving.end(signal.SIGTERM) == 0
        assert "AWS did not answer" not in serving.text
        assert "stopped; whoever starts it again goes on" in serving.text
        page.read()  # it has ended, too


def memory(serving: Serving) -> float:
    """Bytes that a process had at the most."""
    status = Path(f"/proc/{serving.process.pid}/status").read_text()
    return 1024 * float(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])
