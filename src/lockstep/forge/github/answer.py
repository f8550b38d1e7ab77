"""What GitHub answered to one request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockstep.errors import ForgeError

__all__ = ["Answer", "Told"]

_FIX = "check that the URL is the API's, not that of a page or a proxy; run again later"


class Told(dict[str, Any]):
    """An object as GitHub told it. What GitHub always tells and is not there makes it none of GitHub's."""

    def __missing__(self, key: str) -> Any:
        raise ForgeError(f"the answer is not GitHub's, or not whole: {key} is missing in it", fix=_FIX)


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
            return json.loads(self.body, object_hook=Told)
        except (ValueError, RecursionError):
            raise ForgeError("the answer is not JSON", fix=_FIX) from None

    def value(self) -> dict[str, Any]:
        """The object that a reading was answered, with something in it. ForgeError for anything else."""
        found = self.json()
        if isinstance(found, dict) and found:
            return found
        raise ForgeError("the answer is not GitHub's: it is no object with something in it", fix=_FIX)

    def items(self, key: str = "") -> list[Any]:
        """The list that a listing was answered, or the list ``key`` of an object. ForgeError otherwise."""
        found = self.value()[key] if key else self.json()
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            return found
        raise ForgeError("the answer is not GitHub's: it is no list", fix=_FIX)

    @property
    def message(self) -> str:
        """GitHub's sentence about an error, empty where there is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        return str(value.get("message") or "") if isinstance(value, dict) else ""

    @property
    def graphql_errors(self) -> list[Any]:
        """What GraphQL lists as errors, in an answer of status 200 too."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return []
        errors = value.get("errors") if isinstance(value, dict) else None
        return [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
