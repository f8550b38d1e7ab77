"""``lockstep iam-policy``: enough for what it is for, and nothing besides."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lockstep.artifacts.package import make_zip_of
from lockstep.cli import main
from lockstep.delivery.setup.iam_policy import parse_subject
from lockstep.errors import BadInput
from lockstep.local.ministack import ACCOUNT, LocalCloud
from tests.functional.kinds.samples import declaration, furnish
from tests.strict import LogFilters, Managed, Proxy
from tests.strict.policies import Policy
from tests.support import clouds

PROJECT = f"""\
project: shop
region: eu-west-1
account: "{ACCOUNT}"
environments: {{staging: {{prune: true}}, preview: {{}}}}
packages: {{bucket: shop-packages}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
triggers: {{bucket: shop-uploads}}
functionDefaults: {{runtime: python3.12, handler: app.handler, role: lambda-role}}
"""
STAGING = "environments/staging/notifier/config.yaml"
BEFORE = f"""\
deploymentType: lambda
lambda:
  version: "1.0.0"
  functionName: notifier-staging
  s3TriggerPrefix: staging/
  reservedConcurrency: 3
  logRetentionDays: 7
  tags: {{team: a, gone: x}}
{declaration("FIRST")}"""
SIGNING = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:code-signing-config:csc-{'1' * 17}"
BETWEEN = BEFORE.replace(declaration("FIRST"), declaration("SECOND")) + f"  codeSigningConfigArn: {SIGNING}\n"
ALIASED = (
    BETWEEN.replace(declaration("SECOND"), declaration("SECOND", alias="live"))
    + "  alias: live\n  keepVersions: 1\n  keepVersionsFor: 0m\n"
    + declaration("FIRST", published=True)
)
WATCHED = "  rollout: {steps: [{weight: 10%, for: 1s}], alarms: [checkout], smoke: {}}\n"
AFTER = """\
deploymentType: lambda
lambda:
  version: "2.0.0"
  functionName: notifier-staging
  memorySize: 256
  environment: {PLACE: {ssm: /shop/p}, SHELF: {secret: shop/s}}
  tags: {team: b, gone: null}
"""
PREVIEW = (
    'lambda:\n  functionName: "notifier-{env}"\n  s3TriggerPrefix: "preview/{env}/"\n  logRetentionDays: 1\n'
)
PREVIEWS = "environments/preview"

AUTHOR = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]


@dataclass
class Team:
    """A project on disk, and roles with policies of their own."""

    folder: Path
    cloud: LocalCloud
    strict: Callable[..., Proxy]
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    proxy: Proxy | None = field(default=None)
    managed: Managed = field(default_factory=Managed)  # whichever role asks
    filters: LogFilters = field(default_factory=LogFilters)  # likewise

    def write(self, path: str, text: str | None) -> None:
        """Write or remove a file."""
        file = self.folder / path
        if text is None:
            file.unlink()
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self) -> None:
        """Commit everything that is on disk."""
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(self.folder), "add", "-A"], check=True)
        subprocess.run(["git", "-C", str(self.folder), *who, "commit", "-qm", "as it is"], check=True)

    def policy(self, *words: str) -> Any:
        """The document that ``iam-policy`` prints."""
        self.capture.readouterr()
        code = main(["-C", str(self.folder), "iam-policy", *words])
        told = self.capture.readouterr()
        assert code == 0, told.err
        return json.loads(told.out)

    def take(self, document: Any) -> Policy:
        """Go on with a role that has this policy and no other."""
        rule = Policy(document)
        for name, value in self.strict(self.cloud, rule, self.managed, self.filters).environment().items():
            if name.startswith("AWS_"):
                self.patch.setenv(name, value)
        return rule

    def run(self, *words: str) -> int:
        """Run lockstep here."""
        return main(["-C", str(self.folder), *words])


@pytest.fixture
def team(
    ministack: LocalCloud,
    strict: Callable[..., Proxy],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Team:
    """One function in staging and one in a preview, nothing of them deployed."""
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path / "cache"))
    clouds.make_role(ministack)
    for bucket in ("shop-packages", "shop-uploads"):
        clouds.make_bucket(ministack, bucket)
    clouds.client(ministack, "ssm").put_parameter(Name="/shop/p", Value="p", Type="String")
    clouds.client(ministack, "secretsmanager").create_secret(Name="shop/s", SecretString="s")
    clouds.make_alarm(ministack, "checkout", "OK")
    furnish(ministack)
    folder = tmp_path / "gitops"
    made = Team(folder=folder, cloud=ministack, strict=strict, patch=monkeypatch, capture=capsys)
    made.write("lockstep.yaml", PROJECT)
    made.write(STAGING, BEFORE)
    made.write("services/notifier/config.yaml", "serviceName: notifier\ndeploymentType: lambda\n")
    made.write(f"{PREVIEWS}/services/notifier/config.yaml", "serviceName: notifier\n")
    made.write(f"{PREVIEWS}/services/notifier/values.yaml", PREVIEW)
    made.write(f"{PREVIEWS}/pr-1/pr.yaml", "")
    made.write(f"{PREVIEWS}/pr-1/services/notifier.values.yaml", 'lambda: {version: "1.0.0"}\n')
    (folder / "packages").mkdir()
    for version in ("1.0.0", "2.0.0"):
        source = f"V = {version!r}\ndef handler(e, c): pass\n".encode()
        make_zip_of({"app.py": source}, folder / "packages" / f"notifier-{version}.zip")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return made


def _actions(document: Any) -> set[str]:
    return {action for one in document["Statement"] for action in one["Action"]}


def test_sync_is_allowed_all_that_it_does_and_no_more(team: Team) -> None:
    """A life of a project under the printed policy: nothing is denied, and each action was needed."""
    used: set[str] = set()
    for change in (
        lambda: None,
        lambda: team.write(STAGING, BETWEEN),
        lambda: team.write(STAGING, ALIASED),
        lambda: team.write(STAGING, ALIASED.replace("1.0.0", "2.0.0")),
        lambda: team.write(STAGING, ALIASED.replace("1.0.0", "2.0.0") + f"  memorySize: 512\n{WATCHED}"),
        lambda: team.write(STAGING, AFTER),
        lambda: [
            team.write(
                f"environments/staging/n{number}/config.yaml",
                f"deploymentType: lambda\nlambda:\n  version: '1.0.0'\n  functionName: n{number}-staging\n",
            )
            or (team.folder / f"packages/n{number}-1.0.0.zip").write_bytes(
                (team.folder / "packages/notifier-1.0.0.zip").read_bytes()
            )
            for number in range(10)
        ],
        lambda: team.write(STAGING, AFTER.replace("memorySize: 256", "reservedConcurrency: 2")),
        lambda: [
            team.write(f"{PREVIEWS}/pr-1/pr.yaml", None),
            team.write(f"{PREVIEWS}/pr-1/services/notifier.values.yaml", None),
        ],
    ):
        change()
        document = team.policy("sync", "roles")
        rule = team.take(document)
        assert team.run("sync", "--full") == 0, (rule.denied, team.capture.readouterr())
        assert rule.denied == []
        assert team.run("plan") == 0
        used |= rule.used
    # A listing is read only where there are more than ten functions, and then without --full.
    # What is of others is looked at, and given back, only where there is some.
    # More than ten roles are read in pages; that others may take one, and a boundary that goes from a role
    # that stays, are written only where there is such a thing.
    assert _actions(document) - used == {
        *("events:ListTagsForResource", "events:UntagResource"),
        *("iam:GetAccountAuthorizationDetails", "iam:UpdateAssumeRolePolicy"),
        "iam:DeleteRolePermissionsBoundary",
    }


def test_roles_are_made_within_the_boundary_of_their_environment_and_of_previews_to_come(team: Team) -> None:
    """Each environment has its own bound or none; the name of a preview's role is known to nobody before."""
    bound = f"arn:aws:iam::{ACCOUNT}:policy/bound"
    team.write("lockstep.yaml", PROJECT.replace("preview: {}", f"preview: {{roleBoundary: '{bound}'}}"))
    most = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    clouds.client(team.cloud, "iam").create_policy(PolicyName="bound", PolicyDocument=json.dumps(most))
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    role = f"  role: {{policies: ['{basic}'], boundary: '{bound}'}}\n"
    team.write(f"{PREVIEWS}/services/notifier/values.yaml", PREVIEW + role)
    team.write(f"{PREVIEWS}/pr-1/pr.yaml", None)
    team.write(f"{PREVIEWS}/pr-1/services/notifier.values.yaml", None)
    document = team.policy("sync", "roles")
    bounds = {
        str(one["Resource"]): one.get("Condition")
        for one in document["Statement"]
        if one["Sid"].startswith("BoundRoles")
    }
    path = f"arn:aws:iam::{ACCOUNT}:role/lockstep/shop"
    assert {one[: len(path) + 11]: found for one, found in bounds.items()} == {
        f"['{path}/preview/": {"StringEquals": {"iam:PermissionsBoundary": bound}},
        f"['{path}/staging/": None,
    }
    rule = team.take(document)
    team.write(f"{PREVIEWS}/pr-7/pr.yaml", "")
    team.write(f"{PREVIEWS}/pr-7/services/notifier.values.yaml", 'lambda: {version: "1.0.0"}\n')
    assert team.run("sync", "preview/pr-7") == 0, (rule.denied, team.capture.readouterr())
    assert rule.denied == []


def test_doctor_asks_for_all_that_a_sync_may_need(team: Team) -> None:
    """Under the printed policy nothing is missing; whatever is taken out of it is named."""
    gates = "alarms: [checkout], metrics: [{metric: errors, worse: 1%}], smoke: {}"
    team.write(
        STAGING,
        ALIASED
        + "  environment: {PLACE: {ssm: /shop/p}, SHELF: {secret: shop/s}}\n"
        + f"  rollout: {{steps: [{{weight: 10%, for: 10m}}], {gates}}}\n",
    )
    document = team.policy("plan", "sync", "roles", "doctor")
    assert {"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "lambda:InvokeFunction"} <= _actions(
        document
    )
    rule = team.take(document)
    assert team.run("doctor") == 0, team.capture.readouterr().out
    assert "actions allowed (by simulation)" in team.capture.readouterr().out
    tried = {"lambda:ListFunctions", "tag:GetResources", "iam:SimulatePrincipalPolicy"}
    rule.document = {
        "Statement": [{**one, "Action": sorted(tried & {*one["Action"]})} for one in document["Statement"]]
    }
    assert team.run("doctor") == 1
    told = " ".join(team.capture.readouterr().out.split())
    found = re.search(
        r"denied \(by simulation\): ([\w:, ]+?) fix: .*`lockstep iam-policy plan sync roles`", told
    )
    assert found, told
    assert set(found[1].split(", ")) == _actions(team.policy("plan", "sync", "roles")) - tried


def test_a_plan_can_change_nothing(team: Team) -> None:
    """It is all reading, it is enough to plan and look, and a sync with it is denied before anything."""
    document = team.policy("plan")
    allowed = {"Statement": [one for one in document["Statement"] if one["Effect"] == "Allow"]}
    assert all(
        action.partition(":")[2].startswith(("Get", "GET", "List", "Describe"))
        for action in _actions(allowed)
    )
    rule = team.take(document)
    assert team.run("plan") == 0
    assert team.run("status") == 0
    assert rule.denied == []
    assert team.run("sync") == 1
    assert rule.denied
    assert not clouds.client(team.cloud, "lambda").list_functions()["Functions"]


def test_a_plan_reads_no_value_and_says_so(team: Team) -> None:
    """Neither variables, whatever key they have, nor parameters and secrets: their versions are told.

    It looks neither empty nor in sync, and what else differs is shown. Without --no-values it is unknown.
    """
    variables = "  environment: {SHELF: {secret: shop/s}, PLACE: {ssm: /shop/p}, PLAIN: drawn-7}\n"
    team.write(STAGING, BEFORE + variables)
    team.take(team.policy("sync", "roles"))
    assert team.run("sync", "staging") == 0, team.capture.readouterr()
    rule = team.take(team.policy("plan"))
    clouds.client(team.cloud, "ssm").put_parameter(Name="/shop/p", Value="q", Type="String", Overwrite=True)
    secrets = clouds.client(team.cloud, "secretsmanager")
    (version,) = secrets.list_secret_version_ids(SecretId="shop/s")["Versions"]

    assert team.run("plan", "staging") == 1
    told = " ".join(team.capture.readouterr().out.split())
    assert "1 unknown" in told
    assert {action for action, _ in rule.denied} == {"ssm:GetParameters", "secretsmanager:GetSecretValue"}

    rule.denied.clear()
    assert team.run("plan", "staging", "--no-values", "--exit-code") == 0, team.capture.readouterr()
    told = " ".join(team.capture.readouterr().out.split())
    assert rule.denied == []
    assert "environment: - (not read) + {PLACE: (secret, ssm:/shop/p version 2)" in told
    assert f"SHELF: (secret, secret:shop/s version {version['VersionId']})" in told
    assert "everything is in sync" not in told
    assert "0 unchanged, 1 not read whole" in told

    team.write(STAGING, BEFORE.replace("7\n", "14\n", 1) + variables)
    assert team.run("plan", "staging", "--no-values", "--exit-code", "-o", "json") == 2
    told = team.capture.readouterr().out
    assert '"path": "logRetentionDays"' in told
    assert '"path": "environment"' in told
    assert team.run("plan", "staging", "--no-values", "-o", "plan.json") == 3


def test_a_key_of_the_teams_may_be_used_where_it_is_declared(team: Team) -> None:
    """Variables that a key encrypts are read and written with the printed policies, and not without."""
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k"
    package_key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/p"
    declared = (
        f"{BEFORE}  kmsKeyArn: {key}\n  environment: {{SHELF: one}}\n  sourceKmsKeyArn: {package_key}\n"
    )
    team.write(STAGING, declared)
    rule = team.take(team.policy("sync", "roles"))
    assert team.run("sync") == 0, (rule.denied, team.capture.readouterr())
    assert {one for one in rule.used if one.startswith("kms:")} == {
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
    }
    reader = team.policy("plan", "values")
    assert {one for one in _actions(reader) if one.startswith("kms:")} == {"kms:Decrypt"}
    team.take(reader)
    assert team.run("plan", "staging") == 0
    less = [one for one in reader["Statement"] if "kms:Decrypt" not in one["Action"]]
    team.take({**reader, "Statement": less})
    team.capture.readouterr()
    assert team.run("drift", "staging") == 1
    told = team.capture.readouterr().out
    assert "Unknown" in told
    assert f"allow kms:Decrypt on {key}" in " ".join(told.split())


def test_a_repository_is_named_where_a_tag_has_to_be_looked_up(team: Team) -> None:
    """An image by its tag needs ecr:BatchGetImage on just its repository; one by its digest needs nothing."""
    for image, actions in ((":1.0.0", {"ecr:BatchGetImage"}), (f"@sha256:{'a' * 64}", set[str]())):
        uri = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/team/shop{image}"
        declared = (
            f"lambda: {{version: '1.0.0', functionName: s, image: '{uri}', runtime: null, handler: null}}\n"
        )
        team.write("environments/staging/shop/config.yaml", f"deploymentType: lambda\n{declared}")
        document = team.policy("plan")
        assert {one for one in _actions(document) if one.startswith("ecr:")} == actions
        arn = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/team/shop"
        assert (arn in json.dumps(document)) == bool(actions)


def test_a_layer_that_is_built_here_may_be_published_where_one_is_declared(team: Team) -> None:
    """Under the printed policy of a sync nothing is denied and each action is needed; a plan only looks."""
    team.write("layers/common/config.yaml", "layer: {name: shop-common, runtimes: [python3.12]}\n")
    team.write("environments/staging/common/config.yaml", 'layer: {version: "1.4.0"}\n')
    make_zip_of({"python/common.py": b""}, team.folder / "packages/common-1.4.0.zip")
    team.write(STAGING, f"{BEFORE}  layers: [{{layer: common}}]\n")
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:shop-common"
    document = team.policy("sync", "roles")
    rule = team.take(document)
    assert team.run("sync", "staging") == 0, (rule.denied, team.capture.readouterr())
    assert rule.denied == []
    assert {one for one in rule.used if "Layer" in one} == {
        one for one in _actions(document) if "Layer" in one
    }
    for role, actions in (
        ("sync", ["lambda:GetLayerVersion", "lambda:PublishLayerVersion"]),
        ("plan", ["lambda:GetLayerVersion"]),
    ):
        statements = team.policy(role)["Statement"]
        (found,) = (one for one in statements if "lambda:GetLayerVersion" in one["Action"])
        assert (found["Action"], found["Resource"]) == (actions, [arn, f"{arn}:*"])


def test_a_capacity_provider_may_be_passed_where_one_is_declared(team: Team) -> None:
    """To sync, and that one alone."""
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:capacity-provider:shared"
    team.write(
        "environments/staging/shop/config.yaml",
        "deploymentType: lambda\nlambda: {version: '1.0.0', functionName: s, alias: live, "
        "runtime: python3.13, memorySize: 2048, logging: {format: JSON}, "
        f"capacityProvider: {{arn: '{arn}', maxConcurrency: 16}}}}\n",
    )
    for role, resources in (("sync", [arn]), ("plan", None)):
        statements = team.policy(role)["Statement"]
        found = [one["Resource"] for one in statements if "lambda:PassCapacityProvider" in one["Action"]]
        assert found == ([resources] if resources else [])


def test_what_is_removed_from_git_is_known_by_its_tags(team: Team) -> None:
    """Its name is in no policy any more; what another project owns stays out of reach."""
    team.take(team.policy("sync", "roles"))
    assert team.run("sync") == 0
    for arguments in (["init", "-q"], ["add", "."], [*AUTHOR, "commit", "-q", "-m", "before"]):
        subprocess.run(["git", *arguments], cwd=team.folder, check=True)
    team.write(STAGING, BEFORE.replace("notifier-staging", "renamed-staging"))
    clouds.make_function(team.cloud, "foreign", Tags={"lockstep:project": "other"})
    document = team.policy("sync", "roles")
    rule = team.take(document)
    assert "notifier-staging" not in json.dumps(document)
    assert team.run("sync", "--allow-deletes", "5") == 0, team.capture.readouterr()
    names = {one["FunctionName"] for one in clouds.client(team.cloud, "lambda").list_functions()["Functions"]}
    assert names == {"renamed-staging", "notifier-pr-1", "foreign"}
    assert rule.denied == []


def test_previews_are_named_by_patterns_and_nothing_else_is_in_reach(team: Team) -> None:
    """Any number's function, log group and prefix, whether or not a preview is there now."""
    with_one = team.policy("previews", "gc")
    team.write(f"{PREVIEWS}/pr-1/pr.yaml", None)
    team.write(f"{PREVIEWS}/pr-1/services/notifier.values.yaml", None)
    assert team.policy("previews", "gc") == with_one
    text = json.dumps(with_one)
    assert "function:notifier-pr-*" in text
    assert "arn:aws:s3:::shop-uploads/preview/pr-*/*" in text
    assert "notifier-staging" not in text
    assert "arn:aws:s3:::shop-packages/lockstep/policies/shop/preview/*" in text
    assert "lockstep/policies/shop/staging" not in text


def test_who_may_take_the_role(team: Team) -> None:
    """One environment's jobs, or those of the branch and of pull requests; compared exactly."""
    document = team.policy("--oidc", "acme/gitops:lockstep")
    (statement,) = document["Statement"]
    equals = statement["Condition"]["StringEquals"]
    assert equals["token.actions.githubusercontent.com:sub"] == "repo:acme/gitops:environment:lockstep"
    assert equals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    assert f"::{ACCOUNT}:oidc-provider/" in statement["Principal"]["Federated"]
    (statement,) = team.policy("--oidc", "acme/gitops", "--branch", "trunk")["Statement"]
    assert statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:acme/gitops:pull_request",
        "repo:acme/gitops:ref:refs/heads/trunk",
    ]


