"""Loading: the sample repository, what is a target and what is not."""

from pathlib import Path

import pytest

from lockstep.config.cache import Cache
from lockstep.config.load import load
from lockstep.errors import BadInputs
from lockstep.model import Code, Reference, Secret, Trigger
from lockstep.model.pin import Pin
from tests.unit.config.conftest import (
    GLOBAL,
    PREVIEW_FILE,
    PROJECT,
    SERVICE_FILE,
    SERVICE_VALUES,
    STAGING,
    STAGING_FILE,
    MemoryTree,
    sample,
    staging,
)

STAGING_KEY = "staging/s3-notifier"
PREVIEW_KEY = "preview/pr-123/s3-notifier"
PREVIEWS = "syrf/environments/preview"


def test_the_sample_repository_is_read_as_it_stands(tree: MemoryTree) -> None:
    """Every part of a target, from the users' files verbatim."""
    loaded = load(tree)
    target = loaded.fleet.targets[STAGING_KEY]
    assert (target.environment, target.service, target.deployment_type) == (
        "staging",
        "s3-notifier",
        "lambda",
    )
    assert target.version == "0.1.6"
    assert target.commit == "abc123def456"
    assert target.function is not None
    assert target.function.name == "syrfAppUploadS3Notifier-staging"
    assert target.function.settings == {
        "runtime": "dotnet10",
        "handler": "SyRF.S3FileSavedNotifier.Endpoint::"
        "SyRF.S3FileSavedNotifier.Endpoint.Function::FunctionHandler",
        "role": "syrf-s3-notifier",
        "memorySize": 512,
        "timeout": 30,
        "environment": {"RabbitMqHost": "rabbit.syrf.example"},
    }
    assert target.triggers == (Trigger(bucket="syrfapp-uploads", prefix="staging/"),)
    assert target.triggers[0].place == f"{STAGING_FILE}:6"
    assert target.place == f"{STAGING_FILE}:4"
    release = target.release
    assert release is not None
    assert (release.source, release.version) == ("github-release", "0.1.6")
    assert release.options == {
        "repository": "camaradesuk/syrf",
        "tag": "s3-notifier-v0.1.6",
        "asset": "*.zip",
    }
    assert release.staged_key == "lockstep/packages/s3-notifier/{sha256}.zip"
    assert loaded.warnings == ()
    assert loaded.fleet.project == "syrf"
    assert loaded.fleet.commit == "1" * 40


def test_a_preview_takes_its_package_from_its_key(tree: MemoryTree) -> None:
    """s3Key of the pull request's file lies in the package bucket; placeholders are no commit."""
    target = load(tree).fleet.targets[PREVIEW_KEY]
    assert target.function is not None
    assert target.function.name == "syrfAppUploadS3Notifier-pr-123"
    assert target.version == "0.1.5-pr123"
    assert target.commit is None
    assert target.triggers[0].prefix == "preview/pr-123/"
    assert target.release is not None
    assert target.release.source == "s3"
    assert target.release.options == {
        "bucket": "camarades-terraform-state-aws",
        "key": "lambda-packages/pr-123.zip",
    }
    assert target.environment == "preview/pr-123"


def test_other_services_are_known_with_their_version(tree: MemoryTree) -> None:
    """Not deployed; an unquoted version is shown as it is written."""
    target = load(tree).fleet.targets["staging/api"]
    assert (target.deployment_type, target.version, target.function) == ("kubernetes", "1.10", None)
    assert target.place == "syrf/environments/staging/api/config.yaml:3"


def test_files_are_all_that_contribute(tree: MemoryTree) -> None:
    """The project file first, the declaration last."""
    files = load(tree).files
    assert files[STAGING_KEY] == (
        "lockstep.yaml",
        "syrf/global.values.yaml",
        "syrf/services/s3-notifier/config.yaml",
        SERVICE_FILE,
        STAGING_FILE,
    )
    assert files[PREVIEW_KEY][-2:] == (f"{PREVIEWS}/pr-123/pr.yaml", PREVIEW_FILE)
    assert set(files) == {"production/s3-notifier", STAGING_KEY, "staging/api", PREVIEW_KEY}


