"""Terraform with the same functions, permissions and triggers.

The AWS provider is found where ``tests.support.providers`` looks, else where Terraform itself does.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support import providers

from benchmarks.measure import Sample, run
from benchmarks.tree import REGION, Declared, Repository

__all__ = ["PROVIDER", "Terraform", "missing"]

PROVIDER = "5.100.0"

_HEAD = """\
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws", version = "{provider}" }}
  }}
}}
provider "aws" {{
  region                      = "{region}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
  endpoints {{
    iam    = "{endpoint}"
    lambda = "{endpoint}"
    s3     = "{endpoint}"
    sts    = "{endpoint}"
  }}
}}
"""
_FUNCTION = """\
resource "aws_lambda_function" "f{number}" {{
  function_name    = "{name}"
  role             = "{role}"
  runtime          = "python3.12"
  handler          = "app.handler"
  memory_size      = 512
  timeout          = 30
  filename         = "{package}"
  source_code_hash = filebase64sha256("{package}")
  environment {{
    variables = {{ RabbitMqHost = "rabbit.example" }}
  }}
  tags = {{ team = "files" }}
}}
"""
_PERMISSION = """\
resource "aws_lambda_permission" "p{number}" {{
  statement_id   = "bucket"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.f{number}.function_name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::{bucket}"
  source_account = "{account}"
}}
"""


def missing() -> str | None:
    """What to install before Terraform can be measured; None when it is there."""
    if shutil.which("terraform") is None:
        return f"terraform is not on PATH: install it, with the AWS provider {PROVIDER}"
    return None


@dataclass(kw_only=True)
class Terraform:
    """One Terraform folder on an endpoint."""

    folder: Path
    env: Mapping[str, str]
    endpoint: str
    account: str
    role: str
    bucket: str

    def __post_init__(self) -> None:
        """Name the provider's mirror, when there is one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.env = {**self.env, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        self.env.pop("AWS_ENDPOINT_URL", None)
        if "TF_CLI_CONFIG_FILE" in os.environ:
            self.env["TF_CLI_CONFIG_FILE"] = os.environ["TF_CLI_CONFIG_FILE"]
        self.env |= providers.configure(self.folder, os.environ)

    def declare(self, repository: Repository) -> None:
        """Write what the repository declares."""
        parts = [_HEAD.format(provider=PROVIDER, region=REGION, endpoint=self.endpoint)]
        for number, target in enumerate(repository.targets):
            package = repository.package(target)
            parts.append(_FUNCTION.format(number=number, name=target.name, role=self.role, package=package))
            if target.prefix:
                parts.append(_PERMISSION.format(number=number, bucket=self.bucket, account=self.account))
        parts.append(self._notification(repository.targets))
        (self.folder / "main.tf").write_text("".join(parts))

    def init(self) -> None:
        """Install the provider; never measured."""
        self("init", "-input=false")

    def forget(self) -> None:
        """Forget the state, as before the first apply."""
        for file in self.folder.glob("terraform.tfstate*"):
            file.unlink()

    def plan(self) -> Sample:
        """Plan, with Terraform's usual refresh, when there should be nothing to do."""
        return self("plan", "-input=false").needs("No changes.")

    def apply(self) -> Sample:
        """Plan and apply."""
        return self("apply", "-input=false", "-auto-approve")

    def __call__(self, *words: str) -> Sample:
        """Run one command."""
        command, *options = words
        return run(["terraform", command, "-no-color", *options], env=self.env, cwd=self.folder)

    def _notification(self, targets: list[Declared]) -> str:
        entries = [
            f"  lambda_function {{\n"
            f"    lambda_function_arn = aws_lambda_function.f{number}.arn\n"
            f'    events              = ["s3:ObjectCreated:*"]\n'
            f'    filter_prefix       = "{target.prefix}"\n'
            f"  }}\n"
            for number, target in enumerate(targets)
            if target.prefix
        ]
        if not entries:
            return ""
        needs = ", ".join(f"aws_lambda_permission.p{n}" for n, target in enumerate(targets) if target.prefix)
        return (
            f'resource "aws_s3_bucket_notification" "all" {{\n  bucket = "{self.bucket}"\n'
            + "".join(entries)
            + f"  depends_on = [{needs}]\n}}\n"
        )
