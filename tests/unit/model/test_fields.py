"""Each row of the field table against botocore's model of the Lambda API."""

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from lockstep.model import FIELDS, Call, Field, Kind, Unread
from lockstep.model.fields import BY_NAME, NOT_FIELDS, from_api, normalise, to_api
from lockstep.model.runtimes import RUNTIMES
from tests.support.newest import KNOWS_ALL, is_known

SERVICE = botocore.session.get_session().get_service_model("lambda")
LOGS = botocore.session.get_session().get_service_model("logs")
CREATE = SERVICE.operation_model("CreateFunction").input_shape
CONFIGURATION = SERVICE.operation_model("UpdateFunctionConfiguration").input_shape
CODE = SERVICE.operation_model("UpdateFunctionCode").input_shape
SIGNING = SERVICE.operation_model("PutFunctionCodeSigningConfig").input_shape
LIVE = SERVICE.shape_for("FunctionConfiguration")

API_ROWS = [pytest.param(row, id=row.name) for row in FIELDS if row.api and is_known(row)]
TYPES = {
    Kind.STRING: {"string"},
    Kind.INTEGER: {"integer", "long"},
    Kind.NUMBER: {"double", "float"},
    Kind.BOOLEAN: {"boolean"},
    Kind.STRINGS: {"list"},
    Kind.SET: {"list"},
    Kind.STRUCTS: {"list"},
    Kind.MAP: {"map"},
}


def shape_at(shape: Any, path: str) -> Any:
    """The shape at a dotted path; None where there is none."""
    for part in path.split("."):
        if shape is None or shape.type_name != "structure":
            return None
        shape = shape.members.get(part)
    return shape


def leaves(shape: Any, path: str = "") -> Iterator[str]:
    """Dotted paths of all members that are no structures; those of a list's structures too."""
    for name, member in shape.members.items():
        here = f"{path}.{name}" if path else name
        if member.type_name == "structure":
            yield from leaves(member, here)
        elif member.type_name == "list" and member.member.type_name == "structure":
            yield from leaves(member.member, here)
        else:
            yield here


@pytest.mark.parametrize("row", API_ROWS)
def test_a_row_is_a_member_of_create_function(row: Field) -> None:
    """The api path exists in CreateFunction's input and has the row's type."""
    shape = shape_at(CREATE, row.api)
    assert shape is not None, f"CreateFunction has no {row.api}"
    assert shape.type_name in TYPES[row.kind]
    if row.kind in (Kind.STRINGS, Kind.SET):
        assert shape.member.type_name == "string"
    if row.kind is Kind.STRUCTS:
        assert shape.member.type_name == "structure"
        for member in row.members.values():
            found = shape_at(shape.member, member.api)
            assert found is not None
            assert found.type_name == "string"
            assert set(member.enum) == set(getattr(found, "enum", ()))


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in FIELDS if row.since])
def test_a_row_is_a_member_from_the_release_on_that_it_names(row: Field) -> None:
    """What says since when it is there is not there before; see ``config.newest``."""
    assert (shape_at(CREATE, row.api) is not None) == is_known(row)


@pytest.mark.parametrize("row", API_ROWS)
def test_a_row_is_a_member_of_the_call_that_changes_it(row: Field) -> None:
    """CONFIGURATION rows exist in UpdateFunctionConfiguration, CODE rows in UpdateFunctionCode."""
    inputs = {Call.CONFIGURATION: CONFIGURATION, Call.CODE: CODE, Call.SIGNING: SIGNING}
    if row.call is Call.NEVER:
        assert shape_at(CONFIGURATION, row.api) is None, f"AWS can change {row.name} by now"
        assert shape_at(CODE, row.api) is None, f"AWS can change {row.name} by now"
    else:
        shape = shape_at(inputs[row.call], row.api.removeprefix("Code."))
        assert shape is not None
        assert shape.type_name == shape_at(CREATE, row.api).type_name


