"""A controller has one clock, so that a test can give it another."""

import ast
from pathlib import Path

import pytest

import lockstep.serve

FOLDER = Path(lockstep.serve.__file__).parent
ASKS = {"now", "today", "utcnow"}


@pytest.mark.parametrize(
    "path",
    [one for one in sorted(FOLDER.rglob("*.py")) if one.name != "clock.py"],
    ids=lambda path: path.name,
)
def test_nothing_asks_another_clock(path: Path) -> None:
    """No part of it imports ``time``, or asks ``datetime`` what time it is; nothing sleeps."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert "time" not in {alias.name for alias in node.names}, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.module != "time", node.lineno
        elif isinstance(node, ast.Attribute) and node.attr in ASKS:
            assert ast.unparse(node.value).split(".")[-1] not in ("datetime", "date"), node.lineno
