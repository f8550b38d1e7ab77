"""Functions change their master: nothing of them changes, and nobody writes a secret into Git."""

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lockstep.cli import main
from lockstep.delivery.adoption.eject import Ejected, eject_to_terraform
from lockstep.delivery.adoption.hand_over import Handed, hand_over
from lockstep.delivery.adoption.terraform import adopt_from_terraform, state_of
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan, run_sync
from lockstep.delivery.sync.session import Session
from lockstep.engines.terraform.handover import managed_in, removed_blocks
from lockstep.errors import BadInput, NotAllowed
from lockstep.model import ApplyResource, Verb
from lockstep.planning.hand_over import Stage
from tests.functional.terraform.test_parity import ROOT
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.clouds import ACCOUNT, HANDLER, REGION, Cloud, make_zip, upload
from tests.support.engine import Lab
from tests.support.projects import PACKAGES, UPLOADS, make_fleet, make_target
from tests.support.terraform import copy_folder, provider_override, require_terraform, terraform
from tests.support.terraform_engine import FUNCTIONS, AwsKeeper, Desk, needs_terraform

ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:api-staging"
PROJECT = f"""\
project: shop
region: {REGION}
environments:
  staging: {{}}
  production: {{}}
packages: {{bucket: {PACKAGES}}}
"""
HEIR = (
    ROOT.replace(
        "  functions          = var.functions\n",
        "  functions             = var.functions\n"
        "  foreign_notifications = var.foreign_notifications\n"
        "  notification_order    = var.notification_order\n",
    )
    + """
variable "foreign_notifications" { type = any }
variable "notification_order" { type = any }
"""
)
STATE = {
    "version": 4,
    "resources": [
        {
            "mode": "managed",
            "type": "aws_lambda_function",
            "name": "staging",
            "instances": [
                {
                    "attributes": {
                        "arn": ARN,
                        "function_name": "api-staging",
                        "role": ROLE,
                        "runtime": "python3.12",
                        "handler": "app.handler",
                        "memory_size": 512,
                        "timeout": 3,
                        "environment": [{"variables": {"MODE": "fast", "API_TOKEN": "hunter2-hunter2"}}],
                        "s3_bucket": PACKAGES,
                        "s3_key": "lambda-packages/staging.zip",
                        "reserved_concurrent_executions": -1,
                        "tags": {"team": "files"},
                    }
                }
            ],
        },
        {
            "mode": "managed",
            "type": "aws_lambda_permission",
            "name": "staging_s3",
            "instances": [{"attributes": {"function_name": "api-staging", "statement_id": "AllowS3"}}],
        },
        {
            "mode": "managed",
            "type": "aws_s3_bucket_notification",
            "name": "bucket_notification",
            "instances": [
                {
                    "attributes": {
                        "bucket": UPLOADS,
                        "lambda_function": [
                            {
                                "id": "tf-1",
                                "lambda_function_arn": ARN,
                                "events": ["s3:ObjectCreated:*"],
                                "filter_prefix": "staging/",
                                "filter_suffix": "",
                            }
                        ],
                    }
                }
            ],
        },
        {
            "mode": "managed",
            "type": "aws_iam_role",
            "name": "lambda",
            "instances": [{"attributes": {"name": "lambda-role"}}],
        },
    ],
}


def _hand_over(root: Path, heir: str) -> Handed:
    credentials = Credentials(cache=root.parent / "cache")
    return hand_over(_opened(root), ["staging"], heir, options=Options(), credentials=credentials)


def _opened(folder: Path) -> Workspace:
    return open_workspace(Where(folder=folder, cache=folder.parent / "cache"))


