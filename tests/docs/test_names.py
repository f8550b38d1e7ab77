"""What the documentation names exists: commands, options, keys, actions, variables, kinds of steps."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import botocore.session
import pytest

from lockstep.cli.app import COMMANDS, command_parser, global_parser
from lockstep.config.schema import LAMBDA, PROJECT
from lockstep.config.shapes import Key, Shape
from lockstep.engines.aws.actions import NEEDS
from lockstep.render import step_codec
from tests.docs.lab import ROOT
from tests.docs.pages import PAGES, inline_code, page_name
from tests.docs.snippets import blocks

SOURCE = ROOT / "src" / "lockstep"
SERVICES = {
    "apigatewayv2",
    "cloudtrail",
    "cloudwatch",
    "ec2",
    "ecr",
    "events",
    "iam",
    "lambda",
    "logs",
    "resourcegroupstaggingapi",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
}
OTHERS = {"--checksum-algorithm"}  # options of other tools that pages name

BY_CLIENT = {"sts:AssumeRole"}
"""Actions for calls that are not made by name: botocore's."""
BY_LAMBDA = {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
"""Actions that a policy of somebody else's has to allow to Lambda."""


def _options(verb: str | None = None) -> set[str]:
    """Options that may stand with a verb, or with any."""
    parsers = [global_parser(), *(command_parser(name) for name in ([verb] if verb else COMMANDS))]
    return {option for parser in parsers for action in parser._actions for option in action.option_strings}


def _invocations(page: Path) -> Iterator[str]:
    """Command lines that begin with ``lockstep``, in blocks and in the text."""
    for block in blocks(page):
        lines = [command.line for command in block.commands]
        if block.language == "yaml":
            lines += re.findall(r"- run: (lockstep .+)", "\n".join(block.lines))
        yield from (line for line in lines if line.startswith("lockstep "))
    yield from (code for code in inline_code(page) if re.match(r"lockstep [a-z-]", code))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_commands_and_options_exist(page: Path) -> None:
    """Every invocation names a verb that there is, with options that this verb has."""
    for line in _invocations(page):
        words = [word for word in shlex.split(line.split(" | ")[0])[1:] if word != "\\"]
        verbs = [name for name in (*words, *map(" ".join, pairwise(words))) if name in COMMANDS]
        assert verbs or all(word.startswith("-") for word in words), f"{line}: no such command"
        for word in words:
            if word.startswith("-"):
                assert word.partition("=")[0] in _options(*verbs[:1]), f"{line}: no option {word}"


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_options_in_the_text_exist(page: Path) -> None:
    """An option that is named by itself is an option of some command."""
    for code in inline_code(page):
        name = code.split(" ")[0].partition("=")[0]
        if re.fullmatch(r"--[a-z-]+", name) and not code.startswith("---"):
            assert name in _options() | OTHERS, code


def _paths(key: Key, prefix: str = "") -> Iterator[str]:
    for member in key.members:
        path = f"{prefix}{member.name}"
        yield path
        nested = member.item if member.item is not None else member
        yield from _paths(nested, f"{path}.NAME." if member.shape is Shape.OPEN else f"{path}.")


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_keys_in_the_text_exist(page: Path) -> None:
    """A dotted key, such as ``packages.bucket`` or ``lambda.sha256``, is in the tables of keys."""
    known = {*_paths(PROJECT), *(f"lambda.{path}" for path in _paths(LAMBDA))}
    roots = ("lambda", "packages", "artifacts", "triggers", "environments", "functionDefaults")
    for code in inline_code(page):
        key = code.partition(":")[0]
        if re.fullmatch(rf"({'|'.join(roots)})(\.\w+)+", key):
            is_variable = key.startswith("lambda.environment.")
            assert is_variable or key in known, f"{code}: no such key"


def _operations() -> set[str]:
    """AWS operations that the code names in a call: ``call("s3", "PutObject", ...)``.

    Those of Lambda are also handed on without the service's name, so each of their names counts.
    """
    session = botocore.session.get_session()
    of_lambda = set(session.get_service_model("lambda").operation_names)
    found: set[str] = set()
    for folder in ("engines/aws", "delivery"):
        for file in (SOURCE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                found.update(f"lambda:{text}" for text in texts if text in of_lambda)
                for service, operation in pairwise(texts):
                    if service in SERVICES and re.fullmatch(r"[A-Z][A-Za-z]+", str(operation)):
                        found.add(f"{service}:{operation}")
    return found - {"sts:CreateClient", "s3:CreateClient"}


def test_the_policies_allow_what_the_code_calls_and_no_more() -> None:
    """The actions of permissions.md, and of kinds of resources in lambda.md, are those of the table."""
    page = ROOT / "docs" / "reference" / "permissions.md"
    _, _, beside = (page.parent / "lambda.md").read_text().partition("## Resources beside the function")
    granted = set(re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", beside))
    for block in blocks(page):
        if block.language == "json":
            for statement in json.loads("\n".join(block.lines))["Statement"]:
                actions = statement["Action"]
                granted.update([actions] if isinstance(actions, str) else actions)
    granted |= {code for code in inline_code(page) if re.fullmatch(r"[a-z0-9]+:[A-Z]\w+", code)}
    granted.discard("sts:GetCallerIdentity")
    assert granted == {need.action for need in NEEDS} | BY_CLIENT


def test_the_table_of_actions_holds_each_call() -> None:
    """A call that is made has its row, and no row is for a call that nobody makes."""
    called = _operations() - {"sts:GetCallerIdentity", "sts:AssumeRole"}  # the first needs no permission
    called |= {"s3:ListObjectsV2", "iam:SimulatePrincipalPolicy"}  # handed on with their paging
    called |= {"logs:FilterLogEvents", "cloudwatch:GetMetricData"}
    assert {need.operation for need in NEEDS} == called


def test_what_an_error_asks_to_allow_is_an_action() -> None:
    """No text in the code names an action that is not in the table: an operation is none by its name."""
    known = {need.action for need in NEEDS} | BY_CLIENT | BY_LAMBDA
    named = {
        action
        for file in SOURCE.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "allow " in line
        for action in re.findall(r"\b(?<!actions_of\(['\"])[a-z0-9]+:[A-Z][A-Za-z]+\b", line)
    }
    assert named
    assert named <= known


def test_the_plan_policy_can_change_nothing() -> None:
    """The first policy holds reading actions only."""
    page = ROOT / "docs" / "reference" / "permissions.md"
    first = next(block for block in blocks(page) if block.language == "json")
    actions = re.findall(r'"([a-z0-9]+:\w+)"', "\n".join(first.lines))
    assert actions
    assert all(re.match(r"[a-z0-9]+:(Get|List|Describe)", action) for action in actions)


def test_the_variables_are_those_that_the_code_reads() -> None:
    """environment-variables.md lists each LOCKSTEP_ variable, and none that nobody reads."""
    text = (ROOT / "docs" / "reference" / "environment-variables.md").read_text(encoding="utf-8")
    read = {
        name
        for file in SOURCE.rglob("*.py")
        for name in re.findall(r'"(LOCKSTEP_[A-Z_]+)"', file.read_text(encoding="utf-8"))
    }
    assert set(re.findall(r"LOCKSTEP_[A-Z_]+", text)) == read


def test_the_kinds_of_steps_are_those_of_the_plan() -> None:
    """plan-json.md lists each kind of step that a plan can hold."""
    text = (ROOT / "docs" / "reference" / "plan-json.md").read_text(encoding="utf-8")
    source = Path(step_codec.__file__).read_text(encoding="utf-8")
    kinds = set(re.findall(r'case "([a-z-]+)":', source))
    assert kinds
    assert set(re.findall(r"^\| `([a-z]+-[a-z-]+)` \|", text, re.MULTILINE)) == kinds