def test_layers_win_in_their_order() -> None:
    """The project's defaults are the lowest, the declaration the highest."""
    changes: dict[str, str | bytes | None] = {
        "lockstep.yaml": PROJECT + "functionDefaults: {timeout: 11}\n",
        SERVICE_FILE: SERVICE_VALUES.replace("  timeout: 30\n", ""),
    }
    assert timeout_of(changes) == 11
    changes["syrf/global.values.yaml"] = "lambda: {timeout: 12}\n"
    assert timeout_of(changes) == 12
    changes["syrf/services/s3-notifier/config.yaml"] = "deploymentType: lambda\nlambda: {timeout: 13}\n"
    assert timeout_of(changes) == 13
    changes[SERVICE_FILE] = SERVICE_VALUES.replace("timeout: 30", "timeout: 14")
    assert timeout_of(changes) == 14
    changes["syrf/environments/staging/staging.values.yaml"] = "lambda: {timeout: 15}\n"
    assert timeout_of(changes) == 15
    changes["syrf/environments/staging/s3-notifier/values.yaml"] = "lambda: {timeout: 16}\n"
    assert timeout_of(changes) == 16
    changes[STAGING_FILE] = STAGING.replace("lambda:\n", "lambda:\n  timeout: 17\n")
    assert timeout_of(changes) == 17


def test_a_setting_that_aws_may_refuse_knows_its_line() -> None:
    """That of the layer that gave it, the project's defaults included; what nobody declares has none."""
    defaults = PROJECT + "functionDefaults: {role: runs}\n"
    setting = "  deadLetterTarget: arn:aws:sqs:eu-west-1:123456789012:dead"
    lines = STAGING.replace("lambda:\n", f"lambda:\n{setting}\n")
    values = "\n".join(line for line in SERVICE_VALUES.splitlines() if "role:" not in line) + "\n"
    target = load(
        sample({"lockstep.yaml": defaults, STAGING_FILE: lines, SERVICE_FILE: values})
    ).fleet.targets[STAGING_KEY]
    line = lines.splitlines().index(setting) + 1
    assert target.places == {
        "role": f"lockstep.yaml:{defaults.count(chr(10))}",
        "deadLetterTarget": f"{STAGING_FILE}:{line}",
    }


def timeout_of(changes: dict[str, str | bytes | None]) -> object:
    """Staging's timeout in the changed sample."""
    function = load(sample(changes)).fleet.targets[STAGING_KEY].function
    assert function is not None
    return function.settings["timeout"]


def test_preview_layers_win_in_their_order() -> None:
    """global, service, preview, preview service, pull request."""
    changes: dict[str, str | bytes | None] = {
        SERVICE_FILE: SERVICE_VALUES.replace("  timeout: 30\n", ""),
    }
    names = "lambda: {functionName: 'f-{env}', timeout: %d}\n"
    for path, timeout in [
        ("syrf/global.values.yaml", 11),
        (f"{PREVIEWS}/preview.values.yaml", 12),
        (f"{PREVIEWS}/services/s3-notifier/config.yaml", 13),
        (f"{PREVIEWS}/services/s3-notifier/values.yaml", 14),
    ]:
        changes[path] = names % timeout
        function = load(sample(changes)).fleet.targets[PREVIEW_KEY].function
        assert function is not None
        assert function.settings["timeout"] == timeout, path


def test_null_takes_a_value_of_a_lower_layer_away() -> None:
    """Deleted is AWS's default."""
    function = (
        load(staging("  timeout: null\n  environment: {RabbitMqHost: ~}")).fleet.targets[STAGING_KEY].function
    )
    assert function is not None
    assert "timeout" not in function.settings
    assert "environment" not in function.settings


