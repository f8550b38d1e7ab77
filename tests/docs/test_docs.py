"""The documentation says what is: its commands run, its files are valid, its links lead somewhere."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lockstep.config.validate import validate
from lockstep.git.repository import open_worktree
from lockstep.local.ministack import LocalCloud
from tests.docs.lab import ROOT, Lab, prepare
from tests.docs.pages import PAGES, anchors, links, page_name
from tests.docs.snippets import Block, blocks, is_empty_start, matches

LANGUAGES = {"console", "json", "python", "text", "yaml"}
RUN = [page for page in PAGES if any(block.commands and not block.skipped for block in blocks(page))]
BLOCKS = [block for page in PAGES for block in blocks(page)]


def _where(block: Block) -> str:
    return f"{page_name(block.page)}:{block.number}"


@pytest.mark.parametrize("page", RUN, ids=page_name)
def test_commands_print_what_the_page_shows(
    page: Path, ministack: LocalCloud, tmp_path: Path, forks: Path
) -> None:
    """Run in order in a fresh project, every command ends and prints as the page says."""
    lab = prepare(ministack, tmp_path, is_empty=is_empty_start(page), programs=forks)
    for block, is_refused in _with_refusals(page):
        if block.file:
            lab.write(block.file, block.lines)
        if block.file and block.language == "yaml":
            _check_files(lab, block, is_refused)
        for command in block.commands:
            result = lab.run(command.line)
            wanted = block.exit_code if command is block.commands[-1] else 0
            shown = f"{_where(block)}: $ {command.line}\n{result.output}"
            assert result.code == wanted, f"exit {result.code}, not {wanted}: {shown}"
            assert matches(command.output, result.output), shown


def _with_refusals(page: Path) -> Iterator[tuple[Block, bool]]:
    """The blocks that count, and whether the next commands show that the files are refused."""
    found = [block for block in blocks(page) if not block.skipped]
    for number, block in enumerate(found):
        following = [later for later in found[number:] if later.commands]
        yield block, bool(following) and following[0].exit_code == 3


def _check_files(lab: Lab, block: Block, is_refused: bool) -> None:
    """Files that a page shows are valid, unless the page shows what is wrong with them."""
    found = validate(open_worktree(lab.folder))
    assert found.is_valid != is_refused, f"{_where(block)}: {found.problems}"


def _yaml_blocks() -> list[Block]:
    return [block for block in BLOCKS if block.language == "yaml"]


@pytest.mark.parametrize("block", _yaml_blocks(), ids=_where)
def test_yaml_has_the_form_that_the_schemas_say(block: Block) -> None:
    """Every block parses, and what looks like one of our files satisfies the published schema."""
    document = yaml.safe_load("\n".join(block.lines))
    assert isinstance(document, dict)
    if block.skipped or "memorysize" in document.get("lambda", {}):  # a misspelt key is shown on purpose
        return
    is_values = document.keys() & {"lambda", "layer"}
    name = "values" if is_values else "serve" if "projects" in document else "lockstep"
    schema = json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)


def test_the_workflow_gives_credentials_to_nobody_else() -> None:
    """The CI example grants each job what it needs, keeps tokens out of the checkout and forks out."""
    (block,) = [block for block in BLOCKS if block.file == ".github/workflows/lockstep.yml"]
    workflow: dict[str, Any] = yaml.safe_load("\n".join(block.lines))
    assert workflow["permissions"] == {}
    assert "head.repo.full_name == github.repository" in workflow["jobs"]["plan"]["if"]
    assert workflow["jobs"]["sync"]["concurrency"]["cancel-in-progress"] is False
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        (checkout,) = [one for one in job["steps"] if one.get("uses", "").startswith("actions/checkout@")]
        assert checkout["with"]["persist-credentials"] is False
        assert any(step.get("run", "").startswith("lockstep ") for step in job["steps"])


def test_blocks_are_of_a_known_kind() -> None:
    """A block is run, written, parsed or a picture; nothing slips through under another name."""
    assert {block.language for block in BLOCKS} <= LANGUAGES
    for block in BLOCKS:
        match block.language:
            case "json":
                json.loads("\n".join(block.lines))
            case "python":
                compile("\n".join(block.lines), _where(block), "exec")
            case "console":
                assert block.commands, _where(block)
            case _:
                assert block.lines, _where(block)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that is there, and every anchor a heading in it."""
    for link in links(page):
        if link.startswith("https://"):
            continue
        assert "://" not in link, link
        path, _, anchor = link.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.is_relative_to(ROOT), link
        assert to.exists(), link
        assert not anchor or anchor in anchors(to), link


def test_every_page_is_on_the_map() -> None:
    """The map of the documentation leaves no page out."""
    start = ROOT / "docs" / "README.md"
    mapped = {(start.parent / link).resolve() for link in links(start) if not link.startswith("https://")}
    assert {page for page in PAGES if page.is_relative_to(start.parent)} - mapped == {start}


def test_generated_pages_are_up_to_date() -> None:
    """What is committed is what ./dev docs would write."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, text in generate.pages().items():
        committed = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        assert committed == text, f"docs/reference/{name}: run ./dev docs"
