"""Laws of the field table: normalising, reading and writing."""

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstep.engines.aws.function import _plain
from lockstep.errors import CloudError
from lockstep.model import FIELDS, Function, Kind, Unread, Value
from lockstep.model.fields import BY_NAME, existing, from_api, normalise, to_api
from lockstep.planning.diff import diff_settings, unread_in, with_ignored
from tests.support.fleets import values
from tests.support.newest import is_known

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MODEL = botocore.session.get_session().get_service_model("lambda")
CREATE = MODEL.operation_model("CreateFunction").input_shape
UNREADABLE = [
    row.name for row in FIELDS if (row.live or row.api).startswith(("Environment.", "ImageConfigResponse."))
]
rows = st.sampled_from(FIELDS)

raw_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(st.text(max_size=3), max_size=3), st.dictionaries(st.text(max_size=2), inner)
    ),
    max_leaves=4,
)


@st.composite
def settings_of(draw: st.DrawFn) -> dict[str, Value]:
    """Normalised settings over the whole table."""
    found = {row.name: draw(values(row.name)) for row in draw(st.lists(rows, unique_by=lambda row: row.name))}
    return existing({name: value for name, value in found.items() if value is not None})


_SHAPES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.SET: st.one_of(st.none(), st.text(max_size=3), st.lists(st.text(max_size=3), max_size=3)),
    Kind.MAP: st.one_of(st.none(), st.dictionaries(st.text(max_size=2), raw_values, max_size=3)),
    Kind.STRUCTS: st.one_of(
        st.none(), st.lists(st.dictionaries(st.sampled_from(["arn", "x"]), st.text(max_size=2)), max_size=3)
    ),
}


@many
@given(rows, st.data())
def test_normalising_twice_is_normalising_once(row: Any, data: st.DataObject) -> None:
    """The normal form of a normal form is itself, for any value of the shape that the row takes."""
    value = data.draw(_SHAPES.get(row.kind, raw_values))
    once = normalise(row, value)
    assert normalise(row, once) == once


@many
@given(st.sampled_from([row for row in FIELDS if row.kind is Kind.SET]), st.data())
def test_the_order_of_a_set_never_shows(row: Any, data: st.DataObject) -> None:
    """Subnets in another order, or twice, are the same subnets."""
    members = data.draw(st.lists(st.sampled_from(["a", "b", "c", *row.enum]), max_size=4))
    shuffled = data.draw(st.permutations([*members, *members[:1]]))
    assert normalise(row, members) == normalise(row, tuple(shuffled))
    one, other = (
        Function(name="f", settings={row.name: value} if value else {})
        for value in (normalise(row, members), normalise(row, shuffled))
    )
    assert diff_settings(one, other) == ()


@many
@given(rows)
def test_absent_and_the_default_are_the_same(row: Any) -> None:
    """Removing a line from Git and writing AWS's default there mean the same."""
    assert normalise(row, row.default) is None
    assert normalise(row, None) is None


@many
@given(settings_of())
def test_settings_survive_the_way_through_the_api(wanted: dict[str, Value]) -> None:
    """What CreateFunction is given and ListFunctions then returns reads as what was declared."""
    request = to_api("f", wanted, FIELDS)
    assert from_api(_as_live(request)) == {
        name: value for name, value in wanted.items() if BY_NAME[name].api and BY_NAME[name].in_pages
    }


@many
@given(settings_of())
def test_requests_are_valid_for_botocore(wanted: dict[str, Value]) -> None:
    """Every request that the table makes, resets included, passes botocore's own validation."""
    known = [row for row in FIELDS if is_known(row)]
    request = {"FunctionName": "f", "Code": {}, "Role": "r", **_unmasked(to_api("f", wanted, known))}
    report = ParamValidator().validate(request, CREATE)
    assert not report.has_errors(), report.generate_report()


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """FunctionConfigurations as botocore's model allows them, members missing and at their default."""
    shape = MODEL.shape_for("FunctionConfiguration")
    config: dict[str, Any] = draw(_shaped(shape))
    return {**config, "FunctionName": "f"}


