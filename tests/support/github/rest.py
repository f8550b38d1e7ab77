"""The REST API: which request does what. Rules are those of GitHub's documentation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.support.github.shapes import Shapes
from tests.support.github.world import Identity, Repository, World

__all__ = ["Reply", "Request", "fail", "page"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that got as far as being understood. ``parts`` come after owner and name."""

    method: str
    path: str  # without the API's prefix, still quoted
    parts: tuple[str, ...]
    query: Mapping[str, str]
    body: Any
    data: bytes
    identity: Identity
    world: World
    repository: Repository
    shapes: Shapes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What is answered."""

    status: int = 200
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Reply]


def fail(status: int, message: str, *errors: Any) -> Reply:
    """An error in GitHub's form."""
    value: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    if errors:
        value["errors"] = list(errors)
    return Reply(status=status, value=value)


def page(request: Request, values: list[Any], *, key: str = "") -> Reply:
    """One page of a list with its Link header; of an object's list when ``key`` is given."""
    size = min(int(request.query.get("per_page", "30")), 100)
    number = int(request.query.get("page", "1"))
    part = values[(number - 1) * size : number * size]
    headers = {}
    if number * size < len(values):
        others = "&".join(f"{name}={value}" for name, value in request.query.items() if name != "page")
        headers["Link"] = f'<{request.shapes.api}{request.path}?{others}&page={number + 1}>; rel="next"'
    return Reply(value={"total_count": len(values), key: part} if key else part, headers=headers)


def split(path: str) -> tuple[str, ...]:
    """The parts of a path, each unquoted."""
    return tuple(unquote(part) for part in path.strip("/").split("/"))
