"""A bare repository that a person and several machines use."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lockstep.forge.local import LocalForge
from tests.functional.forges.conftest import clone_of_new
from tests.functional.git.conftest import Work, _own_configuration

__all__ = ["_own_configuration"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """The repository, a person's clone of it, and forges on it."""

    bare: Path
    work: Work
    machines: Path

    def forge(self, machine: str = "one") -> LocalForge:
        """The forge, as a machine with a cache of its own uses it."""
        return LocalForge(self.bare, self.machines / machine)

    def hook(self, script: str) -> Path:
        """Let a script judge each ref that is pushed: its name, old and new id are $1, $2 and $3."""
        file = self.bare / "hooks" / "update"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A repository whose main has one commit."""
    work = clone_of_new(tmp_path)
    return Place(bare=tmp_path / "served" / "gitops.git", work=work, machines=tmp_path / "machines")


@pytest.fixture
def opened(place: Place) -> Callable[..., int]:
    """Open a pull request of a head that was pushed."""

    def open_pull(head: str, *, base: str = "main") -> int:
        return place.forge().open_pull(head=head, base=base, title=f"Bring {head}", body="").number

    return open_pull