def _repository(folder: Path) -> Path:
    root = folder / "gitops"
    files = {
        "lockstep.yaml": PROJECT,
        "services/web/config.yaml": "serviceName: web\ndeploymentType: helm\n",
        "environments/staging/web/config.yaml": "serviceName: web\nenvName: staging\n",
        "environments/production/web/config.yaml": "serviceName: web\nenvName: production\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture
def by_terraform(moto: Cloud, lab_on: Callable[..., Lab]) -> Lab:
    """An AWS with the function, permission and notification that ``STATE`` describes, without our tags."""
    lab = lab_on(moto, *everything(lag=0), Settings())
    upload(lab.aws.behind, PACKAGES, "lambda-packages/staging.zip", make_zip(HANDLER))
    functions = lab.client("lambda")
    functions.create_function(
        FunctionName="api-staging",
        Role=ROLE,
        Runtime="python3.12",
        Handler="app.handler",
        MemorySize=512,
        Environment={"Variables": {"MODE": "fast", "API_TOKEN": "hunter2-hunter2"}},
        Code={"S3Bucket": PACKAGES, "S3Key": "lambda-packages/staging.zip"},
        Tags={"team": "files"},
    )
    functions.add_permission(
        FunctionName="api-staging",
        StatementId="AllowS3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{UPLOADS}",
        SourceAccount=ACCOUNT,
    )
    entry = {
        "Id": "tf-1",
        "LambdaFunctionArn": ARN,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "staging/"}]}},
    }
    lab.put_notifications({"LambdaFunctionConfigurations": [entry]})
    return lab


def test_adopt_writes_declarations_that_change_nothing(by_terraform: Lab, tmp_path: Path) -> None:
    """The plan after it marks the function as ours and nothing else; a secret stays out of Git."""
    root = _repository(tmp_path)
    adopted = adopt_from_terraform(
        _opened(root), ["staging"], json.dumps(STATE), source="s.json", version="1.4.0", options=Options()
    )
    assert adopted.differences == ()
    assert adopted.targets == ("staging/api",)
    assert [target.verb for target in adopted.plan.targets] == [Verb.ADOPT]
    assert adopted.files == ("services/api/config.yaml", "environments/staging/api/config.yaml")
    text = (root / "environments/staging/api/config.yaml").read_text()
    assert "hunter2" not in text
    assert yaml.safe_load(text)["lambda"] == {
        "version": "1.4.0",
        "functionName": "api-staging",
        "adopt": True,
        "s3Key": "lambda-packages/staging.zip",
        "runtime": "python3.12",
        "handler": "app.handler",
        "role": ROLE,
        "memorySize": 512,
        "environment": {"MODE": "fast"},
        "tags": {"team": "files"},
        "triggers": [{"bucket": UPLOADS, "prefix": "staging/"}],
        "ignore": ["environment.API_TOKEN"],
    }
    assert any("API_TOKEN look secret" in note for note in adopted.notes)
    for resource in (
        "aws_lambda_function.staging",
        "aws_lambda_permission.staging_s3",
        "aws_s3_bucket_notification.bucket_notification",
    ):
        assert f"from = {resource}\n" in adopted.removed
    assert "aws_iam_role" not in adopted.removed
    again = adopt_from_terraform(
        _opened(root), ["staging"], json.dumps(STATE), source="s.json", version=None, options=Options()
    )
    assert again.files == ()


def test_adopt_says_what_the_state_has_wrong(by_terraform: Lab, tmp_path: Path) -> None:
    """A function that differs from the state that describes it is no empty plan."""
    by_terraform.client("lambda").update_function_configuration(FunctionName="api-staging", Timeout=60)
    adopted = adopt_from_terraform(
        _opened(_repository(tmp_path)),
        ["staging"],
        json.dumps(STATE),
        source="s.json",
        version=None,
        options=Options(),
    )
    assert adopted.differences == ("staging/api: timeout would change",)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 3}', "{}"])
def test_what_is_no_state_is_refused(text: str) -> None:
    """Nothing is taken for an empty state."""
    with pytest.raises(BadInput, match="no state of Terraform"):
        managed_in(text, "s.json")


def test_adopt_needs_a_function_of_the_environment(tmp_path: Path) -> None:
    """A state of another environment names what it has."""
    with pytest.raises(BadInput, match="no function of production") as caught:
        adopt_from_terraform(
            _opened(_repository(tmp_path)),
            ["production"],
            json.dumps(STATE),
            source="s.json",
            version=None,
            options=Options(),
        )
    assert "aws_lambda_function.staging" in str(caught.value)


