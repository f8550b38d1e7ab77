"""What reads the words of others takes time in proportion to them, and shows a bounded part."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from lockstep.engines.aws.errors import explain
from lockstep.engines.terraform.errors import error_of, plain_text
from lockstep.errors import LONGEST, CloudError, bounded
from lockstep.forge.github.problems import one_line
from lockstep.git.command import explain_failure, mask
from lockstep.model import looks_secret
from lockstep.model.blotting import blotted
from lockstep.model.masking import without_literals, without_secrets_in
from lockstep.planning.quoting import unquoted
from lockstep.render.cells import hanging, printable_lines
from tests.unit.model.test_blotting import steps

Reader = Callable[[str], object]


def _aws(text: str) -> str:
    error: Any = CloudErrorOfAws(text)
    return str(explain(error, "lambda", "CreateFunction"))


class CloudErrorOfAws(Exception):
    """An error with an answer, as botocore's."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.response = {"Error": {"Code": "AccessDenied", "Message": text}}


def _terraform(text: str) -> str:
    return str(error_of(plain_text(text), folder="infra", doing="planning", place="lockstep.yaml:3"))


READERS: dict[str, Reader] = {
    "git's masks": mask,
    "git's errors": lambda text: str(explain_failure(text, doing="fetching")),
    "blotting, cut": lambda text: blotted(text, ["s3cr3t-value"], longest=LONGEST),
    "shapes of secrets": lambda text: looks_secret("", text),
    "names of secrets": looks_secret,
    "AWS's errors": _aws,
    "Terraform's errors": _terraform,
    "GitHub's errors": one_line,
    "messages": printable_lines,
    "quotes in bodies": lambda text: list(unquoted([text])),
    "errors": lambda text: str(CloudError(text)),
    "masks of logs": lambda text: without_secrets_in(text, ["s3cr3t-value"]),
    "masks of programs": without_literals,
}
UNITS = (
    *(
        "a",
        " ",
        "\n",
        "a.",
        "-a",
        "a b ",
        "://",
        "a://",
        "a://b:c",
        "https://a:b@",
        "?a",
        "a:b,",
        "a,",
        "@a:",
    ),
    *(
        "\\",
        "%25",
        "&amp;",
        "password",
        'password"',
        '"password":',
        "password = ",
        "eyJ-",
        "eyJaaaaaaaa.",
        "sk-",
    ),
    *(
        "-----BEGIN ",
        "basic ",
        "Basic aaaaaaaa ",
        "{a",
        "{",
        "transport '",
        "repository '",
        "<!--",
        "because no ",
    ),
    *(
        "xox",
        "ghp_",
        "::",
        "##[",
        "on a line 1\n",
        "not authorized to perform: a:",
        "#",
        "'",
        "`",
        "\x00",
        "日",
    ),
)
SMALL, LARGE = 2_000, 16_000  # characters: where one takes a time, the other takes 8 times it, or 64


def _seconds(read: Reader, unit: str, size: int) -> float:
    """Of this thread's own work: however busy the machine is with others."""
    text = unit * (size // len(unit)) + "\0"
    began = time.thread_time()
    read(text)
    return time.thread_time() - began


def _grows_with_the_text(read: Reader, unit: str) -> bool:
    """Whether the long one takes no longer than what lies between; a doubt is measured again."""
    return any(_seconds(read, unit, LARGE) <= 24 * _seconds(read, unit, SMALL) + 0.005 for _ in range(3))


@pytest.mark.parametrize("name", READERS)
def test_a_long_text_is_read_to_its_end(name: str) -> None:
    """What looks at each pair of its characters would not be done before the night."""
    assert [unit for unit in UNITS if not _grows_with_the_text(READERS[name], unit)] == []


def test_what_looks_at_each_pair_is_found() -> None:
    """The quickest there is: a pattern that reads on to the end from each character."""
    assert not _grows_with_the_text(re.compile("a+!").search, "a")


@pytest.mark.parametrize("unit", ["a", "日", ":", "a ", "::"])
def test_the_steps_of_wrapping_grow_with_the_text(unit: str) -> None:
    """Also of one word without an end."""
    one, two = (steps(lambda size=size: hanging("  - ", unit * size, 80)) for size in (1_000, 2_000))
    assert two <= 2.2 * one + 200


@pytest.mark.parametrize(
    "name", ["git's errors", "blotting, cut", "AWS's errors", "GitHub's errors", "errors"]
)
def test_a_body_of_megabytes_is_shown_in_part(name: str) -> None:
    """And says how long it is."""
    shown = str(READERS[name]("fatal: " + "word " * 400_000))
    assert len(shown) < LONGEST + 1_000
    assert "characters in all; the " in shown


def test_what_was_cut_is_not_cut_again() -> None:
    """One note says it."""
    once = bounded("x" * 100_000)
    assert bounded(once) == once
    assert once.endswith("… (100,000 characters in all; the rest is left out)")
    assert bounded("short") == "short"
