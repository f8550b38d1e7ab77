"""Where the commands of a page run: a fresh project in a repository, and a local AWS prepared for it."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lockstep.local.ministack import LocalCloud
from tests.support.clouds import make_bucket, make_role
from tests.support.quick_git import CONFIGURATION

__all__ = ["ROOT", "Lab", "Result", "prepare"]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "syrf"
VERSIONS = ("0.1.5", "0.1.6", "0.1.6-pr123")
BUCKETS = ("camarades-terraform-state-aws", "syrfapp-uploads")
SECONDS = 60.0  # until a command is given up


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a command printed, on both streams as they came, and its exit code."""

    output: str
    code: int


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A folder that commands run in, and the environment that they see."""

    folder: Path
    environment: dict[str, str]

    def run(self, line: str) -> Result:
        """Run one command line of a page."""
        done = subprocess.run(  # noqa: S602 - the command lines are those of our own pages
            line,
            shell=True,
            executable="/bin/sh",
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        return Result(output=done.stdout.decode(errors="replace"), code=done.returncode)

    def write(self, path: str, lines: tuple[str, ...]) -> None:
        """Write a file that a page shows; its first line names it."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def prepare(cloud: LocalCloud, folder: Path, *, is_empty: bool = False, programs: Path | None = None) -> Lab:
    """Make the lab of a page: the example, committed, with its packages, role and buckets; or nothing.

    ``cloud`` is emptied first. In ``programs`` commands are looked for before all other places.
    """
    cloud.reset()
    home, project = folder / "home", folder / "project"
    home.mkdir(parents=True)
    lab = Lab(folder=project, environment=_environment(cloud, home, programs))
    if is_empty:
        project.mkdir()
        return lab
    shutil.copytree(EXAMPLE / "gitops", project, ignore=shutil.ignore_patterns("packages"))
    shutil.copytree(_packages(), project / "packages")
    make_role(cloud, "s3-notifier")
    for name in BUCKETS:
        make_bucket(cloud, name)
    for line in ("git init -q -b main", "git add .", 'git commit -q -m "Declare s3-notifier"'):
        done = lab.run(line)
        if done.code:
            raise RuntimeError(f"{line}: {done.output}")
    return lab


@functools.cache
def _packages() -> Path:
    """Packages are the same bytes each time, so they are built once for a process."""
    folder = Path(tempfile.mkdtemp(prefix="lockstep-docs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [sys.executable, "build.py", *VERSIONS, "--into", str(folder)]
    subprocess.run(command, cwd=EXAMPLE, check=True, capture_output=True)
    return folder


def _environment(cloud: LocalCloud, home: Path, programs: Path | None) -> dict[str, str]:
    environment = cloud.environment()
    for name in [*environment]:
        if name.startswith(("GIT_", "GITHUB_", "LOCKSTEP_", "XDG_")) or name == "PYTHONDONTWRITEBYTECODE":
            del environment[name]
    path = [*([str(programs)] if programs else []), str(Path(sys.executable).parent), os.environ["PATH"]]
    return environment | {
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "LOCKSTEP_CACHE": str(home / "cache"),
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_SYSTEM": CONFIGURATION,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }
