"""Targets of the last run by the content of the files they came from.

One file for each project in the user's cache folder, mode 0600: it holds what the repository holds. The
data are plain (marshal, never pickle), behind a digest; a file that is damaged, foreign or of another
version of Lockstep or Python is as good as none.
"""

import contextlib
import hashlib
import marshal
import os
import sys
from collections.abc import Callable, Mapping, Set
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from lockstep._version import __version__
from lockstep.model import Code, Function, Hold, Reference, Release, Resource, Secret, Target, Trigger, Value
from lockstep.model.layer import BuiltLayer
from lockstep.model.rollout import Compared, MetricGate, Rollout, Smoke, Stage, Unjudged

__all__ = ["Cache", "Memo", "Record", "freeze", "thaw"]

Record = tuple[str, tuple[str, ...], tuple[Any, ...] | None]
"""Stamp of the contents, notes, and the frozen target (None: the candidate is no target)."""

Memo = dict[int, tuple[Any, Any]]
"""By identity: the object itself, which keeps the identity alive, and what it was turned into."""

_FORMAT = 6
_DIGEST = 32  # bytes
_NOTHING: frozenset[str] = frozenset()

_T = TypeVar("_T")
_Ways: TypeAlias = tuple[Callable[[Any, Memo], Any], Callable[[Any, Memo], Any]]
"""How one field's value is frozen and thawed."""


class Cache:
    """Keeps records in a folder. Nothing that goes wrong with it is an error."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str, context: str) -> dict[str, Record]:
        """Records by target, when the file was written under the same context."""
        try:
            data = self._path(name).read_bytes()
            if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
                return {}
            written, records = marshal.loads(data[_DIGEST:])  # noqa: S302 - our own file, digest checked
        except (OSError, ValueError, EOFError, TypeError):
            return {}
        return records if written == _whole(context) and isinstance(records, dict) else {}

    def write(self, name: str, context: str, records: Mapping[str, Record]) -> None:
        """Replace the file in one step."""
        import tempfile  # takes 10 ms, and most runs write nothing

        payload = marshal.dumps((_whole(context), dict(records)))
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=".fleet-")  # mode 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(hashlib.sha256(payload).digest())
                    file.write(payload)
                Path(temporary).replace(self._path(name))
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _path(self, name: str) -> Path:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        return self.folder / f"fleet-{digest}.bin"


def _whole(context: str) -> str:
    return f"{_FORMAT} {__version__} {_code_stamp()} {sys.version} {context}"


def _code_stamp() -> str:
    """Changes whenever the modules that make targets do, so that a development version never lies."""
    here = Path(__file__).parent
    files = [*here.glob("*.py"), *(here.parent / "model").glob("*.py")]
    stats = [file.stat() for file in files]
    return f"{max((s.st_mtime_ns for s in stats), default=0):x}.{sum(s.st_size for s in stats)}"


class _Shape(Generic[_T]):
    """Values of one dataclass as tuples of their fields, and back, so that no field can be forgotten.

    ``nested`` says how a field that is no plain data becomes such, and back; ``live`` names the fields
    that only AWS fills.
    """

    def __init__(
        self, kind: type[_T], nested: Mapping[str, _Ways] | None = None, live: Set[str] = _NOTHING
    ) -> None:
        self._kind = kind
        self.names = tuple(one.name for one in fields(kind) if one.name not in live)  # type: ignore[arg-type]
        self._values = attrgetter(*self.names)
        self._nested = [(self.names.index(name), *ways) for name, ways in (nested or {}).items()]

    def freeze(self, value: _T | None, memo: Memo) -> tuple[Any, ...] | None:
        """The fields' values as plain data."""
        if value is None:
            return None
        data: tuple[Any, ...] = self._values(value)
        if not self._nested:
            return data
        parts = list(data)
        for index, freeze_one, _ in self._nested:
            parts[index] = freeze_one(parts[index], memo)
        return tuple(parts)

    def thaw(self, data: tuple[Any, ...] | None, memo: Memo) -> _T | None:
        """The value whose fields these are."""
        if data is None:
            return None
        parts = list(data)
        for index, _, thaw_one in self._nested:
            parts[index] = thaw_one(parts[index], memo)
        return self._kind(**dict(zip(self.names, parts, strict=True)))

    def each(self) -> _Ways:
        """The same for a tuple of such values."""
        return (
            lambda values, memo: tuple([self.freeze(value, memo) for value in values]),
            lambda data, memo: tuple([self.thaw(one, memo) for one in data]),
        )

    def one(self) -> _Ways:
        """The same for a field that holds one such value, or None."""
        return self.freeze, self.thaw