def test_environment_values_are_texts_references_and_secrets() -> None:
    """Numbers and booleans as they are written; what looks secret is wrapped."""
    block = """\
  environment:
    NUMBER: 0.10
    YES: yes
    FLAG: TRUE
    TEXT: "x"
    PARAMETER: {ssm: "/syrf/{env}/host"}
    OTHER: {secret: rabbit}
    API_KEY: abc
    REPLACED: {ssm: a}
"""
    function = load(staging(block)).fleet.targets[STAGING_KEY].function
    assert function is not None
    environment = function.settings["environment"]
    assert environment == {
        "API_KEY": Secret("abc"),
        "FLAG": "TRUE",
        "NUMBER": "0.10",
        "OTHER": Reference(store="secret", name="rabbit"),
        "PARAMETER": Reference(store="ssm", name="/syrf/staging/host"),
        "RabbitMqHost": "rabbit.syrf.example",
        "REPLACED": Reference(store="ssm", name="a"),
        "TEXT": "x",
        "YES": "yes",
    }


def test_a_reference_replaces_a_reference() -> None:
    """Layers do not merge {ssm: a} and {secret: b} into one map."""
    service = SERVICE_VALUES.replace("rabbit.syrf.example", "{ssm: a}")
    tree = staging("  environment: {RabbitMqHost: {secret: b}}", service=service)
    function = load(tree).fleet.targets[STAGING_KEY].function
    assert function is not None
    assert function.settings["environment"] == {"RabbitMqHost": Reference(store="secret", name="b")}


def test_dotted_and_nested_spellings_are_one() -> None:
    """And layers may mix them."""
    service = SERVICE_VALUES + "  vpc: {subnetIds: [subnet-1], securityGroupIds: [sg-1]}\n"
    tree = staging("  vpc.subnetIds: [subnet-3, subnet-2]\n  logging.format: json", service=service)
    function = load(tree).fleet.targets[STAGING_KEY].function
    assert function is not None
    assert function.settings["vpc.subnetIds"] == ("subnet-2", "subnet-3")
    assert function.settings["vpc.securityGroupIds"] == ("sg-1",)
    assert function.settings["logging.format"] == "JSON"


def test_tags_merge_and_null_removes_one_in_aws() -> None:
    """Null under tags is kept: the tag is to be removed."""
    service = SERVICE_VALUES + "  tags: {team: files, old: x}\n"
    function = (
        load(staging("  tags: {old: null, env: '{env}'}", service=service))
        .fleet.targets[STAGING_KEY]
        .function
    )
    assert function is not None
    assert function.tags == {"team": "files", "old": None, "env": "staging"}


def test_triggers_take_bucket_and_events_from_the_project() -> None:
    """Written out, each may name its own."""
    block = """\
  triggers:
    - {prefix: "in/{env}/", suffix: .csv}
    - {bucket: other-bucket, prefix: "a+b%26/", events: ["s3:ObjectRemoved:*", "s3:ObjectCreated:Put"]}
"""
    target = load(staging(block)).fleet.targets[STAGING_KEY]
    assert target.triggers == (
        Trigger(bucket="syrfapp-uploads", prefix="staging/"),
        Trigger(bucket="syrfapp-uploads", prefix="in/staging/", suffix=".csv"),
        Trigger(
            bucket="other-bucket",
            prefix="a+b%26/",
            events=("s3:ObjectCreated:Put", "s3:ObjectRemoved:*"),
        ),
    )
    assert target.triggers[2].place == f"{STAGING_FILE}:6"


def test_braces_can_be_written_doubled() -> None:
    """A JSON text in a variable."""
    function = (
        load(staging('  environment: {JSON: \'{{"a": {{"v": "{version}"}}}}\'}'))
        .fleet.targets[STAGING_KEY]
        .function
    )
    assert function is not None
    environment = function.settings["environment"]
    assert isinstance(environment, dict)
    assert environment["JSON"] == '{"a": {"v": "0.1.6"}}'


