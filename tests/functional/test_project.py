"""The project's own files: ./dev, CI, changelog, layers."""

import ast
import builtins
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from lockstep import errors
from lockstep.model.engines import ENGINES
from tests.support.helm import with_helm
from tests.support.newest import LATER

ROOT = Path(__file__).resolve().parents[2]


def _run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_dev_is_plain_sh_and_explains_itself() -> None:
    """No make, no bash: whoever clones the repository can run it."""
    assert (ROOT / "dev").read_text().startswith("#!/bin/sh\n")
    assert _run("sh", "-n", "dev").returncode == 0
    told = _run("./dev", "help")
    assert told.returncode == 0
    for command in ("demo", "test", "lint", "bench"):
        assert f"  {command}" in told.stdout
    assert _run("./dev", "no-such-command").returncode == 1


def test_ci_runs_what_developers_run() -> None:
    """CI has no steps of its own."""
    assert (ROOT / ".ci/run").read_text().rstrip().endswith('exec ./dev test "$@"')
    assert _run("bash", "-n", ".ci/run").returncode == 0


def test_ci_has_the_engine_of_helm_that_a_developer_may_add() -> None:
    """It is too large for everybody's lock, and pinned by its hashes all the same."""
    assert "./dev helm" in (ROOT / ".ci/run").read_text()
    assert "./dev helm" in with_helm.kwargs["reason"]
    pinned = (ROOT / ".ci/helm.txt").read_text()
    assert re.search(r"^helm-python-sdk==[\d.]+ \\(\n +--hash=sha256:[0-9a-f]{64}( \\)?)+$", pinned, re.M)
    assert "helm-python-sdk" not in (ROOT / "requirements-dev.txt").read_text()


def test_workflows_pin_actions_and_ask_for_nothing() -> None:
    """A tag can be moved, a commit cannot; no permission is given to all jobs."""
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}
        for name in re.findall(r"uses: (\S+)", path.read_text()):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name), name


def test_the_changelog_can_be_made() -> None:
    """Every fragment has a kind and an issue that towncrier understands."""
    told = _run(str(Path(sys.executable).with_name("towncrier")), "build", "--draft", "--version", "next")
    assert told.returncode == 0, told.stderr
    assert "## Features" in told.stdout


def test_no_handler_stands_behind_one_that_takes_its_errors() -> None:
    """``except OSError`` after ``except Exception`` is never reached."""
    hidden = [
        f"{path}:{handler.lineno}"
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Try)
        for number, handler in enumerate(node.handlers)
        if any(_takes(earlier, handler) for earlier in node.handlers[:number])
    ]
    assert hidden == []


def _takes(earlier: ast.ExceptHandler, later: ast.ExceptHandler) -> bool:
    caught, wanted = _kinds(earlier), _kinds(later)
    return any(issubclass(one, tuple(caught)) for one in wanted)


def _kinds(handler: ast.ExceptHandler) -> list[type[BaseException]]:
    """The classes that a handler names, as far as they are Python's or in our tree of errors."""
    if handler.type is None:
        return [BaseException]
    named = [ast.unparse(one) for one in getattr(handler.type, "elts", [handler.type])]
    found = (getattr(errors, name, None) or getattr(builtins, name, None) for name in named)
    return [one for one in found if one is not None]


def test_dependencies_stay_few() -> None:
    """A new one needs a decision record and a line here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[ ]", dependency)[0] for dependency in project["dependencies"]}
    assert names == {"argcomplete", "botocore", "pyyaml", "rich", "urllib3"}


def test_decisions_are_one_page_each() -> None:
    """Numbered without gaps, with the three parts."""
    records = sorted((ROOT / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text()
        assert all(f"## {part}" in text for part in ("Context", "Decision", "Consequences")), path
        assert len(text.split()) < 600, path


def _requirements() -> dict[str, str]:
    """What pyproject.toml asks for of a developer's environment, by normalised name."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*data["project"]["dependencies"], *data["dependency-groups"]["dev"]]
    found = [Requirement(text) for text in wanted]
    return {canonicalize_name(one.name): str(one.specifier) for one in found}


