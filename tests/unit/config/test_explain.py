"""explain: every value with all layers that set it."""

import pytest

from lockstep.config.explain import explain
from lockstep.config.load import load
from lockstep.errors import BadInput
from lockstep.model import Explained, Origin, Secret
from tests.unit.config.conftest import (
    PROJECT,
    SERVICE_FILE,
    STAGING_FILE,
    MemoryTree,
    sample,
    staging,
)

KEY = "staging/s3-notifier"


def explained(tree: MemoryTree, key: str = KEY, path: str | None = None) -> dict[str, Explained]:
    """Values by path."""
    return {value.path: value for value in explain(tree, load(tree).project, key, path)}


def test_all_values_with_file_and_line(tree: MemoryTree) -> None:
    """From every layer, in the order of the schema."""
    values = explained(tree)
    assert list(values) == [
        "lambda.version",
        "lambda.functionName",
        "lambda.s3TriggerPrefix",
        "lambda.runtime",
        "lambda.handler",
        "lambda.role",
        "lambda.memorySize",
        "lambda.timeout",
        "lambda.environment.RabbitMqHost",
    ]
    assert values["lambda.memorySize"] == Explained(
        path="lambda.memorySize",
        value=512,
        origins=(Origin(layer="service", place=f"{SERVICE_FILE}:5", value=512),),
    )


def test_overridden_values_are_shown_lowest_first() -> None:
    """The last origin won; a template is shown as written and its value filled in."""
    tree = staging("  timeout: 60\n  description: 'for {env}'")
    tree.files["lockstep.yaml"] = (PROJECT + "functionDefaults:\n  timeout: 5\n").encode()
    values = explained(tree)
    assert values["lambda.timeout"].value == 60
    assert values["lambda.timeout"].origins == (
        Origin(layer="project defaults", place="lockstep.yaml:17", value=5),
        Origin(layer="service", place=f"{SERVICE_FILE}:6", value=30),
        Origin(layer="environment config", place=f"{STAGING_FILE}:4", value=60),
    )
    assert values["lambda.description"].value == "for staging"
    assert values["lambda.description"].origins[0].value == "for {env}"


def test_deleting_by_null_is_shown() -> None:
    """For one value and for a whole map."""
    values = explained(staging("  timeout: null\n  environment: null"))
    assert values["lambda.timeout"].value is None
    assert values["lambda.timeout"].origins[-1] == Origin(
        layer="environment config", place=f"{STAGING_FILE}:4", value=None
    )
    host = values["lambda.environment.RabbitMqHost"]
    assert host.value is None
    assert [(origin.value, origin.place) for origin in host.origins] == [
        ("rabbit.syrf.example", f"{SERVICE_FILE}:8"),
        (None, f"{STAGING_FILE}:5"),
    ]


def test_secrets_are_wrapped_in_every_layer() -> None:
    """So that no renderer can show them."""
    tree = staging("  environment: {DB_PASSWORD: hunter2}")
    value = explained(tree)["lambda.environment.DB_PASSWORD"]
    assert value.value == value.origins[0].value == Secret("hunter2")
    assert "hunter2" not in repr(value)


@pytest.mark.parametrize("path", ["environment", "lambda.environment", "environment.RabbitMqHost"])
def test_a_path_selects_what_is_below_it(tree: MemoryTree, path: str) -> None:
    """With or without lambda in front."""
    assert list(explained(tree, path=path)) == ["lambda.environment.RabbitMqHost"]


def test_a_field_that_nobody_set_is_aws_default(tree: MemoryTree) -> None:
    """Without origins."""
    assert explained(tree, path="ephemeralStorage") == {
        "lambda.ephemeralStorage": Explained(path="lambda.ephemeralStorage", value=512, origins=())
    }
    assert explained(tree, path="tags")["lambda.tags"].value is None


def test_previews_are_explained_by_their_layers(tree: MemoryTree) -> None:
    """The functionName comes from the layer of all previews."""
    value = explained(tree, "preview/pr-123/s3-notifier", "functionName")["lambda.functionName"]
    assert value.value == "syrfAppUploadS3Notifier-pr-123"
    assert value.origins[0].layer == "preview service"


def test_the_version_of_other_services_is_explained(tree: MemoryTree) -> None:
    """Where it was found."""
    values = explained(tree, "staging/api")
    assert values["service.image.tag"].value == "1.10"
    assert values["service.image.tag"].origins[0].place == "syrf/environments/staging/api/config.yaml:3"


def test_dotted_spellings_are_explained_at_their_line() -> None:
    """The value is the same, the line that of the file."""
    value = explained(staging("  logging.format: JSON"))["lambda.logging.format"]
    assert value.origins[0].place == f"{STAGING_FILE}:4"


@pytest.mark.parametrize(
    ("key", "path", "fix"),
    [
        ("staging/s3-notifer", None, "did you mean staging/s3-notifier?"),
        (KEY, "memorysize", "did you mean memorySize?"),
        (KEY, "environment.RabbitHost", "did you mean environment.RabbitMqHost?"),
    ],
)
def test_unknown_targets_and_keys_are_suggested(
    tree: MemoryTree, key: str, path: str | None, fix: str
) -> None:
    """Bad input, with what was probably meant."""
    with pytest.raises(BadInput) as caught:
        explained(tree, key, path)
    assert caught.value.fix == fix


def test_a_broken_layer_is_named() -> None:
    """Explaining reads only the target's own layers."""
    tree = sample()
    project = load(tree).project
    tree.files["syrf/environments/staging/api/config.yaml"] = b"a: b: c\n"
    assert explain(tree, project, KEY)
    with pytest.raises(BadInput) as caught:
        explain(tree, project, "staging/api")
    assert caught.value.where == "syrf/environments/staging/api/config.yaml:1"
