"""What demos stand on: an environment that leads to the local cloud, and repositories with a server."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from lockstep.children import Child, environment_of
from lockstep.local.ministack import LocalCloud, aws_environment
from lockstep.local.stage import Stage

__all__ = ["environment", "put_on_server", "write_exports"]


def environment(cloud: LocalCloud, folder: Path) -> dict[str, str]:
    """The commands' environment: the local cloud, a cache and a Git identity of their own."""
    return aws_environment(cloud.endpoint, base=environment_of(Child.DEMO)) | {
        "LOCKSTEP_CACHE": str(folder / "cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Demo",
        "GIT_AUTHOR_EMAIL": "demo@example.org",
        "GIT_COMMITTER_NAME": "Demo",
        "GIT_COMMITTER_EMAIL": "demo@example.org",
    }


def put_on_server(stage: Stage, message: str) -> None:
    """Make the stage's folder a repository with one commit, on a server beside it."""
    server = f"../{stage.folder.name}.git"
    stage.git("init", "--quiet", "--initial-branch=main", is_shown=False)
    stage.git("add", ".", is_shown=False)
    stage.git("commit", "--quiet", "-m", message, is_shown=False)
    stage.git("init", "--quiet", "--bare", "--initial-branch=main", server, is_shown=False)
    stage.git("remote", "add", "origin", server, is_shown=False)
    stage.git("push", "--quiet", "--set-upstream", "origin", "main", is_shown=False)


def write_exports(cloud: LocalCloud, folder: Path) -> None:
    """Write env.sh, with which a shell's AWS is the local cloud."""
    cache = shlex.quote(str(folder / "cache"))
    (folder / "env.sh").write_text(f"{_exports(cloud.environment())}export LOCKSTEP_CACHE={cache}\n")


def _exports(environment: Mapping[str, str]) -> str:
    """Shell lines that make AWS mean the local cloud, and ``lockstep`` this one."""
    names = sorted(name for name in environment if name.startswith("AWS_") or name.lower() == "no_proxy")
    others = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "AWS_ROLE_ARN")
    lines = [f"unset {' '.join(others)}"]
    lines += [f"export {name}={shlex.quote(environment[name])}" for name in names]
    lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    return "\n".join(lines) + "\n"
