"""Functions with two masters, and code that is loaded only where Terraform is used."""

import pytest

from lockstep.engines.terraform import Run, State
from lockstep.engines.terraform.checks import dual_owners
from lockstep.model import Environment, Project, Terraform, Verdict
from tests.support.projects import make_fleet, make_target

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"


SETTINGS = Terraform(folder="tf")
STAGING = Environment(name="staging", engine="terraform", terraform=SETTINGS)
PROJECT = Project(
    name="shop", environments={"staging": STAGING, "production": Environment(name="production")}
)
FLEET = make_fleet(make_target("staging/api", name="api-staging"), make_target("production/api", name="api"))
RUN = Run(environments=(STAGING,), settings=SETTINGS)


@pytest.mark.parametrize(
    ("function", "tags", "words"),
    [
        ("api-staging", {}, None),
        ("api-staging", {"lockstep:project": "shop", "lockstep:target": "staging/api"}, None),
        ("other", {}, None),
        (
            "other",
            {"lockstep:project": "shop", "lockstep:target": "production/x"},
            "which the aws engine applies",
        ),
        ("other", {"lockstep:project": "else", "lockstep:target": "staging/x"}, "the Lockstep project else"),
        ("api", {}, "production/api declares it, which this run does not apply"),
    ],
)
def test_a_function_in_a_state_has_one_master(function: str, tags: dict[str, str], words: str | None) -> None:
    """Tags of another engine or project, or another declaration, claim what the state manages."""
    state = State(version="1.11.4", resources=1, functions={f"{ARN}{function}": "aws_lambda_function.x"})
    (check,) = dual_owners(PROJECT, FLEET, RUN, state, {f"{ARN}{function}": tags} if tags else {})
    if words is None:
        assert check.verdict is Verdict.OK
    else:
        assert check.verdict is Verdict.FAILED
        assert words in check.detail
        assert "state rm 'aws_lambda_function.x'" in (check.fix or "")
