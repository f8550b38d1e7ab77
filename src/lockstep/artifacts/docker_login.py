"""Credentials for container registries, as ``docker login`` and Docker's credential helpers keep them.

Source: Docker's documentation, "docker login" (credential stores, credential helpers), and the protocol of
docker/docker-credential-helpers: the server's address on stdin, JSON with Username and Secret on stdout.
"""

import base64
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from lockstep.children import Child, environment_of
from lockstep.errors import ArtifactError
from lockstep.model.foreign import read_json

__all__ = ["HUB", "login_for"]

HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_ADDRESS = "https://index.docker.io/v1/"
_SECONDS = 30.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = "credentials not found"
_IDENTITY = "<token>"  # as the user's name: the secret is no password


def login_for(host: str) -> str | None:
    """User and password for a host as ``user:password`` in base64; None where nobody has logged in.

    In Docker's order: the helper of that registry, the store of all, the file itself. Raises
    ArtifactError when a helper that is named cannot be asked.
    """
    folder = os.environ.get("DOCKER_CONFIG")
    try:
        file = Path(folder) if folder else Path.home() / ".docker"
        settings = read_json((file / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):
        return None
    if not isinstance(settings, dict):
        return None
    names = (_HUB_ADDRESS, *HUB) if host in HUB else (host, f"https://{host}")
    helpers = settings.get("credHelpers")
    own = (helpers.get(name) for name in names) if isinstance(helpers, dict) else ()
    helper = next((one for one in own if one), None) or settings.get("credsStore")
    if helper:
        found = _ask(str(helper), names[0])
        if found is not None:
            return found
    return _kept(settings.get("auths"), names)


def _kept(logins: Any, names: tuple[str, ...]) -> str | None:
    """What stands in the file."""
    for name in names if isinstance(logins, dict) else ():
        login = logins.get(name)
        found = login.get("auth") if isinstance(login, dict) else None
        if isinstance(found, str) and found:
            try:
                base64.b64decode(found, validate=True)
            except ValueError:
                return None
            return found
    return None


def _ask(helper: str, address: str) -> str | None:
    """What a helper says; None when it knows no login. What it prints is shown nowhere."""
    program = f"docker-credential-{helper}"
    doing = f"asking {program} for the login of {address}"
    fix = f"run `echo {address} | {program} get` and look, or `docker login` again"
    if not _NAME.fullmatch(helper):
        raise ArtifactError(f"{helper!r} is no name of a credential helper", doing=doing, fix=fix)
    try:
        done = subprocess.run(
            [program, "get"],
            env=environment_of(Child.LOGIN),
            input=address.encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise ArtifactError(
            f"it did not answer within {_SECONDS:.0f} seconds", doing=doing, fix=fix
        ) from None
    except OSError as error:
        raise ArtifactError(f"it cannot be started: {error.strerror}", doing=doing, fix=fix) from None
    if done.returncode:
        if _NOT_FOUND in done.stdout.decode("utf-8", "replace"):
            return None
        raise ArtifactError(f"it ended with exit code {done.returncode}", doing=doing, fix=fix)
    try:
        said = read_json(done.stdout)
        user, secret = said["Username"], said["Secret"]
    except (ValueError, KeyError, TypeError):
        raise ArtifactError("what it answered is no login", doing=doing, fix=fix) from None
    if user == _IDENTITY:
        raise ArtifactError(
            "it gives an identity token, which Lockstep cannot use",
            doing=doing,
            fix=f"docker login {address} with a user and a password or an access token",
        )
    return base64.b64encode(f"{user}:{secret}".encode()).decode("ascii")
