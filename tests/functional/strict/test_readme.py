"""The strict AWS is documented: each rule stands in the table with its source."""

import importlib
import pkgutil
from pathlib import Path

from tests import strict

README = Path(strict.__file__).with_name("README.md")


def test_each_rule_is_in_the_table_with_its_source() -> None:
    """All that the package has, and nothing else."""
    modules = [
        importlib.import_module(f"tests.strict.{one.name}") for one in pkgutil.iter_modules(strict.__path__)
    ]
    rules = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, strict.Rule) and value is not strict.Rule
    }
    rows = [
        line.split("|")[1:-1] for line in README.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"
    ]
    assert {row[0].strip(" `") for row in rows} == {name for name in rules if not name.startswith("_")}
    assert all(row[1].strip() and row[2].strip() for row in rows)