def test_a_repository_whose_tokens_carry_ids(team: Team) -> None:
    """As GitHub writes them since July 2026; for names alone it is told how to find the ids."""
    (statement,) = team.policy("--oidc", "octo_acme@12/gitops@345", "--branch", "trunk")["Statement"]
    assert statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:octo_acme@12/gitops@345:pull_request",
        "repo:octo_acme@12/gitops@345:ref:refs/heads/trunk",
    ]
    assert team.run("iam-policy", "--oidc", "acme/gitops") == 0
    told = " ".join(team.capture.readouterr().err.split())
    assert "write --oidc OWNER@ID/NAME@ID; gh api repos/acme/gitops --jq" in told


@pytest.mark.parametrize(
    "branch", ["release/*", "*", "releases/**", "v?", "[ab]", "refs/heads/main", "", "a b"]
)
def test_a_branch_that_never_matches_is_refused(team: Team, branch: str) -> None:
    """AWS compares subjects as they are, and GitHub writes the branch's own name into them."""
    assert team.run("iam-policy", "--oidc", "acme/gitops", "--branch", branch) == 3
    assert "--branch" in team.capture.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        *("acme", "acme/*", "*/x", "acme/x:", "acme/x:*", "a/b/c", "acme/x:pro?", ""),
        *("acme@12/x", "acme/x@12", "acme@*/x@*", "acme@12/x@", "acme@a/x@1", "acme@1/x@2:*"),
    ],
)
def test_a_subject_without_wildcards(text: str) -> None:
    """What would let somebody else's workflows in is refused."""
    with pytest.raises(BadInput, match="names no repository"):
        parse_subject(text)


def test_bad_input_says_what_to_write(team: Team) -> None:
    """No feature, an unknown one, and roles that differ."""
    for words, told in (
        ([], "nothing says what the role is for"),
        (["synk"], "'synk' is no feature"),
        (["sync", "--oidc", "a/b"], "a trust policy has no features"),
        (["sync", "--target", "stagin"], "did you mean staging"),
    ):
        team.capture.readouterr()
        assert team.run("iam-policy", *words) == 3
        assert told in team.capture.readouterr().err
    several = PROJECT.replace("{prune: true}", "{prune: true, role: 'arn:aws:iam::123456789012:role/x'}")
    team.write("lockstep.yaml", several)
    assert team.run("iam-policy", "sync") == 3
    assert "several accounts" in team.capture.readouterr().err
    assert team.run("iam-policy", "sync", "--target", "staging") == 0
