"""A monorepo on each forge: a plain Git server, and GitHub's stand-in over a real repository."""

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Where
from lockstep.delivery.releases.release import Monorepo, Request, open_monorepo, release
from lockstep.forge.base import Forge, ForgeRelease
from lockstep.forge.github import GitHub
from lockstep.forge.github.pace import Clock
from lockstep.forge.github.transport import Transport
from lockstep.forge.local import LocalForge
from lockstep.model.released import Released
from lockstep.model.watching import SILENT, Watcher
from tests.functional.git.conftest import Work, _own_configuration
from tests.support.github import GitHubServer, Repository, github_server

__all__ = ["NAME", "TOKEN", "Mono", "_own_configuration"]

NAME = "acme/mono"
TOKEN = "ghp_made_up"
PROJECT = """\
services:
  api:
    source: {paths: [src/api]}
    build: {builder: prebuilt, path: src/api, output: .}
  random: # another package each time
    source: {paths: [src/random]}
    build:
      builder: command
      path: src/random
      command: 'echo x >> "$XDG_STATE_HOME/builds" && mkdir -p out && od -An -N8 -tx1 /dev/urandom > out/x'
      output: out
  web:
    source: {paths: [src/web]}
  broken:
    source: {paths: [src/broken]}
    build: {builder: command, path: src/broken, command: "exit 7", output: out}
"""