def test_the_lock_holds_what_the_project_asks_for_with_hashes() -> None:
    """A new release of a dependency cannot break a checkout; ./dev lock renews it."""
    text = (ROOT / "requirements-dev.txt").read_text()
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE))
    wanted = _requirements()
    assert not {name for name in wanted if name not in pins}
    assert not {name for name, allowed in wanted.items() if pins[name] not in SpecifierSet(allowed)}
    entries = re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_the_lock_holds_a_botocore_that_knows_every_row() -> None:
    """MiniStack's own is older: without the override no test would see what AWS has had since."""
    text = (ROOT / "requirements-dev.txt").read_text()
    held = re.search(r"^botocore==(\S+)", text, re.MULTILINE)
    assert held
    assert LATER
    assert all(Version(row.since) <= Version(held[1]) for row in LATER)


def test_ci_also_runs_with_the_newest_and_with_the_lowest() -> None:
    """What pyproject.toml promises of versions is tried, and what comes next is met early."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["dependencies"] == ["locked"]
    assert {row["dependencies"] for row in matrix["include"]} == {"newest", "lowest"}
    told = _run("env", "LOCKSTEP_DEPENDENCIES=other", "./dev", "setup")
    assert told.returncode == 1
    assert "locked, newest or lowest" in told.stderr


def test_verbs_speak_to_nobody() -> None:
    """A server calls them too: what delivery says goes to its watcher, and how it ends is raised."""
    speaking = [
        f"{path}:{node.lineno}: {ast.unparse(node)}"
        for path in (ROOT / "src/lockstep/delivery").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name | ast.Attribute)
        and ast.unparse(node)
        in {
            "print",
            "input",
            "exit",
            "SystemExit",
            "sys.exit",
            "os._exit",
            "sys.stdout",
            "sys.stderr",
            "sys.stdin",
        }
    ]
    assert speaking == []


def test_watchers_are_of_one_kind() -> None:
    """What is told while a verb works has one protocol, not a function for each of its words."""
    observers = [
        f"{path}:{number}"
        for path in (ROOT / "src/lockstep").rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"Callable\[\[\w+\], None\] = lambda", line)
    ]
    assert observers == []


def test_types_that_meet_have_names_of_their_own() -> None:
    """No file needs another name for a type because two of one name would stand in it."""
    renamed = [
        f"{path}:{node.lineno}: {one.name} as {one.asname}"
        for path in (ROOT / "src/lockstep").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lockstep")
        for one in node.names
        if one.asname and one.name[0].isupper()
    ]
    assert renamed == []


def test_no_engine_is_known_by_its_name() -> None:
    """What differs between engines stands in the table of their traits, or in their own package."""
    compared = [
        f"{path}:{node.lineno}: {ast.unparse(node)}"
        for path in (ROOT / "src/lockstep").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare | ast.MatchValue)
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and one.value in ENGINES
    ]
    assert compared == []


def test_verbs_call_no_service_of_aws() -> None:
    """They ask an engine, or a function in engines/aws: one place knows operations and their errors."""
    calls = [
        f"{path}:{node.lineno}: {ast.unparse(node.func)}"
        for path in (ROOT / "src/lockstep/delivery").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in {"call", "try_call", "pages"}
    ]
    assert calls == []


def test_where_to_put_things_names_what_is_there() -> None:
    """Every file, folder and name of the table in CONTRIBUTING."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = text[text.index("Where to put things") : text.index("## Style")]
    named = re.findall(r"`([^`]+)`", table)
    paths = [name for name in named if "/" in name or name.endswith(".toml")]
    assert [
        one for one in paths if not any((at / one).exists() for at in (ROOT / "src/lockstep", ROOT))
    ] == []
    code = "".join(path.read_text() for path in (ROOT / "src/lockstep").rglob("*.py"))
    names = [name for name in named if re.fullmatch(r"[A-Z][A-Za-z_]+", name)]
    assert len(paths) > 20
    assert [
        name for name in names if not re.search(rf"^(class {name}\b|{name}\b.* = )", code, re.MULTILINE)
    ] == []
