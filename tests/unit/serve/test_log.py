"""The log of a controller, as programs read it."""

import json

from lockstep.cli.serving import json_line


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
