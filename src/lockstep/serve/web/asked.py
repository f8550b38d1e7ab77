"""What is asked in an address, within bounds, and answers in JSON."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from lockstep.render.wire import dump

__all__ = ["answer", "number_of", "query_of"]

_LONGEST = 200


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
