"""The workflows of each kind of repository, as ``init --github`` writes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lockstep.delivery.setup.init_github import Kind, workflow_files

__all__ = ["ROOT", "Step", "steps", "workflow", "workflows"]

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A step with what is set around it."""

    file: str
    job: str
    document: Mapping[str, Any]
    env: Mapping[str, str]  # the job's and its own


def workflow(text: str) -> dict[str, Any]:
    """A workflow; YAML reads its key ``on`` as true."""
    document: dict[Any, Any] = yaml.safe_load(text)
    return {"on" if key is True else key: value for key, value in document.items()}


def workflows(kind: Kind) -> dict[str, dict[str, Any]]:
    """The workflows of a kind by their paths."""
    return {
        path: workflow(text)
        for path, text in workflow_files(kind).items()
        if path.startswith(".github/workf")
    }


def steps(kind: Kind) -> Iterator[Step]:
    """The steps of all jobs."""
    for path, document in workflows(kind).items():
        for name, job in document["jobs"].items():
            for step in job["steps"]:
                env = {**job.get("env", {}), **step.get("env", {})}
                yield Step(file=path, job=name, document=step, env=env)
