"""A tree in memory, and the sample repository of the tests."""

import hashlib
from collections.abc import Iterable, Mapping

import pytest

PROJECT = """\
project: syrf
folder: syrf
region: eu-west-1
account: "123456789012"
environments:
  production: {}
  staging: {}
  preview: {}
packages: {bucket: camarades-terraform-state-aws, key: "lockstep/packages/{service}/{sha256}.zip"}
artifacts:
  source: github-release
  repository: camaradesuk/syrf
  tag: "{service}-v{version}"
  asset: "*.zip"
triggers: {bucket: syrfapp-uploads}
"""
GLOBAL = """\
replicaCount: 1
image: {pullPolicy: IfNotPresent}
"""
SERVICE_CONFIG = """\
serviceName: s3-notifier
deploymentType: lambda
"""
SERVICE_VALUES = """\
lambda:
  runtime: dotnet10
  handler: SyRF.S3FileSavedNotifier.Endpoint::SyRF.S3FileSavedNotifier.Endpoint.Function::FunctionHandler
  role: syrf-s3-notifier
  memorySize: 512
  timeout: 30
  environment:
    RabbitMqHost: rabbit.syrf.example
"""
# STAGING and PULL_REQUEST are verbatim from the users' repository.
STAGING = """\
serviceName: s3-notifier
envName: staging
lambda:
  version: "0.1.6"
  functionName: "syrfAppUploadS3Notifier-staging"
  s3TriggerPrefix: "staging/"
gitVersion: {sha: "abc123def456...", shortSha: "abc123"}
deploymentNotification: {commitSha: "abc123def456..."}
"""
PRODUCTION = """\
serviceName: s3-notifier
envName: production
lambda:
  version: "0.1.5"
  functionName: "syrfAppUploadS3Notifier"
  s3TriggerPrefix: "Projects/"
"""
PULL_REQUEST = """\
serviceName: s3-notifier
deploymentType: lambda
lambda: {version: "0.1.5-pr123", commitSha: "...", s3Key: "lambda-packages/pr-123.zip"}
gitVersion: {sha: "...", shortSha: "..."}
"""
PREVIEW_SERVICE = """\
lambda:
  functionName: syrfAppUploadS3Notifier-{env}
  s3TriggerPrefix: preview/{env}/
"""
API_CONFIG = """\
serviceName: api
envName: staging
service: {image: {tag: "1.10"}}
"""

SAMPLE = {
    "lockstep.yaml": PROJECT,
    "syrf/global.values.yaml": GLOBAL,
    "syrf/services/s3-notifier/config.yaml": SERVICE_CONFIG,
    "syrf/services/s3-notifier/values.yaml": SERVICE_VALUES,
    "syrf/services/api/config.yaml": "serviceName: api\nchartPath: charts/api\n",
    "syrf/environments/staging/s3-notifier/config.yaml": STAGING,
    "syrf/environments/staging/api/config.yaml": API_CONFIG,
    "syrf/environments/production/s3-notifier/config.yaml": PRODUCTION,
    "syrf/environments/preview/services/s3-notifier/values.yaml": PREVIEW_SERVICE,
    "syrf/environments/preview/pr-123/pr.yaml": "number: 123\n",
    "syrf/environments/preview/pr-123/namespace.yaml": "kind: Namespace\n",
    "syrf/environments/preview/pr-123/services/s3-notifier.values.yaml": PULL_REQUEST,
}
STAGING_FILE = "syrf/environments/staging/s3-notifier/config.yaml"
SERVICE_FILE = "syrf/services/s3-notifier/values.yaml"
PREVIEW_FILE = "syrf/environments/preview/pr-123/services/s3-notifier.values.yaml"


class MemoryTree:
    """Files in memory; counts what is read."""

    def __init__(self, files: Mapping[str, str | bytes], links: Mapping[str, str] | None = None) -> None:
        self.files = {path: v if isinstance(v, bytes) else v.encode() for path, v in files.items()}
        self.commit: str | None = "1" * 40
        self.is_dirty = False
        self.links: Mapping[str, str] = links or {}
        self.was_read: list[str] = []

    @property
    def blobs(self) -> dict[str, str]:
        """Content hashes."""
        return {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Contents."""
        wanted = list(paths)
        self.was_read += wanted
        return {path: self.files[path] for path in wanted}


def sample(changes: Mapping[str, str | bytes | None] | None = None, **links: str) -> MemoryTree:
    """The sample repository with some files replaced, added or (None) removed."""
    files: dict[str, str | bytes | None] = {**SAMPLE, **(changes or {})}
    return MemoryTree({path: v for path, v in files.items() if v is not None}, links)


def staging(block: str, *, service: str | None = None) -> MemoryTree:
    """The sample with lines added to staging's lambda block, and other service values if given."""
    text = STAGING.replace("lambda:\n", f"lambda:\n{block.rstrip()}\n")
    changes: dict[str, str | bytes | None] = {STAGING_FILE: text}
    if service is not None:
        changes[SERVICE_FILE] = service
    return sample(changes)


@pytest.fixture
def tree() -> MemoryTree:
    """The sample repository."""
    return sample()
