"""Members of calls that no table of rows makes: a new one in botocore needs a word on what becomes of it."""

from collections.abc import Mapping

import botocore.session
import pytest

from tests.unit.model.test_fields import leaves

SESSION = botocore.session.get_session()

_ALIAS = {
    "FunctionName": "whose",
    "Name": "lambda.alias",
    "FunctionVersion": "lambda.version: the version that is published for it",
    "Description": "says whose the alias is and which release it calls",
    "RoutingConfig.AdditionalVersionWeights": "lambda.rollout",
}
MEMBERS: Mapping[str, Mapping[str, str]] = {
    "lambda:CreateAlias": _ALIAS,
    "lambda:UpdateAlias": {**_ALIAS, "RevisionId": "what was planned on must still be there"},
    "lambda:PublishVersion": {
        "FunctionName": "whose",
        "CodeSha256": "only the code that was deployed is published",
        "Description": "says whose the version is and which release",
        "RevisionId": "what was planned on must still be there",
        "PublishTo": "managed instances are not supported yet",
    },
    "lambda:PutFunctionConcurrency": {
        "FunctionName": "whose",
        "ReservedConcurrentExecutions": "lambda.reservedConcurrency",
    },
    "lambda:PutFunctionCodeSigningConfig": {
        "FunctionName": "whose",
        "CodeSigningConfigArn": "lambda.codeSigningConfigArn",
    },
    "lambda:TagResource": {"Resource": "whose", "Tags": "lambda.tags"},
    "logs:PutRetentionPolicy": {
        "logGroupName": "lambda.logging.group, or the function's own",
        "retentionInDays": "lambda.logRetentionDays",
    },
}
"""By call: what each member is declared by, or why it is not."""


@pytest.mark.parametrize("call", sorted(MEMBERS))
def test_every_member_of_a_call_is_known(call: str) -> None:
    """Neither one that botocore learned since, nor one that it does not know any more."""
    service, _, operation = call.partition(":")
    shape = SESSION.get_service_model(service).operation_model(operation).input_shape
    assert set(leaves(shape)) == set(MEMBERS[call])
