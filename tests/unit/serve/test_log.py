"""The log of a controller, as programs read it."""

import json
import logging

import pytest

from lockstep.cli.serving import heard, json_line


def test_a_line_is_one_object_whatever_is_told() -> None:
    """Line ends, escapes and quotes that others wrote stay within it."""
    said = 'a "commit"\n{"project": "other"}\x1b[2J\u2028\u202e'
    line = json_line("shop", said)
    assert line.endswith("}\n")
    assert line[:-1].isprintable()
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == said
    assert json.loads(json_line("", "stopped"))["project"] is None


def test_what_the_web_server_warns_of_is_told_in_the_same_form(capfd: pytest.CaptureFixture[str]) -> None:
    """With the last line of an exception, and nothing beside it; what is less than a warning is not."""
    told: list[tuple[str, str]] = []
    with heard(lambda project, words: told.append((project, words))):
        logging.getLogger("uvicorn.error").info("started")
        logging.getLogger("botocore").info("of a secret")
        try:
            raise ValueError("no such page")
        except ValueError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    logging.getLogger("uvicorn.error").debug("ended")
    assert told == [("", "Exception in ASGI application: ValueError: no such page")]
    assert capfd.readouterr().err == ""
