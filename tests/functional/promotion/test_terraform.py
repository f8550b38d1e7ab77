"""Incidents where Terraform applies and one state holds every environment."""

from pathlib import Path

import pytest

from lockstep.local.ministack import LocalCloud
from tests.functional.promotion.conftest import PRODUCTION_FILE, Shop
from tests.support import clouds
from tests.support.terraform_engine import FUNCTIONS, needs_terraform

pytestmark = needs_terraform

RUN = '{engine: terraform, terraform: {folder: terraform, backend: {path: "STATE"}}'
PROJECT = f"""\
project: shop
region: eu-west-1
environments:
  staging: {RUN}, promotion: {{merge: auto}}}}
  production: {RUN}, promotion: {{merge: review, from: staging}}}}
  preview: {RUN}}}
packages: {{bucket: shop-packages}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
"""
PREVIEW = """\
serviceName: notifier
deploymentType: lambda
lambda: {version: "9.9.9", functionName: "notifier-pr-{pr}"}
"""


@pytest.fixture
def applied(shop: Shop, ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shop:
    """The shop, applied by Terraform; production ran 0.1.0 and runs 0.2.0.

    The folder makes no functions: ``_deploy`` stands for what a team's would have done.
    """
    for name, value in ministack.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clouds.make_role(ministack)
    clouds.make_bucket(ministack, "shop-packages")
    for version in ("0.2.0", "0.3.0"):
        shop.package("notifier", version)
    shop.push(
        **{
            "lockstep.yaml": PROJECT.replace("STATE", str(tmp_path / "state.tfstate")),
            "terraform/main.tf": FUNCTIONS,
        }
    )
    production = 'serviceName: notifier\nlambda: {version: "0.2.0", functionName: notifier}\n'
    _deploy(shop, ministack, "notifier", "0.1.0")
    shop.run("sync", "production")
    shop.push(**{PRODUCTION_FILE: production})
    _deploy(shop, ministack, "notifier", "0.2.0")
    shop.run("sync", "production")
    return shop


def _deploy(shop: Shop, ministack: LocalCloud, name: str, version: str) -> None:
    """Let a function run a version."""
    functions = clouds.client(ministack, "lambda")
    package = (shop.work.folder / "packages" / f"notifier-{version}.zip").read_bytes()
    if name in {one["FunctionName"] for one in functions.list_functions()["Functions"]}:
        functions.update_function_code(FunctionName=name, ZipFile=package)
    else:
        role = f"arn:aws:iam::{clouds.ACCOUNT}:role/lambda-role"
        functions.create_function(
            FunctionName=name,
            Role=role,
            Runtime="python3.12",
            Handler="app.handler",
            Code={"ZipFile": package},
        )
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0})


def _state(tmp_path: Path) -> dict[str, str]:
    from tests.support.terraform_engine import Desk

    return Desk(root=tmp_path, state=tmp_path / "state.tfstate", cache=tmp_path).live()


def test_production_rolls_back_beside_a_broken_preview_and_an_undeployed_staging(
    applied: Shop, ministack: LocalCloud, tmp_path: Path
) -> None:
    """Nothing that stands beside it in the state holds an incident back, and nothing of it changes."""
    applied.push(
        **{
            "environments/preview/services/notifier/values.yaml": "{}\n",
            "environments/preview/pr-7/pr.yaml": "number: 7\n",
            "environments/preview/pr-7/services/notifier.values.yaml": PREVIEW,
        }
    )
    assert _state(tmp_path) == {"production/notifier": "0.2.0"}
    _deploy(applied, ministack, "notifier", "0.1.0")
    out = applied.run("rollback", "production/notifier", "--now", "--reason", "it burns")
    assert "Committed as" in out
    assert _state(tmp_path) == {"production/notifier": "0.1.0"}
    assert 'version: "0.1.0"' in applied.show(PRODUCTION_FILE)


def test_what_the_sync_would_refuse_is_not_committed(applied: Shop, tmp_path: Path) -> None:
    """The folder would replace the function: that is said before Git says another version."""
    applied.push(**{"terraform/main.tf": FUNCTIONS.replace("each.value.function_name", "each.value.version")})
    before = applied.log()
    applied.run("rollback", "production/notifier", "--now", code=1)
    assert "would be replaced, and production/notifier is still declared" in applied.err
    assert "leave out --now" in applied.err
    assert applied.log() == before
    assert _state(tmp_path) == {"production/notifier": "0.2.0"}


def test_what_is_nobodys_does_not_hold_an_incident_back(
    applied: Shop, ministack: LocalCloud, tmp_path: Path
) -> None:
    """The folder no longer has a bucket: that is for a run of everything, where it is refused."""
    bucket = 'resource "terraform_data" "bucket" {\n  input = { version = "1" }\n}\n'
    staging = "environments/staging/notifier/config.yaml"
    applied.push(**{"terraform/more.tf": bucket})
    _deploy(applied, ministack, "notifier-staging", "0.1.0")
    applied.run("sync")
    (applied.work.folder / "terraform/more.tf").unlink()
    applied.push_disk("the bucket is gone")
    applied.run("sync", code=1)
    assert "terraform_data.bucket would be deleted" in applied.err
    _deploy(applied, ministack, "notifier", "0.1.0")
    applied.run("rollback", "production/notifier", "--now")
    assert _state(tmp_path) == {"production/notifier": "0.1.0", "staging/notifier": "0.1.0"}
    assert 'version: "0.1.0"' in applied.show(staging)