@needs_terraform
def test_removed_blocks_let_go_without_destroying(desk: Desk) -> None:
    """Terraform takes the text; a resource of which some instances stay is let go by command."""
    desk.sync(make_target("staging/api"), make_target("staging/web"))
    managed = managed_in(desk.state.read_text(), "state")
    some = removed_blocks(managed[:1], managed)
    assert "removed {" not in some
    assert "terraform state rm 'terraform_data.function[\"staging/api\"]'" in some
    begin, end = FUNCTIONS.index('resource "terraform_data"'), FUNCTIONS.index("output")
    desk.write(FUNCTIONS[:begin] + FUNCTIONS[end:] + removed_blocks(managed, managed))
    done = desk.run(make_target("staging/api"), make_target("staging/web"))
    assert done.report.is_success, done.plan.problems
    assert {getattr(step, "action", "forget") for step in done.plan.steps[1:]} <= {"forget"}
    assert managed_in(desk.state.read_text(), "state") == []


def test_eject_gives_terraform_all_it_needs_to_take_over_with_an_empty_plan(
    moto: Cloud, lab_on: Callable[..., Lab], tmp_path: Path
) -> None:
    """Terraform imports and changes nothing, foreign entries included, and the aws engine still finds
    everything in sync.
    """
    require_terraform()
    lab = lab_on(moto, *everything(lag=0), Settings())
    root, into = _repository(tmp_path), tmp_path / "repository" / "terraform"
    _declare_api(root)
    upload(lab.aws.behind, PACKAGES, "lambda-packages/staging.zip", make_zip(HANDLER))
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
    foreign = {"Id": "queue", "QueueArn": queue, "Events": ["s3:ObjectRemoved:*"]}
    lab.put_notifications({"QueueConfigurations": [foreign]})

    with pytest.raises(NotAllowed, match="not in sync"):
        _eject(root, into)
    run_sync(_opened(root), Options(), stop=threading.Event())
    ejected = _eject(root, into)
    assert "hunter2" not in "".join(Path(file).read_text() for file in ejected.files)
    assert any("API_TOKEN are secret" in note for note in ejected.notes)
    with pytest.raises(BadInput, match="there already"):
        _eject(root, into)

    desk = Desk.make(tmp_path, HEIR)
    desk.write(provider_override(lab.aws.endpoint), "terraform/provider.tf")
    copy_folder("modules/lambda-fleet", tmp_path / "copy").parent.rename(into / "modules")
    desk.keeper = AwsKeeper(root=desk.root, aws=lab.engine(), fetch=lab.fetch)
    fleet = Session(_opened(root), Options()).resolved(("staging",))
    (target,) = (one for one in fleet.targets.values() if one.function)
    before = lab.notifications(UPLOADS), lab.live("api-staging")["Configuration"]["CodeSha256"]
    done = desk.sync(target)
    assert [(one.verb, one.changes) for one in done.plan.targets] == [(Verb.ADOPT, ())]
    actions = {step.action for step in done.plan.steps if isinstance(step, ApplyResource)}
    assert actions <= {"import", "update"}  # of where the package lies, which AWS does not tell
    assert (lab.notifications(UPLOADS), lab.live("api-staging")["Configuration"]["CodeSha256"]) == before
    assert lab.plan(make_fleet(target)).is_empty


