"""Two accounts and two Regions in one project, each with packages where its functions can read them."""

from pathlib import Path
from typing import Any

import pytest

from lockstep.cli.main import main
from lockstep.local.ministack import LocalCloud
from tests.support.clouds import ACCOUNT, REGION, client, make_bucket, make_role, make_zip

OTHER = "210987654321"
FAR = "us-west-2"
PROJECT = f"""\
project: shop
region: {REGION}
environments:
  staging: {{account: "{ACCOUNT}"}}
  production:
    account: "{OTHER}"
    region: {FAR}
    profile: production
    packages: {{bucket: far-packages}}
packages: {{bucket: near-packages}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
functionDefaults: {{runtime: python3.13, handler: app.handler, role: lambda-role}}
"""


@pytest.fixture
def shop(ministack: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one service in two accounts of one AWS, and everything that they need."""
    for name, value in ministack.environment().items():
        if name.startswith("AWS"):
            monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_REGION", raising=False)
    config = tmp_path / "aws-config"
    config.write_text(f"[profile production]\naws_access_key_id = {OTHER}\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path / "cache"))
    for account, region, prefix in ((ACCOUNT, REGION, "near"), (OTHER, FAR, "far")):
        make_role(ministack, "lambda-role", account=account)
        for bucket in (f"{prefix}-packages", f"{prefix}-uploads"):
            make_bucket(ministack, bucket, account=account, region=region)
    folder = tmp_path / "shop"
    (folder / "packages").mkdir(parents=True)
    (folder / "packages/cart-1.0.0.zip").write_bytes(make_zip("def handler(e, c): return 1\n"))
    (folder / "lockstep.yaml").write_text(PROJECT)
    for environment, bucket in (("staging", "near-uploads"), ("production", "far-uploads")):
        declaration = folder / f"environments/{environment}/cart/config.yaml"
        declaration.parent.mkdir(parents=True)
        declaration.write_text(
            f'lambda: {{version: "1.0.0", functionName: cart-{environment}, '
            f"triggers: [{{bucket: {bucket}, prefix: in/}}]}}\n"
        )
    return folder


def objects(cloud: LocalCloud, bucket: str, **place: Any) -> list[str]:
    """Keys of a bucket, leases apart."""
    found = client(cloud, "s3", **place).list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"] for one in found if not one["Key"].startswith("lockstep/leases/")]


def test_each_environment_deploys_into_its_own_account_and_region(
    ministack: LocalCloud, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sync serves both; packages and leases lie in the bucket of the environment that needs them."""
    assert main(["-C", str(shop), "sync"]) == 0, capsys.readouterr()
    assert main(["-C", str(shop), "plan", "--exit-code"]) == 0, capsys.readouterr()
    for environment, account, region, prefix in (
        ("staging", ACCOUNT, REGION, "near"),
        ("production", OTHER, FAR, "far"),
    ):
        functions = client(ministack, "lambda", account=account, region=region)
        arns = [one["FunctionArn"] for one in functions.list_functions()["Functions"]]
        assert arns == [f"arn:aws:lambda:{region}:{account}:function:cart-{environment}"]
        assert len(objects(ministack, f"{prefix}-packages", account=account, region=region)) == 1


def test_a_package_bucket_may_belong_to_a_third_account(
    ministack: LocalCloud, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``packages.account`` names the owner; without it the environment's own account must own the bucket."""
    text = (shop / "lockstep.yaml").read_text()
    shared = text.replace("near-packages", "far-packages")
    (shop / "lockstep.yaml").write_text(shared)
    assert main(["-C", str(shop), "sync", "staging"]) == 1
    assert "far-packages" in capsys.readouterr().out

    owned = f'packages: {{bucket: far-packages, account: "{OTHER}"}}\nartifacts'
    (shop / "lockstep.yaml").write_text(shared.replace("packages: {bucket: far-packages}\nartifacts", owned))
    main(["-C", str(shop), "plan", "staging", "-o", "json"])
    assert f'"bucketOwner": "{OTHER}"' in capsys.readouterr().out
