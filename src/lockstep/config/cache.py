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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockstep._version import __version__
from lockstep.model import Code, Function, Hold, Reference, Release, Secret, Target, Trigger, Value

__all__ = ["Cache", "Memo", "Record", "freeze", "thaw"]

Record = tuple[str, str | None, tuple[Any, ...] | None]
"""Stamp of the contents, note, and the frozen target (None: the candidate is no target)."""

Memo = dict[int, tuple[Any, Any]]
"""By identity: the object itself, which keeps the identity alive, and what it was turned into."""

_FORMAT = 3
_DIGEST = 32  # bytes


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


def freeze(target: Target, memo: Memo) -> tuple[Any, ...]:
    """A target as plain data. What targets share stays shared, by way of the memo of one run."""
    function, release, hold = target.function, target.release, target.hold
    return (
        target.environment,
        target.service,
        target.deployment_type,
        target.version,
        target.commit,
        None if function is None else _freeze_function(function, memo),
        None if release is None else _freeze_release(release),
        tuple((t.bucket, t.prefix, t.suffix, t.events, t.place) for t in target.triggers),
        target.ignore,
        target.adopt,
        target.place,
        None if hold is None else (hold.version, hold.since, hold.by, hold.reason, hold.place),
    )


def thaw(data: tuple[Any, ...], memo: Memo) -> Target:
    """The target that was frozen. The memo is that of one run and keeps what it knows alive."""
    environment, service, kind, version, commit, function, release, triggers, ignore, adopt, place, hold = (
        data
    )
    return Target(
        environment=environment,
        service=service,
        deployment_type=kind,
        version=version,
        commit=commit,
        function=None if function is None else _thaw_function(function, memo),
        release=None if release is None else _thaw_release(service, version, commit, release),
        triggers=tuple(
            [Trigger(bucket=b, prefix=p, suffix=s, events=e, place=at) for b, p, s, e, at in triggers]
        ),
        ignore=ignore,
        adopt=adopt,
        place=place,
        hold=None if hold is None else _thaw_hold(*hold),
    )


def _thaw_hold(version: str | None, since: str, by: str, reason: str | None, place: str) -> Hold:
    return Hold(version=version, since=since, by=by, reason=reason, place=place)


def _freeze_function(function: Function, memo: Memo) -> tuple[Any, ...]:
    settings = function.settings
    known = memo.get(id(settings))
    if known is None:
        known = memo[id(settings)] = (settings, _freeze_settings(settings))
    return function.name, known[1], function.code.image, function.tags


def _freeze_settings(settings: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Any]]:
    plain: dict[str, Any] = dict(settings)
    environment = plain.get("environment")
    if not isinstance(environment, Mapping):
        return plain, {}
    odd = {name: _freeze_value(value) for name, value in environment.items() if not isinstance(value, str)}
    plain["environment"] = {name: "" if name in odd else value for name, value in environment.items()}
    return plain, odd


def _thaw_function(data: tuple[Any, ...], memo: Memo) -> Function:
    name, frozen, image, tags = data
    known = memo.get(id(frozen))
    if known is None:
        known = memo[id(frozen)] = (frozen, _thaw_settings(*frozen))
    return Function(name=name, settings=known[1], code=Code(image=image) if image else _NO_CODE, tags=tags)


def _thaw_settings(plain: dict[str, Any], odd: dict[str, Any]) -> dict[str, Value]:
    if not odd:
        return plain
    environment = {
        name: _thaw_value(odd[name]) if name in odd else value for name, value in plain["environment"].items()
    }
    return {**plain, "environment": environment}


_NO_CODE = Code()


def _freeze_value(value: Any) -> tuple[str, str]:
    match value:
        case Reference(store=store, name=name):
            return store, name
        case Secret(value=str() as text):
            return "", text
        case _:
            raise TypeError(f"a desired environment variable is {type(value).__name__}")


def _thaw_value(data: tuple[str, str]) -> Reference | Secret:
    store, text = data
    return Reference(store=store, name=text) if store else Secret(text)


def _freeze_release(release: Release) -> tuple[Any, ...]:
    return release.source, release.options, release.sha256, release.staged_key, release.place


def _thaw_release(service: str, version: str, commit: str | None, data: tuple[Any, ...]) -> Release:
    source, options, sha256, staged_key, place = data
    return Release(
        service=service,
        version=version,
        source=source,
        options=options,
        commit=commit,
        sha256=sha256,
        staged_key=staged_key,
        place=place,
    )
