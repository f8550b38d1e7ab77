"""``pr.yaml``: what makes a folder a preview, read and written; and files that every preview gets.

Its keys are named as those of Argo CD's pull request generator, so that a template works with that one
and with the git files generator.
"""

import datetime
import re
from collections.abc import Mapping
from typing import Any

from lockstep.config.durations import duration
from lockstep.config.edit import Change, edit
from lockstep.config.yaml_reader import Document, parse
from lockstep.errors import BadInput
from lockstep.model.preview import Preview

__all__ = ["edit_preview", "fill_known", "read_preview"]

_SHA = re.compile(r"[0-9a-f]{40}\Z")
# One of our names in braces of its own: not {{pr}}, which other tools fill in, and not ${pr}.
_NAME = re.compile(rb"(?<![{$])\{(pr|env|service|version)\}(?!\})")


def read_preview(data: bytes, file: str, number: int) -> Preview:
    """What ``pr-{number}/pr.yaml`` says. An empty file is a preview of which nothing more is known.

    BadInput for a file that names another pull request, and for times that are none.
    """
    document = parse(data, file)
    values = document.value
    if not isinstance(values, dict):
        return Preview(number=number, place=f"{file}:1")
    said = values.get("number")
    if said is not None and str(said) != str(number):
        raise BadInput(
            f"number is {said!r} in the folder of pull request {number}",
            where=_place(document, "number"),
            fix=f'write number: "{number}", or move the folder',
        )
    sha = values.get("head_sha")
    return Preview(
        number=number,
        sha=sha if isinstance(sha, str) and _SHA.match(sha) else None,
        created=_moment(document, values, "created"),
        updated=_moment(document, values, "updated"),
        ttl=_ttl(document, values),
        warned=_moment(document, values, "warned"),
        place=f"{file}:{document.line()}",
    )


def _place(document: Document, key: str) -> str:
    return f"{document.file}:{document.line((key,))}"


def _moment(document: Document, values: Mapping[str, Any], key: str) -> str | None:
    """A time with its offset, as text."""
    value = values.get(key)
    if value is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(
            f"{key} is {value!r}, which is no time with an offset",
            where=_place(document, key),
            fix=f'write {key}: "2026-11-24T09:30:00+00:00", or remove it',
        )
    return str(value)


def _ttl(document: Document, values: Mapping[str, Any]) -> int | None:
    value = values.get("ttl")
    try:
        return duration(value if value is None else str(value))
    except ValueError:
        raise BadInput(
            f"ttl is {value!r}",
            where=_place(document, "ttl"),
            fix="write a number and s, m, h or d: 30m, 24h, 14d",
        ) from None


def edit_preview(data: bytes, preview: Preview, file: str, *, ttl: str | None = None) -> bytes:
    """``pr.yaml`` with what a preview says now; other keys and comments stay.

    ``ttl`` is as people write it; None leaves the one that is there.
    """
    changes: dict[tuple[str, ...], Change] = {
        ("number",): str(preview.number),
        ("head_sha",): preview.sha,
        ("head_short_sha",): preview.sha[:7] if preview.sha else None,
        ("created",): preview.created,
        ("updated",): preview.updated,
        ("warned",): preview.warned,
    }
    if ttl is not None:
        changes["ttl",] = ttl
    return edit(data, changes, file=file)


def fill_known(data: bytes, names: Mapping[str, str], file: str) -> bytes:
    """A file with ``{pr} {env} {service} {version}`` filled in, and nothing else touched.

    What other tools fill in (``{{ pr }}``, ``{{pr}}``, ``${version}``) stays, and so does every other
    brace. BadInput for one of our names that this file cannot have.
    """

    def put(match: re.Match[bytes]) -> bytes:
        name = match[1].decode("ascii")
        if name not in names:
            line = data.count(b"\n", 0, match.start()) + 1
            raise BadInput(
                f"{{{name}}} is of one service, and this file is written once for a preview",
                where=f"{file}:{line}",
                fix="put {service} into the file's name: then it is written for each service",
            )
        return names[name].encode()

    return _NAME.sub(put, data)