def test_images_have_no_release() -> None:
    """Code is the image; runtime and handler are not asked for."""
    uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/notifier"
    block = (
        f"  image: '{uri}:{{version}}'\n  runtime: null\n  handler: null\n  imageConfig.command: [app.run]"
    )
    target = load(staging(block)).fleet.targets[STAGING_KEY]
    assert target.function is not None
    assert target.function.code == Code(image=f"{uri}:0.1.6")
    assert target.release is None


def test_a_service_has_an_artifact_source_of_its_own() -> None:
    """Options of the project's source are kept; another source stands alone."""
    same = load(staging("  artifact: {tag: 'v{version}'}")).fleet.targets[STAGING_KEY].release
    assert same is not None
    assert same.options == {"repository": "camaradesuk/syrf", "tag": "v0.1.6", "asset": "*.zip"}
    other = load(staging("  artifact: {source: directory, path: 'packages/{service}.zip'}"))
    release = other.fleet.targets[STAGING_KEY].release
    assert release is not None
    assert (release.source, release.options) == ("directory", {"path": "packages/s3-notifier.zip"})


def test_an_s3_key_keeps_the_options_of_an_s3_source() -> None:
    """Bucket, object version, Region and owner come from the artifact; the key from s3Key."""
    artifact = "{source: s3, bucket: other-bucket, key: x, objectVersion: v1, region: us-east-1}"
    block = f"  s3Key: a/{{version}}.zip\n  artifact: {artifact}"
    release = load(staging(block)).fleet.targets[STAGING_KEY].release
    assert release is not None
    assert release.source == "s3"
    assert release.options == {
        "bucket": "other-bucket",
        "key": "a/0.1.6.zip",
        "objectVersion": "v1",
        "region": "us-east-1",
    }


def test_pin_commit_ignore_and_adopt_are_carried() -> None:
    """As the declaration says them."""
    block = f"""\
  sha256: {"AB" * 32}
  commitSha: 0a1b2c3
  ignore: [reservedConcurrency, environment.DD_*]
  adopt: true
"""
    target = load(staging(block)).fleet.targets[STAGING_KEY]
    assert target.release is not None
    assert target.release.sha256 == "ab" * 32
    assert target.commit == target.release.commit == "0a1b2c3"
    assert target.ignore == ("reservedConcurrency", "environment.DD_*")
    assert target.adopt


@pytest.mark.parametrize(
    ("pin", "is_used"),
    [
        ("ab" * 32, True),
        (f"0.1.6@{'ab' * 32}", True),
        (str(Pin.of("0.1.6", "ab" * 32)), True),
        (f"0.1.5@{'ab' * 32}", False),
        (str(Pin.of("0.1.5", "ab" * 32)), False),
        (str(Pin.of("0.1.5", "ab" * 32)).replace("0.1.5", "0.1.6"), False),
    ],
)
def test_a_pin_counts_for_its_own_version(pin: str, is_used: bool) -> None:
    """One that was left standing, or edited along with the version, is not used, and a warning says so."""
    loaded = load(staging(f'  sha256: "{pin}"'))
    release = loaded.fleet.targets[STAGING_KEY].release
    assert release is not None
    assert (release.sha256, release.outlived) == (("ab" * 32, None) if is_used else (None, "ab" * 32))
    told = [text for text in loaded.warnings if "lambda.sha256" in text]
    assert len(told) == (0 if is_used else 1)
    assert all("does not count for 0.1.6" in text and "config.yaml:" in text for text in told)


def test_a_pin_that_is_not_used_is_told_from_the_cache_too(tmp_path: Path) -> None:
    """The second run reads no file and warns all the same."""
    tree = staging(f'  sha256: "0.1.5@{"ab" * 32}"')
    first, second = (load(tree, cache=Cache(tmp_path)) for _ in range(2))
    assert first.warnings == second.warnings
    assert any("the pin of 0.1.5" in text for text in second.warnings)


