"""``lockstep-serve.yaml``: which projects a controller follows, how often it looks, what it may do.

Every key can be given by a variable of the environment as well, which then wins: its name is the prefix
below and the path of the key in capitals, two underscores between names and one for each hyphen.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from lockstep.config.durations import duration
from lockstep.config.problems import Problems
from lockstep.config.serve_schema import SERVE
from lockstep.config.shapes import Checker, Key, Shape
from lockstep.config.yaml_reader import Document, parse
from lockstep.errors import BadInput
from lockstep.git.command import mask
from lockstep.git.mirror import is_url
from lockstep.model.roles import Grants
from lockstep.serve.access import Access, read_access, read_roles
from lockstep.serve.messages.destinations import Destination, read_destinations
from lockstep.suggest import did_you_mean
from lockstep.values import dataclass

__all__ = ["PREFIX", "Followed", "Leave", "ServeFile", "read_serve_file"]

PREFIX = "LOCKSTEP_SERVE__"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_POLL, _DRIFT, _KEEP = 60, 600, 90 * 86_400  # seconds
_LEASE = 30  # seconds
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Leave:
    """What a controller may do in an environment by itself."""

    syncs: bool = False
    heals: bool = False  # also what was changed in AWS


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """One project."""

    name: str
    repository: str  # a URL
    branch: str | None = None
    poll: int = _POLL  # seconds
    drift: int = _DRIFT  # seconds
    environments: Mapping[str, Leave] = field(default_factory=dict)
    clean: int | None = None  # seconds between two times that what previews leave behind is removed
    events: tuple[str, ...] = ()  # ARNs of queues
    grants: Grants = field(default_factory=Grants)

    @property
    def shown(self) -> str:
        """Its repository, without a password."""
        return mask(self.repository)

    @property
    def syncs(self) -> bool:
        """Whether anything may be done by itself."""
        return any(leave.syncs for leave in self.environments.values())

    def leave(self, environment: str) -> Leave:
        """What may be done in a target's environment; every ``preview/...`` has one leave."""
        return self.environments.get(environment.partition("/")[0], Leave())


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeFile:
    """All of it."""

    path: Path  # of the file
    data: Path
    database: str | None = None  # URL of PostgreSQL's; history.db when absent
    lease: int = _LEASE  # seconds that a machine's turn on a project lasts without a sign of life
    listen: tuple[str, int] | None = None  # host and port
    health: tuple[str, int] | None = None  # host and port at which a process without a page is asked
    log: str = "text"  # or "json"
    keep: int = _KEEP  # seconds that what happened is remembered
    access: Access = field(default_factory=Access)
    destinations: tuple[Destination, ...] = ()  # who is told what goes on
    projects: tuple[Followed, ...]


