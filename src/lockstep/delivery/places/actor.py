"""Who runs this, and where: for commits, pull requests and holds."""

import getpass
import os
from dataclasses import dataclass

from lockstep.git.command import Repository

__all__ = ["Actor", "find_actor"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """A person or a workflow."""

    name: str
    run: str | None = None  # URL of the workflow run


def find_actor(repository: Repository) -> Actor:
    """The actor as GitHub Actions names it, else git's user, else the machine's."""
    env = os.environ
    server, name, number = (env.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    run = f"{server}/{name}/actions/runs/{number}" if server and name and number else None
    if actor := env.get("GITHUB_ACTOR"):
        return Actor(name=actor, run=run)
    if run is None and (name := env.get("GIT_AUTHOR_NAME")):
        return Actor(name=name)
    answer = repository.run("config", "user.name", doing="looking for who you are", allowed=(0, 1))
    found = answer.decode("utf-8", "replace").strip()
    return Actor(name=found or _user(), run=run)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "somebody"
