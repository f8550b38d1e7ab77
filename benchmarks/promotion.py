"""Rows about versions that travel through Git: one commit to live, and a thousand declarations at once."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.lockstep import Lockstep
from benchmarks.measure import Sample, summarise
from benchmarks.results import Goal, Result
from benchmarks.scenes import Bench

__all__ = ["measure_commit_to_live", "measure_thousand"]

_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "-c", "gc.auto=0")
_PROJECT = """\
project: bench
environments:
  staging: {}
  production: {promotion: {merge: direct, from: staging}}
"""


def measure_commit_to_live(bench: Bench) -> Result:
    """From the moment a version is committed to the moment the function runs it, the commit included."""
    count = bench.size(100)
    scene = bench.scene("hundred", count, triggers=True)
    scene.lockstep("sync")  # what other tools have done does not matter here

    def once() -> Sample:
        begun = time.monotonic()
        scene.raise_version()
        sample = scene.lockstep("sync", "--since", "HEAD~1").needs("1 to update")
        return replace(sample, wall=time.monotonic() - begun)

    found = summarise([once() for _ in range(bench.times(5))])
    goal = Goal(text="median under 2 s", found=f"{found.wall:.2f} s", is_met=found.wall < 2)
    return Result(
        row="commit-to-live",
        title=f"one of {count} functions: from its commit to the function that runs it, read back",
        tools={"lockstep": found},
        goals=(goal,),
    )


def measure_thousand(bench: Bench) -> Result:
    """Edit, commit and push many declarations in one promotion, to a repository beside this one."""
    count = bench.size(1000)
    folder = bench.folder / "thousand"
    bare, work = folder / "gitops.git", folder / "work"
    _git(folder.parent, "init", "-q", "--bare", "-b", "main", str(bare))
    _git(folder.parent, "init", "-q", "-b", "main", str(work))
    _git(work, "remote", "add", "origin", str(bare))
    (work / "lockstep.yaml").write_text(_PROJECT)
    tool = Lockstep(folder=work, env=bench.cold.env, cache=folder / "cache")

    def once(number: int) -> Sample:
        _declare(work, "staging", count, f"1.{number + 1}.0")
        if number == 0:
            _declare(work, "production", count, "1.0.0")
        else:
            _git(work, "fetch", "-q", "origin")
            _git(work, "reset", "-q", "--soft", "origin/main")
            _git(work, "checkout", "-q", "origin/main", "--", "environments/production")
        _git(work, "add", "-A")
        _git(work, *_AUTHOR, "commit", "-q", "-m", f"staging {number}")
        _git(work, "push", "-q", "origin", "HEAD:main")
        return tool("promote", "*", "--to", "production").needs("Committed as")

    found = summarise([once(number) for number in range(bench.times(bench.repetitions))])
    goal = Goal(text="under 5 s", found=f"{found.wall:.2f} s", is_met=found.wall < 5)
    return Result(
        row="promote-1000",
        title=f"{count:,} declarations edited, committed and pushed in one promotion",
        tools={"lockstep": found},
        goals=(goal,),
    )


def _declare(work: Path, environment: str, count: int, version: str) -> None:
    for number in range(count):
        file = work / "environments" / environment / f"service-{number:04}" / "config.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'# service {number}\nimage:\n  tag: "{version}" # by promotion\nreplicas: 2\n')


def _git(folder: Path, *words: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", *words], cwd=folder, check=True)
