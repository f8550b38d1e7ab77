"""Where the package of a version comes from and under which key it is staged."""

import posixpath
from collections.abc import Mapping
from typing import Any

from lockstep.config.context import Context
from lockstep.config.schema import ARTIFACT_OPTIONS, leaf
from lockstep.config.shapes import problem_of
from lockstep.config.templates import has_template
from lockstep.model import Code, Release
from lockstep.model.pin import read_pin

__all__ = ["read_published", "read_release"]


def read_release(
    context: Context, block: Mapping[str, Any], version: str, commit: str | None, place: str
) -> Release | None:
    """The release of a zip function; None for images. Problems are noted in the context.

    ``lambda.s3Key`` wins over everything: the package already lies in S3. Otherwise ``lambda.artifact``
    is laid on the project's ``artifacts``; with another source it stands alone.
    """
    if block.get("image") is not None:
        return None
    found = _from_key(context, block["s3Key"], block) if block.get("s3Key") else _from_source(context, block)
    if found is None:
        return None
    source, options = found
    pin, outlived = _pins(context, block.get("sha256"), version)
    return Release(
        service=context.candidate.service,
        version=version,
        source=source,
        options=options,
        commit=commit,
        sha256=pin,
        outlived=outlived,
        staged_key=_staged_key(context),
        place=place,
    )


def read_published(context: Context, block: Mapping[str, Any], version: str) -> Code:
    """What of the code of a published version is declared beside its number: the pin, or an image's digest.

    A tag is none: the number says which image it was.
    """
    image = block.get("image")
    pin, _ = _pins(context, block.get("sha256"), version)
    return Code(sha256=pin, image=image if image and "@sha256:" in image else None)


def _pins(context: Context, text: str | None, version: str) -> tuple[str | None, str | None]:
    """The digest that a pin asks for; or that of one of another version, which does not count."""
    pin = read_pin(text) if text else None
    if pin is None:
        return None, None
    if pin.is_of(version):
        return pin.sha256, None
    named = f"is the pin of {pin.version}" if pin.version != version else "was written for another version"
    context.note(
        ("lambda", "sha256"),
        f"lambda.sha256 {named} and does not count for {version}; "
        "remove the line, or let 'lockstep promote' write the pin with the version",
    )
    return None, pin.sha256


def _from_key(context: Context, key: str, block: Mapping[str, Any]) -> tuple[str, dict[str, str]] | None:
    options = _merged(context, block)
    is_s3 = options.pop("source", None) == "s3"
    packages = context.file.project.packages_for(context.candidate.environment)
    bucket = (options.get("bucket") if is_s3 else None) or (packages.name if packages else None)
    if bucket is None:
        context.wrong(
            ("lambda", "s3Key"),
            "s3Key is declared, and no bucket that holds it",
            "add 'packages: {bucket: name}' to lockstep.yaml",
        )
        return None
    if key.startswith(("/", "s3:")) or len(key.encode()) > 1024:
        context.wrong(
            ("lambda", "s3Key"),
            f"{key!r} is no key of a package",
            "write the key alone, without s3:// and bucket",
        )
    return "s3", {**(options if is_s3 else {}), "bucket": bucket, "key": key}


def _from_source(context: Context, block: Mapping[str, Any]) -> tuple[str, dict[str, str]] | None:
    options = _merged(context, block)
    source = options.pop("source", None)
    if source is None:
        context.wrong(
            ("lambda",),
            "nothing says where the package comes from",
            "add artifacts: to lockstep.yaml, or lambda.artifact, lambda.s3Key or lambda.image",
        )
        return None
    needed, allowed = ARTIFACT_OPTIONS[source]
    for name in options:
        if name not in needed and name not in allowed:
            known = ", ".join(sorted(needed | allowed))
            context.wrong(
                ("lambda", "artifact", name),
                f"the source {source} has no option {name}",
                f"its options are: {known}",
            )
    for name in sorted(needed - options.keys()):
        context.wrong(
            ("lambda", "artifact"),
            f"the source {source} needs the option {name}",
            f"add {name}: to artifacts in lockstep.yaml or to lambda.artifact",
        )
    path = options.get("path")
    if path is not None and posixpath.normpath(path).startswith(("/", "..")):
        context.wrong(
            ("lambda", "artifact", "path"),
            f"the path {path!r} leaves the repository",
            "write a path inside it",
        )
    return source, options


def _merged(context: Context, block: Mapping[str, Any]) -> dict[str, str]:
    """The project's options, filled in, with the service's on top."""
    own = {key: value for key, value in (block.get("artifact") or {}).items() if value is not None}
    project = context.file.project.artifacts
    if own.get("source", project.get("source")) != project.get("source"):
        return own
    names = context.names()
    filled = {
        key: _filled(context, key, str(value), names) for key, value in project.items() if key not in own
    }
    return {**filled, **own}


def _filled(context: Context, key: str, value: str, names: Mapping[str, str]) -> str:
    """One of the project's options, judged once its templates are filled in."""
    if not has_template(value):
        return value
    where = context.file.place("artifacts", key)
    text = context.fill(value, where, names) or ""
    row = leaf(("artifact", key))
    found = problem_of(row, text) if text and row is not None else None
    if found is not None:
        context.wrong_at(where, f"artifacts.{key}, filled in: {found[0]}", found[1])
    return text


def _staged_key(context: Context) -> str:
    """Key in the package bucket; ``{sha256}`` is filled in when the digest is known."""
    names = {**context.names(), "sha256": "{sha256}"}
    return context.fill(context.file.project.package_key, context.file.place("packages", "key"), names) or ""