def test_an_environment_goes_to_terraform_and_back_and_nothing_changes(
    moto: Cloud, lab_on: Callable[..., Lab], tmp_path: Path
) -> None:
    """By its engine alone: Terraform imports, then forgets; what is in AWS is the same before and after."""
    require_terraform()
    lab = lab_on(moto, *everything(lag=0), Settings())
    root = _repository(tmp_path)
    _declare_api(root)
    upload(lab.aws.behind, PACKAGES, "lambda-packages/staging.zip", make_zip(HANDLER))
    queue = {"Id": "queue", "QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "Events": ["s3:ObjectRemoved:*"]}
    lab.put_notifications({"QueueConfigurations": [queue]})
    block = f'{{folder: terraform, backend: {{path: "{tmp_path / "state.tfstate"}"}}}}'
    text = PROJECT.replace("staging: {}", f"staging: {{terraform: {block}}}")
    (root / "lockstep.yaml").write_text(text)
    desk = Desk(root=root, state=tmp_path / "state.tfstate", cache=tmp_path / "cache")
    desk.write(HEIR)
    desk.write(provider_override(lab.aws.endpoint), "terraform/provider.tf")
    copy_folder("modules/lambda-fleet", tmp_path / "copy").parent.rename(root / "terraform/modules")
    _commit(root)
    run_sync(_opened(root), Options(), stop=threading.Event())
    seen = lab.notifications(UPLOADS), lab.live("api-staging")["Configuration"]

    done = _hand_over(root, "terraform")
    assert (done.stage, done.differences) == (Stage.CHANGE, ())
    assert done.files == ("lockstep.yaml", "terraform/handover.auto.tfvars.json", "terraform/imports.tf")
    with pytest.raises(NotAllowed, match="not committed"):
        _hand_over(root, "terraform")
    _commit(root)
    plan, report = run_sync(_opened(root), Options(), stop=threading.Event())
    assert report.is_success, report
    actions = {step.action for step in plan.steps if isinstance(step, ApplyResource)}
    assert actions <= {"import", "update"}
    assert _hand_over(root, "terraform").stage is Stage.DONE

    back = _hand_over(root, "aws")
    assert (back.stage, back.differences, back.files) == (Stage.CHANGE, (), ("lockstep.yaml",))
    assert "lockstep adopt staging --from terraform > removed.tf" in back.steps[-1]
    _commit(root)
    assert not [one for one in make_plan(_opened(root), Options()).targets if one.changes]
    state = state_of(_opened(root), ["staging"])
    let = adopt_from_terraform(
        _opened(root), ["staging"], state, source="state", version=None, options=Options()
    )
    assert (let.differences, let.files) == ((), ())
    kinds = {one.split(".")[2] for one in let.removed.splitlines() if "from = module.fleet." in one}
    assert kinds == {"aws_lambda_function", "aws_lambda_permission", "aws_s3_bucket_notification"}
    (root / "terraform/main.tf").write_text('terraform {\n  backend "local" {}\n}\n' + let.removed)
    (root / "terraform/imports.tf").unlink()
    folder = root / "terraform"
    terraform(folder, "init", f"-backend-config=path={tmp_path / 'state.tfstate'}")
    terraform(folder, "plan", "-refresh=false", "-out=plan.bin")
    shown = json.loads(terraform(folder, "show", "-json", "plan.bin").stdout)
    assert {tuple(one["change"]["actions"]) for one in shown["resource_changes"]} == {("forget",)}
    now = lab.notifications(UPLOADS), lab.live("api-staging")["Configuration"]
    assert now[0] == seen[0]
    assert {name for name in seen[1] if now[1].get(name) != seen[1][name]} <= {"LastModified", "RevisionId"}


def _commit(root: Path) -> None:
    for words in (["add", "-A"], ["commit", "-qm", "x"]):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        subprocess.run(git, cwd=root, check=True)


def _declare_api(root: Path) -> None:
    declaration = {
        "version": "1.0.0",
        "functionName": "api-staging",
        "role": "lambda-role",
        "runtime": "python3.12",
        "handler": "app.handler",
        "s3Key": "lambda-packages/staging.zip",
        "environment": {"MODE": "fast", "API_TOKEN": "hunter2-hunter2"},
        "triggers": [{"bucket": UPLOADS, "prefix": "staging/"}],
    }
    path = root / "environments/staging/api/config.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({"serviceName": "api", "envName": "staging", "lambda": declaration}))
    (root / "services/api").mkdir()
    (root / "services/api/config.yaml").write_text("serviceName: api\ndeploymentType: lambda\n")


def _eject(root: Path, into: Path) -> Ejected:
    return eject_to_terraform(_opened(root), ("staging",), into, module="module.fleet", options=Options())


def test_adopt_on_the_command_line(
    by_terraform: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks go to stdout, so that they can be written to a file; what was done goes to the log."""
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path / "cache"))
    root, state = _repository(tmp_path), tmp_path / "state.json"
    state.write_text(json.dumps(STATE))
    words = ["-C", str(root), "adopt", "staging", "--from", "terraform", "--state", str(state)]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out.startswith("removed {\n  from = aws_lambda_function.staging\n")
    assert "wrote environments/staging/api/config.yaml" in err
    assert "hunter2" not in out + err
    assert main(["-C", str(root), "adopt", "staging", "--from", "terraform"]) == 3
    assert "give the state with --state FILE" in capsys.readouterr().err
