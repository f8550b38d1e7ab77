"""HTTP for the artifact sources: time-outs, patient retries, proxies, and tokens that stay at home.

Redirects are followed by hand, so that a token never goes to another host, nor from https to http.
Messages name scheme, host and path only: a presigned URL's query is a secret.

From the environment: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``; the certificate authorities'
file in ``SSL_CERT_FILE``, ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE`` (else the system's).
"""

import ipaddress
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.util.retry import Retry

from lockstep._version import __version__
from lockstep.errors import ArtifactError, BadInput

__all__ = ["Answer", "Web", "check_url", "shown"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_MAX_BODY = 16_000_000  # bytes of an answer that is kept in memory

# Both write whole URLs, queries included, when they retry.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
logging.getLogger("urllib3.util.retry").setLevel(logging.ERROR)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a server answered in the end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Web:
    """An HTTP client that several threads may share.

    ``attempts`` is how often a request is tried; a server that asks to wait longer than ``patience``
    seconds is not waited for. Time-outs are 10 s to connect and 30 s without a byte.
    """

    def __init__(self, *, attempts: int = 4, patience: float = 60) -> None:
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

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        wants_body: bool = True,
    ) -> Answer:
        """Send a request and return the answer, whatever its status, with at most 16 MB of its body.

        ``token`` goes to the URL's own host only. Raises ArtifactError when the host cannot be reached
        or redirects to where it must not.
        """
        response, _ = self._open(method, url, headers or {}, token)
        try:
            body = _read(response, _MAX_BODY) if wants_body and method != "HEAD" else b""
            return Answer(status=response.status, headers=_headers(response), body=body)
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
        for attempt in range(1, self._attempts + 1):
            response, address = self._open("GET", url, headers or {}, token)
            try:
                if response.status != 200:
                    return Answer(
                        status=response.status, headers=_headers(response), body=_read(response, _MAX_BODY)
                    )
                _save(response, into, limit=limit, address=address)
                return Answer(status=200, headers=_headers(response))
            except HTTPError as error:
                if attempt == self._attempts:
                    raise _unreachable(address, error) from None
            finally:
                response.close()
        raise AssertionError("unreachable")

    def _open(
        self, method: str, url: str, headers: Mapping[str, str], token: str | None
    ) -> tuple[urllib3.BaseHTTPResponse, str]:
        """Send a request, following redirects; return the answer before its body and its URL."""
        sent = {"User-Agent": f"lockstep/{__version__}", "Accept-Encoding": "identity", **headers}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        address = url
        for _ in range(_MAX_REDIRECTS + 1):
            check_url(address)
            try:
                response = _manager(address).urlopen(
                    method,
                    address,
                    headers=sent,
                    redirect=False,
                    preload_content=False,
                    retries=self._retries,
                    timeout=urllib3.Timeout(connect=10, read=30),
                )
            except (HTTPError, ValueError) as error:
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
            if _origin(target) != _origin(address):
                sent.pop("Authorization", None)
            address = target
        raise ArtifactError(f"{shown(url)} redirects more than {_MAX_REDIRECTS} times", fix="check the URL")


def check_url(url: str, *, where: str | None = None) -> str:
    """Return the URL when it may be used: https, or http to this machine; BadInput otherwise."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadInput(f"{shown(url)} is not a URL", where=where, fix="check it for typing errors") from None
    if any(character.isspace() or not character.isprintable() for character in url) or not host:
        raise BadInput(f"{shown(url)} is not a URL", where=where, fix="write https://host/path")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise BadInput(f"{shown(url)} is not an https URL", where=where, fix="write https://host/path")
    if parts.username or parts.password:
        raise BadInput(
            f"the URL of {host} has a user name or password in it",
            where=where,
            fix="take it out: a secret does not belong in Git; use a presigned URL or another source",
        )
    return url


def shown(url: str) -> str:
    """Return the URL without user, query and fragment, for people to read."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
    except ValueError:
        return url.partition("?")[0].rpartition("@")[2]


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


@lru_cache(maxsize=16)
def _pool(proxy: str | None, authorities: str | None) -> urllib3.PoolManager:
    options: dict[str, Any] = {"maxsize": 8, "cert_reqs": "CERT_REQUIRED", "ca_certs": authorities}
    if proxy is None:
        return urllib3.PoolManager(**options)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.username:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=user)
    host = parts.netloc.rpartition("@")[2]
    return urllib3.ProxyManager(f"{parts.scheme}://{host}", **options)


def _manager(url: str) -> urllib3.PoolManager:
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme) or getproxies().get("all")
    if proxy and proxy_bypass(parts.netloc.rpartition("@")[2]):
        proxy = None
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    files = [value for name in names if (value := os.environ.get(name)) and Path(value).is_file()]
    return _pool(proxy, files[0] if files else None)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _headers(response: urllib3.BaseHTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _read(response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    body = b""
    for chunk in response.stream(65536, decode_content=True):
        body += chunk
        if len(body) > limit:
            break
    return body[:limit]


def _save(response: urllib3.BaseHTTPResponse, into: Path, *, limit: int, address: str) -> None:
    size = 0
    with into.open("wb") as file:
        for chunk in response.stream(1 << 20, decode_content=True):
            size += len(chunk)
            if size > limit:
                raise ArtifactError(
                    f"{shown(address)} is larger than {limit // 2**20} MB",
                    fix="a zip for Lambda may unpack to 250 MB at most; use a container image",
                )
            file.write(chunk)


def _unreachable(url: str, error: Exception) -> ArtifactError:
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    match reason:
        case NameResolutionError():
            what, fix = "there is no such host", "check the URL and the network"
        case SSLError():
            what = "the host's certificate is not trusted"
            fix = "name the certificate authority's file in SSL_CERT_FILE"
        case ProxyError():
            what, fix = "the proxy refused", "check HTTPS_PROXY and NO_PROXY"
        case ConnectTimeoutError() | NewConnectionError():
            what, fix = "the host cannot be reached", "check the URL, the network and HTTPS_PROXY"
        case _:
            what, fix = f"the connection broke ({type(reason).__name__})", "run again"
    return ArtifactError(f"{shown(url)}: {what}", fix=fix)