@pytest.mark.parametrize("row", [p for p in API_ROWS if p.values[0].in_pages])
def test_a_row_is_a_member_of_what_the_pages_return(row: Field) -> None:
    """The live path exists in FunctionConfiguration."""
    shape = shape_at(LIVE, row.live or row.api)
    assert shape is not None
    assert shape.type_name == shape_at(CREATE, row.api).type_name


DOCUMENTED = {"accelerator.memorySize"}
"""Rows whose values the API reference lists, and the service model does not."""


@pytest.mark.parametrize("row", API_ROWS)
def test_enums_are_botocores(row: Field) -> None:
    """No value that AWS does not know, and none missing; runtimes come too fast to be listed."""
    shape = shape_at(CREATE, row.api)
    known = list(getattr(shape, "enum", ())) or list(getattr(getattr(shape, "member", None), "enum", ()))
    if row.name == "runtime":
        assert row.enum == ()
        assert all(re.fullmatch(row.pattern, value) for value in known)
        return
    if row.name in DOCUMENTED:
        assert not known, "the service model lists them by now"
        return
    assert set(row.enum) == set(known) or (set(row.enum) > set(known) and not KNOWS_ALL), (
        f"botocore's values of {row.api} are {known}: bring the row's `enum` up to date"
    )


@pytest.mark.parametrize("row", API_ROWS)
def test_bounds_are_botocores(row: Field) -> None:
    """Least and greatest values and lengths agree with the service model, or with the documentation."""
    shape = shape_at(CREATE, row.api)
    if row.kind in (Kind.INTEGER, Kind.NUMBER):
        assert row.minimum == shape.metadata.get("min")
        greatest = row.maximum if row.most is None else row.most  # more for managed instances alone
        assert greatest == shape.metadata.get("max")
    elif row.kind in (Kind.STRINGS, Kind.SET) and "max" in shape.metadata and row.maximum is not None:
        assert row.maximum <= shape.metadata["max"]


def in_create(path: str) -> str:
    """The path in CreateFunction of a member of another input: the package is at UpdateFunctionCode's top."""
    return f"Code.{path}" if path in CREATE.members["Code"].members else path


INPUTS = {
    "CreateFunction": list(leaves(CREATE)),
    "UpdateFunctionConfiguration": list(leaves(CONFIGURATION)),
    "UpdateFunctionCode": [in_create(path) for path in leaves(CODE)],
}


@pytest.mark.parametrize("path", sorted({path for paths in INPUTS.values() for path in paths}))
def test_every_member_of_the_inputs_is_a_row_or_has_a_reason(path: str) -> None:
    """A new member in botocore is noticed here, however deep, and whichever of the three calls takes it."""
    named = {f"{row.api}.{member}" if member else row.api for row in FIELDS for member in _members(row)}
    reasons = [name for name in NOT_FIELDS if path == name or path.startswith(f"{name}.")]
    assert path in named or reasons, (
        f"botocore knows {path}, and Lockstep does not: an update would drop it in silence. Add a row to "
        "FIELDS in lockstep/model/fields.py (copy a row of the same kind; name, api, default, reset and "
        "call are enough), or add it to NOT_FIELDS with the reason why it is no field."
    )


def _members(row: Field) -> list[str]:
    return [member.api for member in row.members.values()] or [""]


def test_reasons_are_given_for_nothing_that_is_a_row() -> None:
    """NOT_FIELDS has a reason for each, and none that covers a row: beside rows each member has its own."""
    assert not {row.top for row in FIELDS} & set(NOT_FIELDS)
    assert all(NOT_FIELDS.values())


def test_log_retention_takes_the_days_that_cloudwatch_takes() -> None:
    """CloudWatch Logs documents the days it takes and its model does not list them; both say so."""
    row = BY_NAME["logRetentionDays"]
    documentation = LOGS.shape_for("PutRetentionPolicyRequest").members["retentionInDays"].documentation
    assert documentation
    assert all(day in documentation for day in row.enum)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in FIELDS])
