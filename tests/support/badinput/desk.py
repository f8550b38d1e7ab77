"""A project at work, spoiled in one way at a time, and what a command then says and leaves behind.

``Desk`` is a user's desk: a Git repository, a process environment and an AWS in front of them. A command
runs on it in this process, or as a real one. ``Told`` is what the user sees of it.
"""

import contextlib
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.engines.aws import connection
from tests.strict import Faults, Proxy, Rule
from tests.support.clouds import make_zip

__all__ = [
    "NOTIFIER",
    "PREVIEW",
    "PRODUCTION",
    "PROJECT",
    "SECRETS",
    "STAGING",
    "Desk",
    "Row",
    "Told",
    "git",
    "zip_of",
]

PROJECT = "lockstep.yaml"
NOTIFIER = "syrf/services/s3-notifier/values.yaml"
STAGING = "syrf/environments/staging/s3-notifier/config.yaml"
PRODUCTION = "syrf/environments/production/s3-notifier/config.yaml"
PREVIEW = "syrf/environments/preview/pr-123/services/s3-notifier.values.yaml"

SECRETS = (
    "hunter2-in-the-repository",
    "ghp_planted0000000000000000000000000000",
    "planted-secret-access-key",
    "planted-session-token",
    "hunter2-in-a-url",
)
"""Words that are planted in values, tokens, keys and URLs, and that no output may hold."""

FILES: Mapping[str, str] = {
    PROJECT: """\
project: syrf
folder: syrf
region: eu-west-1
account: "123456789012"
environments:
  production: {}
  staging: {}
  preview: {}
packages:
  bucket: camarades-packages
artifacts:
  source: directory
  path: "packages/{service}-{version}.zip"
triggers:
  bucket: syrfapp-uploads
""",
    "syrf/global.values.yaml": "replicaCount: 1\n",
    "syrf/services/s3-notifier/config.yaml": "serviceName: s3-notifier\ndeploymentType: lambda\n",
    NOTIFIER: """\
lambda:
  runtime: python3.12
  handler: app.handler
  role: lambda-role
  memorySize: 512
  timeout: 30
  environment:
    RABBIT_PASSWORD: hunter2-in-the-repository
""",
    "syrf/services/api/config.yaml": "serviceName: api\ndeploymentType: kubernetes\n",
    "syrf/environments/staging/api/config.yaml": 'serviceName: api\nimage: {tag: "9.5.0"}\n',
    STAGING: """\
serviceName: s3-notifier
envName: staging
lambda:
  version: "0.1.6"
  functionName: "syrfAppUploadS3Notifier-staging"
  s3TriggerPrefix: "staging/"
gitVersion: {sha: "abc123def456...", shortSha: "abc123"}
""",
    PRODUCTION: """\
serviceName: s3-notifier
envName: production
lambda:
  version: "0.1.5"
  functionName: "syrfAppUploadS3Notifier"
  s3TriggerPrefix: "Projects/"
""",
    "syrf/environments/preview/services/s3-notifier/values.yaml": """\
lambda:
  functionName: "syrfAppUploadS3Notifier-pr-{pr}"
  s3TriggerPrefix: "preview/pr-{pr}/"
""",
    "syrf/environments/preview/pr-123/pr.yaml": "prNumber: 123\n",
    PREVIEW: 'serviceName: s3-notifier\nlambda: {version: "0.1.5"}\n',
}

_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main")


