"""Which host and path the URL of a repository names, as git and ssh read it."""

import os
import re
import shlex
import subprocess
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from lockstep.children import Child, environment_of
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Address", "address_of", "real_host"]

_SCP = regex(r"(?!-)(?:[^@/:\s]+@)?(?P<host>[\w][\w.-]*|\[[0-9A-Fa-f:.]+\]):(?P<path>.+)")
_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A repository on a server."""

    host: str  # in lower case, without a dot at its end
    path: str  # without slashes around it and without .git
    port: int | None = None
    is_ssh: bool = False


def address_of(url: str) -> Address | None:
    """Read a URL or the ``user@host:path`` of ssh; None for a folder and for what is no URL.

    ``insteadOf`` has to be applied already.
    """
    if "://" in url:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        scheme = parts.scheme.lower()
        if scheme not in ("https", "http", "ssh") or not host:
            return None
        return Address(host=_name(host), path=_path(unquote(parts.path)), port=port, is_ssh=scheme == "ssh")
    found = _SCP.fullmatch(url)
    if found is None:
        return None
    return Address(host=_name(found["host"].strip("[]")), path=_path(found["path"]), is_ssh=True)


def real_host(host: str) -> str:
    """The host that ssh connects to for a name: another one where its configuration says so.

    ssh itself is asked, as git calls it; the name as it is when there is no ssh. Nothing is connected to.
    """
    try:
        command = shlex.split(os.environ.get("GIT_SSH_COMMAND") or os.environ.get("GIT_SSH") or "ssh")
    except ValueError:  # a quote that is not closed
        return host
    if host.startswith("-") or not command or PurePath(command[0]).name != "ssh":
        return host
    try:
        answer = subprocess.run(
            [*command, "-G", host],
            env=environment_of(Child.GIT),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return host
    found = re.search(r"^hostname (\S+)$", answer.stdout.decode("utf-8", "replace"), re.MULTILINE)
    return _name(found[1]) if found else host


def _name(host: str) -> str:
    return host.lower().removesuffix(".")


def _path(text: str) -> str:
    return re.sub(r"\.git\Z", "", text.strip("/"), flags=re.IGNORECASE).rstrip("/")
