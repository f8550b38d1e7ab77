"""Whether a package holds the file that a handler names."""

import zipfile
from pathlib import Path

import pytest

from lockstep.artifacts.handlers import handler_problem


@pytest.mark.parametrize(
    ("runtime", "handler", "names", "is_there"),
    [
        ("python3.13", "app.handler", ["app.py"], True),
        ("python3.13", "shop/app.handler", ["shop/app.py"], True),
        ("python3.13", "shop.app.handler", ["shop/app/__init__.py"], True),
        ("python3.13", "app.handler", ["src/app.py"], False),
        ("python3.13", "app.py", ["app.py"], True),
        ("nodejs24.x", "index.handler", ["index.mjs"], True),
        ("nodejs24.x", "dist/index.handler", ["dist/index.js"], True),
        ("nodejs24.x", "index.handler", ["dist/index.js"], False),
        ("ruby3.4", "app.Handler.process", ["app.rb"], True),
        ("dotnet10", "Shop::Shop.Function::Handle", ["Shop.dll"], True),
        ("dotnet10", "Shop::Shop.Function::Handle", ["Shop.Api.dll"], False),
        ("provided.al2023", "anything", ["bootstrap"], True),
        ("provided.al2023", "anything", ["main"], False),
        ("java25", "shop.Handler", ["lib/shop.jar"], True),
    ],
)
def test_the_file_is_looked_for_as_the_runtime_does(
    runtime: str, handler: str, names: list[str], is_there: bool, tmp_path: Path
) -> None:
    """Where the rule is known; of Java, whose classes lie in archives, nothing is said."""
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    found = handler_problem(path, runtime, handler)
    assert (found is None) is is_there
    if found is not None:
        assert "change handler" in found[1]
