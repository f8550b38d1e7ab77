"""The module by itself and against a local AWS, with the real provider."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstep.local.ministack import LocalCloud
from lockstep.model import Statement, Trigger
from lockstep.model.alias import described, qualified
from lockstep.planning.notifications import entry_for
from tests.strict import Proxy
from tests.support import clouds
from tests.support.terraform import (
    REPOSITORY,
    changes,
    copy_folder,
    init,
    provider_override,
    require_terraform,
    terraform,
)

ROOT = """
variable "functions" {}
variable "secret_environment" { sensitive = true }
variable "foreign_notifications" {}

module "fleet" {
  source                = "../../modules/lambda-fleet"
  project               = "syrf"
  functions             = var.functions
  secret_environment    = var.secret_environment
  foreign_notifications = var.foreign_notifications
}

output "functions" {
  value = module.fleet.functions
}
"""
ROLE = "lambda-role"
ACCOUNT = "210987654321"  # of this file alone: what other tests leave, or do late, is in another one
ARN = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function"


def test_everything_is_formatted_as_terraform_formats_it() -> None:
    """``terraform fmt`` would change nothing."""
    require_terraform()
    done = terraform(REPOSITORY / "terraform", "fmt", "-check", "-diff", "-recursive", check=False)
    assert not done.returncode, done.stdout


@pytest.mark.parametrize("folder", ["modules/lambda-fleet", "examples/syrf"])
def test_it_is_valid(folder: str, tmp_path: Path) -> None:
    """``terraform validate`` finds neither errors nor warnings."""
    require_terraform()
    copy = copy_folder(folder, tmp_path)
    terraform(copy, "init", "-backend=false")
    found = json.loads(terraform(copy, "validate", "-json").stdout)
    assert found["valid"]
    assert not found["diagnostics"]


def test_its_own_tests_pass(tmp_path: Path) -> None:
    """``terraform test`` passes; it needs no AWS."""
    require_terraform()
    copy = copy_folder("modules/lambda-fleet", tmp_path)
    terraform(copy, "init", "-backend=false")
    done = terraform(copy, "test", check=False)
    assert not done.returncode, done.stdout + done.stderr
    assert "0 failed" in done.stdout


def _hash(package: bytes) -> str:
    return base64.b64encode(hashlib.sha256(package).digest()).decode()


def _function(name: str, package: bytes, prefix: str, **more: Any) -> dict[str, Any]:
    return {
        "function_name": name,
        "version": "1.0.0",
        "role": ROLE,
        "runtime": "python3.12",
        "handler": "app.handler",
        "code": {"bucket": "packages", "key": "notifier.zip", "source_code_hash": _hash(package)},
        "triggers": [{"bucket": "uploads", "prefix": prefix}],
    } | more


def test_a_fleet_from_nothing_to_a_preview_that_is_gone(
    ministack: LocalCloud, strict: Callable[..., Proxy], tmp_path: Path
) -> None:
    """Applied as declared, then nothing to do, then a new package at the same key and a preview less."""
    require_terraform()
    aws = strict(ministack)
    folder = tmp_path / "terraform" / "roots" / "fleet"
    copy_folder("modules/lambda-fleet", tmp_path)
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text(ROOT)
    (folder / "provider.tf").write_text(provider_override(aws.endpoint, account=ACCOUNT))
    clouds.make_role(ministack, ROLE, account=ACCOUNT)
    for bucket in ("uploads", "packages"):
        clouds.make_bucket(ministack, bucket, account=ACCOUNT)
    queue = clouds.make_queue(ministack, "theirs", account=ACCOUNT)
    first, second = clouds.make_zip(), clouds.make_zip("def handler(event, context):\n    return 2\n")
    clouds.upload(ministack, "packages", "notifier.zip", first, account=ACCOUNT)
    functions = {
        "staging/s3-notifier": _function(
            "staging", first, "staging/", memory_size=256, log_retention_days=14, timeout=30, alias="live"
        ),
        "production/s3-notifier": _function("production", first, "Projects/"),
        "preview/pr-1/s3-notifier": _function("pr-1", first, "preview/pr-1/", reserved_concurrency=2),
    }
    foreign = {
        "uploads": {"queues": [{"id": "theirs", "queue_arn": queue, "events": ["s3:ObjectRemoved:*"]}]}
    }

    def write() -> None:
        values = {
            "functions": functions,
            "secret_environment": {"staging/s3-notifier": {"PASSWORD": "hunter2"}},
            "foreign_notifications": foreign,
        }
        (folder / "terraform.tfvars.json").write_text(json.dumps(values))

    write()
    init(folder)
    applied = terraform(folder, "apply", "-auto-approve", check=False)
    asked = [f"{call.summary}: {call.status}, attempt {call.attempt}" for call in aws.calls]
    assert not applied.returncode, "\n".join([applied.stdout, applied.stderr, *asked])
    assert "hunter2" not in applied.stdout
    terraform(folder, "plan", "-detailed-exitcode")  # 0: nothing to do

    lambda_, s3, logs = (clouds.client(ministack, name, account=ACCOUNT) for name in ("lambda", "s3", "logs"))
    live = lambda_.get_function(FunctionName="staging")
    assert live["Tags"] == {
        "lockstep:project": "syrf",
        "lockstep:target": "staging/s3-notifier",
        "lockstep:alias": "live",
        "lockstep:buckets": "uploads",
        "lockstep:resources": "logRetentionDays",
    }
    assert live["Configuration"]["MemorySize"] == 256
    assert live["Configuration"]["CodeSha256"] == _hash(first)
    assert live["Configuration"]["Environment"]["Variables"] == {"PASSWORD": "hunter2"}
    statement = Statement(source_arn="arn:aws:s3:::uploads", source_account=ACCOUNT, qualifier="live")
    (policy,) = json.loads(lambda_.get_policy(FunctionName="staging", Qualifier="live")["Policy"])[
        "Statement"
    ]
    assert policy["Sid"] == statement.content_id
    alias = lambda_.get_alias(FunctionName="staging", Name="live")
    assert alias["FunctionVersion"] == "1"
    assert alias["Description"] == described("syrf", "staging/s3-notifier", "1.0.0")
    notifications = s3.get_bucket_notification_configuration(Bucket="uploads")
    prefixes = {"staging": "staging/", "production": "Projects/", "pr-1": "preview/pr-1/"}
    assert {entry["Id"] for entry in notifications["LambdaFunctionConfigurations"]} == {
        entry_for(
            "syrf",
            key,
            qualified(f"{ARN}:{function['function_name']}", function.get("alias")),
            Trigger(bucket="uploads", prefix=prefixes[function["function_name"]]),
        )["Id"]
        for key, function in functions.items()
    }
    assert [entry["Id"] for entry in notifications["QueueConfigurations"]] == ["theirs"]
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/staging")
    assert [group["retentionInDays"] for group in groups["logGroups"]] == [14]

    clouds.upload(ministack, "packages", "notifier.zip", second, account=ACCOUNT)
    functions["staging/s3-notifier"]["version"] = "1.1.0"
    functions["staging/s3-notifier"]["code"]["source_code_hash"] = _hash(second)
    del functions["preview/pr-1/s3-notifier"]
    write()
    terraform(folder, "plan", "-out=plan.bin")
    assert changes(folder) == {
        'module.fleet.aws_lambda_function.this["staging/s3-notifier"]': ["update"],
        'module.fleet.aws_lambda_alias.this["staging/s3-notifier"]': ["update"],
        'module.fleet.aws_lambda_function.this["preview/pr-1/s3-notifier"]': ["delete"],
        'module.fleet.aws_lambda_permission.s3["preview/pr-1/s3-notifier:uploads"]': ["delete"],
        'module.fleet.aws_s3_bucket_notification.this["uploads"]': ["update"],
    }
    said = terraform(folder, "apply", "plan.bin").stdout
    assert said.index('this["uploads"]: Modifications complete') < said.index(
        'pr-1/s3-notifier"]: Destroying'
    )
    assert lambda_.get_alias(FunctionName="staging", Name="live")["FunctionVersion"] == "2"
    terraform(folder, "plan", "-detailed-exitcode")  # 0: nothing to do
    configurations = {
        name: lambda_.get_function(FunctionName=name)["Configuration"]["CodeSha256"]
        for name in ("staging", "production")
    }
    assert configurations == {"staging": _hash(second), "production": _hash(first)}
    notifications = s3.get_bucket_notification_configuration(Bucket="uploads")
    assert len(notifications["LambdaFunctionConfigurations"]) == 2
    assert len(notifications["QueueConfigurations"]) == 1
