"""A release is killed between every two of its steps and run again: one whole release is there.

Nothing in Lockstep knows of these tests. On the plain server a ``git`` that stands first on PATH kills
the process that runs it, before or after a push; GitHub's stand-in kills it at a request.
"""

import hashlib
import json
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.functional.release.conftest import Mono
from tests.support.github import Fault

PUSHES = 3  # the tag, the files, the release
GIT = """\
#!/bin/sh
case " $* " in
*" push "*)
    count=$(($(cat "$KILL_COUNT" 2>/dev/null || echo 0) + 1))
    echo $count > "$KILL_COUNT"
    if [ $count = "$KILL_AT" ]; then
        [ "$KILL_WHEN" = before ] || {git} "$@"
        kill -9 $PPID
        exit 1
    fi ;;
esac
exec {git} "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Killer:
    """A folder with the git that kills, and a program that is killed."""

    folder: Path
    program: Path


@pytest.fixture
def killer(tmp_path: Path, forks: Path) -> Killer:
    """The git that kills whoever runs it, which is the forked command itself."""
    git = shutil.which("git")
    assert git is not None
    folder = tmp_path / "killer"
    folder.mkdir()
    (folder / "git").write_text(GIT.replace("{git}", git))
    (folder / "git").chmod(0o755)
    return Killer(folder=folder, program=forks / "lockstep")


def _killed(mono: Mono, killer: Killer, *words: str, at: int, when: str = "after") -> bool:
    """Release in a process that is killed at a push; whether it was."""
    count = killer.folder / "count"
    count.unlink(missing_ok=True)
    process = mono.start(
        "release",
        *words,
        program=[str(killer.program)],
        PATH=f"{killer.folder}{os.pathsep}{os.environ['PATH']}",
        LOCKSTEP_PASS_ENV="KILL_*",
        KILL_COUNT=str(count),
        KILL_AT=str(at),
        KILL_WHEN=when,
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), err
    return process.returncode != 0


def _check_whole(mono: Mono, tag: str, commit: str) -> str:
    release = mono.published(tag)
    files = mono.files(tag)
    assert release.commit == commit
    assert len(files) == 3
    ((name, package),) = [item for item in files.items() if item[0].endswith(".zip")]
    digest = hashlib.sha256(package).hexdigest()
    assert files[f"{name}.sha256"].decode().split() == [digest, name]
    (facts,) = [data for key, data in files.items() if key.endswith(".json")]
    assert (json.loads(facts)["sha256"], json.loads(facts)["commit"]) == (digest, commit)
    return digest


def test_killed_after_every_push_it_ends_whole(local: Mono, killer: Killer) -> None:
    """Each run does one step more of the same package, until the last one finds nothing to do."""
    commit = local.work.git("rev-parse", "HEAD")
    runs = 0
    while _killed(local, killer, "api", at=1):
        runs += 1
        assert runs <= PUSHES
    assert runs == PUSHES
    (told,) = local.release("api")
    assert (told["isNew"], told["sha256"]) == (False, _check_whole(local, "api-v0.1.0", commit))


@pytest.mark.parametrize("at", [0, 1, 2, PUSHES])  # the build, the tag, the files, the release
def test_killed_anywhere_a_build_that_differs_ends_whole(local: Mono, killer: Killer, at: int) -> None:
    """The second run has another package: never are files of both in the release."""
    commit = local.work.git("rev-parse", "HEAD")
    when = "after" if at else "before"
    assert _killed(local, killer, "random", at=max(at, 1), when=when)
    assert (local.tags() == {}) == (at == 0)
    made = local.direct("random")
    assert made.is_new == (at < PUSHES)
    assert made.package is not None
    assert made.package.sha256 == _check_whole(local, "random-v0.1.0", commit)


@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("match", ["POST .*/releases$", "POST /api/uploads/", "PATCH .*/releases/"])
def test_killed_at_githubs_door_it_ends_whole(github: Mono, match: str, is_done: bool) -> None:
    """Before a request is done, in the middle of an upload, and after it was done."""
    server = github.server
    assert server is not None
    pids: list[int] = []

    def kill() -> None:
        os.kill(pids[0], signal.SIGKILL)

    server.faults = [Fault(match=match, status=500 if is_done else 0, is_done=is_done, after=kill)]
    process = github.start("release", "random")
    pids.append(process.pid)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    server.faults = []
    made = github.direct("random")
    assert made.is_new != (is_done and match.startswith("PATCH"))
    assert made.package is not None
    commit = github.work.git("rev-parse", "HEAD")
    assert made.package.sha256 == _check_whole(github, "random-v0.1.0", commit)
