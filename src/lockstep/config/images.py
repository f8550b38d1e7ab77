"""From checked values of ``lockstep.yaml`` to the container image of a service, and how it is built."""

import posixpath
from collections.abc import Mapping
from typing import Any

from lockstep.config import templates
from lockstep.config.source_paths import Report, check_inside, check_taken, source_folder
from lockstep.config.yaml_reader import Document
from lockstep.model.source import Image, ImageBuild, ImageBuilder, Pinning

__all__ = ["read_image"]

_TAKES: Mapping[str, frozenset[str]] = {
    "docker": frozenset({"file", "target", "args"}),
    "buildx": frozenset({"file", "target", "args", "platforms"}),
    "ko": frozenset({"platforms", "main"}),
    "pack": frozenset({"args", "using"}),
    "command": frozenset({"command"}),
}
_ALWAYS = frozenset({"builder", "path"})


def read_image(
    document: Document,
    path: tuple[str | int, ...],
    service: str,
    given: Mapping[str, Any],
    paths: tuple[str, ...],
    wrong: Report,
) -> Image | None:
    """The image that releases and promotions ask for; None where nobody asks. ``paths`` are the source's."""
    if not given.get("exists") or not given.get("repository"):
        return None
    said = {"repository": given["repository"], "tag": given.get("tag") or "{version}"}
    names = {"service": service, "version": "{version}"}
    for key, text in said.items():
        try:
            said[key] = templates.fill(text, names)
        except templates.TemplateError as error:
            wrong((*path, key), error.problem, error.fix)
    if "{version}" not in said["tag"]:
        wrong((*path, "tag"), "the tag holds no {version}", 'write for example "v{version}"')
    if "{" in said["repository"]:
        wrong((*path, "repository"), "a repository has no version", "write {service} or a name")
    pin: str = given.get("pin") or ""
    is_key = "." in pin
    return Image(
        **said,
        build=_build(document, (*path, "build"), given["build"], paths, wrong)
        if given.get("build")
        else None,
        pin=Pinning.KEY if is_key else Pinning(pin) if pin else None,
        digest_key=tuple(pin.split(".")) if is_key else None,
        place=f"{document.file}:{document.line(path)}",
    )


def _build(
    document: Document,
    path: tuple[str | int, ...],
    given: Mapping[str, Any],
    paths: tuple[str, ...],
    wrong: Report,
) -> ImageBuild | None:
    builder = given.get("builder")
    if builder is None:
        return None  # told already
    check_taken(builder, given, _TAKES[builder] | _ALWAYS, path, wrong)
    is_command = builder == ImageBuilder.COMMAND
    if is_command and not given.get("command"):
        wrong(path, "the builder command has no command", 'add command: what pushes "$LOCKSTEP_IMAGE"')
    folder = given.get("path")
    if not folder:
        folder = "." if is_command else source_folder(paths, path, wrong, is_packed=True)
    check_inside(folder, (*path, "path"), wrong)
    for name in ("file", "main"):
        if given.get(name):
            check_inside(given[name], (*path, name), wrong)
    return ImageBuild(
        builder=ImageBuilder(builder),
        path=posixpath.normpath(folder),
        file=given.get("file"),
        target=given.get("target"),
        args={name: text for name, text in (given.get("args") or {}).items() if text is not None},
        platforms=tuple(given.get("platforms") or ()),
        main=given.get("main"),
        using=given.get("using"),
        command=given.get("command"),
        place=f"{document.file}:{document.line(path)}",
    )
