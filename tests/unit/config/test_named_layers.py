"""``lambda.layers`` by ``{ssm: name}``: where a parameter holds the ARN."""

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput
from tests.unit.config.conftest import staging

KEY = "staging/s3-notifier"
ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:first:1"


def test_parameters_stand_beside_arns_in_their_order() -> None:
    """Names hold {env}; two parameters may well hold two layers."""
    names = f"[{{ssm: '/layers/{{env}}/base'}}, {ARN}, {{ssm: /layers/tools}}]"
    function = load(staging(f"  layers: {names}")).fleet.targets[KEY].function
    assert function is not None
    assert function.settings["layers"] == ("ssm:/layers/staging/base", ARN, "ssm:/layers/tools")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{ssm: a b}", "no valid ssm"),
        ("{ssm: 1}", "string"),
        ("{secret: a}", "unknown key 'secret'"),
        ("ssm:/layers/base", "no valid layers"),
        ("{ssm: /a}, {ssm: /a}", "the layer ssm:/a is there twice"),
    ],
)
def test_what_is_no_parameter_is_told_at_its_line(entry: str, problem: str) -> None:
    """Secrets Manager holds no layers, and a text is an ARN."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  layers: [{entry}]"))
    assert problem in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)
