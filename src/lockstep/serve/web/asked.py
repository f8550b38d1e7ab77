"""What is asked in an address or a form, within bounds, and answers in JSON."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lockstep.model.foreign import read_json
from lockstep.render.wire import dump
from lockstep.serve.web.intake import Intake
from lockstep.serve.web.visitor import visitor

__all__ = ["answer", "document_of", "form_of", "number_of", "query_of"]

_LONGEST = 200
_FORMS = Intake(65_536, at_once=100)


def query_of(asked: Mapping[str, str]) -> str:
    """The words to search for."""
    return asked.get("q", "")[:_LONGEST]


def number_of(asked: Mapping[str, str], name: str = "page") -> int:
    """A number from 1 on; 1 for anything else."""
    text = asked.get(name, "1")
    return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 10 else 1


def answer(document: Mapping[str, Any], status: int = 200) -> Response:
    """A document as JSON."""
    return Response(dump(document), status, media_type="application/json")


async def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a form of ours, each once; HTTPException for one that no page of ours has sent."""
    body = await _FORMS.body(request)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise HTTPException(400, "it is no form") from None
    given = fields.get("csrf", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, visitor().csrf.encode()):
        raise HTTPException(
            403, "the form is not this session's: load the page again, and send it from there"
        )
    return fields


async def document_of(request: Request, names: Sequence[str]) -> dict[str, Any]:
    """An object in JSON with some of these names; HTTPException for anything else.

    Its content type is one that no form of another site can have without asking first.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send application/json")
    body = await _FORMS.body(request)
    try:
        document = read_json(body.decode())
    except ValueError:
        raise HTTPException(400, "it is no JSON") from None
    if not isinstance(document, dict) or not document.keys() <= {*names}:
        raise HTTPException(400, f"send an object with some of {', '.join(names)}")
    return document
