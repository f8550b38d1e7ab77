"""Projects that share a bucket, three workers and a page as processes: killed, stopped and woken."""

import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.strict import Proxy, Rule
from tests.strict.proxy import Call
from tests.strict.wire import Answer
from tests.support import clouds
from tests.support.badinput.desk import git
from tests.support.postgres import Cluster, needs_postgres
from tests.support.serving import DIRECT, Serving, fetched, shown
from tests.support.waiting import until

pytestmark = needs_postgres
COUNT = 20 if os.environ.get("LOCKSTEP_EVERY_FAULT") else 12  # one worker has ten of them at once
PROJECTS = [f"p{number:02}" for number in range(COUNT)]
LEASE = "lockstep/leases/shared-uploads.json"
AT_ONCE = 10  # turns of a worker
PUT = "s3.PutBucketNotificationConfiguration"


class Felled(Rule):
    """Something happens to workers in the middle of syncs; who writes what is noted."""

    def __init__(self) -> None:
        self.freeze: Callable[[], None] = lambda: None
        self.kill: Callable[[], None] = lambda: None
        self.first = 0  # writes of the one to be frozen: each of its ten threads waits in one
        self.is_frozen, self.is_killed = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.holder = ""
        self.without: list[str] = []  # writes of notifications by those who did not hold the lease

    def before(self, call: Call) -> Answer | None:
        """Let it happen before the write takes effect."""
        worker = worker_of(call)
        with self.lock:
            if call.name == PUT and self.holder != worker:
                self.without.append(call.summary)
            if worker == "frozen" and call.mutation is not None and not self.is_frozen.is_set():
                self.first += 1
                if self.first == AT_ONCE:
                    self.freeze()
                    self.is_frozen.set()
            if worker == "killed" and call.name == "lambda.CreateFunction" and not self.is_killed.is_set():
                self.kill()
                self.is_killed.set()
        if worker == "frozen" and call.mutation is not None:
            assert self.is_frozen.wait(60)
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Note who has the lease."""
        if call.name == "s3.PutObject" and call.operation.params.get("Key") == LEASE and answer.status == 200:
            with self.lock:
                self.holder = worker_of(call)
        return answer


def worker_of(call: Call) -> str:
    """Who made a call, by what it says of its surroundings."""
    found = re.search(r"exec-env/(\S+)", call.request.headers.get("user-agent", ""))
    return found[1] if found else ""


def make_projects(folder: Path) -> None:
    """Repositories, each with a function that listens to a prefix of one bucket."""
    first = folder / PROJECTS[0]
    files = {
        "lockstep.yaml": "project: NAME\nfolder: .\nregion: eu-west-1\nenvironments: {staging: {}}\n"
        "packages: {bucket: my-packages}\nartifacts: {source: directory, path: 'packages/{version}.zip'}\n"
        "triggers: {bucket: shared-uploads}\n",
        "services/hello/values.yaml": "deploymentType: lambda\nlambda: {runtime: python3.12, "
        "handler: app.handler, role: hello, memorySize: 256}\n",
        "environments/staging/hello/config.yaml": "serviceName: hello\nenvName: staging\n"
        "lambda: {version: '1.0.0', functionName: hello-NAME, s3TriggerPrefix: NAME/}\n",
    }
    for name in PROJECTS:
        for path, text in files.items():
            (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / path).write_text(text.replace("NAME", name))
        package = folder / name / "packages" / "1.0.0.zip"
        package.parent.mkdir()
        package.write_bytes(clouds.make_zip(clouds.HANDLER))
        git(folder / name, "init", "-q")
        git(folder / name, "add", "-A")
        git(folder / name, "commit", "-qm", "First")
    assert first.is_dir()


class Team:
    """Processes on one database, with an own folder each."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._folder, self._env = folder, env
        self.each: dict[str, Serving] = {}

    def start(self, name: str, role: str) -> Serving:
        """One more."""
        words = ["--config", str(self._folder / "lockstep-serve.yaml"), "--role", role]
        own = {"AWS_EXECUTION_ENV": name, "LOCKSTEP_SERVE__DATA": str(self._folder / f"data-{name}")}
        self.each[name] = Serving(*words, env=self._env | own)
        return self.each[name]

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one."""
        self.each[name].process.send_signal(number)

    def end(self) -> None:
        """All that still run."""
        for one in self.each.values():
            with contextlib.suppress(ProcessLookupError):
                one.process.send_signal(signal.SIGCONT)
                one.process.send_signal(signal.SIGKILL)
            one.ended()


@pytest.fixture
def team(
    tmp_path: Path, moto: clouds.Moto, url: str, strict: Callable[..., Proxy]
) -> Iterator[tuple[Team, Proxy]]:
    """Nobody yet, and the AWS that they will work on."""
    clouds.make_bucket(moto, "my-packages")
    clouds.make_bucket(moto, "shared-uploads")
    clouds.make_role(moto, "hello")
    make_projects(tmp_path)
    each = "".join(
        f"  {name}: {{repository: {name}, environments: {{staging: {{sync: true}}}}}}\n" for name in PROJECTS
    )
    config = "listen: 127.0.0.1:0\npoll: 1h\ndrift: 1h\nlease: 6s\nanybody: [sync]\nprojects:\n" + each
    (tmp_path / "lockstep-serve.yaml").write_text(config)
    proxy = strict(moto, Felled())
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    env = {name: value for name, value in proxy.environment().items() if name.startswith("AWS_")}
    env |= {"HOME": str(tmp_path), "LOCKSTEP_SERVE__DATABASE": url, "LOCKSTEP_GITHUB_HOOK_SECRET": "a secret"}
    team = Team(tmp_path, kept | env)
    yield team, proxy
    team.end()


def created(proxy: Proxy) -> list[str]:
    """Functions that were made."""
    return sorted(one.function for one in proxy.named("lambda.CreateFunction") if one.status in (200, 201))


def test_killed_and_frozen_workers_lose_nothing_and_do_nothing_twice(
    team: tuple[Team, Proxy], tmp_path: Path, cluster: Cluster, url: str
) -> None:
    """One is killed in a sync, one stops in others for longer than its turns last: the third does it all.

    When the second wakes it writes nothing of what it had begun; a database that is away for a while keeps
    nobody from going on; and the page of another process says what was done, takes hints and orders.
    """
    members, proxy = team
    (felled,) = proxy.rules
    assert isinstance(felled, Felled)
    felled.freeze = lambda: members.send("frozen", signal.SIGSTOP)
    felled.kill = lambda: members.send("killed", signal.SIGKILL)
    members.start("frozen", "worker")
    assert felled.is_frozen.wait(60)
    members.start("killed", "worker")
    assert felled.is_killed.wait(60)
    assert members.each["killed"].ended() == -signal.SIGKILL
    third = members.start("third", "worker")
    until(lambda: len({*created(proxy)}) == len(PROJECTS), seconds=60)
    until(lambda: len(notified(proxy)) == len(PROJECTS), seconds=60)
    until(lambda: not running(cluster, url), seconds=60)
    before = len(proxy.calls)
    members.send("frozen", signal.SIGCONT)
    members.each["frozen"].until("its turn was over")
    web = members.start("web", "web")
    (page,) = re.findall(r"http://127\.0\.0\.1:\d+/", web.until(r"http://\S+ shows it"))
    until(lambda: ready(page), seconds=60)
    assert [one.name for one in proxy.calls[before:] if one.mutation and worker_of(one) == "frozen"] == []
    assert created(proxy) == [f"hello-{name}" for name in PROJECTS]
    assert felled.without == []

    cluster.stop()
    try:
        assert not ready(page)
        assert "hello" in fetched(page)
        change(tmp_path / "p07", "memorySize: 256", "memorySize: 512")
        push(page, tmp_path / "p07")
    finally:
        cluster.start()
    until(lambda: memory(proxy, "hello-p07") == 512, seconds=60)
    until(lambda: done(page, "p07") == ["done"], seconds=60)
    shown(f"{page}targets/p07/staging/hello", "Synced")
    until(lambda: ready(page), seconds=60)
    clouds.client(proxy.behind, "lambda").update_function_configuration(
        FunctionName="hello-p03", MemorySize=1024
    )
    run = order(page, project="p03", target="staging/hello", verb="sync")
    until(lambda: done(page, "p03") == ["done"], seconds=60)
    assert "p03" in fetched(f"{page}runs/{run}")
    assert memory(proxy, "hello-p03") == 256
    for name in ("third", "frozen", "web"):
        assert members.each[name].end(signal.SIGTERM) == 0
    assert third.text.count("a fault of Lockstep's") == 0


def notified(proxy: Proxy) -> list[Any]:
    """Entries of the shared bucket."""
    answer = clouds.client(proxy.behind, "s3").get_bucket_notification_configuration(Bucket="shared-uploads")
    found: list[Any] = answer.get("LambdaFunctionConfigurations", [])
    return found


def memory(proxy: Proxy, name: str) -> int:
    """A function's memory."""
    lives = clouds.client(proxy.behind, "lambda").get_function_configuration
    return int(lives(FunctionName=name)["MemorySize"])


