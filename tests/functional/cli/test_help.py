"""Help: every command stands in one group, has examples that work, and an address of the docs."""

import re
import shlex
from pathlib import Path

import pytest

from lockstep.cli.app import COMMANDS, GROUPS, command_parser, global_parser
from lockstep.cli.arguments import arranged, asks_for_json, interrupted_words
from lockstep.cli.examples import DOCS, EXAMPLES, SECTIONS
from lockstep.cli.hints import _COMMANDS, for_command, for_option
from lockstep.cli.next_step import next_step

KNOWN = {name: command.about for name, command in COMMANDS.items()}
ANCHORS = Path(__file__).parents[3] / "docs/reference/commands.md"


def test_every_command_stands_in_one_group_of_the_help() -> None:
    """Nothing is listed twice, and nothing is missing."""
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted({name.partition(" ")[0] for name in COMMANDS})
    assert {name.partition(" ")[0] for name in COMMANDS if " " in name} == set(GROUPS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_command_are_commands(name: str) -> None:
    """Each is parsed as it stands there; no line of the help is wider than a terminal or breaks a word."""
    assert EXAMPLES[name]
    for line, about in EXAMPLES[name]:
        words = arranged(shlex.split(line))
        assert " ".join(words).startswith(name)
        words = words[: next((at for at, word in enumerate(words) if word.startswith(">")), None)]
        command_parser(name).parse_intermixed_args(words[len(name.split()) :])
        assert about
    text = command_parser(name).format_help()
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"[a-z]-$", text, re.MULTILINE)
    assert f"Docs: {DOCS}/reference/commands/#{name.replace(' ', '-')}" in text
    assert f"## {name}\n" in ANCHORS.read_text() or f"### {name}\n" in ANCHORS.read_text()


def test_the_help_begins_with_groups_and_ends_with_the_first_steps() -> None:
    """On 80 columns."""
    text = global_parser().format_help()
    assert max(map(len, text.splitlines())) <= 80
    assert [text.index(f"{title}:\n") for title in SECTIONS] == sorted(
        text.index(f"{title}:\n") for title in SECTIONS
    )
    assert text.rstrip().endswith(f"Docs: {DOCS}")


@pytest.mark.parametrize(
    ("word", "command"), [("deploy", "sync"), ("apply", "sync"), ("plna", "plan"), ("Undo", "rollback")]
)
def test_a_command_of_another_tool_is_understood(word: str, command: str) -> None:
    """By what it does there, and by spelling."""
    assert for_command(word, KNOWN) == f"did you mean `lockstep {command}`? {KNOWN[command]}"


def test_every_suggested_command_exists() -> None:
    """A suggestion that leads to another error is none."""
    assert set(_COMMANDS.values()) <= set(COMMANDS)
    assert not set(_COMMANDS) & set(COMMANDS)
    assert for_command("xyzzy", KNOWN) == "`lockstep --help` shows all commands"


@pytest.mark.parametrize(
    ("word", "fix"),
    [
        ("--auto-approve", "did you mean --yes?"),
        ("--dry-rum", "did you mean --dry-run?"),
        ("--environment=prod", "targets stand without an option: lockstep sync prod"),
        ("--region", "the Region of each environment stands in lockstep.yaml"),
        ("--zzz", "`lockstep sync --help` shows what there is"),
    ],
)
def test_an_option_is_suggested(word: str, fix: str) -> None:
    """By spelling, and by what other tools call it; or where Lockstep takes it from, that is said."""
    options = ["--yes", "--dry-run", "--since", "-o"]
    assert for_option(word, "lockstep sync", options, selects=True).startswith(fix)


@pytest.mark.parametrize(
    ("words", "is_json"),
    [
        ("plan -o json", True),
        ("plan --output=json", True),
        ("plan -- -o json", False),
        ("plan -o a.json", False),
    ],
)
def test_json_is_asked_for_in_every_spelling(words: str, is_json: bool) -> None:
    """As argparse takes it."""
    assert asks_for_json(words.split()) is is_json


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("plan", False),
        ("-C x plan", False),
        ("preview list", False),
        ("preview down --pr 1", True),
        ("pulls merge 1", True),
        ("sync plan", True),
        ("--repo plan sync", True),
    ],
)
def test_an_interrupted_command_claims_only_what_is_so(words: str, changes: bool) -> None:
    """That nothing was changed is said of commands that change nothing."""
    assert ("nothing was changed" in interrupted_words(words.split())) is not changes


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_names_what_comes_next(name: str) -> None:
    """A command line that exists, or a sentence; after bad input the error has its own way out."""
    given = {"target": "staging/api", "environments": ["staging"], "service": "api", "since": "HEAD~1"}
    given |= {"number": "1", "into": "infra"}
    words = next_step(name, 0, given, [])
    assert (words is None) is (name in ("init", "completion"))
    for command in re.findall(r"lockstep ([a-z-]+(?: [a-z]+)?)", words or ""):
        assert command in COMMANDS or command.split()[0] in COMMANDS, words
    assert next_step(name, 3, given, []) is None
    assert "run the same command again" in (next_step(name, 1, given, []) or "")
    assert next_step(name, 0, given, ["first", "last"]) == "last"
