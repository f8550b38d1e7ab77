"""The folder and the tree that Lockstep was first made for: one service in production, staging and previews,
one Terraform state in S3, one notification of one bucket, and no hash of previews' packages.

Variables, names and keys are those of the users' repository; provider and backend mean a local AWS.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from tests.support.clouds import ACCOUNT, REGION, make_zip
from tests.support.engine import Lab
from tests.support.terraform import provider_override

__all__ = ["BUCKET", "NAMES", "PACKAGES", "Original"]

BUCKET = "shop-uploads"
PACKAGES = "shop-packages"
NAMES = {
    "production": "syrfAppUploadS3Notifier",
    "staging": "syrfAppUploadS3Notifier-staging",
    "pr-7": "syrfAppUploadS3Notifier-pr-7",
}
_FUNCTION = """\
resource "aws_lambda_function" "{name}" {{
{count}  function_name    = "syrfAppUploadS3Notifier{suffix}"
  role             = "arn:aws:iam::{account}:role/lambda-role"
  runtime          = "python3.12"
  handler          = "app.handler"
  memory_size      = 512
  timeout          = 30
  s3_bucket        = "{packages}"
  s3_key           = "lambda-packages/{key}.zip"
{hash}  tags             = {{ commit = {commit}, version = {version} }}

  environment {{
    variables = {{ RabbitMqHost = {host} }}
  }}
}}

resource "aws_lambda_permission" "{name}_s3" {{
{count}  statement_id  = "AllowExecutionFromS3"
  function_name = aws_lambda_function.{name}{index}.function_name
  action        = "lambda:InvokeFunction"
  principal     = "s3.amazonaws.com"
  source_arn    = "arn:aws:s3:::{bucket}"
}}
"""
_VARIABLES = """\
terraform {
  backend "s3" {}
}

variable "production_commit_sha" { type = string }
variable "production_source_code_hash" { type = string }
variable "staging_version" { type = string }
variable "staging_commit_sha" { type = string }
variable "staging_source_code_hash" { type = string }
variable "staging_rabbitmq_host" {
  type    = string
  default = "rabbit.staging"
}
variable "preview_prs" {
  type    = set(string)
  default = []
}
variable "preview_commit_shas" {
  type    = map(string)
  default = {}
}
variable "preview_versions" {
  type    = map(string)
  default = {}
}
"""
_NOTIFICATION = """\
resource "aws_s3_bucket_notification" "bucket_notification" {
  bucket = "BUCKET"

  lambda_function {
    lambda_function_arn = aws_lambda_function.production.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "Projects/"
  }

  lambda_function {
    lambda_function_arn = aws_lambda_function.staging.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "staging/"
  }

  dynamic "lambda_function" {
    for_each = aws_lambda_function.preview
    content {
      lambda_function_arn = lambda_function.value.arn
      events              = ["s3:ObjectCreated:*"]
      filter_prefix       = "preview/pr-${lambda_function.key}/"
    }
  }

  depends_on = [
    aws_lambda_permission.production_s3,
    aws_lambda_permission.staging_s3,
    aws_lambda_permission.preview_s3,
  ]
}
"""
_PROJECT = """\
project: syrf
folder: syrf
region: {region}
environments:
{environments}packages: {{bucket: {packages}, key: "lambda-packages/{{env}}.zip"}}
artifacts: {{source: directory, path: "packages/{{version}}.zip"}}
triggers: {{bucket: {bucket}}}
"""
_ENVIRONMENT = """\
  {name}:
    engine: terraform
    terraform:
      folder: terraform
      mapping: syrf
      backend:
        bucket: terraform-state
        key: lambda/terraform.tfstate
        region: {region}
        use_lockfile: true
        use_path_style: true
        skip_credentials_validation: true
        skip_requesting_account_id: true
