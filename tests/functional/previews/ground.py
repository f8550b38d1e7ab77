"""A GitOps repository with previews on a Git server in a folder, its pull requests, and the verbs on it."""

import atexit
import functools
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.gitops import GitOps, open_gitops
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.previews.bring import Brought, Request, bring_down, bring_up
from lockstep.delivery.previews.ground import Ground, open_ground
from lockstep.delivery.previews.services import parse_wish
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import run_sync
from lockstep.forge.local import LocalForge
from lockstep.model import Report
from tests.functional.git.conftest import Work
from tests.support.clouds import make_zip
from tests.support.preview_tree import FILES, project_file

__all__ = ["NOW", "World", "make_world", "write_package"]

NOW = "2026-11-24T09:00:00+00:00"


@dataclass(kw_only=True)
class World:
    """One repository. ``work`` is a clone of it that a person uses."""

    work: Work
    bare: Path
    cache: Path
    url: str | None = None  # that the verbs use; None: the clone
    inside: str = ""  # folder of the project in it
    branch: str = "main"  # that holds the previews' folders
    counter: list[int] = field(default_factory=lambda: [0])

    def where(self) -> Where:
        """Where the verbs work."""
        return Where(folder=self.work.folder / self.inside, repo=self.url, cache=self.cache)

    def gitops_credentials(self) -> Credentials:
        """What forges are opened with."""
        return Credentials(cache=self.cache)

    def gitops(self) -> GitOps:
        """The repository as it is now."""
        return open_gitops(self.where(), self.gitops_credentials())

    def ground(self) -> Ground:
        """Its previews as they are now."""
        return open_ground(self.gitops())

    def forge(self) -> LocalForge:
        """The forge of its pull requests."""
        return LocalForge(str(self.bare), self.cache)

    def push(self, message: str = "a change", **files: str | None) -> str:
        """Change files of main (``__`` stands for ``/``) and push it."""
        self.work.git("fetch", "-q", "origin")
        self.work.git("checkout", "-q", "-B", "main", "origin/main")
        for name, text in files.items():
            if text is None:
                self.work.git("rm", "-q", "-r", name.replace("__", "/"))
        sha = self.work.commit(message, **{n: text for n, text in files.items() if text is not None})
        self.work.git("push", "-q", "origin", "main")
        return sha

    def open_pull(self, name: str = "", labels: tuple[str, ...] = ()) -> int:
        """A new pull request with one commit of its own."""
        self.counter[0] += 1
        head = name or f"feature-{self.counter[0]}"
        self.push_to(head)
        pull = self.forge().open_pull(head=head, base="main", title=f"Change {head}", body="", labels=labels)
        return pull.number

    def push_to(self, head: str) -> str:
        """One more commit on a branch, made where it is shared."""
        self.counter[0] += 1
        refs = self.shared("for-each-ref", "--format=%(objectname)", f"refs/heads/{head}", "refs/heads/main")
        start = refs.split()[0]
        sha = self.shared("commit-tree", f"{start}^{{tree}}", "-p", start, "-m", f"Work {self.counter[0]}")
        self.shared("update-ref", f"refs/heads/{head}", sha)
        return sha

    def shared(self, *arguments: str, data: str | None = None) -> str:
        """Run git in the repository on the server."""
        done = subprocess.run(
            ["git", "-C", str(self.bare), *arguments], input=data, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def up(self, number: int, *services: str, now: str = NOW, **fields: Any) -> Brought:
        """``preview up``."""
        return self.up_on(self.ground(), number, *services, now=now, **fields)

    def up_on(self, ground: Ground, number: int, *services: str, now: str = NOW, **fields: Any) -> Brought:
        """``preview up`` on what was read before."""
        wishes = tuple(parse_wish(text) for text in services)
        return bring_up(ground, Request(number=number, wishes=wishes, **fields), Options(), now=now)

    def down(self, number: int) -> Brought:
        """``preview down``."""
        return bring_down(self.ground(), number, Options())

    def files(self, number: int | None = None) -> dict[str, str]:
        """What lies below the previews, or in one of them, on the server now."""
        below = "environments/preview/" + (f"pr-{number}/" if number else "")
        listing = self.shared("ls-tree", "-r", self.branch, "--", below).splitlines()
        found = {}
        for line in listing:
            about, _, path = line.partition("\t")
            blob = about.split()[2]
            found[path.removeprefix(below)] = blob
        if not found:
            return {}
        batch = self.shared("cat-file", "--batch", data="\n".join(found.values()))
        texts: dict[str, str] = {}
        rest = f"{batch}\n"
        for path in found:
            head, _, rest = rest.partition("\n")
            size = int(head.split()[2])
            texts[path], rest = rest[:size], rest[size + 1 :]
        return texts

    def log(self, branch: str | None = None) -> list[str]:
        """Subjects of the branch's commits, newest first."""
        return self.shared("log", "--format=%s", branch or self.branch).splitlines()

    def sync(self, *patterns: str, stop: threading.Event | None = None, **fields: Any) -> Report:
        """``sync`` of the newest commit."""
        options = Options(patterns=patterns, **fields)
        _, report = run_sync(self.workspace(), options, stop=stop or threading.Event())
        return report

    def workspace(self) -> Workspace:
        """The project as a sync of the newest commit reads it."""
        self.work.git("fetch", "-q", "origin")
        head = self.work.git("rev-parse", "origin/main")
        return open_workspace(Where(folder=self.work.folder, rev=head, cache=self.cache))


def write_package(work: Work, version: str, source: str) -> None:
    """Put the package of a version into the repository's files."""
    package = work.folder / "packages" / f"notifier-{version}.zip"
    package.parent.mkdir(exist_ok=True)
    package.write_bytes(make_zip(source))


def make_world(folder: Path, *, preview: str = "", more: str = "") -> World:
    """A new repository with the project in it, its packages included."""
    made = _template(preview, more)
    shutil.copytree(made, folder, dirs_exist_ok=True)
    work = Work(folder / "work")
    config = work.folder / ".git" / "config"
    config.write_text(config.read_text().replace(str(made), str(folder)))
    return World(work=work, bare=folder / "served" / "gitops.git", cache=folder / "cache")


@functools.cache
def _template(preview: str, more: str) -> Path:
    """The repositories of a project, made once for a process and copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="lockstep-previews-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare = folder / "served" / "gitops.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "config", "http.receivepack", "true"], check=True)
    work = Work(folder / "work")
    subprocess.run(["git", "clone", "-q", str(bare), str(work.folder)], check=True, capture_output=True)
    for path, text in {**FILES, "lockstep.yaml": project_file(preview, more)}.items():
        work.write(path, text)
    for version in ("1.0.0", "1.1.0-pr", "1.2.0-pr"):
        write_package(work, version, f"def handler(event, context):\n    return '{version}'\n")
    work.commit("begin")
    work.git("push", "-q", "origin", "HEAD:refs/heads/main")
    work.git("fetch", "-q", "origin")
    return folder
