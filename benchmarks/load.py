"""How long ``load`` takes for many targets: cold, with the cache, and with one changed file.

python benchmarks/load.py [TARGETS]
"""

import hashlib
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from lockstep.config.cache import Cache
from lockstep.config.load import load

_PROJECT = b"""\
project: bench
folder: syrf
region: eu-west-1
environments: {production: {}, staging: {}, preview: {}}
packages: {bucket: bench-packages}
artifacts: {source: github-release, repository: owner/name, tag: "{service}-v{version}", asset: "*.zip"}
triggers: {bucket: bench-uploads}
functionDefaults: {role: bench, runtime: dotnet10}
"""
_GLOBAL = b"""\
replicas: 2
image: {repository: owner, pullPolicy: IfNotPresent}
ingress: {enabled: true, hosts: [one.example, two.example]}
"""
_SERVICE = b"""\
lambda:
  handler: Endpoint::Endpoint.Function::FunctionHandler
  memorySize: 512
  timeout: 30
  environment: {RabbitMqHost: rabbit.example, RabbitMqPassword: {ssm: /rabbit/password}}
  tags: {team: files}
"""
_DECLARATION = """\
serviceName: {service}
{env}deploymentType: lambda
lambda:
  version: "0.1.{number}"
  functionName: "{service}-{suffix}"
  s3TriggerPrefix: "{suffix}/{service}/"
gitVersion: {{sha: "abc123def456...", shortSha: "abc123"}}
deploymentNotification: {{commitSha: "abc123def456..."}}
"""


class MemoryTree:
    """A tree in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.commit = "0" * 40
        self.is_dirty = False
        self.files = dict(files)
        self.links: dict[str, str] = {}
        self.blobs = {path: _blob(data) for path, data in self.files.items()}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Contents of the given files."""
        return {path: self.files[path] for path in paths}

    def write(self, path: str, data: bytes) -> None:
        """Change one file."""
        self.files[path] = data
        self.blobs[path] = _blob(data)


def make_tree(targets: int, *, services: int = 100) -> MemoryTree:
    """A tree with that many targets: staging, production and previews of ``services`` functions."""
    files = {"lockstep.yaml": _PROJECT, "syrf/global.values.yaml": _GLOBAL}
    count = 0
    number = 0
    while count < targets:
        env = ("staging", "production")[number] if number < 2 else f"pr-{number - 1}"
        if number >= 2:
            files[f"syrf/environments/preview/{env}/pr.yaml"] = b"number: 1\n"
        for index in range(min(services, targets - count)):
            service = f"service-{index:05d}"
            files[f"syrf/services/{service}/config.yaml"] = b"deploymentType: lambda\n"
            files[f"syrf/services/{service}/values.yaml"] = _SERVICE
            path = f"syrf/environments/{env}/{service}/config.yaml"
            env_name = f"envName: {env}\n"
            if number >= 2:
                path = f"syrf/environments/preview/{env}/services/{service}.values.yaml"
                env_name = ""
            text = _DECLARATION.format(service=service, env=env_name, number=number, suffix=env)
            files[path] = text.encode()
            count += 1
        number += 1
    return MemoryTree(files)


def _blob(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _timed(title: str, tree: MemoryTree, cache: Cache | None) -> None:
    start = time.perf_counter()
    loaded = load(tree, cache=cache)
    print(f"{title:32} {time.perf_counter() - start:7.3f} s  {len(loaded.fleet.targets):,} targets")


def main() -> None:
    """Print the table."""
    targets = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for services in (100, targets // 2):
        tree = make_tree(targets, services=services)
        print(f"{services:,} services, {len(tree.files):,} files")
        with tempfile.TemporaryDirectory() as folder:
            cache = Cache(Path(folder))
            _timed("cold", tree, cache)
            _timed("cached, nothing changed", tree, cache)
            path = f"syrf/environments/staging/service-{services // 2:05d}/config.yaml"
            tree.write(path, tree.files[path].replace(b"0.1.0", b"0.2.0"))
            _timed("cached, one file changed", tree, cache)


if __name__ == "__main__":
    main()
