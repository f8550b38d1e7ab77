"""Keys of KMS: what Lambda keeps from a reader who may not decrypt it.

Source: the shapes EnvironmentResponse and ImageConfigResponse of the Lambda API reference, and the
developer guide's "Securing Lambda environment variables".
"""

from typing import Any

from tests.strict.proxy import Call, Rule
from tests.strict.settings import each_configuration
from tests.strict.wire import Answer

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
        return each_configuration(call, answer, self._concealed) if self.is_on else answer

    def _concealed(self, config: dict[str, Any]) -> dict[str, Any]:
        conceal(config, *self.members)
        return config
