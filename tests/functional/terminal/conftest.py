"""A project for looks at a terminal: its repository with a server, and a local AWS that all share."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lockstep.local.ministack import LocalCloud
from tests.support import clouds
from tests.support.badinput.desk import FILES, git
from tests.support.terminal import Seen, run

SOURCE = """\
import os
def handler(event, context):
    print("called with", event, "and", os.environ["RABBIT_PASSWORD"])
    if "fail" in event:
        raise ValueError("it cannot: " + os.environ["RABBIT_PASSWORD"])
    return {"version": "%s", "password": os.environ["RABBIT_PASSWORD"]}
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A clone of the project and the environment in which a person works in it."""

    folder: Path
    cloud: LocalCloud
    program: Path  # a forked lockstep
    env: dict[str, str] = field(default_factory=dict)

    def look(self, *words: str, keys: tuple[tuple[str, str], ...] = (), **env: str) -> Seen:
        """Run a command on a terminal of 80 columns."""
        return run(words, self.folder, {**self.env, **env}, *keys, program=[str(self.program)])

    def change(self, path: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        file = self.folder / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def commit(self, message: str = "Change") -> None:
        """Commit everything, without pushing it."""
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", message)


@pytest.fixture(scope="package")
def _cloud() -> Iterator[LocalCloud]:
    """One local AWS, started once."""
    with LocalCloud.start() as cloud:
        yield cloud


@pytest.fixture
def place(tmp_path: Path, _cloud: LocalCloud, forks: Path) -> Place:
    """The project of the table of bad inputs, pushed to a server, with all that it needs in an empty AWS."""
    top, cloud = tmp_path / "terminal", _cloud
    folder, home = top / "gitops", top / "home"
    top.mkdir()
    home.mkdir()
    for path, text in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "packages").mkdir()
    for version in ("0.1.5", "0.1.6", "0.1.7"):
        (folder / f"packages/s3-notifier-{version}.zip").write_bytes(clouds.make_zip(SOURCE % version))
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        ("commit", "-qm", "First"),
        ("init", "-q", "--bare", "../server.git"),
        ("remote", "add", "origin", "../server.git"),
        ("push", "-q", "-u", "origin", "main"),
    ):
        git(folder, *words)
    cloud.reset()
    clouds.make_role(cloud)
    clouds.make_bucket(cloud, "camarades-packages")
    clouds.make_bucket(cloud, "syrfapp-uploads")
    kept = ("PATH", "NO_PROXY", "no_proxy")
    env = {k: v for k, v in cloud.environment().items() if k.startswith("AWS_") or k in kept}
    env |= {
        "HOME": str(home),
        "LOCKSTEP_CACHE": str(top / "cache"),
        "LANG": "C.UTF-8",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }
    return Place(folder=folder, cloud=cloud, program=forks / "lockstep", env=env)
