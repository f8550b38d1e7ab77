"""A user: a home, a shell, a new repository."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.strict import Proxy
from tests.support import clouds
from tests.support.badinput.desk import git
from tests.support.serving import Serving, shown, stream

FRESH = (sys.executable, "-m", "lockstep")


@dataclass(kw_only=True)
class Terminal:
    """A command on a terminal of 80 columns."""

    process: "subprocess.Popen[bytes]"
    screen: int
    text: str = ""

    def until(self, words: str, *, seconds: float = 60) -> None:
        """Read until the terminal has shown some words."""
        deadline = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < deadline, self.text
            if not self._read():
                break
        assert words in self.text, self.text

    def press_ctrl_c(self) -> None:
        """As the terminal does it: a signal to the foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self.screen)
        return self.process.wait(timeout=60)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.screen], [], [], 60)
        try:
            data = os.read(self.screen, 65536) if ready else b""
        except OSError:  # the other side is closed
            data = b""
        self.text += data.decode("utf-8", "replace")
        return bool(data)


@dataclass(kw_only=True)
class User:
    """Somebody with a repository and credentials."""

    folder: Path
    cloud: clouds.Cloud
    lockstep: tuple[str, ...]  # a forked one, or a fresh one
    env: dict[str, str] = field(default_factory=dict)
    told: str = ""  # everything that was ever said
    err: str = ""  # what the last command said on stderr

    def run(self, *words: str, code: int = 0, **env: str) -> str:
        """Run lockstep as a process, see its exit code, and return its stdout."""
        done = subprocess.run(
            [*self.lockstep, *words],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.told += done.stdout + done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        self.err = done.stderr
        return done.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a command that answers with JSON."""
        return json.loads(self.run(*words, "-o", "json", code=code))

    def terminal(self, *words: str) -> Terminal:
        """Run a command on a terminal of 80 columns."""
        screen, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = subprocess.Popen(
            [*FRESH, *words],
            cwd=self.folder,
            env=self.env | {"TERM": "xterm-256color"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        return Terminal(process=process, screen=screen)

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def change(self, path: str, old: str, new: str) -> None:
        """Replace a text that a file holds exactly once."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1
        self.write(path, text.replace(old, new))

    def commit(self, message: str) -> str:
        """Commit everything and return the commit."""
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", message)
        return git(self.folder, "rev-parse", "HEAD")

    def client(self, service: str) -> Any:
        """A client of somebody who works behind Lockstep's back."""
        return clouds.client(self.cloud, service)

    def invoke(self, function: str) -> Any:
        """Run a function and return its answer."""
        answer = self.client("lambda").invoke(FunctionName=function)
        return json.loads(answer["Payload"].read())


@pytest.fixture
def user(ministack: clouds.Cloud, tmp_path: Path, forks: Path) -> User:
    """A user in an empty folder."""
    folder, home = tmp_path / "gitops", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    aws = {name: value for name, value in ministack.environment().items() if name.startswith("AWS_")}
    lockstep = (str(forks / "lockstep"),)
    return User(folder=folder, cloud=ministack, lockstep=lockstep, env=kept | aws | {"HOME": str(home)})


@pytest.fixture
def project(user: User) -> User:
    """The user after ``init``, with two packages, a bucket and a role, all committed."""
    user.run("init")
    user.change("lockstep.yaml", "change-me-packages", "my-packages")
    user.change("services/hello/values.yaml", "GREETING: hello", "API_TOKEN: hunter2-in-the-repository")
    for version in ("0.1.0", "0.2.0"):
        package = user.folder / f"packages/hello-{version}.zip"
        package.parent.mkdir(exist_ok=True)
        package.write_bytes(clouds.make_zip(f"def handler(event, context):\n    return {version!r}\n"))
    git(user.folder, "init", "-q")
    clouds.make_bucket(user.cloud, "my-packages")
    clouds.make_role(user.cloud, "hello")
    user.commit("First")
    return user


@pytest.fixture
def slow(project: User, strict: Callable[..., Proxy]) -> tuple[User, Proxy]:
    """A project whose calls pass a proxy that can hold them."""
    proxy = strict(project.cloud)
    project.env |= {name: value for name, value in proxy.environment().items() if name.startswith("AWS_")}
    return project, proxy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo's temporary files are."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Serving]:
    """One demo, which leaves nothing when it is stopped; credentials of its user are there to be ignored."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    own = {"HOME": str(folder), "TMPDIR": str(folder), "AWS_PROFILE": "work", "GITHUB_TOKEN": "hunter2"}
    serving = Serving("--demo", env=kept | own)
    yield serving
    (address,) = serving.addresses
    with stream(address) as open_page:  # one that nobody closes keeps nobody from stopping
        assert open_page.readline()
        assert serving.end(signal.SIGINT) == 0
    assert "the local AWS and the repositories go" in serving.text
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def url(demo: Serving) -> str:
    """The address that it prints."""
    demo.addresses = re.findall(r"http://127\.0\.0\.1:\d+/", demo.until(r"http://\S+ shows it"))
    return demo.addresses[0]


@pytest.fixture(scope="module")
def place(url: str, folder: Path) -> Path:
    """Where the demo's repositories and data are, once everything is synced."""
    shown(url, "3 synced, 0 out of sync, 0 unknown")
    (place,) = folder.glob("lockstep-ministack-*/demo")
    return place