def test_a_row_is_consistent(row: Field) -> None:
    """Names are unique, patterns compile, the reset value reads back as the default."""
    assert [one.name for one in FIELDS].count(row.name) == 1
    assert row.about.endswith(".")
    assert bool(row.members) == (row.kind is Kind.STRUCTS)
    assert bool(row.api) == (row.call not in (Call.CONCURRENCY, Call.RETENTION))
    assert {*row.along} <= BY_NAME.keys()
    assert {*row.serves} <= {*BY_NAME, "image"}
    if row.needs is not None:
        other, value = row.needs
        assert value is None or value in (*BY_NAME[other].enum, *(RUNTIMES if other == "runtime" else ()))
    if row.default is not None:
        assert normalise(row, row.reset) is None
        if row.enum:
            assert set(row.default if isinstance(row.default, tuple) else [row.default]) <= set(row.enum)


def test_a_page_of_a_plain_function_reads_as_no_more_than_was_declared() -> None:
    """What AWS fills in by itself is the default and does not show as a difference."""
    page = {
        "FunctionName": "f",
        "Runtime": "python3.13",
        "Role": "arn:aws:iam::111111111111:role/r",
        "Handler": "app.handler",
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "TracingConfig": {"Mode": "PassThrough"},
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False},
        "Environment": {"Variables": {}},
        "DurableConfig": {"ExecutionTimeout": 3600, "RetentionPeriodInDays": 14},
    }
    assert set(from_api(page)) == {"runtime", "role", "handler", "durable.executionTimeout"}


def structures(shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted paths and shapes of all structures below a shape, those in lists too."""
    for name, member in shape.members.items():
        here = f"{path}.{name}" if path else name
        inner = member.member if member.type_name == "list" else member
        if inner.type_name == "structure":
            yield here, inner
            yield from structures(inner, here)


WITH_ERROR = [path for path, shape in structures(LIVE) if "Error" in shape.members]
NOT_COMPARED = {"RuntimeVersionConfig": "no row reads it: the version of a runtime is AWS's to choose"}


def test_what_may_come_as_an_error_is_known() -> None:
    """Members that AWS answers with an Error in place of their values; a new one is noticed here."""
    assert sorted(WITH_ERROR) == ["Environment", "ImageConfigResponse", "RuntimeVersionConfig"], (
        "botocore knows another member with an Error: see that what is below it reads as Unread"
    )


@pytest.mark.parametrize("path", WITH_ERROR)
def test_an_error_in_place_of_a_value_is_unread_and_not_empty(path: str) -> None:
    """Every row below such a member reads as Unread, with AWS's words; nothing else does."""
    error = {"ErrorCode": "AccessDeniedException", "Message": "not allowed"}
    below = {row.name for row in FIELDS if (row.live or row.api).startswith(f"{path}.")}
    assert bool(below) == (path not in NOT_COMPARED)
    expected = dict.fromkeys(below, Unread("AccessDeniedException: not allowed"))
    for rest in ({}, {"Variables": {"A": "1"}}, {"ImageConfig": {"Command": ["a"]}}):
        page = {"FunctionName": "f", "MemorySize": 256, path: {"Error": error, **rest}}
        assert from_api(page) == {"memorySize": 256, **expected}


def test_log_levels_exist_only_in_json() -> None:
    """AWS refuses levels with the text format, so they are neither sent nor compared."""
    rows = [row for row in FIELDS if row.top == "LoggingConfig"]
    text = {"logging.applicationLevel": "DEBUG"}
    assert "ApplicationLogLevel" not in to_api("f", text, rows)["LoggingConfig"]
    as_json = {"logging.format": "JSON", **text}
    assert to_api("f", as_json, rows)["LoggingConfig"]["ApplicationLogLevel"] == "DEBUG"


def test_taking_a_field_out_of_git_sends_what_resets_it() -> None:
    """An absent field means AWS's default, so the request holds the default."""
    request = to_api("f", {}, [row for row in FIELDS if row.call is Call.CONFIGURATION])
    assert request["MemorySize"] == 128
    assert request["Layers"] == []
    assert request["DeadLetterConfig"] == {"TargetArn": ""}
    assert request["VpcConfig"]["SubnetIds"] == []
    assert request["LoggingConfig"]["LogGroup"] == "/aws/lambda/f"
    assert "Runtime" not in request
