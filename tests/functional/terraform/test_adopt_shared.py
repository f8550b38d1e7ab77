"""Environments that share a bucket's notification are taken over: together, or one after the other, and
nothing of it is destroyed on the way.
"""

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.delivery.adoption.terraform import Adopted, adopt_from_terraform, state_of
from lockstep.delivery.places.workspace import Where, open_workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import run_sync
from lockstep.engines.terraform.handover import following, managed_in
from lockstep.errors import BadInput
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.clouds import ACCOUNT, HANDLER, REGION, Cloud, make_zip, upload
from tests.support.engine import Lab
from tests.support.projects import PACKAGES, UPLOADS
from tests.support.terraform import provider_override, require_terraform, terraform

PREFIXES = {"production": "Projects/", "staging": "staging/", "pr-7": "preview/pr-7/"}
NOTIFICATION = "aws_s3_bucket_notification.bucket_notification"
PROJECT = f"""\
project: shop
region: {REGION}
environments: {{production: {{}}, staging: {{}}, preview: {{}}}}
packages: {{bucket: {PACKAGES}}}
"""


def _name(place: str) -> str:
    return f"api-{place}"


def _state(*places: str) -> str:
    """A state that manages the functions of some places, their permissions and one notification."""

    def resource(kind: str, name: str, *instances: dict[str, Any]) -> dict[str, Any]:
        provider = 'provider["registry.terraform.io/hashicorp/aws"]'
        return {
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider": provider,
            "instances": [*instances],
        }

    def instance(place: str, **attributes: Any) -> dict[str, Any]:
        index = {"index_key": place.removeprefix("pr-")} if place.startswith("pr-") else {}
        return {"schema_version": 0, **index, "attributes": {"id": place, **attributes}}

    resources = []
    for place in places:
        name = "preview" if place.startswith("pr-") else place
        function = {
            "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{_name(place)}",
            "function_name": _name(place),
            "role": f"arn:aws:iam::{ACCOUNT}:role/lambda-role",
            "runtime": "python3.12",
            "handler": "app.handler",
            "s3_bucket": PACKAGES,
            "s3_key": "lambda-packages/api.zip",
        }
        resources.append(resource("aws_lambda_function", name, instance(place, **function)))
        permission = {"function_name": _name(place), "statement_id": "AllowS3"}
        resources.append(resource("aws_lambda_permission", f"{name}_s3", instance(place, **permission)))
    entries = [
        {
            "id": f"tf-{place}",
            "lambda_function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{_name(place)}",
            "events": ["s3:ObjectCreated:*"],
            "filter_prefix": PREFIXES[place],
            "filter_suffix": "",
        }
        for place in places
    ]
    notification = {"bucket": UPLOADS, "lambda_function": entries}
    resources.append(
        resource("aws_s3_bucket_notification", "bucket_notification", instance("one", **notification))
    )
    state = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {}}
    return json.dumps({**state, "resources": resources})


@pytest.fixture
def lab(moto: Cloud, lab_on: Callable[..., Lab]) -> Lab:
    """An AWS with the functions of all places and the notification, as somebody's Terraform made them."""
    lab = lab_on(moto, *everything(lag=0), Settings())
    upload(lab.aws.behind, PACKAGES, "lambda-packages/api.zip", make_zip(HANDLER))
    functions = lab.client("lambda")
    entries = []
    for place, prefix in PREFIXES.items():
        made = functions.create_function(
            FunctionName=_name(place),
            Role=f"arn:aws:iam::{ACCOUNT}:role/lambda-role",
            Runtime="python3.12",
            Handler="app.handler",
            Code={"S3Bucket": PACKAGES, "S3Key": "lambda-packages/api.zip"},
        )
        functions.add_permission(
            FunctionName=_name(place),
            StatementId="AllowS3",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{UPLOADS}",
            SourceAccount=ACCOUNT,
        )
        entries.append(
            {
                "Id": f"tf-{place}",
                "LambdaFunctionArn": made["FunctionArn"],
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
            }
        )
    lab.put_notifications({"LambdaFunctionConfigurations": entries})
    return lab


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with no function declared."""
    root = tmp_path / "gitops"
    root.mkdir()
    (root / "lockstep.yaml").write_text(PROJECT)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for place in PREFIXES:
        folder = root / "environments" / ("preview/pr-7" if place == "pr-7" else f"{place}/web")
        folder.mkdir(parents=True)
        (folder / ("pr.yaml" if place == "pr-7" else "config.yaml")).write_text(
            "number: 7\n" if place == "pr-7" else f"serviceName: web\nenvName: {place}\n"
        )
    (root / "services/web").mkdir(parents=True)
    (root / "services/web/config.yaml").write_text("serviceName: web\ndeploymentType: helm\n")
    return root


def _where(root: Path) -> Where:
    return Where(folder=root, cache=root.parent / "cache")


def _adopt(root: Path, state: str, *environments: str) -> Adopted:
    workspace = open_workspace(_where(root))
    adopted = adopt_from_terraform(
        workspace, environments, state, source="s.json", version="1.0.0", options=Options()
    )
    assert adopted.differences == ()
    return adopted


def test_several_environments_at_once_let_go_of_what_they_share(lab: Lab, root: Path, tmp_path: Path) -> None:
    """Declarations of all, one set of blocks, and Terraform's plan with them forgets and destroys nothing."""
    state = _state("production", "staging")
    adopted = _adopt(root, state, "production", "staging")
    assert adopted.targets == ("production/api", "staging/api")
    assert f"from = {NOTIFICATION}\n" in adopted.removed
    before = lab.notifications(UPLOADS)
    run_sync(open_workspace(_where(root)), Options(adopt=True), stop=threading.Event())
    assert lab.notifications(UPLOADS) == before

    require_terraform()
    folder = tmp_path / "terraform"
    folder.mkdir()
    (folder / "terraform.tfstate").write_text(state)
    (folder / "main.tf").write_text(provider_override(lab.aws.endpoint) + adopted.removed)
    terraform(folder, "init")
    terraform(folder, "plan", "-refresh=false", "-out=plan.bin")
    shown = json.loads(terraform(folder, "show", "-json", "plan.bin").stdout)
    actions = {one["address"]: one["change"]["actions"] for one in shown["resource_changes"]}
    assert actions.keys() == {one.address for one in managed_in(state, "s")}
    assert set(map(tuple, actions.values())) == {("forget",)}


