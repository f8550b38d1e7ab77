"""Where an API, its GraphQL, its uploads and its web pages are."""

from urllib.parse import urlsplit

from lockstep.errors import BadInput
from lockstep.values import dataclass
from lockstep.web import check_url, shown

__all__ = ["GITHUB", "Endpoints", "endpoints_of"]

GITHUB = "https://api.github.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """URLs without a slash at the end."""

    api: str
    graphql: str
    uploads: str
    site: str


def endpoints_of(api: str) -> Endpoints:
    """The URLs that belong to an API's, as GitHub documents them.

    ``https://api.github.com`` (and ``https://api.NAME.ghe.com``) have hosts of their own for uploads
    and pages; GitHub Enterprise Server keeps all below ``https://HOST/api``. BadInput for anything else.
    """
    base = check_url(api.rstrip("/"), where="the URL of GitHub's API")
    parts = urlsplit(base)
    host = parts.netloc
    if parts.path == "/api/v3":
        root = f"{parts.scheme}://{host}"
        return Endpoints(api=base, graphql=f"{root}/api/graphql", uploads=f"{root}/api/uploads", site=root)
    if parts.path == "" and host.startswith("api."):
        domain = host.removeprefix("api.")
        return Endpoints(
            api=base,
            graphql=f"{base}/graphql",
            uploads=f"{parts.scheme}://uploads.{domain}",
            site=f"{parts.scheme}://{domain}",
        )
    raise BadInput(
        f"{shown(api)} is not the URL of a GitHub API",
        where="the URL of GitHub's API",
        fix=f"set GITHUB_API_URL (or forge.api) to {GITHUB}, or to https://HOST/api/v3 of GitHub Enterprise",
    )
