"""Kinds of resources beside a function: what each file has to say, and that nothing else names it."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from lockstep.model.fields import Kind
from lockstep.model.kinds import KINDS, ROWS, ResourceKind
from tests.support.newest import KNOWS_ALL, is_known

SOURCE = Path(__file__).resolve().parents[3] / "src" / "lockstep"
SESSION = botocore.session.get_session()


@functools.cache
def taken(call: str) -> Any:
    """The shape of what a call takes, in botocore's model."""
    service, _, operation = call.partition(":")
    return SESSION.get_service_model(service).operation_model(operation).input_shape


@functools.cache
def sources() -> dict[str, tuple[str, set[str]]]:
    """Each file of the product: its text, and the words in it."""
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    return {
        path.relative_to(SOURCE).as_posix(): (text, set(re.findall(r"\w+", text)))
        for path, text in texts.items()
    }


def snake(name: str) -> str:
    """The name of the kind's files."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


SHARED = {
    *("AddPermission", "RemovePermission", "GetPolicy", "TagResource", "UntagResource"),
    *("GetRole", "ListFunctions", "GetQueueUrl"),
}
"""Calls that triggers, functions and a controller make, or ask for, too."""

MADE_OF = {"rules": {"model/relay.py"}}
"""What else is made of a kind: triggers through EventBridge are rules."""


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_two_files_and_no_other_names_it(name: str) -> None:
    """Its table of rows and its calls: whoever adds one touches nothing else of the product."""
    kind = KINDS[name]
    operations = {each.partition(":")[2] for each in (*kind.reads, *kind.writes, *kind.removes)}
    own = operations - SHARED
    module = re.compile(rf"kinds\.{snake(name)}\b")
    naming = {
        path
        for path, (text, words) in sources().items()
        if own & words or f'KINDS["{name}"' in text or f'\n    name="{name}"' in text or module.search(text)
    }
    two = {f"model/kinds/{snake(name)}.py", f"engines/aws/kinds/{snake(name)}.py"}
    assert naming == two | MADE_OF.get(name, set())


ONE_BY_ONE = {("role", "policies")}
"""Rows of which each value is given by a call of its own."""


@pytest.mark.parametrize("name", KINDS)
def test_rows_have_a_type_that_aws_takes(name: str) -> None:
    """Each declared row is a member of what the first writing call that has it takes, in botocore's model."""
    kind = KINDS[name]
    for row in kind.rows:
        if row.computed or not is_known(row):
            continue
        at = next(shape for call in kind.writes if row.top in (shape := taken(call)).members)
        for part in row.api.split("."):
            if at.type_name == "list":
                at = at.member
            if at.type_name == "map":
                assert part in getattr(at.key, "enum", ()) or row.top in kind.left_out
                at = at.value
                continue
            assert part in at.members, row.api
            at = at.members[part]
        is_several = row.kind in (Kind.SET, Kind.STRINGS, Kind.STRUCTS)
        is_several = is_several and (name, row.name) not in ONE_BY_ONE
        assert (at.type_name in ("list", "map")) == is_several, row.name
        for key, member in row.members.items() if at.type_name == "list" else ():
            inner = at.member.members[member.api]
            is_older = set(member.enum) > set(inner.enum) and not KNOWS_ALL
            assert set(member.enum) == set(inner.enum) or is_older, f"{row.name}.{key}"
        at = at.member if row.kind is Kind.SET and is_several else at
        if getattr(at, "enum", None) and row.kind is not Kind.BOOLEAN:
            assert set(row.enum) == set(at.enum), row.name
        for bound, value in (("min", row.minimum), ("max", row.maximum)):
            if at.type_name == "integer":
                assert at.metadata.get(bound) == value, f"{row.name}: {bound}"


@pytest.mark.parametrize("name", KINDS)
def test_no_member_that_aws_takes_is_left_out(name: str) -> None:
    """A member that botocore learns, however deep, needs a row, or a reason why it has none."""
    kind = KINDS[name]
    known = {row.api for row in kind.rows} | {"FunctionName", "Qualifier", *kind.left_out}
    own = [each for each in kind.writes if each.partition(":")[2] not in SHARED and not _is_read(each)]
    for call in own or kind.writes[:1]:
        leaves = set(_leaves(taken(call), ""))
        within = {leaf for leaf in leaves if any(leaf.startswith(f"{one}.") for one in kind.left_out)}
        assert leaves - within <= known, call


def _is_read(call: str) -> bool:
    """Whether a call that comes with writing changes nothing."""
    return call.partition(":")[2].startswith("Get")


def _leaves(shape: Any, path: str) -> Iterator[str]:
    """Paths of all that is no structure and no map of known keys."""
    match shape.type_name:
        case "structure":
            for member, inner in shape.members.items():
                yield from _leaves(inner, f"{path}.{member}".lstrip("."))
        case "list" if shape.member.type_name == "structure" and path == "Targets":
            yield from _leaves(shape.member, path)
        case "map" if getattr(shape.key, "enum", None):
            for key in shape.key.enum:
                yield from _leaves(shape.value, f"{path}.{key}")
        case _:
            yield path


def test_paths_of_rows_are_unique() -> None:
    """A change's path names one row."""
    assert len(ROWS) == sum(len(kind.rows) for kind in KINDS.values())


@pytest.mark.parametrize("name", KINDS)
def test_defaults_are_nothing(name: str) -> None:
    """A resource with every row at AWS's default reads as none, or as one that just stands there."""
    kind: ResourceKind = KINDS[name]
    found = kind.read({})
    assert (found is not None) == kind.stands_alone
    assert found is None or found.settings == {}
