"""What GitHub answered to one request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockstep.errors import ForgeError

__all__ = ["Answer"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What GitHub answered. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body's value, None where there is none."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            raise ForgeError(
                "the answer is not JSON",
                fix="check that the URL is the API's, not that of a page or a proxy; run again later",
            ) from None

    @property
    def message(self) -> str:
        """GitHub's sentence about an error, empty where there is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return ""
        return str(value.get("message") or "") if isinstance(value, dict) else ""

    @property
    def graphql_errors(self) -> list[Any]:
        """What GraphQL lists as errors, in an answer of status 200 too."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return []
        errors = value.get("errors") if isinstance(value, dict) else None
        return [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
