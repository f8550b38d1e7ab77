"""A repository that services are built from, driven by the git command line."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PROJECT", "Monorepo", "make_monorepo"]

PROJECT = """\
services:
  api:
    source: {paths: [src/api, "libs/*/shared"]}
  my-api:
    source: {paths: [src/my-api]}
  web:
    tag: "v{version}"
"""


@dataclass(frozen=True)
class Monorepo:
    """A working tree with a ``lockstep.yaml``; paths are given to ``commit``, contents do not matter."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git here and return its output."""
        return subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, message: str, *paths: str) -> str:
        """Change the files, by default one of ``api``, commit and return the id."""
        for path in paths or ("src/api/app.py",):
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as stream:
                stream.write(f"{message}\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def tag(self, *names: str) -> None:
        """Tag HEAD."""
        for name in names:
            self.git("tag", name)

    def clone(self, folder: Path, *options: str) -> "Monorepo":
        """Clone it over the file transport, which knows shallow clones."""
        self.git("clone", "-q", *options, f"file://{self.folder}", str(folder))
        return Monorepo(folder)


def make_monorepo(folder: Path) -> Monorepo:
    """Return a new one with one commit, in which no service was touched."""
    folder.mkdir(parents=True)
    (folder / "lockstep.yaml").write_text(PROJECT)
    made = Monorepo(folder)
    made.git("init", "-q", "-b", "main")
    made.git("config", "user.name", "Ada")
    made.git("config", "user.email", "ada@example.org")
    made.commit("A start", "README.md")
    return made
