"""No output gives an order to the CI system that shows it, whoever wrote what is in it."""

import json
import logging
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockstep.cli import main
from lockstep.cli.app import _log_to_stderr
from lockstep.cli.shell import Shell
from lockstep.render.cells import hanging, printable_lines
from lockstep.render.wire import dump
from lockstep.settings import Settings
from tests.attack.runner import commands_in

ORDERS = [
    "::set-output name=x::evil",
    "  ::add-mask::a",
    "##[set-output name=x]evil",
    "api ##[add-mask]a",
    "###[set-env name=PATH]/tmp",
    "##vso[task.setvariable variable=x]y",
    "##teamcity[buildStatus text='x']",
    "fine\n::stop-commands::x",
    "fine\r::stop-commands::x",
]
anything = st.text(st.sampled_from(":#[]ax \n\r\t\\") | st.characters(), max_size=60)


@given(anything)
@example("##[a]")
@example("a###[a]::b")
@example(" \t::a::b")
def test_lines_of_a_message_are_no_commands(text: str) -> None:
    """Not in the newer form at the beginning of a line, nor in the older one anywhere in it."""
    assert commands_in("\n".join(printable_lines(text))) == []


@given(st.text(":#[]a ", max_size=120))
def test_wrapping_makes_no_command(text: str) -> None:
    """Wherever a long value is broken."""
    _, *rest = hanging("    - ", text, 40)
    assert commands_in("\n".join(rest)) == []


@given(anything)
@example("##[a]")
@example("\\##[a]")
def test_a_document_holds_no_command_and_the_same_text(text: str) -> None:
    """JSON is read back as it was meant."""
    document = dump({"text": text, text: 1})
    assert commands_in(document) == []
    assert json.loads(document) == ({"text": text} | {text: 1})


@pytest.mark.parametrize("order", ORDERS)
def test_every_way_out_of_the_process_is_inert(
    order: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results, messages, the log and errors; also what nobody has made printable before."""
    shell = Shell(settings=Settings(cache=tmp_path), directory=tmp_path, verbosity=1)
    shell.emit([order])
    shell.emit(f"{order}\n")
    shell.log(order)
    shell.progress(order)
    logger = logging.getLogger("lockstep")
    _log_to_stderr("info")
    try:
        logger.info("%s", order)
    finally:
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    assert main([order]) == 3
    assert main(["validate", "-C", f"/no/{order}"]) == 3
    told = capsys.readouterr()
    assert commands_in(told.out) == []
    assert commands_in(told.err) == []
    assert told.out.strip()


def test_a_bug_that_is_told_in_full_gives_no_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its text is somebody else's too."""

    def fail(words: object) -> int:
        raise RuntimeError("\n".join(ORDERS))

    # No command is meant to fail like this, so one is made to.
    monkeypatch.setattr(sys.modules["lockstep.cli.main"], "_run", fail)
    assert main(["-v", "plan"]) == 1
    told = capsys.readouterr()
    assert "RuntimeError" in told.err
    assert commands_in(told.err) == []
