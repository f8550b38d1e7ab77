"""validate: problems and warnings as values."""

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
