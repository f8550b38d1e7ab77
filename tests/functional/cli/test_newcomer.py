"""Wrong inputs of a new user's kind, each with the lines that it prints. No AWS is asked."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.cli import main
from tests.support.badinput.desk import FILES, git
from tests.support.badinput.newcomer import NEWCOMER
from tests.support.badinput.shell import SHELL
from tests.support.clouds import make_zip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project of the table of bad inputs, committed, with its packages; one for all rows."""
    folder = tmp_path_factory.mktemp("newcomer") / "gitops"
    for path, text in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "packages").mkdir()
    for version in ("0.1.5", "0.1.6"):
        (folder / f"packages/s3-notifier-{version}.zip").write_bytes(make_zip())
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "First")):
        git(folder, *words)
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("GIT", "LOCKSTEP", "GITHUB")) or name == "CI":
                patch.delenv(name)
        patch.setenv("LOCKSTEP_CACHE", str(folder.parent / "cache"))
        patch.setenv("HOME", str(folder.parent))
        with contextlib.chdir(folder):
            yield folder


@pytest.mark.parametrize("name", NEWCOMER)
def test_a_wrong_input_prints_its_line_and_a_fix(
    name: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The problem with its place, and what helps, word for word; exit code 3 and no traceback."""
    change, words, problem, fix = NEWCOMER[name]
    before = None
    if change is not None:
        path, old, new = change
        before = (project / path).read_text()
        assert old in before
        (project / path).write_text(before.replace(old, new, 1))
    try:
        code = main(words.split())
    finally:
        if change is not None and before is not None:
            (project / change[0]).write_text(before)
    lines = capsys.readouterr().err.splitlines()
    assert code == 3
    assert f"error: {problem}" in lines
    assert f"  fix: {fix}" in lines


def test_there_are_forty_beyond_the_other_table() -> None:
    """And none of them is a command line that stands there already."""
    assert len(NEWCOMER) >= 40
    others = {tuple(row.words) for row in SHELL.values()}
    mine = {name: tuple(words.split()) for name, (change, words, *_) in NEWCOMER.items() if change is None}
    alike = [name for name, words in mine.items() if words in others]
    assert not alike
