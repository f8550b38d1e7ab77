"""What validate takes, Lambda's model takes: the two judge one function alike."""

import re
from typing import Any

import botocore.exceptions
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.config.schema import leaf
from lockstep.config.shapes import Key, Shape, problem_of
from lockstep.model import FIELDS, Field, Kind
from lockstep.model.fields import to_api
from tests.strict import Limits
from tests.strict.limits import together, violations
from tests.support.clouds import Cloud, client, make_function

PLACE = {"account": "123456789012", "region": "eu-west-1"}
ROWS = [row for row in FIELDS if row.api and row.name not in ("runtime", "environment")]


def texts(key: Key) -> st.SearchStrategy[str]:
    """Texts of the form that a key asks for, also at its edges."""
    if key.enum:
        return st.sampled_from(key.enum)
    if key.pattern:
        pattern = re.compile(key.pattern.removesuffix("$") + r"\Z", re.ASCII)
        # An ARN may have 140 characters, of which a pattern counts none.
        return st.from_regex(pattern).filter(lambda text: len(text) <= 140 and problem_of(key, text) is None)
    return st.text(max_size=20)


def key_of(row: Field) -> Key:
    """The key that judges a row."""
    found = leaf(tuple(row.name.split(".")))
    assert found is not None
    return found


def declared(row: Field) -> st.SearchStrategy[Any]:
    """Values that validate takes."""
    key = key_of(row)
    most = 3 if key.most is None else min(key.most, 3)
    match key.shape:
        case Shape.STRING:
            return texts(key)
        case Shape.INTEGER | Shape.NUMBER:
            return st.sampled_from([int(key.minimum or 0), int(key.maximum or 10_000)])
        case Shape.BOOLEAN:
            return st.booleans()
        case _ if row.kind is Kind.STRUCTS:
            assert key.item is not None
            entry = st.fixed_dictionaries({member.name: texts(member) for member in key.item.members})
            return st.lists(entry, min_size=1, max_size=most)
        case _:
            assert key.item is not None
            text = key.item.short or key.item
            return st.lists(texts(text), min_size=1, max_size=most).map(tuple)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_a_field_that_validate_takes_is_one_that_the_model_takes(row: Field, data: st.DataObject) -> None:
    """Every text, number and list of the form that we ask for has the form that AWS asks for."""
    value = data.draw(declared(row))
    if row.name == "role" and not value.startswith("arn:"):
        value = f"arn:aws:iam::123456789012:role/{value.removeprefix('/')}"  # as the engine makes it
    request = to_api("f", {row.name: value, **({row.needs[0]: row.needs[1]} if row.needs else {})}, [row])
    beside = {"is_managed" if row.most_with == "capacityProvider.arn" else "is_accelerated": True}
    assert not list(violations("CreateFunction", request, **(beside if row.most else {})))


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
@settings(max_examples=200, deadline=None)
def test_a_tag_that_validate_takes_is_one_that_the_model_takes(tags: dict[str, str]) -> None:
    """Keys and values."""
    from lockstep.config import rules

    taken = {k: v for k, v in tags.items() if rules.tag_key(k) is None and rules.tag_value(v) is None}
    assert not list(violations("CreateFunction", {"Tags": taken}))


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"MemorySize": 10241}, "less than or equal to 10240"),
        ({"Layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:x"]}, "regular expression pattern"),
        ({"FileSystemConfigs": [{"Arn": "a", "LocalMountPath": "/data"}]}, "regular expression pattern"),
        ({"Tags": {"a": "b\n"}}, "regular expression pattern"),
        ({"Handler": "a\n"}, "regular expression pattern"),
        ({"Architectures": []}, "greater than or equal to 1"),
        ({"TracingConfig": {"Mode": "On"}}, "enum value set"),
    ],
)
def test_what_the_model_refuses(request_: dict[str, Any], says: str) -> None:
    """In Lambda's words, with the path."""
    assert any(says in found for found in violations("CreateFunction", request_))


@pytest.mark.parametrize(
    ("request_", "live", "says"),
    [
        ({"FileSystemConfigs": [{"Arn": "a"}]}, {}, "VPC"),
        ({"RuntimeConfig": {"RuntimeAlias": "a"}}, {"Runtime": "python3.14"}, "when Runtime is custom"),
        ({"Runtime": "custom"}, {}, "required when Runtime is custom"),
        ({"AcceleratorConfig": {"AcceleratorMemorySize": 24}}, {}, "with CapacityProviderConfig"),
        ({"AcceleratorConfig": {"AcceleratorMemorySize": 24}}, {"PackageType": "Zip"}, "container images"),
        ({"AcceleratorConfig": {"AcceleratorMemorySize": 25}}, {"PackageType": "Image"}, "must be one of"),
        ({"Runtime": "nodejs12.x"}, {}, "no longer supported"),
        ({"Runtime": "go1.x"}, {}, "no longer supported"),
        ({"MemorySize": 128}, {"Runtime": "nodejs12.x"}, "no longer supported"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, {"Runtime": "nodejs24.x"}, "SnapStart"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, {"EphemeralStorage": {"Size": 513}}, "SnapStart"),
        ({"Role": "arn:aws:iam::999999999999:role/x"}, {}, "Cross-account"),
        ({"Layers": ["arn:aws:lambda:us-east-1:1:layer:x:1"]}, {}, "another Region"),
        ({"Layers": [f"arn:aws:lambda:eu-west-1:1:layer:x:{version}" for version in "12"]}, {}, "same"),
        ({"Tags": {str(number): "" for number in range(51)}}, {}, "50 tags"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(request_: dict[str, Any], live: dict[str, Any], says: str) -> None:
    """Each as the guide says, also of what the function has already."""
    assert any(says in message for _, message in together(request_, live, **PLACE))


def test_what_exists_may_still_be_changed() -> None:
    """Between the two dates a function of that runtime takes updates."""
    assert not list(together({"MemorySize": 128}, {"Runtime": "go1.x"}, **PLACE))


def test_the_proxy_refuses(moto: Cloud, strict: Any) -> None:
    """As a client sees it."""
    aws = strict(moto, Limits())
    make_function(moto, "f")
    functions = client(aws, "lambda")
    functions.update_function_configuration(FunctionName="f", MemorySize=10240)
    with pytest.raises(botocore.exceptions.ClientError, match="failed to satisfy constraint"):
        functions.update_function_configuration(FunctionName="f", MemorySize=10241)
