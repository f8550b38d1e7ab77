"""validate: problems and warnings as values."""

import pytest

from lockstep.config.validate import validate
from tests.unit.config.conftest import PROJECT, MemoryTree, sample, staging


def test_a_valid_tree(tree: MemoryTree) -> None:
    """Counts the targets."""
    found = validate(tree)
    assert found.is_valid
    assert (found.problems, found.warnings, found.targets) == ((), (), 4)


def test_problems_are_returned() -> None:
    """One or several."""
    assert len(validate(staging("  timeout: 0")).problems) == 1
    found = validate(staging("  timeout: 0\n  memorysize: 1"))
    assert not found.is_valid
    assert len(found.problems) == 2


def test_warnings_are_returned() -> None:
    """They do not make a tree invalid."""
    found = validate(sample({"syrf/environments/preview/pr-123/pr.yaml": None}))
    assert found.is_valid
    assert len(found.warnings) == 1


def test_a_services_path_that_matches_nothing_is_a_warning() -> None:
    """Where the repository holds what others are built from; else they are built elsewhere."""
    services = "services:\n  s3-notifier:\n    source: {paths: [src/notifier, src/misspelt]}\n"
    project = {"lockstep.yaml": PROJECT + services}
    found = validate(sample({**project, "src/notifier/app.py": "x"}))
    line = PROJECT.count("\n") + 2
    assert found.warnings == (f"lockstep.yaml:{line}: the path src/misspelt of s3-notifier matches nothing",)
    assert not validate(sample(project)).warnings


@pytest.mark.parametrize(
    ("block", "line", "told"),
    [
        (
            "image:\n  tag: 1.10\n",
            4,
            'image.tag: 1.10 without quotes is a number and reads as 1.1; write tag: "1.10"',
        ),
        ("version: 20241101\n", 3, 'version: 20241101 without quotes is a number; write version: "20241101"'),
        (
            "gitVersion: {shortSha: 6063e25}\n",
            3,
            "gitVersion.shortSha: 6063e25 without quotes is a number and reads as 6.063e+28; "
            'write shortSha: "6063e25"',
        ),
        (
            "imageTag: 0123456\n",
            3,
            'imageTag: 0123456 without quotes is a number and reads as 123456; write imageTag: "0123456"',
        ),
    ],
)
def test_a_version_of_a_kubernetes_service_without_quotes_is_named(block: str, line: int, told: str) -> None:
    """The tool that deploys it would read another version; the file is not ours to refuse."""
    path = "syrf/environments/staging/api/config.yaml"
    found = validate(sample({path: f"serviceName: api\nenvName: staging\n{block}"}))
    assert found.is_valid
    assert found.warnings == (f"{path}:{line}: {told}",)


@pytest.mark.parametrize("text", ['"1.10"', "v1.10", "1.2.3", "'0123456'", "main"])
def test_a_version_that_is_a_string_is_not(text: str) -> None:
    """Quoted, or nothing else in any YAML."""
    path = "syrf/environments/staging/api/config.yaml"
    assert not validate(sample({path: f"serviceName: api\nimage: {{tag: {text}}}\n"})).warnings
