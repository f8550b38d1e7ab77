"""Real repositories in temporary folders, and one behind HTTP on loopback."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.git_http import GitServer, git_server
from tests.support.quick_git import CONFIGURATION


@dataclass(frozen=True)
class Work:
    """A repository with a working tree, driven by the git command line."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git here and return its output."""
        return subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, path: str, text: str = "x\n") -> Path:
        """Write a file."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(self, message: str = "a change", **files: str) -> str:
        """Write files (``__`` in a name stands for ``/``), commit everything and return the id."""
        for name, text in files.items():
            self.write(name.replace("__", "/"), text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not see the git configuration of whoever runs them."""
    for name in [*os.environ]:
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    configuration = tmp_path_factory.mktemp("home") / "gitconfig"
    configuration.write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", CONFIGURATION)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """An empty repository."""
    folder = tmp_path / "work"
    folder.mkdir()
    made = Work(folder)
    made.git("init", "-q")
    return made


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A Git server without repositories."""
    root = tmp_path / "served"
    root.mkdir()
    with git_server(root) as running:
        yield running


@pytest.fixture
def served(work: Work, server: GitServer) -> Work:
    """The working tree, whose ``origin`` is ``gitops.git`` on the server."""
    subprocess.run(["git", "init", "-q", "--bare", str(server.root / "gitops.git")], check=True)
    work.git("remote", "add", "origin", server.url("gitops.git"))
    work.git("config", "-f", str(server.root / "gitops.git/config"), "http.receivepack", "true")
    return work


@pytest.fixture
def shared(served: Work) -> Work:
    """A clone whose ``main`` is on the server."""
    served.commit("one", list="first\n", other="1\n")
    served.git("push", "-q", "-u", "origin", "main")
    return served
