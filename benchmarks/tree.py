"""GitOps repositories of any size: the layout that the first users have, with packages beside it.

Half of the targets are staging's and half production's; beyond two for each service they are those
of previews. Every service has a package of its own for each version.
"""

import io
import subprocess
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = [
    "ACCOUNT",
    "PACKAGES",
    "REGION",
    "ROLE",
    "UPLOADS",
    "Declared",
    "Repository",
    "bucket_of",
    "make_repository",
]

ACCOUNT = "111111111111"
REGION = "eu-west-1"
PACKAGES = "bench-packages"
UPLOADS = "bench-uploads"
_ENTRIES = 100  # that S3 allows a bucket's notifications
ROLE = "bench-role"

_PROJECT = f"""\
project: bench
folder: shop
region: {REGION}
environments: {{staging: {{}}, production: {{}}, preview: {{}}}}
packages: {{bucket: {PACKAGES}}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
triggers: {{bucket: {UPLOADS}}}
functionDefaults: {{role: {ROLE}, runtime: python3.12}}
"""
_GLOBAL = """\
replicas: 2
image: {repository: owner, pullPolicy: IfNotPresent}
ingress: {enabled: true, hosts: [one.example, two.example]}
"""
_SERVICE = """\
lambda:
  handler: app.handler
  memorySize: 512
  timeout: 30
  environment: {RabbitMqHost: rabbit.example}
  tags: {team: files}
"""
_VERSIONS = {"staging": "1.1.0", "production": "1.0.0"}
_PREVIEW_VERSION = "1.2.0-preview"


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """One target as every tool declares it."""

    environment: str
    service: str
    version: str
    prefix: str  # of its trigger; "" for none
    bucket: str = UPLOADS  # of its trigger

    @property
    def name(self) -> str:
        """Name of the function."""
        return f"{self.service}-{self.environment.rpartition('/')[2]}"

    @property
    def key(self) -> str:
        """The target's name for Lockstep."""
        return f"{self.environment}/{self.service}"


@dataclass(kw_only=True)
class Repository:
    """A repository on disk and what it declares."""

    folder: Path
    targets: list[Declared]

    def package(self, target: Declared) -> Path:
        """The zip that a target declares."""
        return self.folder / "packages" / f"{target.service}-{target.version}.zip"

    def raise_version(self, index: int = 0) -> Declared:
        """Declare another version of one target, with its package, and commit it."""
        old = self.targets[index]
        numbers = old.version.split(".")
        last, dash, rest = numbers[-1].partition("-")
        new = replace(old, version=".".join([*numbers[:-1], f"{int(last) + 1}{dash}{rest}"]))
        self.targets[index] = new
        self.write(new)
        self.commit(f"{new.key} to {new.version}")
        return new

    def write(self, target: Declared) -> None:
        """Write a target's declaration and its package."""
        package = self.package(target)
        if not package.exists():
            package.write_bytes(_zip(target))
        lines = [f"serviceName: {target.service}"]
        environment = self.folder / "shop/environments" / target.environment
        if target.environment.startswith("preview/"):
            path = environment / "services" / f"{target.service}.values.yaml"
            lines.append("deploymentType: lambda")
        else:
            path = environment / target.service / "config.yaml"
            lines.append(f"envName: {target.environment}")
        lines += ["lambda:", f'  version: "{target.version}"', f'  functionName: "{target.name}"']
        if target.prefix and target.bucket != UPLOADS:
            lines.append(f'  triggers: [{{bucket: {target.bucket}, prefix: "{target.prefix}"}}]')
        elif target.prefix:
            lines.append(f'  s3TriggerPrefix: "{target.prefix}"')
        lines.append('gitVersion: {sha: "abc123def456", shortSha: "abc123d"}')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")

    def commit(self, message: str) -> None:
        """Commit everything."""
        for words in (["add", "-A"], ["commit", "-q", "-m", message]):
            subprocess.run(["git", *_AUTHOR, *words], cwd=self.folder, check=True)


_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "-c", "gc.auto=0")


def make_repository(
    folder: Path, count: int, *, services: int | None = None, triggers: bool = True
) -> Repository:
    """Make a repository with ``count`` targets of ``services`` (half as many unless told) and commit it."""
    services = services or max(1, count // 2)
    repository = Repository(folder=folder, targets=_declare(count, services, triggers))
    (folder / "packages").mkdir(parents=True)
    for path, text in {
        "lockstep.yaml": _PROJECT,
        ".gitignore": "packages/\n",
        "shop/global.values.yaml": _GLOBAL,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for name in dict.fromkeys(target.service for target in repository.targets):
        service = folder / "shop/services" / name
        service.mkdir(parents=True)
        (service / "config.yaml").write_text(f"serviceName: {name}\ndeploymentType: lambda\n")
        (service / "values.yaml").write_text(_SERVICE)
    for environment in {target.environment for target in repository.targets}:
        if environment.startswith("preview/"):
            preview = folder / "shop/environments" / environment
            preview.mkdir(parents=True)
            (preview / "pr.yaml").write_text(f"number: {environment.rpartition('-')[2]}\n")
    for target in repository.targets:
        repository.write(target)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    repository.commit("everything")
    return repository


def _declare(count: int, services: int, triggers: bool) -> list[Declared]:
    targets: list[Declared] = []
    for number in range(-(-count // services)):
        environment = ("staging", "production")[number] if number < 2 else f"preview/pr-{number - 1}"
        for index in range(min(services, count - len(targets))):
            service = f"service-{index:05d}"
            targets.append(
                Declared(
                    environment=environment,
                    service=service,
                    version=_VERSIONS.get(environment, _PREVIEW_VERSION),
                    prefix=f"{environment}/{service}/" if triggers else "",
                    bucket=bucket_of(len(targets)),
                )
            )
    return targets


def bucket_of(index: int) -> str:
    """The bucket that calls a target: one has room for 100 entries."""
    return UPLOADS if index < _ENTRIES else f"{UPLOADS}-{index // _ENTRIES}"


def _zip(target: Declared) -> bytes:
    """A small package; the same bytes each time."""
    source = f'"""{target.service} {target.version}"""\n\n\ndef handler(event, context):\n    return event\n'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("app.py", (1980, 1, 1, 0, 0, 0)), source)
    return buffer.getvalue()
