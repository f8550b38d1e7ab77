"""Where github.com and GitHub Enterprise keep what."""

import pytest

from lockstep.errors import BadInput
from lockstep.forge.github import GitHub
from lockstep.forge.github.endpoints import Endpoints, endpoints_of


@pytest.mark.parametrize(
    ("api", "graphql", "uploads", "site"),
    [
        (
            "https://api.github.com",
            "https://api.github.com/graphql",
            "https://uploads.github.com",
            "https://github.com",
        ),
        (
            "https://git.acme.example/api/v3",
            "https://git.acme.example/api/graphql",
            "https://git.acme.example/api/uploads",
            "https://git.acme.example",
        ),
        (
            "https://api.acme.ghe.com",
            "https://api.acme.ghe.com/graphql",
            "https://uploads.acme.ghe.com",
            "https://acme.ghe.com",
        ),
        (
            "http://127.0.0.1:8080/api/v3",
            "http://127.0.0.1:8080/api/graphql",
            "http://127.0.0.1:8080/api/uploads",
            "http://127.0.0.1:8080",
        ),
    ],
)
def test_hosts(api: str, graphql: str, uploads: str, site: str) -> None:
    """As GitHub documents them; a slash at the end changes nothing."""
    assert endpoints_of(api + "/") == Endpoints(api=api, graphql=graphql, uploads=uploads, site=site)
    assert GitHub(repository="a/b", api=api).commit_url("abc") == f"{site}/a/b/commit/abc"


@pytest.mark.parametrize(
    "api",
    [
        "https://github.com",
        "https://git.acme.example",
        "https://git.acme.example/api",
        "http://api.github.com",
    ],
)
def test_urls_that_are_no_api(api: str) -> None:
    """A page's URL, half a path or plain http would send the token to the wrong place."""
    with pytest.raises(BadInput, match="fix:"):
        endpoints_of(api)
