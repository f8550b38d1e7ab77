"""The example syrf on a local AWS: its state in S3, its set of previews, its three prefixes."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from lockstep.local.ministack import LocalCloud
from tests.support import clouds
from tests.support.terraform import changes, copy_folder, require_terraform, terraform


def _hash(package: bytes) -> str:
    return base64.b64encode(hashlib.sha256(package).digest()).decode()


def test_it_follows_its_variables(ministack: LocalCloud, tmp_path: Path) -> None:
    """Three functions from nothing; then a new staging version and other previews change just those."""
    require_terraform()
    folder = copy_folder("examples/syrf", tmp_path)
    env = ministack.environment()
    role = clouds.make_role(ministack)
    for bucket in ("uploads-of-a-test", "packages-of-a-test", "state-of-a-test"):
        clouds.make_bucket(ministack, bucket)
    first, second = clouds.make_zip(), clouds.make_zip("def handler(event, context):\n    return 2\n")
    for name in ("production", "staging", "pr-7"):
        clouds.upload(ministack, "packages-of-a-test", f"lambda-packages/{name}.zip", first)
    values: dict[str, Any] = {
        "aws_endpoint": ministack.endpoint,
        "uploads_bucket": "uploads-of-a-test",
        "packages_bucket": "packages-of-a-test",
        "role_arn": role,
        "runtime": "python3.12",
        "handler": "app.handler",
        "production_commit_sha": "abc123d",
        "production_source_code_hash": _hash(first),
        "staging_version": "0.1.6",
        "staging_commit_sha": "abc123d",
        "staging_source_code_hash": _hash(first),
        "staging_rabbitmq_host": "rabbitmq.staging",
        "preview_prs": ["7"],
        "preview_commit_shas": {"7": "abc123d"},
        "preview_versions": {"7": "0.1.6-pr7", "9": "0.1.6-pr9"},  # of a folder that is gone meanwhile
    }

    def write() -> None:
        (folder / "terraform.tfvars.json").write_text(json.dumps(values))

    write()
    backend = {
        "bucket": "state-of-a-test",
        "region": "eu-west-1",
        "endpoints": f'{{s3="{ministack.endpoint}"}}',
        "use_path_style": "true",
        "skip_credentials_validation": "true",
        "skip_requesting_account_id": "true",
    }
    terraform(folder, "init", *(f"-backend-config={key}={value}" for key, value in backend.items()), env=env)
    terraform(folder, "apply", "-auto-approve", env=env)
    terraform(folder, "plan", "-detailed-exitcode", env=env)  # 0: nothing to do

    lambda_, s3 = clouds.client(ministack, "lambda"), clouds.client(ministack, "s3")
    names = {
        "production": "syrfAppUploadS3Notifier",
        "staging": "syrfAppUploadS3Notifier-staging",
        "pr-7": "syrfAppUploadS3Notifier-pr-7",
    }
    notifications = s3.get_bucket_notification_configuration(Bucket="uploads-of-a-test")
    assert {
        entry["Filter"]["Key"]["FilterRules"][0]["Value"]: entry["LambdaFunctionArn"].rpartition(":")[2]
        for entry in notifications["LambdaFunctionConfigurations"]
    } == {
        "Projects/": names["production"],
        "staging/": names["staging"],
        "preview/pr-7/": names["pr-7"],
    }
    staging = lambda_.get_function(FunctionName=names["staging"])
    assert staging["Configuration"]["Environment"]["Variables"] == {"RabbitMqHost": "rabbitmq.staging"}
    assert staging["Tags"]["version"] == "0.1.6"
    assert s3.head_object(Bucket="state-of-a-test", Key="s3-notifier/terraform.tfstate")

    values |= {
        "staging_version": "0.1.7",
        "staging_source_code_hash": _hash(second),
        "preview_prs": ["8"],
        "preview_versions": {"8": "0.1.7-pr8"},
    }
    write()
    terraform(folder, "plan", "-out=plan.bin", env=env)
    assert changes(folder, env=env) == {
        "aws_lambda_function.staging": ["update"],
        'aws_lambda_function.preview["7"]': ["delete"],
        'aws_lambda_function.preview["8"]': ["create"],
        'aws_lambda_permission.preview_s3["7"]': ["delete"],
        'aws_lambda_permission.preview_s3["8"]': ["create"],
        "aws_s3_bucket_notification.bucket_notification": ["update"],
    }