def test_fixed_package_keys_are_possible() -> None:
    """lambda-packages/{env}.zip as the users have them."""
    project = PROJECT.replace("lockstep/packages/{service}/{sha256}.zip", "lambda-packages/{env}.zip")
    release = load(sample({"lockstep.yaml": project})).fleet.targets[STAGING_KEY].release
    assert release is not None
    assert release.staged_key == "lambda-packages/staging.zip"


def test_a_folder_without_pr_yaml_is_no_preview() -> None:
    """Its services go, and a warning says why."""
    loaded = load(sample({f"{PREVIEWS}/pr-123/pr.yaml": None}))
    assert PREVIEW_KEY not in loaded.fleet.targets
    assert loaded.warnings == (
        f"{PREVIEWS}/pr-123: no pr.yaml, so this is no preview and its services are not deployed",
    )


def test_a_preview_config_puts_a_service_into_every_preview() -> None:
    """With a version it is a target; a Lambda function without one is only noted."""
    config = f"{PREVIEWS}/services/s3-notifier/config.yaml"
    own = f"{PREVIEWS}/pr-123/services/s3-notifier.values.yaml"
    noted = load(sample({config: "serviceName: s3-notifier\nenvName: preview\n", own: None}))
    assert PREVIEW_KEY not in noted.fleet.targets
    assert noted.warnings == (f"{PREVIEW_KEY}: not deployed, no layer of it declares lambda.version",)
    deployed = load(sample({config: 'lambda: {version: "1.0.0"}\n', own: None}))
    assert deployed.fleet.targets[PREVIEW_KEY].version == "1.0.0"


def test_disabled_services_are_left_out() -> None:
    """``enabled: false`` at the top, or under lambda, in any environment."""
    assert STAGING_KEY not in load(sample({STAGING_FILE: STAGING + "enabled: false\n"})).fleet.targets
    assert STAGING_KEY not in load(staging("  enabled: false")).fleet.targets
    config = f"{PREVIEWS}/services/api/config.yaml"
    assert "preview/pr-123/api" in load(sample({config: "version: 1\n"})).fleet.targets
    assert "preview/pr-123/api" not in load(sample({config: "enabled: false\n"})).fleet.targets


def test_a_lambda_block_in_the_declaration_is_enough() -> None:
    """deploymentType may be absent; a lower layer's block alone makes no function."""
    bare = sample({"syrf/services/s3-notifier/config.yaml": None})
    assert load(bare).fleet.targets[STAGING_KEY].function is not None
    quiet = sample({"syrf/global.values.yaml": GLOBAL + "lambda: {timeout: 5}\n"})
    assert load(quiet).fleet.targets["staging/api"].function is None


def test_without_a_list_every_folder_is_an_environment() -> None:
    """With the defaults for all."""
    listed = "environments:\n  production: {}\n  staging: {}\n  preview: {}\n"
    project = load(sample({"lockstep.yaml": PROJECT.replace(listed, "")})).project
    assert set(project.environments) == {"production", "staging", "preview"}
    assert project.environments["staging"].account == "123456789012"


def test_environments_override_the_defaults_for_all() -> None:
    """Account, Region, profile, role, prune, adopt, engine."""
    project = PROJECT.replace(
        "staging: {}", 'staging: {account: "210987654321", prune: true, profile: dev, engine: aws}'
    )
    found = load(sample({"lockstep.yaml": project})).project
    assert found.environments["staging"].account == "210987654321"
    assert found.environments["staging"].region == "eu-west-1"
    assert found.environments["staging"].prune
    assert found.environments["staging"].engine == "aws"
    assert not found.environments["production"].prune


def test_a_project_may_be_the_root_of_its_repository() -> None:
    """folder: . with a name."""
    tree = sample({"lockstep.yaml": PROJECT.replace("folder: syrf", "folder: .")})
    tree.files = {path.removeprefix("syrf/"): data for path, data in tree.files.items()}
    assert STAGING_KEY in load(tree).fleet.targets


