"""From checked values of ``lockstep.yaml`` to promotion policies, sources and the forge."""

import datetime
import posixpath
from collections.abc import Mapping
from typing import Any

from lockstep.config import templates
from lockstep.config.delivery_schema import DAYS
from lockstep.config.durations import duration
from lockstep.config.images import read_image
from lockstep.config.source_paths import Report, check_inside, check_taken, source_folder
from lockstep.config.yaml_reader import Document
from lockstep.model import Build, Builder, ForgeSettings, Freeze, Merge, Promotion, Source, Sources
from lockstep.model.source import Origin

__all__ = ["read_promotion", "read_sources_of"]

_BUILDERS: Mapping[str, frozenset[str]] = {
    "python": frozenset({"runtime", "requirements", "layer", "include", "exclude"}),
    "node": frozenset({"runtime", "script", "output", "layer", "include", "exclude"}),
    "dotnet": frozenset({"runtime", "project", "include", "exclude"}),
    "command": frozenset({"runtime", "command", "output", "layer", "include", "exclude"}),
    "prebuilt": frozenset({"runtime", "output", "layer", "include", "exclude"}),
}
_ALWAYS = frozenset({"builder", "path", "architecture"})
_PACKS_OUTPUT = frozenset({"command", "prebuilt"})  # of which only the output is packed


def read_promotion(
    document: Document, environment: str, given: Mapping[str, Any], names: frozenset[str], wrong: Report
) -> Promotion:
    """The policy of an environment; ``names`` are the environments that it may take versions from."""
    path = ("environments", environment, "promotion")
    source = given.get("from")
    if source is not None and (source == environment or source not in names):
        others = ", ".join(sorted(names - {environment, "preview"})) or "none"
        wrong((*path, "from"), f"{source!r} is no environment to promote from", f"there are: {others}")
    soak = duration(given.get("soak")) or 0
    if soak and source is None:
        wrong((*path, "soak"), "soak without from: nothing says where", "add from: an environment")
    is_automatic = bool(given.get("auto"))
    if is_automatic and source is None:
        wrong((*path, "auto"), "auto without from: nothing says which versions", "add from: an environment")
    return Promotion(
        merge=Merge(given.get("merge") or "review"),
        source=source,
        soak=soak,
        is_automatic=is_automatic,
        freezes=tuple(
            _freeze(document, (*path, "freeze", number), one, wrong)
            for number, one in enumerate(given.get("freeze") or ())
            if one is not None
        ),
        hold=given.get("hold"),
        place=f"{document.file}:{document.line(path)}",
    )


def _freeze(
    document: Document, path: tuple[str | int, ...], given: Mapping[str, Any], wrong: Report
) -> Freeze:
    days = tuple(sorted({DAYS.index(day) for day in given.get("days") or () if day in DAYS}))
    start, end = given.get("from"), given.get("to")
    clocks = [text for text in (start, end) if text is not None and len(text) == 5]
    if days:
        if len(clocks) != len([text for text in (start, end) if text is not None]):
            wrong(path, "a weekly freeze takes times of day", 'write from: "16:00" and to: "08:00"')
    elif start is None or end is None or clocks:
        wrong(path, "a freeze has days, or a date in from and to", "add days: [fri], or both dates")
    elif not _is_before(start, end):
        wrong(path, f"the freeze ends ({end}) before it begins ({start})", "exchange from and to")
    return Freeze(
        days=days,
        start=start or "00:00",
        end=end or "24:00",
        timezone=given.get("timezone") or "UTC",
        reason=given.get("reason"),
        place=f"{document.file}:{document.line(path)}",
    )


def _is_before(start: str, end: str) -> bool:
    try:
        first, last = (datetime.datetime.fromisoformat(text) for text in (start, end))
    except ValueError:  # such as the 31st of February
        return False
    return first < last or (len(end) == 10 and first.date() <= last.date())


def read_sources_of(document: Document, values: Mapping[str, Any], wrong: Report) -> Sources:
    """``forge`` and ``services`` of a checked project file."""
    services = values.get("services") or {}
    return Sources(
        services={name: _source(document, name, given or {}, wrong) for name, given in services.items()},
        forge=_forge(document, values.get("forge") or {}),
        origin=_origin(document, values.get("source") or {}),
        file=document.file,
    )


def _forge(document: Document, given: Mapping[str, Any]) -> ForgeSettings:
    said = {key: value for key, value in given.items() if value is not None}
    return ForgeSettings(**said, place=f"{document.file}:{document.line(('forge',))}")


def _origin(document: Document, given: Mapping[str, Any]) -> Origin:
    said = {key: value for key, value in given.items() if value is not None}
    return Origin(**said, place=f"{document.file}:{document.line(('source',))}")


def _source(document: Document, name: str, given: Mapping[str, Any], wrong: Report) -> Source:
    path: tuple[str | int, ...] = ("services", name)
    tag = given.get("tag") or "{service}-v{version}"
    try:
        tag = templates.fill(tag, {"service": name, "version": "{version}"})
    except templates.TemplateError as error:
        wrong((*path, "tag"), error.problem, error.fix)
    if "{version}" not in tag:
        wrong((*path, "tag"), "the tag holds no {version}", 'write for example "{service}-v{version}"')
    paths = tuple((given.get("source") or {}).get("paths") or ())
    for number, text in enumerate(paths):
        check_inside(text, (*path, "source", "paths", number), wrong)
    key = given.get("versionKey")
    return Source(
        service=name,
        paths=tuple(posixpath.normpath(text) for text in paths if text),
        tag=tag,
        build=_build(document, (*path, "build"), given["build"], paths, wrong)
        if given.get("build")
        else None,
        image=read_image(document, (*path, "image"), name, given.get("image") or {}, paths, wrong),
        version_key=tuple(key.split(".")) if key else None,
        place=f"{document.file}:{document.line(path)}",
    )


def _build(
    document: Document,
    path: tuple[str | int, ...],
    given: Mapping[str, Any],
    paths: tuple[str, ...],
    wrong: Report,
) -> Build | None:
    builder = given.get("builder")
    if builder is None:
        return None  # told already
    check_taken(builder, given, _BUILDERS[builder] | _ALWAYS, path, wrong)
    folder = given.get("path") or source_folder(paths, path, wrong, is_packed=builder not in _PACKS_OUTPUT)
    check_inside(folder, (*path, "path"), wrong)
    for name in ("requirements", "project", "output"):
        if given.get(name):
            check_inside(given[name], (*path, name), wrong)
    if builder == "command" and not given.get("command"):
        wrong(path, "the builder command has no command", "add command: what makes the package")
    if builder in _PACKS_OUTPUT and not given.get("output"):
        wrong(path, f"the builder {builder} has no output", "add output: the folder or zip to pack")
    if builder == "python" and not given.get("runtime"):
        wrong(path, "the builder python needs the function's runtime", "add runtime: python3.13")
    return Build(
        builder=Builder(builder),
        path=posixpath.normpath(folder),
        runtime=given.get("runtime"),
        architecture=given.get("architecture") or "x86_64",
        requirements=given.get("requirements"),
        project=given.get("project"),
        script=given.get("script"),
        command=given.get("command"),
        output=given.get("output"),
        is_layer=bool(given.get("layer")),
        include=tuple(given.get("include") or ()),
        exclude=tuple(given.get("exclude") or ()),
        place=f"{document.file}:{document.line(path)}",
    )
