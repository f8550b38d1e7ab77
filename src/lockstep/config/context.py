"""What building one target looks at and adds to."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any, TypeAlias

from lockstep.config import rules, templates
from lockstep.config.layers import Path, Stack
from lockstep.config.layout import Candidate
from lockstep.config.problems import Problems
from lockstep.config.project_file import ProjectFile
from lockstep.config.schema import leaf
from lockstep.config.shapes import problem_of
from lockstep.errors import BadInput
from lockstep.model import Reference, Secret, Value
from lockstep.model.paths import value_at
from lockstep.values import dataclass

__all__ = ["Context", "Settings", "Shared", "present_day"]

Settings: TypeAlias = tuple[Mapping[str, Value], frozenset[str]]
"""Normalised settings without what is at AWS's default, and the names of what is declared to be at it."""

Shared: TypeAlias = dict[tuple[tuple[str, int], ...], tuple[Mapping[str, Any], Settings]]
"""Settings that were made before, by the identity of the values that they were made from."""


def present_day() -> datetime.date:
    """Today in UTC."""
    return datetime.datetime.now(datetime.UTC).date()


@dataclass(kw_only=True, slots=True)
class Context:
    """One candidate with its layers. ``is_wrong`` once a problem was noted: do not use the result."""

    file: ProjectFile
    candidate: Candidate
    stack: Stack
    problems: Problems
    shared: Shared
    today: datetime.date = field(default_factory=present_day)
    notes: list[str] = field(default_factory=list)
    version: str | None = None
    is_wrong: bool = False
    _names: dict[str, str] | None = field(default=None, init=False)

    @property
    def is_part(self) -> bool:
        """Whether the engine of the candidate's environment holds a part of what a function needs."""
        return self.file.project.environment(self.candidate.environment).traits.holds_part

    def place(self, *path: str | int) -> str:
        """``file:line`` of a value."""
        return self.stack.place(path)

    def keep(self, errors: Iterable[BadInput]) -> None:
        """Note errors that were found when a layer was read."""
        for error in errors:
            self.is_wrong = True
            self.problems.keep(error)

    def wrong(self, path: Path, problem: str, fix: str) -> None:
        """Note a problem with a merged value, at the layer that gave it."""
        self.wrong_at(self.stack.place(path), problem, fix)

    def wrong_at(self, where: str, problem: str, fix: str) -> None:
        """Note a problem at ``file:line``."""
        self.is_wrong = True
        self.problems.add(where, problem, fix, doing=self.candidate.key)

    def of_pull_request(self, *path: str | int) -> str | None:
        """Where a pull request's own file says something; None where it does not.

        Whoever opens one writes that file, and nobody has to read it before it is deployed.
        """
        for layer in self.stack.layers:
            if layer.name == "pull request" and value_at(layer.values, path) is not None:
                return layer.place(path)
        return None

    def note(self, path: Path, text: str) -> None:
        """Note what is suspicious about a merged value, which is used nevertheless."""
        self.notes.append(f"{self.stack.place(path)}: {text}")

    def names(self) -> Mapping[str, str]:
        """What templates may use; ``version`` once it is known."""
        if self._names is None or (self.version is not None and "version" not in self._names):
            self._names = self._make_names()
        return self._names

    def _make_names(self) -> dict[str, str]:
        candidate = self.candidate
        names = {"service": candidate.service, "env": candidate.environment.rpartition("/")[2]}
        if self.version is not None:
            names["version"] = self.version
        if candidate.pr is not None:
            names["pr"] = candidate.pr
        return names

    def fill(self, text: str, where: str, names: Mapping[str, str] | None = None) -> str | None:
        """A text with its templates filled in; None when that failed, which is noted at ``file:line``."""
        if not templates.has_template(text):
            return text
        try:
            return templates.fill(text, names or self.names())
        except templates.TemplateError as error:
            self.wrong_at(where, error.problem, error.fix)
            return None

    def filled(self, value: Any, path: Path) -> Any:
        """A value under ``lambda`` with its templates filled in, and judged again."""
        match value:
            case dict():
                return {key: self.filled(entry, (*path, key)) for key, entry in value.items()}
            case list():
                return [self.filled(entry, (*path, i)) for i, entry in enumerate(value)]
            case Secret(value=str() as text) if templates.has_template(text):
                return Secret(self.fill(text, self.place("lambda", *path)))
            case Reference(name=name, place=place) if templates.has_template(name):
                return replace(value, name=self.fill(name, place) or name)
            case str() if templates.has_template(value):
                return self._judged(value, path)
            case _:
                return value

    def _judged(self, value: str, path: Path) -> str:
        key = leaf(path)
        if key is not None and key.is_literal:
            return value
        text = self.fill(value, self.place("lambda", *path))
        if text is None:
            return value
        found = problem_of(key, text) if key is not None else None
        if found is None and path[0] == "tags":
            found = rules.tag_value(text)
        if found is not None:
            name = ".".join(map(str, ("lambda", *path)))
            self.wrong(("lambda", *path), f"{name}, filled in: {found[0]}", found[1])
        return text
