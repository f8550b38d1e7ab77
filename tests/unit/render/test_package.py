"""A package's summary."""

import json
from dataclasses import replace
from pathlib import Path

from lockstep.model import Built, Part
from lockstep.render.package import package_document, package_lines, package_markdown

BUILT = Built(
    service="app",
    builder="python",
    path=Path("dist/app-1.2.3.zip"),
    sha256="a" * 64,
    size=73_400_320,
    unpacked=73_000_000,
    files=1200,
    parts=(
        Part(name="numpy", size=60_000_000, files=1100),
        Part(name="lib", size=12_999_000, files=99),
        Part(name="app.py", size=1000, files=1),
    ),
    version="1.2.3",
    commit="0123456789abcdef",
    runtime="python3.13",
    architecture="arm64",
    tools={"pip": "25.0"},
    dependencies=("numpy 2.1",),
    warnings=("look",),
)


def test_the_summary_says_what_makes_it_large() -> None:
    """Path, digest, sizes, how it was built and the largest parts."""
    assert package_lines(BUILT) == [
        "app 1.2.3",
        "  path    dist/app-1.2.3.zip",
        f"  sha256  {'a' * 64}",
        "  size    70.0 MB zipped, 69.6 MB unpacked, 1,200 files",
        "  built   by python for python3.13 on arm64 with pip 25.0 (1 dependency) from",
        "          commit 0123456789ab",
        "",
        "What makes it large:",
        "  numpy     57.2 MB   82%  1,100 files",
        "  lib       12.4 MB   18%  99 files",
        "  app.py     1000 B    0%  1 file",
    ]


def test_small_parts_are_counted() -> None:
    """Eight are listed, the rest is one line."""
    parts = tuple(Part(name=f"p{number}", size=2000, files=1) for number in range(10))
    lines = package_lines(replace(BUILT, parts=parts, version=None))
    assert lines[0] == "app"
    assert lines[-2:] == ["  p7             2.0 KB    0%  1 file", "  and 2 more     3.9 KB"]


def test_names_in_a_package_cannot_act_on_the_terminal() -> None:
    """They are whatever somebody packed."""
    parts = (Part(name="\x1b[31mred\n", size=1, files=1),)
    text = "\n".join(package_lines(replace(BUILT, parts=parts, service="a\x07")))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\\x1b[31mred\\n" in text


def test_the_document_holds_all_of_it() -> None:
    """Every part and dependency, in bytes."""
    document = json.loads(package_document(BUILT))
    assert document["format"] == "lockstep.package/1"
    assert (document["path"], document["size"], document["unpacked"]) == (
        "dist/app-1.2.3.zip",
        73_400_320,
        73_000_000,
    )
    assert document["parts"][0] == {"name": "numpy", "size": 60_000_000, "files": 1100}
    assert document["dependencies"] == ["numpy 2.1"]
    assert document["tools"] == {"pip": "25.0"}
    assert document["warnings"] == ["look"]


def test_the_markdown_holds_the_lines_and_the_warnings() -> None:
    """Inside code, whatever a file is called."""
    parts = (Part(name="```\n# big", size=1, files=1),)
    text = package_markdown(replace(BUILT, parts=parts, warnings=("@all: look",)))
    assert text.startswith("### Package `app 1.2.3`\n\n````\n  path    dist/app-1.2.3.zip\n")
    assert text.endswith("**Warnings**\n\n```\n@all: look\n```\n")
    assert "\n# big" not in text