"""


class Original:
    """A repository with that folder and tree, on a local AWS."""

    def __init__(self, root: Path, lab: Lab) -> None:
        self.root = root
        self.lab = lab
        environments = "".join(_ENVIRONMENT.format(name=name, region=REGION) for name in _PLACES)
        self.write(
            {
                "lockstep.yaml": _PROJECT.format(
                    region=REGION, environments=environments, packages=PACKAGES, bucket=BUCKET
                ),
                "terraform/main.tf": _main(),
                "terraform/variables.tf": _VARIABLES,
                "terraform/local.tf": provider_override(lab.aws.endpoint),
                "syrf/services/s3-notifier/config.yaml": "serviceName: s3-notifier\ndeploymentType: lambda\n",
                "syrf/environments/preview/services/s3-notifier/config.yaml": "serviceName: s3-notifier\n",
                "syrf/environments/preview/pr-7/pr.yaml": "number: 7\n",
            }
        )
        lab.client("s3").create_bucket(
            Bucket="terraform-state", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        subprocess.run(["git", "init", "-q", str(root)], check=True)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the repository."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def declare(self, place: str, version: str, more: str = "", *, name: str | None = None) -> None:
        """Declare a version, whose package says just that; ``more`` are other keys of ``lambda``."""
        package = self.root / f"packages/{version}.zip"
        package.parent.mkdir(exist_ok=True)
        package.write_bytes(make_zip(f"version = {version!r}\n"))
        preview = place.startswith("pr-")
        text = (
            f'lambda:\n  version: "{version}"\n  functionName: {name or NAMES[place]}\n'
            f"  s3TriggerPrefix: {_PREFIXES.get(place, f'preview/{place}/')}\n{more}"
            f"gitVersion: {{sha: {'a' * 40}, shortSha: aaaaaaa}}\n"
        )
        if preview:
            self.write({f"syrf/environments/preview/{place}/services/s3-notifier.values.yaml": text})
        else:
            text = f"serviceName: s3-notifier\nenvName: {place}\n{text}"
            self.write({f"syrf/environments/{place}/s3-notifier/config.yaml": text})

    def change(self, file: str, before: str, after: str) -> None:
        """Change one place of a file."""
        text = (self.root / file).read_text()
        assert text.count(before) == 1, text
        self.write({file: text.replace(before, after)})

    def opened(self) -> Workspace:
        """The workspace as it lies on disk."""
        return open_workspace(Where(folder=self.root, cache=self.root.parent / "cache"))

    def runs(self, place: str) -> str:
        """CodeSha256 of what a function runs."""
        return str(self.lab.live(NAMES[place])["Configuration"]["CodeSha256"])


_PLACES = ("production", "staging", "preview")
_PREFIXES = {"production": "Projects/", "staging": "staging/"}


def _main() -> str:
    places = {"account": ACCOUNT, "packages": PACKAGES, "bucket": BUCKET}
    production = _FUNCTION.format(
        **places,
        name="production",
        suffix="",
        key="production",
        count="",
        index="",
        hash="  source_code_hash = var.production_source_code_hash\n",
        commit="var.production_commit_sha",
        version='""',
        host='"rabbit.production"',
    )
    staging = _FUNCTION.format(
        **places,
        name="staging",
        suffix="-staging",
        key="staging",
        count="",
        index="",
        hash="  source_code_hash = var.staging_source_code_hash\n",
        commit="var.staging_commit_sha",
        version="var.staging_version",
        host="var.staging_rabbitmq_host",
    )
    preview = _FUNCTION.format(
        **places,
        name="preview",
        suffix="-pr-${each.key}",
        key="pr-${each.key}",
        count="  for_each = var.preview_prs\n\n",
        index="[each.key]",
        hash="",
        commit="var.preview_commit_shas[each.key]",
        version="var.preview_versions[each.key]",
        host='"rabbit.preview"',
    )
    return "\n".join([production, staging, preview, _NOTIFICATION.replace("BUCKET", BUCKET)])
