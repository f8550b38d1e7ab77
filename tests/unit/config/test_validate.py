"""validate: problems and warnings as values."""

from lockstep.config.validate import validate
from tests.unit.config.conftest import MemoryTree, sample, staging


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
