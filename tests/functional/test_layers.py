"""Layers that a parameter names: its value is read for each plan, and shown as the ARN that it is."""

import io
import zipfile
from typing import Any

import pytest

from lockstep.model import Target
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_target

KEY, NAME = "staging/notifier", "notifier-staging"
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:{}:{}".format


def put(lab: Lab, name: str, value: str, kind: Any = "String") -> None:
    """Write a parameter."""
    lab.client("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def published(lab: Lab, name: str) -> str:
    """The ARN of a layer's new version."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("python/common.py", "")
    answer = lab.client("lambda").publish_layer_version(
        LayerName=name, Content={"ZipFile": archive.getvalue()}
    )
    return str(answer["LayerVersionArn"])


def declared(*layers: str, key: str = KEY) -> Target:
    """A target with layers, as the repository declares them."""
    return make_target(key, settings={"layers": layers})


def live(lab: Lab) -> list[str]:
    """The function's layers as they are in AWS."""
    return [one["Arn"] for one in lab.live(NAME)["Configuration"]["Layers"]]


def test_a_layer_is_what_its_parameter_holds_now(lab: Lab) -> None:
    """Another version in the parameter is a change, which the plan shows with its number."""
    first, old, new = published(lab, "first"), published(lab, "base"), published(lab, "base")
    put(lab, "/layers/base", old)
    fleet = make_fleet(declared(first, "ssm:/layers/base"))
    lab.sync(fleet)
    assert live(lab) == [first, old]
    put(lab, "/layers/base", new)
    for values in (False, True):  # a plan that reads no value reads this one: an ARN is no secret
        plan = lab.plan(fleet, values=values)
        assert changes_of(plan, KEY)["layers"] == (first, new)
    lab.sync(fleet)
    assert live(lab) == [first, new]


@pytest.mark.parametrize(
    ("layers", "value", "kind", "problem"),
    [
        (("ssm:/layers/gone",), "", "String", "/layers/gone: no such parameter"),
        (
            ("ssm:/layers/base",),
            LAYER("base", 3).rpartition(":")[0],
            "String",
            "holds no ARN of a layer",
        ),
        (("ssm:/layers/base",), LAYER("base", 3), "SecureString", "/layers/base: it is a SecureString"),
        (
            ("ssm:/layers/base",),
            LAYER("base", 3).replace("eu-west-1", "us-east-1"),
            "String",
            "holds a layer of us-east-1; the function is in eu-west-1",
        ),
        ((LAYER("base", 2), "ssm:/layers/base"), LAYER("base", 3), "String", "layer:base is there twice"),
    ],
)
def test_a_parameter_that_names_no_layer_blocks_its_target(
    lab: Lab, layers: tuple[str, ...], value: str, kind: str, problem: str
) -> None:
    """The others go on."""
    put(lab, "/layers/base", value or LAYER("base", 3), kind)
    plan = lab.plan(make_fleet(declared(*layers), make_target("staging/other")))
    (blocked,) = plan.blocked
    assert blocked.target == KEY
    assert problem in str(blocked.problem)
    assert any(step.target == "staging/other" for step in plan.steps)


def test_parameters_of_all_targets_are_read_together(lab: Lab) -> None:
    """Ten of them a call, however many functions name each."""
    for number in range(11):
        put(lab, f"/layers/{number}", LAYER(f"l{number}", 1))
    targets = [
        declared(f"ssm:/layers/{n % 11}", f"ssm:/layers/{(n + 1) % 11}", key=f"staging/f{n}")
        for n in range(15)
    ]
    assert not lab.plan(make_fleet(*targets)).blocked
    asked = [call.json()["Names"] for call in lab.aws.named("ssm.GetParameters")]
    assert sorted(map(len, asked)) == [1, 10]
