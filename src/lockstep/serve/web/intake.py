"""Bodies that are sent here, within bounds: of length, of time, and of how many there are at once."""

import asyncio
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request

__all__ = ["AGAIN", "Intake"]

_SECONDS = 10.0  # in which a body has to be there
AGAIN: Mapping[str, str] = {"retry-after": "5"}
"""Of an answer that would be another one a little later."""


class Intake:
    """Reads bodies of at most so many bytes, and refuses what would be one too many at a time.

    What they take of the memory together is bounded by that, whoever sends them.
    """

    def __init__(self, most: int, at_once: int) -> None:
        self._most = most
        self._left = at_once

    async def body(self, request: Request) -> bytes:
        """All of a body; HTTPException for one that is too long, too slow or one too many."""
        said = request.headers.get("content-length", "")
        if said.isascii() and said.isdecimal() and (len(said) > 15 or int(said) > self._most):
            raise self._too_long()
        if self._left <= 0:
            raise HTTPException(503, "too much is sent at once", dict(AGAIN))
        self._left -= 1
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._read(request)
        except TimeoutError:
            raise HTTPException(408, f"it was not there within {_SECONDS:g} seconds") from None
        finally:
            self._left += 1

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self._most:
                raise self._too_long()
        return bytes(body)

    def _too_long(self) -> HTTPException:
        return HTTPException(413, f"at most {self._most:,} bytes are read")
