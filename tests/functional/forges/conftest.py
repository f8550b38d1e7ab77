"""The forges that the same tests run on: a local one, and GitHub's stand-in."""

import atexit
import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lockstep.forge.base import Forge
from lockstep.forge.github import GitHub
from lockstep.forge.github.pace import Clock
from lockstep.forge.github.transport import Transport
from lockstep.forge.local import LocalForge
from tests.functional.forges.ground import Ground
from tests.functional.git.conftest import Work, _own_configuration
from tests.support.github import Repository, github_server

__all__ = ["_own_configuration"]


@dataclass(frozen=True, kw_only=True)
class LocalGround:
    """A local forge on a bare repository."""

    work: Work
    place: str
    cache: Path

    def open(self) -> Forge:
        """A client with the cache that this machine's clients share."""
        return LocalForge(self.place, self.cache)

    def comments(self, number: int) -> list[str]:
        """The bodies of comments."""
        return [note.body for note in LocalForge(self.place, self.cache).comments(number)]


@dataclass(frozen=True, kw_only=True)
class GitHubGround:
    """GitHub's stand-in, whose repositories are real ones."""

    work: Work
    api: str
    repository: Repository

    def open(self) -> Forge:
        """A client whose clock does not wait."""
        clock = Clock(now=lambda: 1_799_999_000.0, sleep=lambda seconds: None)
        return GitHub(
            repository="acme/gitops", token="ghp_made_up", api=self.api, transport=Transport(clock=clock)
        )

    def comments(self, number: int) -> list[str]:
        """The bodies of comments, without the markers that nobody sees."""
        bodies = (comment.body for comment in self.repository.issues[number].comments)
        return [re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL).strip() for body in bodies]


@pytest.fixture(params=["local", "github"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """A forge whose main has one commit."""
    if request.param == "local":
        work = clone_of_new(tmp_path)
        place = str(tmp_path / "served" / "gitops.git")
        yield LocalGround(work=work, place=place, cache=tmp_path / "cache")
        return
    with github_server(tmp_path / "github") as server:
        repository = server.world.add_repository("acme/gitops")
        work = clone_of(repository.git.folder, tmp_path / "work")
        yield GitHubGround(work=work, api=server.api, repository=repository)


def clone_of_new(folder: Path) -> Work:
    """A clone of the new bare repository ``served/gitops.git``, whose main has one commit."""
    made = _template()
    shutil.copytree(made, folder, dirs_exist_ok=True)
    work = Work(folder / "work")
    config = work.folder / ".git" / "config"
    config.write_text(config.read_text().replace(str(made), str(folder)))
    return work


@functools.cache
def _template() -> Path:
    """Both repositories, made once for a process and copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="lockstep-forge-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare = folder / "served" / "gitops.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    clone_of(bare, folder / "work")
    return folder


def clone_of(bare: Path, folder: Path) -> Work:
    """A clone of a repository, with another commit on its main."""
    work = Work(folder)
    subprocess.run(["git", "clone", "-q", str(bare), str(folder)], check=True, capture_output=True)
    work.commit("begin", README="A repository\n", version="0\n")
    work.git("push", "-q", "origin", "HEAD:refs/heads/main")
    work.git("fetch", "-q", "origin")
    return work
