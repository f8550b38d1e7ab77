"""What AWS refuses, in words that say what to do."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lockstep.engines.aws.actions import NEEDS
from lockstep.engines.aws.errors import explain
from tests.strict import policies


def refused(operation: str, message: str = "", code: str = "AccessDenied") -> str:
    """The advice for a call that AWS refuses with these words."""
    service, _, name = operation.partition(":")
    answer: Any = {"Error": {"Code": code, "Message": message}}
    return str(explain(ClientError(answer, name), service, name).fix)


@pytest.mark.parametrize("operation", sorted({need.operation for need in NEEDS}))
def test_each_call_that_is_denied_without_a_word_asks_for_its_action(operation: str) -> None:
    """An operation's name is not the action's everywhere; the advice names what IAM knows."""
    asked = refused(operation).removeprefix("allow ").partition(" ")[0]
    assert asked in {need.action for need in NEEDS if need.operation == operation}
    service, _, name = operation.partition(":")
    if service == "s3":
        assert asked == policies.S3[name]


def test_the_action_that_the_message_names_is_asked_for() -> None:
    """A creation may be refused for the role that it passes or the tags that it sets."""
    words = "User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: iam:PassRole on resource: "
    words += "arn:aws:iam::1:role/f because no identity-based policy allows the iam:PassRole action"
    assert refused("lambda:CreateFunction", words) == (
        "allow iam:PassRole in the policy of the role that runs Lockstep"
    )


def test_an_image_that_lambda_may_not_read_is_no_matter_of_our_role() -> None:
    """The repository's policy has to let Lambda read it."""
    words = "Lambda does not have permission to access the ECR image. Check the ECR permissions."
    assert "policy of its repository" in refused("lambda:CreateFunction", words, "AccessDeniedException")


@pytest.mark.parametrize(
    ("why", "fix"),
    [
        ("because no permissions boundary allows the {0} action", "allow {0} in the permissions boundary"),
        ("because no session policy allows the {0} action", "allow {0} in the session policy"),
        ("because no VPC endpoint policy allows the {0} action", "allow {0} in the VPC endpoint policy"),
        ("because no resource-based policy allows the {0} action", "allow {0} in the resource-based policy"),
        (
            "with an explicit deny in a service control policy",
            "{0} is denied explicitly: change that service control policy, or use another role",
        ),
        (
            "with an explicit deny in an identity-based policy",
            "{0} is denied explicitly: change that identity-based policy, or use another role",
        ),
    ],
)
def test_the_advice_is_about_the_policy_that_denies(why: str, fix: str) -> None:
    """Allowing more in the role's policy would help nobody where another one is in the way."""
    action = "lambda:GetFunction"
    words = f"User: u is not authorized to perform: {action} on resource: r {why.format(action)}"
    assert refused("lambda:GetFunction", words, "AccessDeniedException") == fix.format(action)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            'exceeded the 4KB limit. String measured: {"DB":"{\\"password\\":\\"x\\"}","B":"}{"}',
            "exceeded the 4KB limit. String measured: {... (not shown)}",
        ),
        (
            "Value '{A=hunter2, B=c}' at 'environment.variables' failed to satisfy constraint: too long",
            "Value '{... (not shown)}' at 'environment.variables' failed to satisfy constraint: too long",
        ),
        ('measured: {"A":"cut in the mid', "measured: {... (not shown)}"),
        ("measured: { 'A': 'x' } and more", "measured: {... (not shown)} and more"),
        (r"measured: {\n  \"A\": \"x\"}", "measured: {... (not shown)}"),
        (
            "must satisfy regular expression pattern: arn:(aws[a-z-]*)?:iam::\\d{12}:role/[a-z]{1,64}",
            "must satisfy regular expression pattern: arn:(aws[a-z-]*)?:iam::\\d{12}:role/[a-z]{1,64}",
        ),
        ("Rate exceeded", "Rate exceeded"),
    ],
)
def test_a_map_that_aws_quotes_is_left_out(message: str, shown: str) -> None:
    """An environment holds secrets that nobody here knows, such as those of a live function."""
    answer: Any = {"Error": {"Code": "InvalidParameterValueException", "Message": message}}
    told = explain(ClientError(answer, "CreateFunction"), "lambda", "CreateFunction")
    assert told.problem == f"InvalidParameterValueException: {shown}"
