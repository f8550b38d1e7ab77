"""Lockstep as a user starts it: the command, cold, with compiled bytecode."""

import compileall
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import lockstep
from benchmarks.measure import Sample, run

__all__ = ["Lockstep", "compile_bytecode"]


def compile_bytecode() -> None:
    """Compile the package, as an installer does."""
    compileall.compile_dir(str(Path(lockstep.__file__).parent), quiet=2)


@dataclass(kw_only=True)
class Lockstep:
    """The ``lockstep`` command in a folder and an environment, with a cache of its own."""

    folder: Path
    env: Mapping[str, str]
    cache: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, allowed: tuple[int, ...] = (0,)) -> Sample:
        """Run one command."""
        env = {**self.env, "LOCKSTEP_CACHE": str(self.cache), "CI": "true", **self.extra}
        return run([*program(), *words], env=env, cwd=self.folder, allowed=allowed)


def program() -> tuple[str, ...]:
    """The installed script, or the module where there is none."""
    script = Path(sys.executable).with_name("lockstep")
    return (str(script),) if script.exists() else (sys.executable, "-m", "lockstep")