def test_one_after_the_other_the_last_one_lets_go(lab: Lab, root: Path) -> None:
    """The first is told what holds the notification; the last one's blocks have it, from the same state."""
    state = _state("production", "staging")
    first = _adopt(root, state, "production")
    assert f"from = {NOTIFICATION}" not in first.removed
    assert first.removed.startswith(f"# {NOTIFICATION} stays in the state, as it calls api-staging too")
    assert any("lockstep adopt production staging" in note for note in first.notes)
    last = _adopt(root, state, "staging")
    assert f"from = {NOTIFICATION}\n" in last.removed
    assert "stays in the state" not in last.removed


def test_previews_hold_the_notification_until_they_are_declared(lab: Lab, root: Path) -> None:
    """A preview that only Terraform knows keeps it; one that Git declares goes with its environment."""
    state = _state("production", "staging", "pr-7")
    first = _adopt(root, state, "production", "staging")
    assert "as it calls api-pr-7 too" in first.removed
    with pytest.raises(BadInput, match="no function of preview that is declared"):
        _adopt(root, state, "preview")
    file = root / "environments/preview/pr-7/services/api.values.yaml"
    file.parent.mkdir()
    file.write_text(
        "deploymentType: lambda\nlambda:\n  version: 1.0.0\n  functionName: api-pr-7\n"
        "  role: lambda-role\n  runtime: python3.12\n  handler: app.handler\n"
        "  s3Key: lambda-packages/api.zip\n"
        f"  triggers: [{{bucket: {UPLOADS}, prefix: preview/pr-7/}}]\n"
    )
    last = _adopt(root, state, "preview")
    assert last.files == ()
    assert "from = aws_lambda_function.preview\n" in last.removed
    assert f"from = {NOTIFICATION}\n" in last.removed


def test_environments_with_states_of_their_own_are_not_one(root: Path) -> None:
    """What they share cannot be known from one state."""
    text = PROJECT.replace("production: {}", "production: {terraform: {folder: a}}")
    (root / "lockstep.yaml").write_text(text.replace("staging: {}", "staging: {terraform: {folder: b}}"))
    with pytest.raises(BadInput, match="states of their own"):
        state_of(open_workspace(_where(root)), ["production", "staging"])
    with pytest.raises(BadInput, match="preview has no terraform: block"):
        state_of(open_workspace(_where(root)), ["preview"])


@given(st.permutations(sorted(PREFIXES)), st.integers(min_value=0, max_value=3))
def test_a_notification_goes_exactly_with_the_last_function_that_it_calls(order: list[str], cut: int) -> None:
    """In whatever order they are handed over; permissions go with their own function."""
    managed = managed_in(_state(*PREFIXES), "s")
    functions = {one.function: one for one in managed if one.kind == "aws_lambda_function"}
    before, now = order[:cut], order[cut : cut + 1]
    gone, staying = following(
        [functions[_name(place)] for place in now], managed, handed_over={_name(place) for place in before}
    )
    addresses = {one.address for one in gone}
    left = sorted(_name(place) for place in order[cut + 1 :])
    assert (NOTIFICATION in addresses) == (bool(now) and not left)
    assert staying == ({NOTIFICATION: left} if now and left else {})
    assert len(addresses - {NOTIFICATION}) == 2 * len(now)