def git(folder: Path, *words: str) -> str:
    """Run git in a folder and return what it prints."""
    done = subprocess.run(["git", *_IDENTITY, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the user sees of one command."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Both streams."""
        return self.out + self.err


@dataclass(kw_only=True)
class Desk:
    """A repository, an environment and an AWS, all of them good until somebody spoils them."""

    folder: Path
    aws: Proxy
    env: dict[str, str] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    cwd: Path | None = None
    is_dirty: bool = False  # the emulator has to be emptied afterwards

    def faults_first(self, rule: Rule) -> None:
        """Put a rule before all others."""
        self.aws.rules = (rule, *self.aws.rules)

    @classmethod
    @contextlib.contextmanager
    def laid(cls, folder: Path, aws: Proxy, faults: Faults) -> "Iterator[Desk]":
        """A desk with the project, committed, and its packages beside it."""
        repository = folder / "gitops"
        for path, text in FILES.items():
            file = repository / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        packages = repository / "packages"
        packages.mkdir()
        for version in ("0.1.5", "0.1.6"):
            source = f"def handler(event, context):\n    return {version!r}\n"
            (packages / f"s3-notifier-{version}.zip").write_bytes(make_zip(source))
        git(repository, "init", "-q")
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "First")
        home = folder / "home"
        home.mkdir()
        env = aws.environment() | {
            "HOME": str(home),
            "LOCKSTEP_CACHE": str(folder / "cache"),
            "AWS_SECRET_ACCESS_KEY": SECRETS[2],
            "GITHUB_TOKEN": SECRETS[1],
            "GITHUB_API_URL": "http://127.0.0.1:9",  # unless a row serves one, there is no GitHub
        }
        env = {name: value for name, value in env.items() if name in _KEPT or name.startswith(_PREFIXES)}
        with contextlib.ExitStack() as closing:
            yield cls(folder=repository, aws=aws, env=env, faults=faults, closing=closing)

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file of the repository."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def change(self, path: str, old: str, new: str) -> None:
        """Replace a text that a file holds exactly once."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, (path, old)
        self.write(path, text.replace(old, new))

    def run(self, *words: str) -> Told:
        """Run a command in this process, which is what a process of its own would do and say."""
        out, err = io.StringIO(), io.StringIO()
        connection._QUOTAS.clear()  # they belong to a process
        before = Path.cwd()
        with pytest.MonkeyPatch.context() as patch:
            for name in [*os.environ]:
                if name not in self.env:
                    patch.delenv(name)
            for name, value in self.env.items():
                patch.setenv(name, value)
            os.chdir(self.cwd or self.folder)
            try:
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                    code = main(list(words))
            finally:
                os.chdir(before)
        return Told(code=code, out=out.getvalue(), err=err.getvalue())

    def process(self, *words: str, seconds: float = 60, **options: object) -> Told:
        """Run a command as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "lockstep", *words],
            cwd=self.cwd or self.folder,
            env=self.env,
            capture_output=True,
            timeout=seconds,
            check=False,
            **options,  # type: ignore[call-overload]
        )
        return Told(
            code=done.returncode,
            out=done.stdout.decode("utf-8", "replace"),
            err=done.stderr.decode("utf-8", "replace"),
        )

    def fingerprint(self) -> str:
        """A digest of every file of the repository and of what git says about them.

        The record that a sync leaves of what it could not change is no part of it.
        """
        digest = hashlib.sha256()
        records = [self.folder / ".git" / name for name in ("objects", "refs/lockstep")]
        for file in sorted(self.folder.rglob("*")):
            if any(file.is_relative_to(folder) for folder in records):
                continue
            digest.update(os.fsencode(file.relative_to(self.folder)))
            if file.is_symlink():
                digest.update(os.fsencode(file.readlink()))
            elif file.is_file() and os.access(file, os.R_OK):
                digest.update(file.read_bytes())
        return digest.hexdigest()


_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "NO_PROXY", "no_proxy", "GITHUB_TOKEN", "GITHUB_API_URL")
_PREFIXES = ("AWS_", "LOCKSTEP_", "PYTHON")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One bad input: how the desk is spoiled, the command, and what it must say."""

    spoil: Callable[[Desk], object]
    says: Sequence[str]  # texts that the output holds, among them the place and the remedy
    words: Sequence[str] = ("sync",)
    code: int = 3
    has_fix: bool = True


def zip_of(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as package:
        for name, data in files.items():
            package.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data, compression)
    return buffer.getvalue()
