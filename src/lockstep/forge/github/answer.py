"""What GitHub answered to one request."""

from collections.abc import Mapping
from typing import Any

from lockstep.errors import ForgeError
from lockstep.model.foreign import read_json
from lockstep.values import dataclass

__all__ = ["Answer", "Told"]

_FIX = "check that the URL is the API's, not that of a page or a proxy; run again later"


_NOTHING = type(None)
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("number", "total_commits"), (int,)),
    **dict.fromkeys(("draft", "prerelease", "hasNextPage"), (bool,)),
    **dict.fromkeys(("context", "environment", "full_name", "login", "ref", "tag_name"), (str,)),
    **dict.fromkeys(("base", "commit", "head", "object", "pageInfo"), (dict,)),
    **dict.fromkeys(("assets", "check_runs", "nodes"), (list,)),
    **dict.fromkeys(("author", "merged_by", "repo", "user"), (dict, _NOTHING)),
    **dict.fromkeys(("body", "html_url", "message", "name", "sha", "title"), (str, _NOTHING)),
    **dict.fromkeys(("closed_at", "created_at", "merged_at", "published_at"), (str, _NOTHING)),
    **dict.fromkeys(("conclusion", "digest"), (str, _NOTHING)),
    "size": (int, _NOTHING),
}
"""What GitHub tells under a name, wherever it does: its OpenAPI description, of all paths in use."""


class Told(dict[str, Any]):
    """An object as GitHub told it.

    What GitHub always tells and is not there makes it none of GitHub's, and so does another kind of value.
    """

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        for name, value in members.items():
            kinds = _KINDS.get(name)
            if kinds and not (type(value) in kinds or (isinstance(value, Told) and dict in kinds)):
                what = kinds[0].__name__
                raise ForgeError(f"the answer is not GitHub's: {name} in it is no {what}", fix=_FIX)

    def __missing__(self, key: str) -> Any:
        raise ForgeError(f"the answer is not GitHub's, or not whole: {key} is missing in it", fix=_FIX)

    def told(self, key: str) -> Any:
        """What is null elsewhere and never is here. ForgeError for null."""
        if (found := self[key]) is None:
            raise ForgeError(f"the answer is not GitHub's: {key} is null in it", fix=_FIX)
        return found

    def listed(self, key: str) -> list[Any]:
        """The objects of a list. ForgeError for anything else."""
        found = self[key]
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            return found
        raise ForgeError(f"the answer is not GitHub's: {key} in it is no list of objects", fix=_FIX)


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
            return read_json(self.body, objects=Told)
        except ValueError:
            raise ForgeError("the answer is not JSON", fix=_FIX) from None

    def value(self) -> Told:
        """The object that a reading was answered, with something in it. ForgeError for anything else."""
        found = self.json()
        if isinstance(found, Told) and found:
            return found
        raise ForgeError("the answer is not GitHub's: it is no object with something in it", fix=_FIX)

    def items(self, key: str = "") -> list[Any]:
        """The list that a listing was answered, or the list ``key`` of an object. ForgeError otherwise."""
        if key:
            return self.value().listed(key)
        found = self.json()
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            return found
        raise ForgeError("the answer is not GitHub's: it is no list", fix=_FIX)

    @property
    def message(self) -> str:
        """GitHub's sentence about an error, empty where there is none."""
        try:
            value = read_json(self.body)
        except ValueError:
            return ""
        return str(value.get("message") or "") if isinstance(value, dict) else ""

    @property
    def graphql_errors(self) -> list[Any]:
        """What GraphQL lists as errors, in an answer of status 200 too."""
        try:
            value = read_json(self.body)
        except ValueError:
            return []
        errors = value.get("errors") if isinstance(value, dict) else None
        return [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
