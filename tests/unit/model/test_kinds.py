"""Kinds of resources beside a function: what each file has to say, and that nothing else names it."""

import re
from pathlib import Path

import botocore.session
import pytest

from lockstep.model.fields import Kind
from lockstep.model.kinds import KINDS, ROWS, ResourceKind

SOURCE = Path(__file__).resolve().parents[3] / "src" / "lockstep"
LAMBDA = botocore.session.get_session().get_service_model("lambda")


def snake(name: str) -> str:
    """The name of the kind's files."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


SHARED = {"AddPermission", "RemovePermission", "GetPolicy"}
"""Calls that triggers make, too."""


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_two_files_and_no_other_names_it(name: str) -> None:
    """Its table of rows and its calls: whoever adds one touches nothing else of the product."""
    kind = KINDS[name]
    operations = {each.partition(":")[2] for each in (*kind.reads, *kind.writes, *kind.removes)}
    own = operations - SHARED
    words = re.compile("|".join([rf'KINDS\["{name}"', rf"kinds\.{snake(name)}\b", rf'name="{name}"', *own]))
    naming = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if words.search(path.read_text(encoding="utf-8"))
    }
    assert naming == {f"model/kinds/{snake(name)}.py", f"engines/aws/kinds/{snake(name)}.py"}


@pytest.mark.parametrize("name", KINDS)
def test_rows_have_a_type_that_aws_takes(name: str) -> None:
    """Each declared row is a member of what the first writing call takes, in botocore's model."""
    kind = KINDS[name]
    shape = LAMBDA.operation_model(kind.writes[0].partition(":")[2]).input_shape
    for row in kind.rows:
        if row.computed:
            continue
        at = shape
        for part in row.api.split("."):
            assert part in at.members, row.api
            at = at.members[part]
        assert (at.type_name == "list") == (row.kind in (Kind.SET, Kind.STRINGS)), row.name
        if getattr(at, "enum", None):
            assert set(row.enum) == set(at.enum), row.name
        for bound, value in (("min", row.minimum), ("max", row.maximum)):
            if at.type_name == "integer":
                assert at.metadata.get(bound) == value, f"{row.name}: {bound}"


@pytest.mark.parametrize("name", KINDS)
def test_no_member_that_aws_takes_is_left_out(name: str) -> None:
    """A member that botocore learns needs a row, or a place among those that name the function."""
    kind = KINDS[name]
    known = {row.api.partition(".")[0] for row in kind.rows} | {"FunctionName", "Qualifier"}
    for operation in (each.partition(":")[2] for each in kind.writes):
        if operation != "AddPermission":
            assert set(LAMBDA.operation_model(operation).input_shape.members) <= known, operation


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
