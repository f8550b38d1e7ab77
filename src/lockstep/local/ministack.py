"""MiniStack as the local cloud: an AWS on loopback that really runs Python functions on S3 events.

MiniStack is a program of its own (PyPI ``ministack``) and is only ever run as one: it may sit in this
Python's environment, where ``traffic.py`` is run in its place, or in one of its own that
``LOCKSTEP_MINISTACK`` or PATH leads to, where it is run as it is.
"""

import importlib.util
import os
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from lockstep.children import Child, environment_of
from lockstep.errors import LockstepError
from lockstep.local.server import Server, call
from lockstep.model.foreign import read_json

__all__ = ["ACCOUNT", "REGION", "LocalCloud", "aws_environment"]

_TRAFFIC = Path(__file__).with_name("traffic.py")
ACCOUNT = "123456789012"
REGION = "eu-west-1"


def aws_environment(
    endpoint: str,
    *,
    account: str = ACCOUNT,
    region: str = REGION,
    base: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return ``base`` (default: this process's environment) changed so that AWS clients use ``endpoint``.

    Everything else about AWS is taken out: profiles, sessions, configuration files, CA bundles and the
    instance metadata service. MiniStack takes an access key of 12 digits as the account's number.
    """
    source = os.environ if base is None else base
    environment = {key: value for key, value in source.items() if not key.startswith("AWS_")}
    hosts = [host for host in source.get("NO_PROXY", source.get("no_proxy", "")).split(",") if host]
    hosts += [host for host in ("127.0.0.1", "localhost") if host not in hosts]
    return environment | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": ",".join(hosts),
        "no_proxy": ",".join(hosts),
    }


class LocalCloud:
    """A running MiniStack: ``with LocalCloud.start() as cloud: ...``."""

    kind = "ministack"
    runs_functions = True  # S3 events reach Python functions and run them

    def __init__(self, server: Server, *, shares_calls: bool) -> None:
        self._server = server
        self.endpoint = server.endpoint
        self.shares_calls = shares_calls  # by an alias's weights, and counts them by version

    @classmethod
    def start(cls, *, detached: bool = False, program: Sequence[str] | None = None) -> "LocalCloud":
        """Start MiniStack on loopback and a free port and wait until it is ready.

        State is kept in memory and in a temporary folder only. ``detached`` leaves it running when this
        process ends; ``program`` is another command that runs it. Raises LockstepError when MiniStack is not
        installed or does not start.
        """
        program = program or _program()
        token = secrets.token_hex(8)  # told back by the health check: this server, nobody else's
        return cls(
            Server.start(
                name="ministack",
                command=lambda _: program,
                environment=lambda port, folder: _environment(port, folder, token),
                is_ready=lambda endpoint: _is_ready(endpoint, token),
                detached=detached,
            ),
            shares_calls=str(_TRAFFIC) in program,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id; of a detached cloud ``kill -s KILL -- -PID`` ends all of it."""
        return self._server.pid

    @property
    def folder(self) -> Path:
        """Temporary folder with the log; removed by ``stop``."""
        return self._server.folder

    @property
    def log(self) -> Path:
        """MiniStack's log file."""
        return self._server.log

    def environment(self, *, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """Return a complete process environment in which AWS means this cloud."""
        return aws_environment(self.endpoint, account=account, region=region)

    def reset(self) -> None:
        """Forget everything: buckets, functions, roles, logs."""
        call(f"{self.endpoint}/_ministack/reset", method="POST", seconds=30)

    def stop(self) -> None:
        """End MiniStack and the functions it runs, and remove its folder. Can be repeated."""
        self._server.stop()


def _program() -> Sequence[str]:
    """Command that runs MiniStack."""
    chosen = os.environ.get("LOCKSTEP_MINISTACK")
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise LockstepError(
                f"LOCKSTEP_MINISTACK names {chosen}, which is not a program",
                doing="starting the local cloud",
                fix="set it to the path of an installed `ministack` script, or unset it",
            )
        return (found,)
    if importlib.util.find_spec("ministack") is not None:
        return (sys.executable, "-P", str(_TRAFFIC))
    found = shutil.which("ministack")
    if found is None:
        raise LockstepError(
            "MiniStack, the local AWS, is not installed",
            doing="starting the local cloud",
            fix="pip install 'lockstep-gitops[demo]'",
        )
    return (found,)


def _environment(port: int, folder: Path, token: str) -> dict[str, str]:
    """MiniStack's environment: nothing of the user's (functions inherit it), no Docker, no home."""
    return environment_of(Child.SERVER) | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "MINISTACK_EDITION": token,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "*",
    }


def _is_ready(endpoint: str, token: str) -> bool:
    return bool(read_json(call(f"{endpoint}/_ministack/health", seconds=5)).get("edition") == token)