def read_serve_file(path: Path, environ: Mapping[str, str]) -> ServeFile:
    """Read the file, and the variables that win over it. BadInput or BadInputs name each wrong line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"cannot be read: {error.strerror}",
            where=str(path),
            fix="write one (`lockstep serve --help` says where it is described), or name it with --config",
        ) from None
    document = parse(content, str(path))
    if not isinstance(document.value, dict):
        raise BadInput("the file holds one map", where=f"{path}:1", fix="write key: value lines")
    problems = Problems()
    for _, line, text in document.odd_keys:
        problems.add(f"{path}:{line}", f"the key {text} is not a string", f'write "{text}":')
    checker = Checker(str(path), templates=False)
    values = checker.check(SERVE, document.value, document.lines, "") or {}
    for found in checker.errors:
        problems.keep(found)
    given = {name: text for name, text in sorted(environ.items()) if name.startswith(PREFIX)}
    places: dict[tuple[str, ...], str] = {}
    for name, text in given.items():
        _override(values, name, text, places, problems)
    reader = _Reader(document, places, problems, path.resolve().parent)
    projects = tuple(reader.projects(values))
    listen, health = (reader.address(values, key) for key in ("listen", "health"))
    keep = reader.period(values, "history", _KEEP)
    lease = reader.period(values, "lease", _LEASE)
    access = read_access(values, reader.add)
    destinations = tuple(read_destinations(values, environ, reader.add))
    problems.stop()
    return ServeFile(
        path=path,
        data=path.resolve().parent / (values.get("data") or "lockstep-data"),
        database=values.get("database"),
        lease=lease,
        listen=listen,
        health=health,
        log=values.get("log") or "text",
        keep=keep,
        access=access,
        destinations=destinations,
        projects=projects,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    document: Document
    places: Mapping[tuple[str, ...], str]  # of keys that variables give
    problems: Problems
    folder: Path

    def projects(self, values: Mapping[str, Any]) -> Iterator[Followed]:
        named = values.get("projects") or {}
        if not named and not self.problems:
            self.add(("projects",), "no project is followed", "add projects: {my-project: {repository: URL}}")
        heard: dict[str, str] = {}  # who listens at a queue
        for name, said in named.items():
            if not _NAME.fullmatch(name):
                self.add(
                    ("projects", name),
                    f"{name!r} is no name of a project",
                    "write up to 63 lower-case letters, digits and hyphens",
                )
                continue
            given: Mapping[str, Any] = said or {}
            yield Followed(
                name=name,
                repository=self._repository(name, given),
                branch=given.get("branch"),
                poll=self._seconds("poll", _POLL, name, given, values),
                drift=self._seconds("drift", _DRIFT, name, given, values),
                environments={env: self._leave(name, env, leave or {}) for env, leave in _all(given)},
                clean=self._clean(name, given),
                events=self._events(name, given, heard),
                grants=Grants(
                    everywhere=read_roles(values, given),
                    environments={env: read_roles(leave or {}) for env, leave in _all(given)},
                ),
            )

    def address(self, values: Mapping[str, Any], key: str) -> tuple[str, int] | None:
        text = values.get(key)
        if not text:
            return None
        host, _, port = text.rpartition(":")
        if not port.isdecimal() or int(port) > 65_535:
            self.add((key,), f"{text} has no port that there is", "write one up to 65535")
            return None
        return host.strip("[]"), int(port)

    def period(self, values: Mapping[str, Any], key: str, otherwise: int) -> int:
        text = values.get(key)
        seconds = otherwise if text is None else duration(text)
        if not seconds:
            self.add((key,), f"{key}: {text} is no time at all", "write at least 1s")
        return seconds or otherwise

    def _repository(self, name: str, given: Mapping[str, Any]) -> str:
        repository = given.get("repository")
        if not repository:
            if not self.problems:
                self.add(("projects", name), f"{name} has no repository", "add repository: with its URL")
            return ""
        try:
            if is_url(repository):
                return str(repository)
        except BadInput as error:
            self.add(("projects", name, "repository"), error.problem, error.fix or "")
            return ""
        folder = (self.folder / Path(repository).expanduser()).resolve()
        if not folder.is_dir():
            self.add(
                ("projects", name, "repository"),
                f"there is no folder {folder}",
                "write the URL of the repository, or its folder",
            )
        return folder.as_uri()

    def _seconds(
        self, key: str, otherwise: int, name: str, given: Mapping[str, Any], values: Mapping[str, Any]
    ) -> int:
        path = ("projects", name, key) if given.get(key) else (key,)
        text = given.get(key) or values.get(key)
        seconds = otherwise if text is None else duration(text)
        if not seconds:
            self.add(path, f"{key}: {text} is no time at all", "write at least 1s")
        return seconds or otherwise

    def _clean(self, name: str, given: Mapping[str, Any]) -> int | None:
        text, path = given.get("previewGc"), ("projects", name, "previewGc")
        if text is None:
            return None
        preview = (given.get("environments") or {}).get("preview") or {}
        if not preview.get("sync"):
            self.add(
                path,
                f"{name} removes what previews leave behind, and does not sync them",
                "add preview: {sync: true} below environments, or leave previewGc out",
            )
        seconds = duration(text)
        if not seconds:
            self.add(path, f"previewGc: {text} is no time at all", "write at least 1s")
        return seconds or None

    def _events(self, name: str, given: Mapping[str, Any], heard: dict[str, str]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(one for one in given.get("events") or () if one))
        for arn in found:
            if heard.setdefault(arn, name) != name:
                self.add(
                    ("projects", name, "events"),
                    f"{heard[arn]} and {name} listen at one queue, and each would miss what the other takes",
                    "give each project a queue of its own",
                )
        return found

    def _leave(self, name: str, environment: str, given: Mapping[str, Any]) -> Leave:
        syncs, heals = bool(given.get("sync")), bool(given.get("selfHeal"))
        if heals and not syncs:
            self.add(
                ("projects", name, "environments", environment, "selfHeal"),
                f"{environment} heals what it does not sync",
                "add sync: true beside it, or leave selfHeal out",
            )
        return Leave(syncs=syncs, heals=heals)

    def add(self, path: tuple[str, ...], problem: str, fix: str) -> None:
        where = self.places.get(path) or f"{self.document.file}:{self.document.line(path)}"
        self.problems.add(where, problem, fix)


def _all(given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list((given.get("environments") or {}).items())


def _override(
    values: dict[str, Any], name: str, text: str, places: dict[tuple[str, ...], str], problems: Problems
) -> None:
    """Put the text of a variable where its name says."""
    key: Key = SERVE
    at: dict[str, Any] = values
    path: tuple[str, ...] = ()
    words = name.removeprefix(PREFIX).split("__")
    for word in words:
        known = [*at] if key.shape is Shape.OPEN else [*key.by_name]
        found = next((one for one in known if _spelled(one) == word.upper()), None)
        if found is None:
            above = ".".join(path) or "the file"
            fix = did_you_mean(word, [_spelled(one) for one in known])
            problems.add(name, f"{above} has nothing that is spelled {word}", fix)
            return
        below = key.item if key.shape is Shape.OPEN else key.by_name[found]
        assert below is not None  # noqa: S101 - a map of any names has items
        path, key = (*path, found), below
        if key.shape in (Shape.OPEN, Shape.MAP) and len(path) < len(words):
            at[found] = at.get(found) or {}
            at = at[found]
    match key.shape:
        case Shape.STRING:
            value: Any = text
        case Shape.LIST:
            value = [one.strip() for one in text.split(",")]
        case Shape.BOOLEAN if text in _FLAGS:
            value = _FLAGS[text]
        case Shape.BOOLEAN:
            problems.add(name, f"{text!r} is neither true nor false", "write true or false")
            return
        case _:
            problems.add(name, "is a map, and a variable gives one value", f"write {name}__KEY")
            return
    checker = Checker(name, templates=False)
    lines = (1, [1] * len(value)) if isinstance(value, list) else 1
    at[path[-1]] = checker.check(key, value, lines, ".".join(path))
    places[path] = name
    for error in checker.errors:
        problems.add(name, error.problem, error.fix)


def _spelled(name: str) -> str:
    return name.upper().replace("-", "_")