def _shaped(shape: Any) -> st.SearchStrategy[Any]:
    match shape.type_name:
        case "structure":
            parts = {name: _shaped(member) for name, member in shape.members.items()}
            return st.fixed_dictionaries({}, optional=parts)
        case "list":
            return st.lists(_shaped(shape.member), max_size=2)
        case "map":
            return st.dictionaries(st.sampled_from(["A", "B"]), _shaped(shape.value), max_size=2)
        case "integer" | "long":
            return st.sampled_from([1, 3, 128, 512, 1024])
        case "boolean":
            return st.booleans()
        case "string" if shape.enum:
            return st.sampled_from(shape.enum)
        case "string":
            return st.sampled_from(["", "one", "/aws/lambda/f"])
        case _:
            return st.just(1.0)


@many
@given(configurations())
def test_a_live_configuration_survives_the_way_there_and_back(config: dict[str, Any]) -> None:
    """Writing what could be read and reading it again gives the same settings, whatever AWS returned."""
    read = {name: value for name, value in from_api(config).items() if not isinstance(value, Unread)}
    assert from_api(_as_live(to_api("f", read, FIELDS))) == read
    assert existing(read) == read
    assert {name: normalise(BY_NAME[name], value) for name, value in read.items()} == read


@many
@given(settings_of(), settings_of(), st.lists(st.sampled_from([*BY_NAME, "vpc", "logging", "environment.*"])))
def test_ignoring_keeps_live_values_and_still_makes_sense(
    desired: dict[str, Value], live: dict[str, Value], ignore: list[str]
) -> None:
    """What is ignored never differs, and what remains is a combination that AWS takes."""
    found = with_ignored(Function(name="f", settings=desired), Function(name="f", settings=live), ignore)
    assert existing(found.settings) == found.settings
    again = with_ignored(found, Function(name="f", settings=live), ignore)
    assert again == found
    for name in set(ignore) & BY_NAME.keys():
        if existing({**found.settings, name: live.get(name)}).get(name) is not None:
            assert found.settings.get(name) == live.get(name)


@many
@given(settings_of(), st.data())
def test_what_was_not_read_is_never_in_sync(wanted: dict[str, Value], data: st.DataObject) -> None:
    """Whatever is declared and ignored inside it, an unread value differs, unless others manage it whole."""
    name = data.draw(st.sampled_from(UNREADABLE))
    ignore = data.draw(st.lists(st.sampled_from(["environment.DD_*", "environment.?", "memorySize", name])))
    hidden = Unread("AccessDenied")
    live = Function(name="f", settings={**wanted, name: hidden})
    merged = with_ignored(Function(name="f", settings=wanted), live, ignore)
    if name in ignore:
        assert merged.settings[name] is hidden
    else:
        assert [change.old for change in diff_settings(merged, live)] == [hidden]
        assert unread_in(live, diff_settings(merged, live))
        assert hidden not in merged.settings.values()


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_was_not_read_is_never_sent(name: str) -> None:
    """A request that would hold an unread value is not made, and never holds an empty one in its place."""
    rows_of_it = [row for row in FIELDS if row.top == BY_NAME[name].top]
    request = to_api("f", {name: Unread("AccessDenied")}, rows_of_it)
    with pytest.raises(CloudError, match=r"was not read and cannot be sent.*AccessDenied"):
        _plain(request)


def _as_live(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request's members where FunctionConfiguration has them."""
    live = {**request, "FunctionName": "f"}
    if "ImageConfig" in live:
        live["ImageConfigResponse"] = {"ImageConfig": live.pop("ImageConfig")}
    if "Layers" in live:
        live["Layers"] = [{"Arn": arn, "CodeSize": 1} for arn in live["Layers"]]
    return live


def _unmasked(value: Any) -> Any:
    match value:
        case dict():
            return {key: _unmasked(item) for key, item in value.items()}
        case None | str() | bool() | int() | float() | list():
            return value
        case secret:
            return secret.value