def test_the_folder_names_the_project() -> None:
    """Unless it is written."""
    tree = sample({"lockstep.yaml": PROJECT.replace("project: syrf\n", "")})
    assert load(tree).project.name == "syrf"


def test_values_of_other_tools_are_left_alone() -> None:
    """Odd types, numeric keys below their own, yes and no."""
    tree = sample(
        {"syrf/global.values.yaml": "ports: {80: http}\nflag: yes\nlist: [1, null]\nx: {y: null}\n"}
    )
    assert STAGING_KEY in load(tree).fleet.targets


def test_suspicious_paths_are_warned_of() -> None:
    """Names that are nearly right, and environments without services."""
    changes: dict[str, str | bytes | None] = {
        "syrf/environments/staging/web/config.yml": "a: 1\n",
        "syrf/environments/staging/old/values.yaml": "a: 1\n",
        f"{PREVIEWS}/pr-abc/pr.yaml": "a: 1\n",
        "lockstep.yaml": PROJECT.replace("  staging: {}", "  staging: {}\n  qa: {}"),
    }
    warnings = "\n".join(load(sample(changes)).warnings)
    assert "staging/web/config.yml: not read" in warnings
    assert "staging/old: values.yaml without config.yaml" in warnings
    assert "pr-abc/pr.yaml: not read" in warnings
    assert "lockstep.yaml:8: qa is listed, and no service is declared in it" in warnings


def test_what_is_declared_to_be_at_its_default_is_known() -> None:
    """A line that says AWS's default is no line that is missing: somebody else may hold another value."""
    values = SERVICE_VALUES.replace("memorySize: 512", "memorySize: 128").replace(
        "timeout: 30", "timeout: 60"
    )
    tree = sample({SERVICE_FILE: values})
    function = load(tree).fleet.targets[STAGING_KEY].function
    assert function is not None
    assert "memorySize" not in function.settings
    assert function.defaults == {"memorySize"}


def test_what_terraform_holds_need_not_be_declared() -> None:
    """Role, runtime and handler are the folder's where Terraform applies, and needed elsewhere."""
    project = PROJECT.replace("  staging: {}\n", "  staging: {engine: terraform, terraform: {folder: tf}}\n")
    tree = {"lockstep.yaml": project, SERVICE_FILE: "lambda: {memorySize: 512}\n"}
    with pytest.raises(BadInputs) as caught:
        load(sample(tree))
    errors = caught.value.errors
    assert {error.doing for error in errors} == {"production/s3-notifier", PREVIEW_KEY}
    assert {error.problem.split()[1] for error in errors} == {"role", "runtime", "handler"}
    for name in ("production", "preview"):
        project = project.replace(
            f"  {name}: {{}}\n", f"  {name}: {{engine: terraform, terraform: {{folder: tf}}}}\n"
        )
    tree["lockstep.yaml"] = project
    function = load(sample(tree)).fleet.targets[STAGING_KEY].function
    assert function is not None
    assert function.settings == {"memorySize": 512}


def test_a_number_beside_an_alias_is_a_published_version_and_has_no_package() -> None:
    """Only what is declared beside it says something of its code; without an alias it is a release's name."""
    digest = "a" * 64
    pinned = f"  alias: live\n  sha256: '43@{digest}'"
    for block, number, code in (
        ("  alias: live", "43", Code()),
        (pinned, "43", Code(sha256=digest)),
        ("", None, Code()),
    ):
        tree = staging(block)
        tree = sample({STAGING_FILE: tree.read([STAGING_FILE])[STAGING_FILE].replace(b"0.1.6", b"43")})
        target = load(tree).fleet.targets[STAGING_KEY]
        assert target.number == number
        assert (target.release is None) == (number is not None)
        assert target.function is not None
        assert target.function.code == code
