"""Keys of KMS: what Lambda keeps from a reader who may not decrypt it.

Source: the shapes EnvironmentResponse and ImageConfigResponse of the Lambda API reference, and the
developer guide's "Securing Lambda environment variables".
"""

import json
from typing import Any

from tests.support.strict.proxy import Call, Rule
from tests.support.strict.wire import Answer

__all__ = ["Undecryptable", "conceal"]

_ERROR = {
    "ErrorCode": "AccessDeniedException",
    "Message": "Lambda was unable to decrypt your environment variables because the KMS access was denied. "
    "Please check your KMS permissions. KMS Exception: AccessDeniedException",
}


def conceal(config: dict[str, Any], *members: str) -> None:
    """Put an Error in place of what the members of a configuration hold."""
    for member in members:
        if member in config:
            config[member] = {"Error": _ERROR}


class Undecryptable(Rule):
    """Whoever asks may not decrypt: an Error stands in place of the members' values, where they have any.

    ``is_on`` False lets them be seen.
    """

    def __init__(self, *members: str) -> None:
        self.members = members or ("Environment",)
        self.is_on = True

    def after(self, call: Call, answer: Answer) -> Answer:
        """Conceal what the answer would show."""
        if not self.is_on or call.operation.service != "lambda" or not answer.is_success or not answer.body:
            return answer
        body = json.loads(answer.body)
        match call.operation.name:
            case "ListFunctions":
                for one in body["Functions"]:
                    conceal(one, *self.members)
            case "GetFunction":
                conceal(body["Configuration"], *self.members)
            case (
                "CreateFunction"
                | "GetFunctionConfiguration"
                | "UpdateFunctionCode"
                | "UpdateFunctionConfiguration"
            ):
                conceal(body, *self.members)
            case _:
                return answer
        answer.body = json.dumps(body).encode()
        return answer