def _freeze_settings(settings: Mapping[str, Value], memo: Memo) -> tuple[dict[str, Any], dict[str, Any]]:
    """Plain settings and the variables that are none; targets that share them share what they become."""
    if known := memo.get(id(settings)):
        return known[1]  # type: ignore[no-any-return]
    plain: dict[str, Any] = dict(settings)
    odd: dict[str, Any] = {}
    environment = plain.get("environment")
    if isinstance(environment, Mapping):
        odd = {
            name: _freeze_value(value) for name, value in environment.items() if not isinstance(value, str)
        }
        plain["environment"] = {name: "" if name in odd else value for name, value in environment.items()}
    memo[id(settings)] = (settings, (plain, odd))
    return plain, odd


def _thaw_settings(data: tuple[dict[str, Any], dict[str, Any]], memo: Memo) -> dict[str, Value]:
    if known := memo.get(id(data)):
        return known[1]  # type: ignore[no-any-return]
    settings, odd = data
    if odd:
        variables = settings["environment"]
        thawed = {name: _thaw_value(odd[name]) if name in odd else variables[name] for name in variables}
        settings = {**settings, "environment": thawed}
    memo[id(data)] = (data, settings)
    return settings


def _freeze_value(value: Any) -> tuple[str, str, str]:
    match value:
        case Reference(store=store, name=name, place=place):
            return store, name, place
        case Secret(value=str() as text):
            return "", text, ""
        case _:
            raise TypeError(f"a desired environment variable is {type(value).__name__}")


def _thaw_value(data: tuple[str, str, str]) -> Reference | Secret:
    store, text, place = data
    return Reference(store=store, name=text, place=place) if store else Secret(text)


_CODE = _Shape(Code, live={"package", "size"})  # found for each plan anew
_FUNCTION = _Shape(
    Function,
    {"settings": (_freeze_settings, _thaw_settings), "code": _CODE.one()},
    live={"arn", "revision", "modified", "health", "reason", "unread"},
)
_GATE = _Shape(
    MetricGate,
    {
        "compared": (
            lambda value, _: None if value is None else value.value,
            lambda data, _: None if data is None else Compared(data),
        )
    },
)
_ROLLOUT = _Shape(
    Rollout,
    {
        "stages": _Shape(Stage).each(),
        "metrics": _GATE.each(),
        "smoke": _Shape(Smoke, live={"sent", "expected"}).one(),
        "no_data": (lambda value, _: value.value, lambda data, _: Unjudged(data)),
    },
)
_TARGET = _Shape(
    Target,
    {
        "function": _FUNCTION.one(),
        "release": _Shape(Release).one(),
        "layer": _Shape(BuiltLayer, live={"package", "arn"}).one(),
        "triggers": _Shape(Trigger).each(),
        "relayed": _Shape(Trigger).each(),
        "resources": _Shape(Resource, live={"handle"}).each(),
        "hold": _Shape(Hold).one(),
        "rollout": _ROLLOUT.one(),
    },
    live={"layers", "statements", "aliases", "versions", "measured", "settled", "obstacle"},
)


def freeze(target: Target, memo: Memo) -> tuple[Any, ...]:
    """A target as plain data. What targets share stays shared, by way of the memo of one run."""
    data = _TARGET.freeze(target, memo)
    assert data is not None  # noqa: S101 - only None has none
    return data


def thaw(data: tuple[Any, ...], memo: Memo) -> Target:
    """The target that was frozen. The memo is that of one run and keeps what it knows alive."""
    target = _TARGET.thaw(data, memo)
    assert target is not None  # noqa: S101
    return target
