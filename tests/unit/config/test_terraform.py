"""``environments.NAME.terraform``: what is read, and what is wrong with it, with its line."""

import pytest

from lockstep.config.load import load
from lockstep.config.project_file import read_project
from lockstep.errors import BadInput, BadInputs
from lockstep.model import Environment
from tests.unit.config.conftest import PROJECT, STAGING_FILE, staging

HEAD = "project: shop\nenvironments:\n"


def _environment(block: str, name: str = "staging") -> Environment:
    text = f"{HEAD}  {name}:\n    engine: terraform\n    terraform:\n" + "".join(
        f"      {line}\n" for line in block.splitlines()
    )
    return read_project(text.encode(), "lockstep.yaml").project.environments[name]


def _fails(block: str, name: str = "staging") -> str:
    with pytest.raises((BadInput, BadInputs)) as caught:
        _environment(block, name)
    return str(caught.value)


def test_a_folder_is_enough() -> None:
    """Everything else has a default; the mapping is the one map of functions."""
    settings = _environment("folder: terraform/functions/").terraform
    assert settings is not None
    assert (settings.folder, settings.binary, settings.workspace) == (
        "terraform/functions",
        "terraform",
        "default",
    )
    assert (settings.mapping, settings.lock_seconds) == ("functions", 300)
    assert settings.place == "lockstep.yaml:5"


def test_everything_that_can_be_said() -> None:
    """Values of the backend are taken as they are written; templates alone replace the mapping."""
    settings = _environment(
        "folder: tf\nrepository: https://example.org/infra.git\nrevision: v1\nbinary: tofu\nworkspace: blue\n"
        "backend: {bucket: b, use_lockfile: true, port: 10}\nlockTimeout: 60\n"
        'variables: {"{service}_version": "{version}", "all[]": "{pr}", "m.{pr}": "{hash}"}'
    ).terraform
    assert settings is not None
    assert settings.backend == {"bucket": "b", "use_lockfile": "true", "port": "10"}
    assert settings.mapping is None
    assert list(settings.variables) == ["{service}_version", "all[]", "m.{pr}"]
    assert (settings.binary, settings.workspace, settings.lock_seconds) == ("tofu", "blue", 60)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("skip_credentials_validation", "true"),
        ("shared_credentials_file", "/home/ci/.aws/credentials"),
        ("credentials", "ci.json"),
        ("web_identity_token_file", "/var/run/token"),
        ("use_oidc", "true"),
    ],
)
def test_a_backend_key_with_a_secret_sounding_name_may_hold_none(name: str, text: str) -> None:
    """Switches and paths of files are passed as they are written."""
    settings = _environment(f"folder: tf\nbackend: {{{name}: {text}}}").terraform
    assert settings is not None
    assert settings.backend == {name: text}


