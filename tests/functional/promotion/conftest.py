"""A GitOps repository on a plain Git server, as a team has it: two services, two environments."""

import atexit
import functools
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lockstep.artifacts.package import make_zip_of
from lockstep.cli import main
from lockstep.forge.base import Pull
from lockstep.forge.local import LocalForge
from lockstep.local.ministack import LocalCloud
from tests.functional.git.conftest import Work, _own_configuration
from tests.support import clouds

__all__ = ["Shop", "_own_configuration"]

PROJECT = """\
project: shop
region: eu-west-1
environments:
  staging: {promotion: {merge: auto}} # merges itself
  production: {promotion: {merge: review, from: staging}}
packages: {bucket: shop-packages}
artifacts: {source: directory, path: "packages/{service}-{version}.zip"}
"""
FUNCTION = "deploymentType: lambda\nlambda: {runtime: python3.12, handler: app.handler, role: lambda-role}\n"
STAGING = """\
# What runs in staging.
serviceName: notifier
lambda:
  version: "0.1.0"   # raised by promotions
  functionName: notifier-staging
"""
PRODUCTION = 'serviceName: notifier\nlambda: {version: "0.1.0", functionName: notifier}\n'
API = 'serviceName: api\nimage:\n  tag: "1.0.0"\n'


@dataclass
class Shop:
    """The repository, a clone of it, and lockstep run in that clone."""

    work: Work
    bare: Path
    cache: Path
    capture: pytest.CaptureFixture[str]
    forge: LocalForge = field(init=False)
    err: str = ""

    def __post_init__(self) -> None:
        self.forge = LocalForge(str(self.bare), self.cache)

    def run(self, *words: str, code: int = 0) -> str:
        """Run lockstep, see its exit code, and return its stdout."""
        self.capture.readouterr()
        got = main(["-C", str(self.work.folder), *words])
        done = self.capture.readouterr()
        self.err = " ".join(done.err.split())  # where lines end does not matter
        assert got == code, done.out + done.err
        return done.out

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a command that answers with JSON."""
        return json.loads(self.run(*words, "-o", "json", code=code))

    def package(self, service: str, version: str) -> str:
        """Commit and push the package of a version; returns its digest."""
        digest = write_package(self.work, service, version)
        self.push(f"package {service} {version}")
        return digest

    def push(self, message: str = "a change", **files: str) -> str:
        """Commit files on top of main as it is on the server, push, and return the commit."""
        self.pull()
        return self.push_disk(message, **files)

    def push_disk(self, message: str, **files: str) -> str:
        """Commit what lies on disk, with files on top, push, and return the commit."""
        commit = self.work.commit(message, **files)
        _push(self.work)
        return commit

    def pull(self) -> None:
        """Bring the clone to what the server has."""
        _take(self.work)

    def show(self, path: str, branch: str = "main") -> str:
        """A file as it is on the server."""
        self.work.git("fetch", "-q", "--prune", "origin")
        return self.work.git("show", f"origin/{branch}:{path}")

    def served(self, path: str) -> str:
        """A file of main as the server has it, without touching the clone."""
        command = ["git", "-C", str(self.bare), "show", f"main:{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def log(self, branch: str = "main") -> list[str]:
        """Subjects of the main line, newest first."""
        self.work.git("fetch", "-q", "--prune", "origin")
        return self.work.git("log", "--first-parent", "--format=%s", f"origin/{branch}").splitlines()

    def branches(self) -> set[str]:
        """The branches on the server."""
        listing = self.work.git("ls-remote", "--heads", "origin")
        return {line.partition("refs/heads/")[2] for line in listing.splitlines()}

    def pulls(self, *, is_open: bool = True) -> list[Pull]:
        """Pull requests, newest first."""
        return self.forge.pulls(is_open=is_open)


def _push(work: Work) -> None:
    work.git("push", "-q", "origin", "HEAD:refs/heads/main")


def _take(work: Work) -> None:
    """Bring a clone to what its server has."""
    work.git("fetch", "-q", "--prune", "origin")
    work.git("checkout", "-q", "--detach")
    work.git("reset", "-q", "--soft", "origin/main")
    work.git("checkout", "-q", "origin/main", "--", ".")


def write_package(work: Work, service: str, version: str) -> str:
    """Put the package of a version into the repository's files; returns its digest."""
    file = work.folder / "packages" / f"{service}-{version}.zip"
    file.parent.mkdir(exist_ok=True)
    digest, _ = make_zip_of({"app.py": f"VERSION = {version!r}\ndef handler(e, c): pass\n".encode()}, file)
    return digest


STAGING_FILE = "environments/staging/notifier/config.yaml"
PRODUCTION_FILE = "environments/production/notifier/config.yaml"


@pytest.fixture
def shop(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shop:
    """The shop with 0.1.0 of its function and 1.0.0 of its API everywhere.

    Newer versions came to staging where ``live`` or ``moved`` say so.
    """
    for name in [*os.environ]:
        if name.startswith("GITHUB_") or name in ("GH_TOKEN", "COLUMNS"):
            monkeypatch.delenv(name)
    cache = tmp_path / "cache"
    monkeypatch.setenv("LOCKSTEP_CACHE", str(cache))
    promoted = next((PROMOTED[name] for name in PROMOTED if name in request.fixturenames), ())
    made = _template(int(time.monotonic() / 120), promoted)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    work = Work(tmp_path / "work")
    config = work.folder / ".git" / "config"
    config.write_text(config.read_text().replace(str(made), str(tmp_path)))
    capsys.readouterr()
    return Shop(work=work, bare=tmp_path / "served" / "gitops.git", cache=cache, capture=capsys)


PROMOTED = {"live": ("0.2.0",), "moved": ("0.2.0", "0.3.0")}
"""Versions that a fixture's shop promoted to staging, one after the other."""


@functools.cache
def _template(_: int, promoted: tuple[str, ...]) -> Path:
    """The repositories of the shop, made once for a process and some minutes, and copied for each test.

    How old a commit is counts: what was declared for a quarter of an hour is a good version to go back to.
    """
    folder = Path(tempfile.mkdtemp(prefix="lockstep-shop-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare = folder / "served" / "gitops.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
    work = Work(folder / "work")
    subprocess.run(["git", "clone", "-q", str(bare), str(work.folder)], check=True, capture_output=True)
    files = {
        "lockstep.yaml": PROJECT,
        "services/notifier/values.yaml": FUNCTION,
        STAGING_FILE: STAGING,
        PRODUCTION_FILE: PRODUCTION,
        "environments/staging/api/config.yaml": API,
        "environments/production/api/config.yaml": API,
    }
    for path, text in files.items():
        work.write(path, text)
    work.commit("begin")
    write_package(work, "notifier", "0.1.0")
    work.commit("package notifier 0.1.0")
    _push(work)
    work.git("fetch", "-q", "origin")
    for version in promoted:
        write_package(work, "notifier", version)
        work.commit(f"package notifier {version}")
        _push(work)
        words = ["promote", f"notifier@{version}", "--to", "staging"]
        assert main(["-C", str(work.folder), *words]) == 0
        _take(work)
    return folder


@pytest.fixture
def live(shop: Shop, ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, with 0.2.0 promoted to staging and everything synced."""
    for name, value in ministack.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clouds.make_role(ministack)
    clouds.make_bucket(ministack, "shop-packages")
    shop.run("sync")
    return shop
