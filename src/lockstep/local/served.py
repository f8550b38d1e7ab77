"""What ``lockstep serve --demo`` follows: the example on a Git server that is a folder, and a local cloud."""

import contextlib
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from lockstep.local.account import Account
from lockstep.local.example import copy_example
from lockstep.local.ground import environment, put_on_server, write_exports
from lockstep.local.ministack import LocalCloud
from lockstep.local.stage import Stage
from lockstep.values import dataclass

__all__ = ["Served", "served"]

_FILE = """\
data: data
listen: 127.0.0.1:0
anybody: [admin]
poll: 1s
drift: 5s
projects:
  syrf:
    repository: syrf/gitops.git
    environments:
      staging: {sync: true, selfHeal: true}
      preview: {sync: true, selfHeal: true}
      production: {sync: true}
"""
_BUILT = ("0.1.5", "0.1.6", "0.1.6-pr123")


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """Something to follow, with the environment in which AWS is the local cloud."""

    config: Path
    environment: Mapping[str, str]
    hints: tuple[str, ...]  # what to try


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """Start a local cloud with the example's repository, gone at the end, also when this process is killed.

    Raises LockstepError where something that they need is missing.
    """
    with LocalCloud.start() as cloud:
        folder = cloud.folder / "demo"  # goes with the cloud, however this process ends
        copy_example(folder / "syrf")
        gitops = folder / "syrf" / "gitops"
        (gitops / ".gitignore").unlink()  # packages come from the repository
        stage = Stage(folder / "syrf", environment(cloud, folder))
        stage.run("build", [sys.executable, "build.py"], *_BUILT, is_shown=False)
        stage.folder = gitops
        put_on_server(stage, "s3-notifier 0.1.5, and a preview")
        Account(cloud.endpoint).prepare()
        write_exports(cloud, folder)
        config = folder / "lockstep-serve.yaml"
        config.write_text(_FILE)
        yield Served(config=config, environment=environment(cloud, folder), hints=_hints(folder))


def _hints(folder: Path) -> tuple[str, ...]:
    shell, gitops = (shlex.quote(str(folder / name)) for name in ("env.sh", "syrf/gitops"))
    return (
        f"to push to it: cd {gitops}, declare 0.1.6 in a file of syrf/environments, git commit -a, git push",
        f"to change AWS by hand: . {shell}, aws lambda update-function-configuration --memory-size 1024 "
        "--function-name syrfAppUploadS3Notifier",
    )
