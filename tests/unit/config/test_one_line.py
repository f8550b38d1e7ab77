"""Names, ids, paths and ARNs have one line: what YAML's blocks add to them is named, never taken."""

from collections.abc import Iterator

import pytest

from lockstep.config.load import load
from lockstep.config.schema import LAMBDA, PROJECT
from lockstep.config.shapes import Key, Shape, problem_of
from lockstep.errors import BadInput
from tests.unit.config.conftest import PROJECT as PROJECT_FILE
from tests.unit.config.conftest import STAGING, STAGING_FILE, sample, staging

PROSE = {
    "lambda.description",
    "lambda.imageConfig.entryPoint",
    "lambda.imageConfig.command",
    "lambda.eventSources.filters.pattern",
    "lambda.rules.pattern",
    "lambda.rules.input",
    "lambda.rules.inputTemplate",
    "lambda.schedules.input",
    "lambda.topics.filterPolicy",
    "lambda.logSubscriptions.pattern",
    "lambda.logSubscriptions.fieldSelectionCriteria",
    "lockstep.yaml.environments.promotion.hold",
    "lockstep.yaml.environments.promotion.freeze.reason",
    "lockstep.yaml.environments.terraform.variables",
    "lockstep.yaml.services.build.command",
    "lockstep.yaml.services.image.build.command",
    "lockstep.yaml.services.image.build.args",
}
"""Texts that people or programs read, which may have several lines."""


def strings(key: Key, path: str) -> Iterator[tuple[str, Key]]:
    """Every key below one that takes a string."""
    if key.shape is Shape.STRING:
        yield path, key
    if key.item is not None:
        yield from strings(key.item, path)
    for member in key.members:
        if member.name != "functionDefaults":  # the keys of lambda again
            yield from strings(member, f"{path}.{member.name}")


KEYS = dict([*strings(LAMBDA, "lambda"), *strings(PROJECT, "lockstep.yaml")])


def test_the_texts_that_may_have_lines_are_known() -> None:
    """A new key takes one line until somebody says otherwise."""
    assert {path for path, key in KEYS.items() if key.lines} == PROSE
    assert len(KEYS) > 80


@pytest.mark.parametrize("path", sorted(KEYS.keys() - PROSE))
def test_what_a_block_adds_is_refused(path: str) -> None:
    """Whatever the key judges otherwise: a pattern that ends in ``$`` takes a line break, we do not."""
    key = KEYS[path]
    samples = [*key.enum, key.example.strip('"'), "a", "app-1", "arn:aws:lambda:eu-west-1:123456789012:x:y:1"]
    for end in ("\n", "\r\n", "\u2028", "\0", "\n\n"):
        assert all(problem_of(key, sample + end) is not None for sample in samples)


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("  role: |\n    syrf-s3-notifier", 'write role: "syrf-s3-notifier" on one line'),
        ("  runtime: >\n    dotnet10", 'write runtime: "dotnet10" on one line'),
        ("  s3Key: |\n    packages/{version}.zip", 'write s3Key: "packages/{version}.zip" on one line'),
        ("  layers:\n  - |\n    arn:aws:lambda:eu-west-1:123456789012:layer:x:1", "on one line"),
        ("  triggers:\n  - bucket: |\n      uploads", 'write bucket: "uploads" on one line'),
        ("  artifact:\n    repository: |\n      acme/shop", 'write repository: "acme/shop" on one line'),
    ],
)
def test_blocks_in_a_function(line: str, fix: str) -> None:
    """Each at its line, with the text that was meant; templates too, before they are filled in."""
    with pytest.raises(BadInput, match="has a line break") as caught:
        load(staging(line))
    assert caught.value.where is not None
    assert caught.value.where.startswith(f"{STAGING_FILE}:")
    assert fix in (caught.value.fix or "")


@pytest.mark.parametrize("name", ["functionName", "version", "s3TriggerPrefix"])
def test_blocks_in_what_every_function_has(name: str) -> None:
    """The name, the version and the prefix of the users' own file."""
    lines = [line for line in STAGING.splitlines() if line.startswith(f"  {name}:")]
    value = lines[0].partition(": ")[2].strip('"')
    text = STAGING.replace(lines[0], f"  {name}: |\n    {value}")
    with pytest.raises(BadInput, match="has a line break") as caught:
        load(sample({STAGING_FILE: text}))
    assert f'write {name}: "{value}" on one line' in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("project: syrf\n", "project: |\n  syrf\n"),
        ("folder: syrf\n", "folder: >\n  syrf\n"),
        ("region: eu-west-1\n", "region: |\n  eu-west-1\n"),
        ('account: "123456789012"\n', "account: |\n  123456789012\n"),
        ('  tag: "{service}-v{version}"\n', "  tag: |\n    {service}-v{version}\n"),
        ("triggers: {bucket: syrfapp-uploads}\n", "triggers:\n  bucket: |\n    syrfapp-uploads\n"),
    ],
)
def test_blocks_in_the_project_file(old: str, new: str) -> None:
    """Also where a template is judged later than its file."""
    assert old in PROJECT_FILE
    with pytest.raises(BadInput, match="has a line break"):
        load(sample({"lockstep.yaml": PROJECT_FILE.replace(old, new)}))


def test_a_description_may_have_lines() -> None:
    """It is for people."""
    function = (
        load(staging("  description: |\n    One.\n    Two.")).fleet.targets["staging/s3-notifier"].function
    )
    assert function is not None
    assert function.settings["description"] == "One.\nTwo.\n"


def test_digits_are_ascii() -> None:
    """An account number in other digits is none."""
    text = PROJECT_FILE.replace("123456789012", "\u0661\u0662\u0663456789012")
    with pytest.raises(BadInput, match="no valid account"):
        load(sample({"lockstep.yaml": text}))


@pytest.mark.parametrize("bucket", ["Shop_{service}", "{service}..x"])
def test_the_projects_artifact_options_are_judged_once_they_are_filled_in(bucket: str) -> None:
    """A template may come to something that S3 does not take."""
    artifacts = PROJECT_FILE[PROJECT_FILE.index("artifacts:") : PROJECT_FILE.index("triggers:")]
    new = f'artifacts: {{source: s3, bucket: "{bucket}", key: "{{version}}.zip"}}\n'
    with pytest.raises(BadInput, match=r"artifacts\.bucket, filled in: .* is no bucket name"):
        load(sample({"lockstep.yaml": PROJECT_FILE.replace(artifacts, new)}))
