"""The Git repository behind a pull request: real objects, real merges."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.quick_git import CONFIGURATION

__all__ = ["Bare", "Conflict"]

_WHO = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_SYSTEM": CONFIGURATION,
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class Conflict(Exception):
    """Two commits cannot be merged."""


class Bare:
    """A bare repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "HEAD").exists():
            folder.mkdir(parents=True, exist_ok=True)
            self.git("init", "--quiet", "--bare", "--initial-branch=main")

    def git(self, *arguments: str, data: str | None = None, allowed: tuple[int, ...] = (0,)) -> str:
        """Run git and return what it says."""
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            input=data,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **_WHO},
        )
        if done.returncode not in allowed:
            raise RuntimeError(f"git {arguments}: {done.stderr}")
        return done.stdout.strip()

    def commit(self, branch: str, files: Mapping[str, str], message: str, *, start: str | None = None) -> str:
        """Add a commit to a branch (made from ``start`` when it is new) and return its id."""
        ref = f"refs/heads/{branch}"
        parent = self.resolve(ref) or (self.resolve(start) if start else None)
        lines = [f"commit {ref}", "committer Ada <ada@example.org> now", _data(message)]
        if parent:
            lines.append(f"from {parent}")
        for name, text in files.items():
            lines += [f"M 100644 inline {name}", _data(text)]
        self.git("fast-import", "--quiet", "--date-format=now", "--force", data="\n".join(lines) + "\n")
        made = self.resolve(ref)
        assert made is not None
        return made

    def tag(self, name: str, commit: str, *, is_annotated: bool = False) -> None:
        """Make a tag."""
        self.git("tag", *(("-a", "-m", name) if is_annotated else ()), name, commit)

    def resolve(self, name: str) -> str | None:
        """The commit that a name stands for, None when there is none."""
        if name.startswith("refs/heads/") and not (self.folder / "packed-refs").exists():
            file = self.folder / name  # what git would do, without starting it
            return file.read_text().strip() if file.is_file() else None
        found = self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", allowed=(0, 1, 128))
        return found or None

    def object_of(self, ref: str) -> tuple[str, str] | None:
        """Type and id of what a ref names directly, a tag object for an annotated tag."""
        found = self.git("rev-parse", "--verify", "--quiet", ref, allowed=(0, 1, 128))
        return (self.git("cat-file", "-t", found), found) if found else None

    def merged_tree(self, base: str, head: str) -> str:
        """The tree that a merge gives; Conflict when it cannot be made."""
        done = self.git("merge-tree", "--write-tree", base, head, allowed=(0, 1, 128))
        tree = done.partition("\n")[0]
        if "\n" in done or len(tree) != 40:
            raise Conflict
        return tree

    def merge(self, base: str, head: str, *, method: str, message: str) -> str:
        """Bring ``head`` into the branch ``base`` and return the new commit."""
        target, source = self.resolve(f"refs/heads/{base}"), head
        assert target is not None
        tree = self.merged_tree(target, source)
        parents = ["-p", target] + (["-p", source] if method == "merge" else [])
        made = self.git("commit-tree", tree, *parents, "-m", message)
        self.git("update-ref", f"refs/heads/{base}", made, target)
        return made

    def between(self, base: str, head: str) -> list[str]:
        """Commits of ``head`` that are not in ``base``, oldest first."""
        return self.git("rev-list", "--reverse", "--topo-order", f"{base}..{head}").split()

    def describe(self, commit: str) -> tuple[str, str, str]:
        """Author, ISO time and message."""
        name, when, message = self.git("show", "-s", "--format=%an%x00%aI%x00%B", commit).split("\0", 2)
        return name, when, message.strip()


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"
