"""HTTP, below those that use it: which URLs may be used, proxies, certificates, what went wrong.

Messages name scheme, host and path only: a presigned URL's query is a secret.

From the environment: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``; the certificate authorities'
file in ``SSL_CERT_FILE``, ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE`` (else the system's).
"""

import ipaddress
import logging
import os
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from lockstep._version import __version__
from lockstep.errors import BadInput

__all__ = ["USER_AGENT", "check_url", "headers_of", "manager", "origin", "shown", "trouble", "trouble_of_tls"]

USER_AGENT = f"lockstep/{__version__}"

# Both write whole URLs, queries included, when they retry.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
logging.getLogger("urllib3.util.retry").setLevel(logging.ERROR)


def check_url(url: str, *, where: str | None = None, may_be_plain: bool = False, flag: str = "") -> str:
    """Return the URL when it may be used: https, or http to this machine; BadInput otherwise.

    With ``may_be_plain`` http may go to every host; ``flag`` is what a user says that by.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadInput(f"{shown(url)} is not a URL", where=where, fix="check it for typing errors") from None
    if any(character.isspace() or not character.isprintable() for character in url) or not host:
        raise BadInput(f"{shown(url)} is not a URL", where=where, fix="write https://host/path")
    is_plain = parts.scheme == "http" and (may_be_plain or _is_loopback(host))
    if parts.scheme != "https" and not is_plain:
        fix = "write https://host/path"
        if flag and parts.scheme == "http":
            fix += f", or add {flag} where nobody else listens on the way"
        raise BadInput(f"{shown(url)} is not an https URL", where=where, fix=fix)
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


def manager(url: str) -> urllib3.PoolManager:
    """The connections that a URL goes through, with proxy and certificates from the environment."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme) or getproxies().get("all")
    if proxy and proxy_bypass(parts.netloc.rpartition("@")[2]):
        proxy = None
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    files = [value for name in names if (value := os.environ.get(name)) and Path(value).is_file()]
    return _pool(proxy, files[0] if files else None)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: whom a token is sent to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def headers_of(response: urllib3.BaseHTTPResponse) -> dict[str, str]:
    """The headers of an answer, names in lower case."""
    return {name.lower(): value for name, value in response.headers.items()}


def trouble(error: Exception) -> tuple[str, str]:
    """What is wrong, and what to do about it, when a server could not be spoken with."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    match reason:
        case NameResolutionError():
            what, fix = "there is no such host", "check the URL and the network"
        case SSLError():
            what, fix = trouble_of_tls(reason)
        case ProxyError():
            what, fix = "the proxy refused", "check HTTPS_PROXY and NO_PROXY"
        case ConnectTimeoutError() | NewConnectionError():
            what, fix = "the host cannot be reached", "check the URL, the network and HTTPS_PROXY"
        case _:
            what, fix = f"the connection broke ({type(reason).__name__})", "run again"
    return what, fix


def trouble_of_tls(error: Exception) -> tuple[str, str]:
    """What is wrong when no encrypted connection came about, by OpenSSL's words, and what to do."""
    said = str(error).replace("_", " ").lower()
    if any(words in said for words in ("wrong version number", "packet length too long", "http request")):
        return (
            "the host answers without TLS at that port",
            "name the port that speaks https, and check HTTPS_PROXY",
        )
    if "certificate" in said or "hostname" in said:
        return (
            "the host's certificate is not trusted",
            "name the certificate authority's file in SSL_CERT_FILE, or AWS_CA_BUNDLE for AWS",
        )
    return (
        "the encrypted connection with the host failed",
        "run again; if it stays so, check HTTPS_PROXY, and which versions of TLS the host speaks",
    )


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


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