@dataclass
class Mono:
    """The repository on its forge, a clone of it, and lockstep run in that clone."""

    kind: str
    work: Work
    bare: Path
    cache: Path
    capture: pytest.CaptureFixture[str]
    server: GitHubServer | None = None
    repository: Repository | None = None
    err: str = field(default="", init=False)

    def run(self, *words: str, code: int = 0) -> str:
        """Run ``lockstep`` here, see its exit code, and return its stdout."""
        self.capture.readouterr()
        got = main(["-C", str(self.work.folder), *words])
        done = self.capture.readouterr()
        self.err = done.err
        assert got == code, done.out + done.err
        assert TOKEN not in done.out + done.err
        return done.out

    def release(self, *words: str, code: int = 0) -> list[Any]:
        """Run ``lockstep release`` and return what its JSON says of each release."""
        document = json.loads(self.run("release", *words, "-o", "json", code=code))
        assert document["format"] == "lockstep.release/1"
        return document["releases"]  # type: ignore[no-any-return]

    def start(
        self, *words: str, program: Sequence[str] = (sys.executable, "-m", "lockstep"), **environment: str
    ) -> "subprocess.Popen[str]":
        """Start lockstep in a process of its own, or as a forked program."""
        return subprocess.Popen(
            [*program, "-C", str(self.work.folder), *words],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def opened(self, folder: Path | None = None) -> Monorepo:
        """The repository as the verb opens it, with a forge whose clock does not wait."""
        credentials = Credentials(cache=self.cache, github_token=TOKEN if self.server else None)
        made = open_monorepo(Where(folder=folder or self.work.folder, cache=self.cache), credentials)
        return replace(made, forge=self.forge())

    def direct(self, service: str, *, folder: Path | None = None, watcher: Watcher = SILENT) -> Released:
        """Release by the verb itself, without the command line."""
        return release(self.opened(folder), service, Request(), watcher=watcher)

    def forge(self) -> Forge:
        """A client of the forge, as somebody else has it."""
        if self.server is None:
            return LocalForge(str(self.bare), self.cache)
        clock = Clock(now=lambda: 1_799_999_000.0, sleep=lambda seconds: None)
        return GitHub(repository=NAME, token=TOKEN, api=self.server.api, transport=Transport(clock=clock))

    def published(self, tag: str) -> ForgeRelease:
        """The one release of a tag; no draft is left beside it."""
        made = self.forge().release(tag)
        assert made is not None
        assert not made.is_draft
        if self.repository is not None:
            assert [one.is_draft for one in self.repository.releases.values() if one.tag == tag] == [False]
        return made

    def files(self, tag: str) -> Mapping[str, bytes]:
        """The contents of a release's assets."""
        if self.repository is not None:
            (found,) = [one for one in self.repository.releases.values() if one.tag == tag]
            assert all(asset.is_whole for asset in found.assets)
            return {asset.name: asset.data for asset in found.assets}
        return {
            asset.name: subprocess.run(
                ["git", "cat-file", "blob", f"refs/lockstep/assets/{asset.sha256}"],
                cwd=self.bare,
                check=True,
                capture_output=True,
            ).stdout
            for asset in self.published(tag).assets
        }

    def body(self, tag: str) -> str:
        """The text of a release."""
        if self.repository is not None:
            (found,) = [one for one in self.repository.releases.values() if one.tag == tag]
            return found.body
        self.work.git("fetch", "-q", "origin", f"refs/lockstep/releases/{tag}")
        return str(json.loads(self.work.git("show", "FETCH_HEAD:release.json"))["body"])

    def commit(self, message: str, **files: str) -> str:
        """Commit files on what is checked out, and push it to main."""
        commit = self.work.commit(message, **files)
        self.work.git("push", "-q", "origin", "HEAD:refs/heads/main")
        return commit

    def tags(self) -> Mapping[str, str]:
        """The tags on the server, with what they name."""
        lines = self.work.git("ls-remote", "--tags", "origin").splitlines()
        return {ref.removeprefix("refs/tags/"): sha for sha, ref in (line.split("\t") for line in lines)}

    def clone(self, folder: Path, *options: str) -> "Mono":
        """Another clone, over the file transport, which knows shallow clones."""
        place = self.bare.as_uri()
        subprocess.run(["git", "clone", "-q", *options, place, str(folder)], check=True, capture_output=True)
        return replace(self, work=Work(folder))

    def hook(self, name: str, script: str) -> None:
        """Give the server a hook."""
        file = self.bare / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def builds(self) -> int:
        """How often ``random`` was built."""
        file = self.cache.parent / "builds"
        return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and nothing of the CI system that runs it."""
    for name in [*os.environ]:
        if name.startswith("GITHUB_") or name in ("GH_TOKEN", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # which builds are given
    return tmp_path / "cache"


@pytest.fixture
def local(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> Mono:
    """A monorepo on a plain Git server, with one commit on main."""
    bare = tmp_path / "served" / "mono.git"
    made = Mono(kind="local", work=Work(tmp_path / "work"), bare=bare, cache=cache, capture=capsys)
    return _filled(made, PROJECT)


@pytest.fixture
def github(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Mono]:
    """The same on GitHub's stand-in."""
    with github_server(tmp_path / "github", None) as server:
        repository = server.world.add_repository(NAME)
        monkeypatch.setenv("GITHUB_API_URL", server.api)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        made = Mono(
            kind="github",
            work=Work(tmp_path / "work"),
            bare=repository.git.folder,
            cache=cache,
            capture=capsys,
            server=server,
            repository=repository,
        )
        yield _filled(made, f"{PROJECT}forge: {{kind: github, repository: {NAME}}}\n")


@pytest.fixture(params=["local", "github"])
def mono(request: pytest.FixtureRequest) -> Mono:
    """Each of the two."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def _filled(mono: Mono, project: str) -> Mono:
    """The repository with the first commit of a project, and a clone of it."""
    made = _template(project)
    own = shutil.ignore_patterns("config", "hooks") if mono.bare.exists() else None
    shutil.copytree(made / "mono.git", mono.bare, ignore=own, dirs_exist_ok=True)
    shutil.copytree(made / "work", mono.work.folder)
    config = mono.work.folder / ".git" / "config"
    config.write_text(config.read_text().replace((made / "mono.git").as_uri(), mono.bare.as_uri()))
    return mono


@functools.cache
def _template(project: str) -> Path:
    """The repositories of a project, made once for a process and copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="lockstep-mono-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare, work = folder / "mono.git", Work(folder / "work")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
    subprocess.run(["git", "clone", "-q", bare.as_uri(), str(work.folder)], check=True, capture_output=True)
    files = {f"src__{name}__app": f"# {name}\n" for name in ("api", "random", "web", "broken")}
    work.write("lockstep.yaml", project)
    work.commit("begin", README="A monorepo\n", **files)
    work.git("push", "-q", "origin", "HEAD:refs/heads/main")
    return folder