def running(cluster: Cluster, url: str) -> int:
    """Turns that last."""
    lasts = "version = 0 OR until > extract(epoch from now())"
    return int(cluster.do(url, f"SELECT count(*) FROM turns WHERE project LIKE 'p%' AND ({lasts})")[0][0])  # noqa: S608


def ready(page: str) -> bool:
    """Whether it says that it is."""
    try:
        return fetched(f"{page}readyz") == "ok\n"
    except urllib.error.HTTPError:
        return False


def done(page: str, project: str) -> list[str]:
    """How runs of a project ended that came after the first."""
    runs = json.loads(fetched(f"{page}api/v1/runs"))["runs"]
    return [one["state"] for one in runs if one["project"] == project and "all of AWS" not in one["why"]]


def change(folder: Path, old: str, new: str) -> None:
    """A commit."""
    path = folder / "services" / "hello" / "values.yaml"
    path.write_text(path.read_text().replace(old, new))
    git(folder, "commit", "-qam", "Another")


def push(page: str, repository: Path) -> None:
    """Announce a push, as GitHub does."""
    body = json.dumps({"repository": {"clone_url": repository.as_uri()}}).encode()
    digest = hmac.new(b"a secret", body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
    post(f"{page}hooks/github", body, headers)


def order(page: str, **said: str) -> str:
    """Want something; the run that it is."""
    answer = post(f"{page}api/v1/orders", json.dumps(said).encode(), {"Content-Type": "application/json"})
    return str(json.loads(answer)["run"])


def post(url: str, body: bytes, headers: dict[str, str]) -> str:
    """Send something."""
    with DIRECT.open(urllib.request.Request(url, data=body, headers=headers), timeout=30) as answer:
        text: str = answer.read().decode()
        return text
