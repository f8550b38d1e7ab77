"""Every command is a cold process: what one imports before it works is time that each user waits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.delivery.setup.init import write_project_file

TERMINAL = {"rich", "typer", "click", "pydantic"}
CLOUD = {"botocore", "urllib3", "http", "ssl", "email"}
FILES = {"yaml", "subprocess", "tempfile"}
SLOW = {"asyncio", "multiprocessing", "unittest", "pkg_resources", "importlib.metadata"}
MOST_OF_OURS = 230
MOST_OF_A_PLAN = 580
MOST_OF_HELP = 150


def _imported_by(code: str, folder: Path) -> set[str]:
    """Run code in a new process and return the names of all modules that it loaded."""
    tell = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    result = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}{tell}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    names: list[str] = json.loads(result.stderr.splitlines()[-1])
    return set(names)


def test_the_entry_point_imports_only_small_things(tmp_path: Path) -> None:
    """``lockstep`` has done nothing yet when its script has imported this."""
    loaded = _imported_by("import lockstep.cli", tmp_path)
    assert not loaded & (TERMINAL | CLOUD | FILES | SLOW)


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["plan", "--help"]])
def test_help_and_version_import_only_the_parser(words: list[str], tmp_path: Path) -> None:
    """A quarter of a second is the promise; the commands' modules come later."""
    loaded = _imported_by(f"from lockstep.cli import main\nmain({words!r})", tmp_path)
    assert not loaded & (TERMINAL | CLOUD | FILES | SLOW)
    assert not any(name.startswith(("lockstep.delivery", "lockstep.engines")) for name in loaded)


def test_validate_needs_no_cloud(tmp_path: Path) -> None:
    """What is checked offline is read without the AWS library and without HTTP."""
    write_project_file(tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    loaded = _imported_by("from lockstep.cli import main\nmain(['validate'])", tmp_path)
    assert "lockstep.config.load" in loaded
    assert not loaded & (TERMINAL | CLOUD | SLOW)
    assert not any(name.startswith("lockstep.engines") for name in loaded)


def test_a_plan_is_made_without_a_terminal_library(tmp_path: Path) -> None:
    """The engine and the plan's rendering load the AWS library once, and nothing for live rows."""
    code = (
        "import lockstep.engines.aws, lockstep.delivery.sync.session, lockstep.render.text, botocore.session"
    )
    loaded = _imported_by(code, tmp_path)
    assert not loaded & (TERMINAL | (SLOW - {"importlib.metadata"}))
    # What only a sync, a rollout or trying a function out needs.
    assert not loaded & {
        f"lockstep.engines.aws.{name}" for name in ("execute", "running", "measuring", "rollout", "trying")
    }


_CLIENT = """
import lockstep.cli.planning, lockstep.delivery.sync.run, lockstep.delivery.sync.session, lockstep.render.text
import lockstep.engines.aws
from lockstep.engines.aws.library import import_session
client = import_session().Session().create_client("lambda", region_name="eu-west-1")
assert client.get_function
"""


def test_a_plan_loads_so_many_modules_and_no_more(tmp_path: Path) -> None:
    """Each costs a third of a millisecond. Who needs more for a plan raises this, and says why."""
    loaded = _imported_by(_CLIENT, tmp_path)
    assert len([name for name in loaded if name.startswith("lockstep")]) <= MOST_OF_OURS
    assert len(loaded) <= MOST_OF_A_PLAN
    helped = _imported_by("from lockstep.cli import main\nmain(['--help'])", tmp_path)
    assert len(helped) <= MOST_OF_HELP


def test_the_library_comes_without_what_writes_its_documentation(tmp_path: Path) -> None:
    """Nobody reads docstrings of a client in a plan. Whoever asks for that package afterwards gets it."""
    loaded = _imported_by(_CLIENT, tmp_path)
    assert "botocore.session" in loaded
    assert not any(name.startswith(("botocore.docs", "html.parser")) for name in loaded)
    asks = "import botocore.docs, boto3.docs\nassert botocore.docs.ServiceDocumenter\n"
    assert "botocore.docs.docstring" in _imported_by(f"{_CLIENT}{asks}", tmp_path)


def test_a_plan_compiles_no_regular_expression_that_it_does_not_ask(tmp_path: Path) -> None:
    """A hundred of our own are loaded with it. Every one can be compiled, which its user would find out."""
    code = """
import importlib, re, re._compiler, sys
compile, ours = re._compiler.compile, []
def counted(*how):
    above = sys._getframe(1)
    while above.f_globals["__name__"] == "re":
        above = above.f_back
    ours.append(above.f_globals["__name__"])
    return compile(*how)
re._compiler.compile = counted
import lockstep.cli.planning, lockstep.cli.explaining, lockstep.engines.aws, lockstep.delivery.sync.run
import lockstep.delivery.sync.session, lockstep.render.text
from lockstep.regexes import regex
assert not [name for name in ours if name.startswith("lockstep")], ours
found = [one for name, module in sorted(sys.modules.items()) if name.startswith("lockstep")
         for one in vars(module).values() if isinstance(one, regex)]
assert len(found) > 80
for one in found:
    re.compile(one.pattern)
"""
    assert "lockstep.regexes" in _imported_by(code, tmp_path)


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["validate"], 3)])
def test_a_process_ends_without_being_taken_apart(words: list[str], code: int, tmp_path: Path) -> None:
    """That would be a fifth of a small plan. What is registered for the end is done, the output is whole."""
    script = tmp_path / "run.py"
    script.write_text(
        "import atexit, sys, weakref\n"
        "from lockstep.__main__ import start\n"
        "class Whole:\n"
        "    def __del__(self): print('taken apart', file=sys.stderr)\n"
        "whole = Whole()\n"
        "atexit.register(lambda: print('at the end'))\n"
        f"sys.argv[1:] = {words!r}\n"
        "sys.exit(start())\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code
    assert done.stdout.endswith("at the end\n")
    assert "taken apart" not in done.stderr


def test_a_project_without_terraform_loads_none_of_it() -> None:
    """Commands of an aws-only project pay nothing for the other engine."""
    code = (
        "import sys, lockstep.delivery.sync.session, lockstep.delivery.sync.status, lockstep.cli.app;"
        "print([name for name in sys.modules if name.startswith('lockstep.engines.terraform')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
