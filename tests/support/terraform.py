"""Terraform as tests run it: the real program with the real AWS provider, against a local AWS.

``require_terraform()`` first, in every test that runs it; the tests that need it skip elsewhere and say
what to install. A folder that is run should be a copy (``copy_folder``): Terraform writes into it. The
provider is found where ``tests.support.providers`` looks.
"""

import atexit
import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lockstep.local.ministack import ACCOUNT
from tests.support import providers
from tests.support.skips import TERRAFORM
from tests.support.terraform_provider import VARIABLE

__all__ = [
    "LEAST",
    "PROVIDER",
    "REPOSITORY",
    "changes",
    "copy_folder",
    "init",
    "provider_override",
    "provider_settings",
    "require_terraform",
    "terraform",
    "terraform_environment",
]

REPOSITORY = Path(__file__).resolve().parents[2]
LEAST = (1, 10)  # of Terraform: the first with the S3 backend's own lock
PROVIDER = ">= 5.100.0"
_CACHE = Path(tempfile.gettempdir(), f"lockstep-terraform-plugins-{os.getuid()}")
_SERVICES = (
    *("apigatewayv2", "cloudwatchlogs", "events", "iam", "lambda", "resourcegroupstaggingapi", "s3"),
    *("scheduler", "sns", "sqs", "sts"),
)
_PROBE = f"""
terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{PROVIDER}"
    }}
  }}
}}
"""


def require_terraform() -> None:
    """Skip the test, with what to install, where Terraform or its AWS provider cannot be had."""
    missing = _missing()
    if missing:
        pytest.skip(TERRAFORM + missing)
    os.environ[VARIABLE] = _running_provider()


@functools.cache
def _running_provider() -> str:
    """The real provider, started once for each process of the tests and kept until its end.

    Starting it, what it tells of itself and its examination of itself are nearly all that a run of Terraform
    costs, several times in each run; see ``tests.support.terraform_provider``.
    """
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment |= {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "local"}  # of every local cloud
    provider = subprocess.Popen(
        [sys.executable, "-m", "tests.support.terraform_provider", _installed()[-1]],
        cwd=REPOSITORY,
        env=environment | {"AWS_EC2_METADATA_DISABLED": "true"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(provider.communicate)  # it ends when its stdin does, so with us in any case
    assert provider.stdout is not None
    for line in provider.stdout:
        if told := re.search(rf"{VARIABLE}='(.*)'", line):
            return told[1]
    raise RuntimeError(f"{provider.args}: it ended with {provider.wait()} before it said where it listens")


def _installed() -> list[Path]:
    """The provider's programs in the folder of plugins, the newest last."""
    return sorted(_CACHE.glob(f"{providers.PROVIDER}/*/*/terraform-provider-aws_v*"))


@functools.cache
def _missing() -> str:
    """What is missing here; asked once in each process."""
    program = shutil.which("terraform")
    wanted = ".".join(map(str, LEAST))
    if program is None:
        return f"install Terraform {wanted} or newer and put it on PATH"
    answer = subprocess.run(
        [program, "version", "-json"], capture_output=True, text=True, check=True, env=terraform_environment()
    )
    version = str(json.loads(answer.stdout)["terraform_version"])
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < LEAST:
        return f"install Terraform {wanted} or newer: the one on PATH is {version}"
    with _alone(), tempfile.TemporaryDirectory(prefix="terraform-probe-") as folder:
        Path(folder, "main.tf").write_text(_PROBE)
        # Terraform reads all of a provider that it has, 700 MB, to know that it is the one it installed.
        if not _installed() and _run(folder, "init", "-backend=false").returncode:
            return (
                f"let Terraform have the provider hashicorp/aws {PROVIDER}: "
                f"from the registry, or from a mirror that {providers.VARIABLE} or ~/.terraformrc names"
            )
    return ""


def terraform_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """A process environment for Terraform: ``env`` (for instance a cloud's), quiet and never asking.

    Plugins are kept in one folder for all tests of this machine. A CA bundle of AWS tools would break
    TLS to the registry, so it goes.
    """
    base = dict(os.environ if env is None else env)
    base.pop("AWS_CA_BUNDLE", None)
    return base | {
        **provider_settings(),
        "TF_PLUGIN_CACHE_DIR": str(_CACHE),
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",  # else a new folder downloads it again
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TF_CLI_ARGS": "-no-color",
        "CHECKPOINT_DISABLE": "1",
    }


@functools.cache
def provider_settings() -> dict[str, str]:
    """Variables with which Terraform finds this machine's mirror of the provider; none for the registry."""
    _CACHE.mkdir(mode=0o700, exist_ok=True)
    return providers.configure(_CACHE, os.environ)


def terraform(
    folder: Path | str,
    *args: str,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    seconds: float = 240,
) -> subprocess.CompletedProcess[str]:
    """Run ``terraform`` in a folder. Unless ``check`` is False a failure fails the test, with its output."""
    with _alone() if args[0] == "init" else contextlib.nullcontext():
        done = _run(folder, *args, env=env, seconds=seconds)
    if check and done.returncode:
        pytest.fail(
            f"terraform {' '.join(args)}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
    return done


def _run(
    folder: Path | str, *args: str, env: Mapping[str, str] | None = None, seconds: float = 240
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", *args],
        cwd=folder,
        env=terraform_environment(env),
        capture_output=True,
        text=True,
        timeout=seconds,
    )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait for other test processes: Terraform's plugin cache is not made for two writers."""
    _CACHE.mkdir(mode=0o700, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def provider_override(endpoint: str, *, region: str = "eu-west-1", account: str = "123456789012") -> str:
    """Text for ``override.tf``: the provider of a root module, turned to a local AWS.

    In a folder without a provider block of its own it can be any ``.tf`` file.
    """
    services = "\n".join(f'    {name:<26} = "{endpoint}"' for name in _SERVICES)
    return f"""
provider "aws" {{
  region                      = "{region}"
  access_key                  = "{account}"
  secret_key                  = "local"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true

  endpoints {{
{services}
  }}
}}
"""


def copy_folder(source: str, to: Path) -> Path:
    """Copy a folder below ``terraform/`` with all modules beside it, so that relative sources work.

    Returns the copy of ``source``, for example ``copy_folder("examples/syrf", tmp_path)``.
    """
    shutil.copytree(
        REPOSITORY / "terraform",
        to / "terraform",
        ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", ".terraform.lock.hcl"),
        dirs_exist_ok=True,
    )
    return to / "terraform" / source


def init(folder: Path, *args: str, env: Mapping[str, str] | None = None) -> None:
    """Initialise a folder, with a local state instead of the backend that its files name."""
    if not args:
        (folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    terraform(folder, "init", *args, env=env)


def changes(
    folder: Path, plan: str = "plan.bin", *, env: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """What a saved plan would do: address to actions, without what stays as it is."""
    shown: dict[str, Any] = json.loads(terraform(folder, "show", "-json", plan, env=env).stdout)
    return {
        change["address"]: change["change"]["actions"]
        for change in shown.get("resource_changes", [])
        if change["change"]["actions"] not in (["no-op"], ["read"])
    }
