"""Provisioned concurrency on the strict AWS: what is refused, how long it takes, who has the calls."""

from typing import Any

import botocore.exceptions
import pytest

from tests.strict import Provisioned, Proxy, Versions
from tests.support.clouds import Cloud, client, make_function, make_zip


def refused(call: Any, **fields: Any) -> str:
    """What AWS says to a call."""
    with pytest.raises(botocore.exceptions.ClientError) as told:
        call(**fields)
    return str(told.value)


@pytest.fixture
def rule() -> Provisioned:
    """Ready after two looks."""
    return Provisioned(calls=2)


@pytest.fixture
def aws(ministack: Cloud, strict: Any, rule: Provisioned) -> Proxy:
    """A function with three versions and the alias live on the first."""
    found: Proxy = strict(ministack, Versions(calls=0), rule)
    functions = client(found, "lambda")
    make_function(found, "f")
    for number in range(3):
        functions.update_function_code(FunctionName="f", ZipFile=make_zip(f"N = {number}\n"))
        functions.publish_version(FunctionName="f")
    functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    return found


def look(functions: Any) -> str:
    """The state of what the alias has."""
    told = functions.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    return str(told["Status"])


def weights(functions: Any) -> Any:
    """The alias's weights."""
    told = functions.get_alias(FunctionName="f", Name="live")
    return (told.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def test_it_is_for_published_code_within_what_is_reserved(aws: Proxy) -> None:
    """None on $LATEST, none for nothing, one for a version, and no more than the function or account has."""
    functions = client(aws, "lambda")
    put = functions.put_provisioned_concurrency_config
    fields = {"FunctionName": "f", "Qualifier": "live"}
    assert "unpublished" in refused(
        put, **{**fields, "Qualifier": "$LATEST"}, ProvisionedConcurrentExecutions=1
    )
    assert "minimum value of [100]" in refused(put, **fields, ProvisionedConcurrentExecutions=901)
    functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=5)
    assert "greater than the reservedConcurrent" in refused(put, **fields, ProvisionedConcurrentExecutions=6)
    put(**fields, ProvisionedConcurrentExecutions=5)
    assert "pointed by" in refused(put, **{**fields, "Qualifier": "1"}, ProvisionedConcurrentExecutions=1)
    reserve = functions.put_function_concurrency
    assert "total provisioned" in refused(reserve, FunctionName="f", ReservedConcurrentExecutions=4)


def test_an_alias_that_is_pointed_elsewhere_keeps_its_calls_until_it_is_there(aws: Proxy) -> None:
    """AWS gives the version before all calls by a weight, lets nobody change it, and clears it by itself."""
    functions = client(aws, "lambda")
    fields = {"FunctionName": "f", "Qualifier": "live", "ProvisionedConcurrentExecutions": 3}
    functions.put_provisioned_concurrency_config(**fields)
    assert [look(functions) for _ in range(3)] == ["IN_PROGRESS", "IN_PROGRESS", "READY"]
    point = functions.update_alias
    told = point(FunctionName="f", Name="live", FunctionVersion="2")
    assert told["RoutingConfig"]["AdditionalVersionWeights"] == weights(functions) == {"1": 1.0}
    put = functions.put_provisioned_concurrency_config
    assert "Alias with weights" in refused(put, **fields)
    assert "Invalid alias" in refused(point, FunctionName="f", Name="live", FunctionVersion="3")
    assert [look(functions) for _ in range(3)] == ["IN_PROGRESS", "IN_PROGRESS", "READY"]
    assert weights(functions) == {}


def test_one_that_fails_leaves_the_calls_where_they_are(aws: Proxy, rule: Provisioned) -> None:
    """The weight stays; the only ways are back, said with no weights, or to let the calls go."""
    functions = client(aws, "lambda")
    fields = {"FunctionName": "f", "Qualifier": "live", "ProvisionedConcurrentExecutions": 3}
    functions.put_provisioned_concurrency_config(**fields)
    point, place = functions.update_alias, {"FunctionName": "f", "Name": "live"}
    assert [look(functions) for _ in range(3)][-1] == "READY"
    rule.fail["f"] = "FUNCTION_ERROR_INIT_FAILURE"
    point(**place, FunctionVersion="2")
    assert [look(functions) for _ in range(3)][-1] == "FAILED"
    assert weights(functions) == {"1": 1.0}
    assert "Invalid alias" in refused(point, **place, FunctionVersion="3")
    assert "already included" in refused(point, **place, FunctionVersion="1")
    point(**place, FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {}})
    assert weights(functions) == {}
    assert [look(functions) for _ in range(3)][-1] == "READY"


def test_weights_that_somebody_gives_bar_it(aws: Proxy) -> None:
    """An alias that has it may get weights; while they stand it is neither changed nor taken away."""
    functions = client(aws, "lambda")
    place = {"FunctionName": "f", "Qualifier": "live"}
    functions.put_provisioned_concurrency_config(**place, ProvisionedConcurrentExecutions=3)
    routing = {"AdditionalVersionWeights": {"2": 0.1}}
    functions.update_alias(FunctionName="f", Name="live", RoutingConfig=routing)
    put, delete = (
        functions.put_provisioned_concurrency_config,
        functions.delete_provisioned_concurrency_config,
    )
    assert "Alias with weights" in refused(put, **place, ProvisionedConcurrentExecutions=4)
    assert "Alias with weights" in refused(delete, **place)
