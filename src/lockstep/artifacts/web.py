"""HTTP for the artifact sources: time-outs, patient retries, and tokens that stay at home.

Redirects are followed by hand, so that a token never goes to another host, nor from https to http.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
)
from urllib3.util.retry import Retry

from lockstep.errors import ArtifactError, Unreadable
from lockstep.values import dataclass
from lockstep.waiting import Deadline, is_over, request_seconds, run_within
from lockstep.web import USER_AGENT, check_url, headers_of, manager, origin, shown, trouble

__all__ = ["Answer", "Web"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_AWAY = (NewConnectionError, ConnectTimeoutError)  # names that do not resolve included
_MAX_BODY = 16_000_000  # bytes of an answer that is kept in memory
_MORE = "run again; LOCKSTEP_REQUEST_TIMEOUT gives each request more time"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a server answered in the end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Web:
    """An HTTP client that several threads may share. A host that is away is not asked again.

    ``attempts`` is how often a request is tried; a server that asks to wait longer than ``patience``
    seconds is not waited for. A request with its answer may take ``seconds`` and that, and a download a
    second more for each 100 KB that came; besides, time-outs are 10 s to connect and 30 s without a byte.
    All of them together have the time that ``deadline`` gives. With ``may_be_plain``
    http may go to every host.
    """

    def __init__(
        self,
        *,
        attempts: int = 4,
        patience: float = 60,
        seconds: float | None = None,
        deadline: Deadline | None = None,
        may_be_plain: bool = False,
    ) -> None:
        self._deadline = deadline or Deadline()
        self._may_be_plain = may_be_plain
        self._seconds = patience + (request_seconds() if seconds is None else seconds)
        self._retries = _Retry(
            total=attempts - 1,
            status_forcelist=(500, 502, 503, 504, 429),
            allowed_methods=frozenset({"GET", "HEAD"}),
            backoff_factor=0.3,
            backoff_jitter=0.2,
            raise_on_status=False,
            redirect=False,
        ).patient(patience)
        self._attempts = attempts
        self._away: dict[tuple[str, str, int], Exception] = {}  # by origin

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        body: bytes | None = None,
        wants_body: bool = True,
    ) -> Answer:
        """Send a request and return the answer, whatever its status, with at most 16 MB of its body.

        ``token`` goes to the URL's own host only; ``body`` is sent. Raises Unreadable when the host
        cannot be reached, ArtifactError when it redirects to where it must not.
        """
        return self._in_time(
            url, lambda: self._ask(url, method, headers or {}, token, body, wants_body=wants_body)
        )

    def _ask(
        self,
        url: str,
        method: str,
        headers: Mapping[str, str],
        token: str | None,
        sent: bytes | None,
        *,
        wants_body: bool,
    ) -> Answer:
        response, _ = self._open(method, url, headers, token, sent)
        try:
            body = _read(response, _MAX_BODY) if wants_body and method != "HEAD" else b""
            return Answer(status=response.status, headers=headers_of(response), body=body)
        except HTTPError as error:
            raise _unreachable(url, error) from None
        finally:
            response.close()

    def download(
        self,
        url: str,
        into: Path,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        """Write the body of a 200 answer to a file; begin again when the connection breaks.

        An answer with another status is returned with its body and no file is written. Raises
        ArtifactError as ``ask`` does, and for a body over ``limit`` bytes.
        """
        return self._in_time(url, lambda: self._download(url, into, limit, headers or {}, token))

    def _in_time(self, url: str, work: Callable[[], Answer]) -> Answer:
        """Do it in time, or never ask that host again."""
        left = self._deadline.remaining()

        def late() -> Unreadable:
            if left is not None and left < self._seconds:
                return _unreachable(url, _Late(self._deadline.words, self._deadline.fix))
            error = _Late(f"no whole answer within {self._seconds:.3g} s", _MORE)
            self._away[origin(url)] = error
            return _unreachable(url, error)

        check_url(url, may_be_plain=self._may_be_plain)
        if left is not None and left <= 0:
            raise late()
        return run_within(self._seconds if left is None else min(self._seconds, left), work, shown(url), late)

    def _download(
        self, url: str, into: Path, limit: int, headers: Mapping[str, str], token: str | None
    ) -> Answer:
        for attempt in range(1, self._attempts + 1):
            response, address = self._open("GET", url, headers, token)
            try:
                if response.status != 200:
                    return Answer(
                        status=response.status, headers=headers_of(response), body=_read(response, _MAX_BODY)
                    )
                self._save(response, into, limit=limit, address=address)
                return Answer(status=200, headers=headers_of(response))
            except HTTPError as error:
                if attempt == self._attempts:
                    raise _unreachable(address, error) from None
            finally:
                response.close()
        raise AssertionError("unreachable")

    def _save(self, response: urllib3.BaseHTTPResponse, into: Path, *, limit: int, address: str) -> None:
        size = 0
        with into.open("wb") as file:
            for chunk in response.stream(1 << 16, decode_content=True):
                if is_over():
                    raise _Late("nobody waits for this answer any more", _MORE)
                size += len(chunk)
                if size > limit:
                    raise ArtifactError(
                        f"{shown(address)} is larger than {limit // 2**20} MB",
                        fix="a zip for Lambda may unpack to 250 MB at most; use a container image",
                    )
                file.write(chunk)
                self._deadline.came(len(chunk))

    def _open(
        self, method: str, url: str, headers: Mapping[str, str], token: str | None, body: bytes | None = None
    ) -> tuple[urllib3.BaseHTTPResponse, str]:
        """Send a request, following redirects; return the answer before its body and its URL."""
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        address = url
        for _ in range(_MAX_REDIRECTS + 1):
            check_url(address, may_be_plain=self._may_be_plain)
            if is_over():
                raise _Late("nobody waits for this answer any more", _MORE)
            if (known := self._away.get(origin(address))) is not None:
                raise _unreachable(address, known)
            try:
                response = manager(address).urlopen(
                    method,
                    address,
                    body=body,
                    headers=sent,
                    redirect=False,
                    preload_content=False,
                    retries=self._retries,
                    timeout=urllib3.Timeout(connect=10, read=30),
                )
            except (HTTPError, ValueError) as error:
                if isinstance(error, MaxRetryError) and isinstance(error.reason, _AWAY):
                    self._away[origin(address)] = error
                raise _unreachable(address, error) from None
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response, address
            target = urljoin(address, response.headers["location"])
            response.drain_conn()
            response.release_conn()
            if urlsplit(target).scheme != "https" and urlsplit(address).scheme == "https":
                raise ArtifactError(
                    f"{shown(address)} redirects to {shown(target)}, which is not encrypted",
                    fix="name an https URL",
                )
            if origin(target) != origin(address):
                sent.pop("Authorization", None)
            address = target
        raise ArtifactError(f"{shown(url)} redirects more than {_MAX_REDIRECTS} times", fix="check the URL")


class _Late(Exception):
    """An answer that took too long: how long, and what may be done about it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


class _Retry(Retry):
    """Waits as long as a server asks for, but not longer than ``patience`` seconds."""

    # GitHub's secondary rate limits answer 403 with Retry-After.
    RETRY_AFTER_STATUS_CODES = frozenset({403, 413, 429, 503})
    patience: float = 60

    def patient(self, seconds: float) -> Self:
        """Return the same with another patience."""
        self.patience = seconds
        return self

    def new(self, **changes: Any) -> Self:
        return super().new(**changes).patient(self.patience)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        if response is not None and (self.get_retry_after(response) or 0) > self.patience:
            raise MaxRetryError(_pool, url or "")
        return super().increment(method, url, response, error, _pool, _stacktrace)


def _read(response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    body = b""
    for chunk in response.stream(65536, decode_content=True):
        body += chunk
        if len(body) > limit or is_over():
            break
    return body[:limit]


def _unreachable(url: str, error: Exception) -> Unreadable:
    what, fix = trouble(error)
    if isinstance(error, _Late):
        what, fix = str(error), error.fix
    return Unreadable(f"{shown(url)}: {what}", fix=fix)
