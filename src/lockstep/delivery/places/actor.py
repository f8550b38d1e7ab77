"""Who runs this, and where: for commits, pull requests and holds."""

import contextlib
import getpass
import os
from collections.abc import Iterator
from contextvars import ContextVar

from lockstep.git.command import Repository
from lockstep.git.settings import settings
from lockstep.values import dataclass

__all__ = ["Actor", "acting_for", "asked_by", "find_actor"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """A person or a workflow."""

    name: str
    run: str | None = None  # URL of the workflow run


_FOR: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextlib.contextmanager
def acting_for(name: str) -> Iterator[None]:
    """What is done in the block is done for somebody who asked this process for it."""
    token = _FOR.set(Actor(name=name))
    try:
        yield
    finally:
        _FOR.reset(token)


def asked_by() -> str | None:
    """For whom this is done, where somebody asked this process for it."""
    actor = _FOR.get()
    return actor.name if actor is not None else None


def find_actor(repository: Repository) -> Actor:
    """Who asked for it, else the actor as GitHub Actions names it, else git's user, else the machine's."""
    if (asked := _FOR.get()) is not None:
        return asked
    env = os.environ
    server, name, number = (env.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    run = f"{server}/{name}/actions/runs/{number}" if server and name and number else None
    if actor := env.get("GITHUB_ACTOR"):
        return Actor(name=actor, run=run)
    if run is None and (name := env.get("GIT_AUTHOR_NAME")):
        return Actor(name=name)
    found = settings(repository).get("user.name")
    return Actor(name=(found or "").strip() or _user(), run=run)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "somebody"
