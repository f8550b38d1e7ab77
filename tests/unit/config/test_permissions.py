"""``lambda.permissions``: callers that others configure, each with a source."""

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput
from tests.unit.config.conftest import staging

API = "arn:aws:execute-api:eu-west-1:123456789012:abc/*"
STAGING = "staging/s3-notifier"


@pytest.mark.parametrize(
    ("entry", "problem", "fix"),
    [
        ("{sourceArn: '" + API + "'}", "needs principal", "add permissions.api.principal"),
        ("{principal: apigateway.amazonaws.com}", "names no source", "add sourceArn"),
        ("{principal: '*'}", "everybody could call", "principalOrgId"),
        ("{principal: api gateway}", "no valid principal", "apigateway.amazonaws.com"),
        ("{principal: 123456789012, sourceArn: x}", "principal", '"123456789012"'),
        ("{principal: config.amazonaws.com, sourceAccount: 1234}", "sourceAccount", '"'),
        ("{principal: s3.amazonaws.com, sourceArn: my-bucket}", "no valid sourceArn", "arn:aws:execute-api"),
        (
            "{principal: '123456789012', action: 'lambda:InvokeFunctionUrl'}",
            "one kind of address",
            "add functionUrlAuthType",
        ),
        (
            "{principal: iot.amazonaws.com, sourceArn: '" + API + "', functionUrlAuthType: AWS_IAM}",
            "calls no address",
            "remove what is about the address",
        ),
        ("{principal: iot.amazonaws.com, source: x}", "unknown key 'source'", "sourceArn"),
    ],
)
def test_what_lets_in_more_than_is_meant_is_told_at_its_line(entry: str, problem: str, fix: str) -> None:
    """Before any call is made: AWS takes a service without a source, from every account."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  permissions:\n    api: {entry}"))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    [
        "{principal: apigateway.amazonaws.com, sourceArn: '" + API + "'}",
        "{principal: config.amazonaws.com, sourceAccount: '123456789012'}",
        "{principal: alexa-appkit.amazon.com, eventSourceToken: amzn1.ask.skill.a}",
        "{principal: '123456789012'}",
        "{principal: 'arn:aws:iam::123456789012:role/caller'}",
        "{principal: '*', principalOrgId: o-a1b2c3d4e5}",
    ],
)
def test_whoever_others_configure_may_be_let_in(entry: str) -> None:
    """API Gateway, Config, a skill, another account, a role, an organisation."""
    (one,) = load(staging(f"  permissions: {{api: {entry}}}")).fleet.targets[STAGING].resources
    assert one.identity.startswith("lockstep-permissions-api-")


def test_another_content_is_another_statement() -> None:
    """So that the new one is there before the old one goes; the same content has the same id."""

    def identity(arn: str) -> str:
        entry = f"{{principal: iot.amazonaws.com, sourceArn: '{arn}'}}"
        (one,) = load(staging(f"  permissions: {{api: {entry}}}")).fleet.targets[STAGING].resources
        return one.identity

    assert identity(API) == identity(API) != identity(f"{API}/x")


def test_a_permission_is_on_the_alias() -> None:
    """What is configured to call the alias may do that, and nothing else."""
    service = "lambda:\n  permissions: {api: {principal: '123456789012'}}\n"
    usual = "  runtime: dotnet10\n  handler: a\n  role: r\n"
    tree = staging("  alias: live", service=service + usual)
    (one,) = load(tree).fleet.targets[STAGING].resources
    assert (one.name, one.qualifier) == ("api", "live")