@pytest.mark.parametrize(
    "name", ["secret_key", "token", "client_secret", "password", "sas_token", "encryption_key"]
)
def test_a_secret_of_a_backend_stays_out_of_the_repository(name: str) -> None:
    """What authenticates is given by the environment."""
    assert "is a secret" in _fails(f"folder: tf\nbackend: {{{name}: abcdef}}")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("workspace: x", "has no folder"),
        ("folder: /etc", "is no path in a repository"),
        ("folder: tf\nbinary: terragrunt", "terragrunt"),
        ("folder: tf\nrepository: https://example.org/x.git", "needs a revision"),
        ("folder: tf\nrevision: v1", "not at a revision"),
        ("folder: tf\nrepository: https://a:b@example.org/x.git\nrevision: v1", "holds a password"),
        ("folder: tf\nbackend: {access_key: AKIAABCDEFGHIJKLMNOP}", "is a secret"),
        ("folder: tf\nbackend: {bucket: {ssm: /x}}", "is a secret"),
        ("folder: tf\nmapping: everything", "everything"),
        ("folder: tf\nvariables: {x: '{colour}'}", "{colour} is not known"),
        ("folder: tf\nvariables: {'1x': a}", "is no variable"),
        ("folder: tf\nlockTimeout: -1", "out of range"),
        ("folder: tf\nfolders: x", "did you mean"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(block: str, words: str) -> None:
    """Every error names file and line and a way out."""
    said = _fails(block)
    assert words in said
    assert said.startswith("lockstep.yaml:")
    assert "fix:" in said


def test_the_engine_needs_its_block_and_syrf_its_environments() -> None:
    """An environment that Terraform applies says how."""
    with pytest.raises(BadInput, match="does not say what it runs"):
        read_project(f"{HEAD}  staging: {{engine: terraform}}\n".encode(), "lockstep.yaml")
    assert "no variables for qa" in _fails("folder: tf\nmapping: syrf", "qa")


@pytest.mark.parametrize(
    ("mapping", "block", "problem"),
    [
        ("functions", "", ""),
        ("functions", "  rollout: allAtOnce", ""),
        ("syrf", "", "of what Terraform folders are passed only the mapping functions carries it"),
        ("functions", "  rollout: Canary10Percent5Minutes", ""),
        ("functions", "  rollout: {steps: allAtOnce, smoke: {}}", ""),
        ("functions", "  keepVersions: 3", "keeps all that it published"),
    ],
)
def test_an_alias_that_terraform_makes_may_have_a_rollout(mapping: str, block: str, problem: str) -> None:
    """The module makes it; what neither that nor a rollout's writes can do is refused with the reason."""
    tree = staging(f"  alias: live\n{block}")
    applied = f"staging: {{engine: terraform, terraform: {{folder: tf, mapping: {mapping}}}}}"
    tree.files["lockstep.yaml"] = PROJECT.replace("staging: {}", applied).encode()
    if not problem:
        assert load(tree).fleet.targets["staging/s3-notifier"].alias == "live"
        return
    with pytest.raises(BadInput, match=problem):
        load(tree)


def test_in_a_cluster_nobody_takes_the_steps_of_a_rollout() -> None:
    """Terraform there would leave the alias alone for ever."""
    applied = "staging: {engine: flux, terraform: {folder: tf}}"
    for block, problem in (("allAtOnce", ""), ("Canary10Percent5Minutes", "engine: flux.*nobody takes its")):
        tree = staging(f"  alias: live\n  rollout: {block}")
        tree.files["lockstep.yaml"] = PROJECT.replace("staging: {}", applied).encode()
        if not problem:
            load(tree)
            continue
        with pytest.raises(BadInput, match=problem):
            load(tree)


def test_a_number_is_no_release_for_terraform() -> None:
    """It points the alias at what it publishes."""
    tree = staging("  alias: live")
    applied = "staging: {engine: terraform, terraform: {folder: tf}}"
    tree.files["lockstep.yaml"] = PROJECT.replace("staging: {}", applied).encode()
    tree.files[STAGING_FILE] = tree.files[STAGING_FILE].replace(b'"0.1.6"', b'"43"')
    with pytest.raises(BadInput, match="a published version is declared by its number"):
        load(tree)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("eventSources: {a: {source: 'arn:aws:sqs:eu-west-1:123456789012:orders'}}", ""),
        (
            "eventSources: {a: {endpoints: ['b:92'], topics: [t], startingPosition: LATEST, logLevel: INFO}}",
            r"eventSources\.a\.logLevel is declared.*takes none",
        ),
        ("url: {authType: AWS_IAM}", ""),
        ("url: {authType: NONE}", r"url\.authType is declared.*takes AWS_IAM"),
    ],
)
def test_what_terraform_s_provider_does_not_take_is_refused(block: str, problem: str) -> None:
    """At its line, long before Terraform says so."""
    tree = staging(f"  {block}")
    applied = "staging: {engine: terraform, terraform: {folder: tf}}"
    tree.files["lockstep.yaml"] = PROJECT.replace("staging: {}", applied).encode()
    if not problem:
        load(tree)
        return
    with pytest.raises(BadInput, match=problem):
        load(tree)
