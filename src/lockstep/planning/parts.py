"""Which part of a fleet is an engine's, where a project has several."""

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from lockstep.model import Fleet, Project, select
from lockstep.model.engines import ENGINES

__all__ = ["engine_names", "part_of"]


def engine_names(project: Project, fleet: Fleet) -> list[str]:
    """The engines of all environments that the project or a target names, and of previews."""
    found = {project.environment(name).engine for name in {*_names(project, fleet), "preview"}}
    return [name for name in ENGINES if name in found]


def part_of(project: Project, fleet: Fleet, engine: str) -> Fleet | None:
    """The whole fleet, of which the engine's part is selected; None when nothing of that is.

    A selection that is empty would mean everything, so the engine's environments are named.
    """
    names = sorted(name for name in _names(project, fleet) if project.environment(name).engine == engine)
    if not names:
        return None
    if not fleet.selection:
        return replace(fleet, selection=tuple(names))
    patterns: list[str] = []
    for pattern in fleet.selection:
        first, slash, rest = pattern.partition("/")
        for name in names:
            if fnmatchcase(name, first):
                patterns.append(f"{name}{slash}{rest}")
                if first != name and name == "preview" and slash:
                    patterns.append(f"{name}/*/{rest}")
    # A glob may reach over a slash: what it selects is what counts.
    own = [key for key in select(fleet.targets, fleet.selection) if key.partition("/")[0] in names]
    missed = set(own) - set(select(own, patterns)) if patterns else set(own)
    chosen = (*patterns, *sorted(missed))
    return replace(fleet, selection=chosen) if chosen else None


def _names(project: Project, fleet: Fleet) -> Iterable[str]:
    return {*(one.environment.partition("/")[0] for one in fleet.targets.values()), *project.environments}
