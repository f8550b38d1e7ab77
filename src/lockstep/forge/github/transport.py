"""One request to GitHub: tried again where that is safe, and waiting where GitHub asks for it."""

import logging
import time
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
)

from lockstep.errors import ForgeError
from lockstep.forge.github.answer import Answer
from lockstep.forge.github.pace import Clock, Pace, asked_to_wait, backoff
from lockstep.waiting import BYTES, request_seconds, run_within
from lockstep.web import USER_AGENT, headers_of, manager, origin, shown, trouble

__all__ = ["Transport", "Uncertain"]

_ATTEMPTS = 4
_PASSING = frozenset({500, 502, 503, 504})  # GitHub's own failures; the next attempt may work
_NOT_SENT = (ConnectTimeoutError, NewConnectionError, NameResolutionError, ProxyError)
_log = logging.getLogger(__name__)


class Uncertain(ForgeError):
    """A write whose answer was lost: it may have been done or not. Look before doing it again."""


class Transport:
    """Sends requests; several threads may share it.

    ``patience`` is how many seconds one call waits for rate limits altogether; ``seconds`` how many one
    request and its answer may take, an upload a second more for each 100 KB. Besides, time-outs are 10 s
    to connect and 60 s without a byte.
    """

    def __init__(
        self, *, clock: Clock | None = None, patience: float = 180, seconds: float | None = None
    ) -> None:
        self.clock = clock or Clock()
        self.patience = patience
        self._seconds = request_seconds() if seconds is None else seconds
        self._pace = Pace(self.clock)

    def send(
        self,
        method: str,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | Path | None = None,
        is_safe: bool,
        is_write: bool,
    ) -> Answer:
        """Send a request to the URL's host and to no other, and return the answer, errors included.

        ``is_safe`` says that doing it twice does no harm: it is then tried again after a broken
        connection or a failure of GitHub's. ``is_write`` makes it take its turn among the writes.
        Raises Uncertain where it is not safe, and ForgeError when GitHub cannot be reached or its rate
        limit asks for more patience than there is.
        """
        limited, waited, failed = 0, 0.0, 0
        while True:
            try:
                with self._pace.write() if is_write else nullcontext():
                    answer = self._in_time(method, url, token, headers or {}, body, is_safe=is_safe)
            except HTTPError as error:
                failed += 1
                is_unsent = isinstance(error, _NOT_SENT)
                if failed < _ATTEMPTS and (is_safe or is_unsent):
                    self.clock.sleep(backoff(failed))
                    continue
                what, fix = trouble(error)
                raise (ForgeError if is_safe or is_unsent else Uncertain)(
                    f"{shown(url)}: {what}", fix=fix
                ) from None
            wait = asked_to_wait(answer, now=self.clock.now(), tried=limited)
            if wait is not None:
                limited += 1
                waited += wait
                if waited > self.patience:
                    raise self._exhausted(answer, wait, is_known=token is not None)
                _log.warning("GitHub's rate limit: waiting %.0f s", wait)
                self.clock.sleep(wait)
                continue
            if answer.status in _PASSING:
                failed += 1
                if is_safe and failed < _ATTEMPTS:
                    self.clock.sleep(backoff(failed))
                    continue
                problem = f"GitHub answered {answer.status}" + (f" {failed} times" if failed > 1 else "")
                raise (ForgeError if is_safe else Uncertain)(
                    problem, fix="run again later; githubstatus.com tells of incidents"
                )
            return answer

    def _in_time(
        self,
        method: str,
        url: str,
        token: str | None,
        headers: Mapping[str, str],
        body: bytes | Path | None,
        *,
        is_safe: bool,
    ) -> Answer:
        """Send once. Raises as ``send`` when the whole answer takes too long."""
        size = body.stat().st_size if isinstance(body, Path) else len(body or b"")
        seconds = self._seconds + size / BYTES

        def late() -> ForgeError:
            return (ForgeError if is_safe else Uncertain)(
                f"{shown(url)}: no whole answer within {seconds:.3g} s",
                fix="run again; LOCKSTEP_REQUEST_TIMEOUT gives each request more time",
            )

        what = f"{method} {shown(url)}"
        return run_within(seconds, lambda: self._once(method, url, token, headers, body), what, late)

    def _once(
        self, method: str, url: str, token: str | None, headers: Mapping[str, str], body: bytes | Path | None
    ) -> Answer:
        """Send once; a GET follows redirects, but only on the same host."""
        sent = {"User-Agent": USER_AGENT, **headers}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        address = url
        for _ in range(4):
            began = time.monotonic()
            response = _open(method, address, sent, body)
            found = headers_of(response)
            took = time.monotonic() - began
            _log.debug("%s %s: %d, %.2f s", method, shown(address), response.status, took)
            if response.status not in (301, 302, 307, 308) or "location" not in found:
                return Answer(status=response.status, headers=found, body=response.data)
            target = urljoin(address, found["location"])
            if method != "GET":
                raise ForgeError(
                    f"{shown(url)} has moved",
                    fix="the repository was renamed or transferred: use its new name",
                )
            if origin(target) != origin(url):
                raise ForgeError(
                    f"{shown(url)} redirects to another host, {shown(target)}, which gets no token",
                    fix="set GITHUB_API_URL to the API's own URL",
                )
            address = target
        raise ForgeError(f"{shown(url)} redirects too often", fix="check GITHUB_API_URL")

    def _exhausted(self, answer: Answer, wait: float, *, is_known: bool) -> ForgeError:
        until = datetime.fromtimestamp(self.clock.now() + wait, tz=UTC)
        kind = "rate limit"
        if answer.headers.get("x-ratelimit-remaining") != "0":
            kind = "secondary rate limit (too many requests at a time)"
        fix = "run again then, or use a token that fewer jobs share, such as a GitHub App's"
        if not is_known:
            fix = "set GITHUB_TOKEN: with a token the limit is higher"
        return ForgeError(f"GitHub's {kind} is used up until {until:%H:%M} UTC", fix=fix)


def _open(
    method: str, address: str, headers: Mapping[str, str], body: bytes | Path | None
) -> urllib3.BaseHTTPResponse:
    options: dict[str, Any] = {
        "redirect": False,
        "retries": False,
        "timeout": urllib3.Timeout(connect=10, read=60),
    }
    pool = manager(address)
    if not isinstance(body, Path):
        return pool.urlopen(method, address, body=body, headers=headers, **options)
    with body.open("rb") as file:
        size = str(body.stat().st_size)
        return pool.urlopen(
            method, address, body=file, headers={**headers, "Content-Length": size}, **options
        )
