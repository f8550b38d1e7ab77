"""What module and Lockstep both know is the same in both; needs no Terraform."""

import re
from pathlib import Path

import pytest

from lockstep.config.rules import EVENTS, RESERVED_VARIABLES
from lockstep.model import FIELDS, Statement, Trigger
from lockstep.model.fields import BY_NAME
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.planning.notifications import entry_for

MODULE = Path(__file__).resolve().parents[2] / "terraform" / "modules" / "lambda-fleet"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _block(text: str, start: str) -> str:
    """The text from ``start`` to the bracket that closes its first one."""
    begin = text.index(start)
    depth = 0
    for end in range(begin, len(text)):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[end], 0)
        if not depth and text[end] in ")]}":
            return text[begin:end]
    raise AssertionError(f"{start!r} never ends")


@pytest.mark.parametrize("name", [row.name for row in FIELDS])
def test_every_field_is_an_attribute(name: str) -> None:
    """Terraform drops attributes that a variable's type does not name, so none may be missing."""
    block = _block((MODULE / "variables.tf").read_text(), 'variable "functions" {')
    *groups, leaf = [_snake(part) for part in name.split(".")]
    for group in groups:
        block = _block(block, f"{group} = optional(object({{")
    assert re.search(rf"^\s+{leaf}\s+= (optional\()?\w+", block, re.MULTILINE), f"{name} is no attribute"


def _default(value: object) -> str:
    """A pattern of what follows an optional attribute's type."""
    match value:
        case None:
            return ""
        case bool():
            return f", {str(value).lower()}"
        case ():
            return r", \[\]"
        case str():
            return f', "{value}"'
        case _:
            return f", {value}"


CARRIED = [kind for kind in KINDS.values() if kind.terraform]
"""The others are refused where Terraform applies."""


@pytest.mark.parametrize("kind", CARRIED, ids=lambda kind: kind.name)
def test_every_kind_is_an_attribute_and_a_resource(kind: ResourceKind) -> None:
    """Its rows with their defaults, each passed on to that of the provider's resources for it that has it."""
    variables = _block((MODULE / "variables.tf").read_text(), 'variable "functions" {')
    text = "".join((MODULE / name).read_text() for name in ("kinds.tf", "callers.tf"))
    assert kind.terraform is not None
    assert re.search(rf'"{kind.name}"\]|^ +{kind.name} += \{{', text, re.MULTILINE)
    form = "map(object" if kind.is_many else "object"
    whole = _block(variables, f"    {_snake(kind.name)} = optional({form}({{")
    told = set()
    for resource, paths in kind.terraform.resources.items():
        passed = _block(text, f'resource "{resource}" "this" {{')
        for row in kind.rows:
            if row.name not in paths:
                continue
            told.add(row.name)
            *groups, leaf = [_snake(part) for part in row.name.split(".")]
            block = whole
            for group in groups:
                block = _block(block, f"{group} = optional(object({{")
            # Several texts and numbers may be absent and mean what AWS says then.
            declared = (
                rf"{leaf}\s+= string"
                if row.required
                else rf"{leaf}\s+= optional\(.+{_default(row.default)}\)"
            )
            assert re.search(rf"^\s+{declared}", block, re.MULTILINE), f"{kind.path(row)} is no attribute"
            assert re.search(rf"\.{leaf}\b", passed), f"{kind.path(row)} is not passed on"
            assert re.search(rf"\b{paths[row.name].rpartition('.')[2]}\b", passed), kind.path(row)
    untold = {row.name for row in kind.rows if not row.computed} - told
    assert untold == {name for name, values in kind.terraform.only.items() if not values}


@pytest.mark.parametrize("kind", [kind for kind in CARRIED if kind.is_many], ids=lambda kind: kind.name)
def test_the_tag_remembers_every_kind_of_several(kind: ResourceKind) -> None:
    """By the identity that the aws engine knows it by."""
    identities = _block((MODULE / "callers.tf").read_text(), "  identities = {")
    assert re.search(rf"^ +{kind.name} += ", identities, re.MULTILINE)


def test_members_of_lists_are_attributes() -> None:
    """So are the members of a list of structures."""
    block = _block((MODULE / "variables.tf").read_text(), "file_systems = optional(list(object({")
    for member in BY_NAME["fileSystems"].members:
        assert re.search(rf"\b{_snake(member)}\s+= (optional\()?string", block)


def test_the_module_knows_the_same_events() -> None:
    """Every event that Lockstep takes is one for the module, and no other is."""
    listed = _block((MODULE / "rules.tf").read_text(), 'events = join("|", [')
    pattern = "|".join(re.findall(r'"([A-Z][^"]+)"', listed))
    families = {event.removeprefix("s3:") for event in EVENTS}
    assert all(re.fullmatch(pattern, event) for event in families)
    alternatives = {
        f"{family}:{kind}"
        for family, kinds in re.findall(r"(\w+):\(([^)]*)\)", listed)
        for kind in kinds.replace("[*]", "*").split("|")
    } | set(re.findall(r'"([\w:]+)"', listed))
    assert alternatives == families


def test_the_module_knows_the_same_reserved_variables() -> None:
    """Names that Lambda sets itself are refused by both."""
    listed = _block((MODULE / "rules.tf").read_text(), "lambda_variables = [")
    assert set(re.findall(r'"(\w+)"', listed)) == RESERVED_VARIABLES


def test_the_module_knows_the_same_retentions() -> None:
    """Days that CloudWatch takes, and 0 for ever."""
    listed = _block((MODULE / "rules.tf").read_text(), "retentions = [")
    assert re.findall(r"\d+", listed) == ["0", *BY_NAME["logRetentionDays"].enum]


def test_the_module_s_tests_expect_the_aws_engine_s_ids() -> None:
    """The ids that ``terraform test`` expects are what Lockstep gives for the same triggers."""
    text = (MODULE / "tests" / "notifications.tftest.hcl").read_text()
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:notifier"
    preview = "preview/pr-123/s3.notifier"
    both = ("s3:ObjectCreated:Put", "s3:ObjectRemoved:*")
    entries = [
        entry_for("syrf", "production/s3-notifier", arn, Trigger(bucket="uploads", prefix="Projects/")),
        entry_for("syrf", preview, f"{arn}-pr-123", Trigger(bucket="archive")),
        *(
            entry_for("syrf", preview, f"{arn}-pr-123", trigger)
            for trigger in (
                Trigger(bucket="uploads", prefix="preview/pr-123/", suffix=".pdf"),
                Trigger(bucket="uploads", prefix="preview/pr-123/", suffix=".csv", events=both),
            )
        ),
    ]
    ids = {str(entry["Id"]) for entry in entries}
    assert ids == set(re.findall(r"lockstep-syrf\.[\w.-]+\.[0-9a-f]{12}", text))
    statements = {
        Statement(source_arn=f"arn:aws:s3:::{bucket}", source_account="123456789012").content_id
        for bucket in ("uploads", "archive")
    }
    assert statements == set(re.findall(r"lockstep-[0-9a-f]{16}", text))
