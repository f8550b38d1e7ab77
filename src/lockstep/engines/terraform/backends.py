"""Which backend a run had last on this machine: a state that was not moved looks like an empty one, and
Terraform would create everything a second time.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from lockstep.engines.terraform.files import Files
from lockstep.engines.terraform.runs import Run
from lockstep.errors import NotAllowed
from lockstep.model.foreign import read_json

__all__ = ["Backends"]


class Backends:
    """The memory of one machine, below Lockstep's cache. Without it nothing is refused."""

    def __init__(self, cache: Path, project: str) -> None:
        self._folder = cache / "terraform" / "backends"
        self._project = project

    def check(self, run: Run, files: Files, *, is_empty: bool) -> None:
        """Remember the run's backend. Raises NotAllowed when it is another one and its state is empty."""
        settings = run.settings
        now = {"type": files.backend, "workspace": settings.workspace, **settings.backend}
        place = [self._project, settings.repository or "", settings.folder]
        name = hashlib.sha256(json.dumps([*place, run.name]).encode()).hexdigest()[:24]
        file = self._folder / f"{name}.json"
        before = _read(file)
        if before is not None and before != now and is_empty:
            raise NotAllowed(
                f"the backend changed from {_words(before)} to {_words(now)}, where the state is empty: "
                "everything would be created a second time",
                where=settings.place,
                fix=f"move the state (`{settings.binary} init -migrate-state` in {settings.folder}), or, for "
                f"a fleet that is really new, remove {file}",
            )
        if before != now:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(".new")
            partial.write_text(json.dumps(now), encoding="utf-8")
            partial.replace(file)


def _read(file: Path) -> Mapping[str, str] | None:
    try:
        found = read_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    return found if is_ours else None


def _words(backend: Mapping[str, str]) -> str:
    shown = [value for key, value in backend.items() if key in ("bucket", "key", "path", "workspace")]
    return f"{backend.get('type', '')} ({', '.join(shown)})" if shown else str(backend.get("type", ""))
