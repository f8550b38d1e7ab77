"""Measuring child processes: wall time, processor time and peak memory, as the kernel counts them."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Failed", "Sample", "Summary", "alternate", "run", "summarise"]

_CHILD = Path(__file__).with_name("child.py")


class Failed(Exception):
    """A measured command did not do what it was measured for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One run of one command."""

    wall: float  # seconds
    cpu: float  # seconds of user and system time, with the processes that it waited for
    peak: float  # MB (10^6 bytes) of the largest of its processes
    code: int
    output: str

    def needs(self, text: str) -> "Sample":
        """Return the sample when the command said this; raise Failed otherwise."""
        if text not in self.output:
            raise Failed(f"the output lacks {text!r}:\n{self.output[-3000:]}")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Several runs of one command: medians, the range of the wall time, the largest peak."""

    wall: float
    fastest: float
    slowest: float
    cpu: float
    peak: float
    runs: int


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    allowed: tuple[int, ...] = (0,),
) -> Sample:
    """Run a command to its end. Raises Failed when its exit code is not one of ``allowed``."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "output").open("w+b") as output:
        result = Path(folder) / "result"
        launcher = [sys.executable, "-S", "-E", str(_CHILD), str(result)]
        launched = subprocess.run(
            [*launcher, *command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
        if launched.returncode:
            raise Failed(f"{' '.join(command)} could not be started:\n{text[-3000:]}")
        found = json.loads(result.read_text())
    if found["code"] not in allowed:
        raise Failed(f"{' '.join(command)} ended with {found['code']}:\n{text[-3000:]}")
    return Sample(
        wall=found["wall"],
        cpu=found["cpu"],
        peak=found["peak"] / 1e6,
        code=found["code"],
        output=text,
    )


def summarise(samples: Sequence[Sample]) -> Summary:
    """Medians of several runs."""
    walls = [sample.wall for sample in samples]
    return Summary(
        wall=statistics.median(walls),
        fastest=min(walls),
        slowest=max(walls),
        cpu=statistics.median(sample.cpu for sample in samples),
        peak=max(sample.peak for sample in samples),
        runs=len(samples),
    )


def alternate(repetitions: int, tools: Mapping[str, Callable[[], Sample]]) -> dict[str, Summary]:
    """Run the tools in turn, so that whatever else the machine does hits all of them alike.

    Another tool that cannot run is left out from there on, and said; Lockstep's own failure is raised.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in tools}
    for _ in range(repetitions):
        for name, tool in tools.items():
            if name in samples:
                try:
                    samples[name].append(tool())
                except Failed as problem:
                    if name == "lockstep":
                        raise
                    del samples[name]
                    print(f"without {name}: {problem}", file=sys.stderr, flush=True)
    return {name: summarise(taken) for name, taken in samples.items()}
