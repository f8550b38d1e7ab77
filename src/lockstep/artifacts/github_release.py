"""Packages that are assets of GitHub releases (kind ``github-release``).

Options: ``repository`` (owner/name), ``tag``, ``asset`` (a glob that matches exactly one), ``api``.
GitHub publishes each asset's SHA-256 (uploads since June 2025), so finding one downloads nothing.
"""

import datetime
import re
import threading
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from lockstep.artifacts.base import Found
from lockstep.artifacts.web import Answer, Web
from lockstep.errors import ArtifactError, BadInput, Unreadable
from lockstep.model import Release
from lockstep.model.foreign import read_json, shaped
from lockstep.web import check_url

__all__ = ["GitHubReleaseSource"]

MAX_BYTES = 262_144_000  # a zip that is larger cannot unpack to Lambda's 250 MB
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_PAGE = 100


class GitHubReleaseSource:
    """Finds release assets through the REST API.

    ``token`` is sent to ``api`` only, the API that the environment names (``GITHUB_API_URL``); a
    repository that names another ``api`` is asked without it, so that a change in Git cannot send the
    token elsewhere. It is not sent to the host that an asset's download redirects to either.
    """

    kind = "github-release"

    def __init__(
        self, *, token: str | None = None, api: str = "https://api.github.com", web: Web | None = None
    ) -> None:
        self._token = token
        self._home = api.rstrip("/")
        self._web = web or Web()
        self._answers: dict[str, Answer] = {}
        self._lock = threading.Lock()

    def find(self, release: Release) -> Found:
        """Return the one asset that matches; ArtifactError when there is none or there are several."""
        with shaped(self._odd(release)):
            return self._found(release)

    def _found(self, release: Release) -> Found:
        asset = self._asset(release)
        digest = _DIGEST.fullmatch(asset.get("digest") or "")
        options = release.options
        return Found(
            origin=f"github:{options['repository']}@{options['tag']}/{asset['name']}",
            sha256=digest.group(1) if digest else None,
            size=asset.get("size"),
            etag=f"{asset['id']}-{asset.get('updated_at')}-{asset.get('size')}",
        )

    def download(self, release: Release, found: Found, into: Path) -> None:
        """Write the asset to ``into``, of a private repository too when the token may read it."""
        asset = self._asset(release)
        url = f"{self._repository(release)}/releases/assets/{int(asset['id'])}"
        headers = {**_HEADERS, "Accept": "application/octet-stream"}
        token = self._token_for(url)
        answer = self._web.download(url, into, limit=MAX_BYTES, headers=headers, token=token)
        if answer.status != 200:
            raise self._refused(release, answer)

    def _asset(self, release: Release) -> Mapping[str, Any]:
        pattern = release.options.get("asset") or "*.zip"
        found = self._release(release)
        assets = found.get("assets", [])
        if len(assets) >= 30:  # the release itself may not list them all
            assets = self._all_assets(release, int(found["id"]))
        there = [asset for asset in assets if asset.get("state", "uploaded") == "uploaded"]
        matching = [asset for asset in there if fnmatchcase(asset["name"], pattern)]
        if len(matching) == 1:
            return dict(matching[0])
        options = release.options
        names = ", ".join(sorted(asset["name"] for asset in (matching or there))[:10]) or "none"
        problem = "no asset matches" if not matching else f"{len(matching)} assets match"
        raise ArtifactError(
            f"release {options['tag']} of {options['repository']}: {problem} {pattern} (there: {names})",
            where=release.place,
            fix="set artifacts.asset to a pattern that matches exactly one asset, or upload it",
        )

    def _release(self, release: Release) -> Mapping[str, Any]:
        tag = release.options.get("tag")
        base = self._repository(release)
        if not tag:
            raise BadInput(
                "the github-release source has no tag", where=release.place, fix="set artifacts.tag"
            )
        answer = self._get(f"{base}/releases/tags/{quote(tag, safe='')}")
        if answer.status == 404:
            raise self._absent(release, base, tag)
        return dict(self._json(release, answer))

    def _all_assets(self, release: Release, number: int) -> list[Mapping[str, Any]]:
        assets: list[Mapping[str, Any]] = []
        for page in range(1, 12):  # a release has 1,000 assets at most
            url = f"{self._repository(release)}/releases/{number}/assets?per_page={_PAGE}&page={page}"
            part = self._json(release, self._get(url))
            assets += part
            if len(part) < _PAGE:
                break
        return assets

    def _repository(self, release: Release) -> str:
        repository = release.options.get("repository", "")
        if not re.fullmatch(r"[\w-][\w.-]*/(?!\.\.?$)[\w.-]+", repository):
            raise BadInput(
                f"{repository!r} is not a GitHub repository",
                where=release.place,
                fix="set artifacts.repository to owner/name",
            )
        api = (release.options.get("api") or self._home).rstrip("/")
        return f"{check_url(api, where=release.place)}/repos/{repository}"

    def _token_for(self, url: str) -> str | None:
        home, there = urlsplit(self._home), urlsplit(url)
        is_home = (home.scheme, home.netloc) == (there.scheme, there.netloc)
        return self._token if is_home else None

    def _get(self, url: str) -> Answer:
        """Ask the API, once for each URL; errors are asked for again."""
        with self._lock:
            known = self._answers.get(url)
        if known is None:
            known = self._web.ask(url, headers=_HEADERS, token=self._token_for(url))
            if known.status == 200:
                with self._lock:
                    self._answers[url] = known
        return known

    def _json(self, release: Release, answer: Answer) -> Any:
        if answer.status != 200:
            raise self._refused(release, answer)
        try:
            return read_json(answer.body)
        except ValueError:
            raise self._odd(release) from None

    def _odd(self, release: Release) -> Unreadable:
        return Unreadable(
            "GitHub's answer is not JSON, or not that of a release",
            where=release.place,
            fix="check artifacts.api, or run again later",
        )

    def _absent(self, release: Release, base: str, tag: str) -> ArtifactError:
        """Tell a missing release from a repository that cannot be seen."""
        repository = release.options["repository"]
        answer = self._get(f"{base}/releases?per_page=10")
        if answer.status not in (200, 404):
            return self._refused(release, answer)
        if answer.status == 404:
            problem = f"{repository} does not exist, or it is private and the token may not see it"
            fix = "check artifacts.repository, and that the token has contents: read on it"
            if self._token_for(base) is None:
                problem = f"{repository} does not exist or is private, and there is no token to ask with"
                fix = f"check artifacts.repository, and set GITHUB_TOKEN{self._hint(base)}"
            return Unreadable(problem, where=release.place, fix=fix)
        releases = self._json(release, answer)
        if any(other.get("draft") and other.get("tag_name") == tag for other in releases):
            return ArtifactError(
                f"release {tag} of {repository} is still a draft", where=release.place, fix="publish it"
            )
        names = ", ".join(str(other.get("tag_name")) for other in releases) or "none"
        return ArtifactError(
            f"{repository} has no release {tag} (newest: {names})",
            where=release.place,
            fix="publish it, or check the version and artifacts.tag",
        )

    def _refused(self, release: Release, answer: Answer) -> Unreadable:
        headers = answer.headers
        repository = release.options["repository"]
        if headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers or answer.status == 429:
            problem, fix = f"GitHub's rate limit is used up{_until(headers)}", "run again later"
            if not self._token:
                fix += ", or set GITHUB_TOKEN: with a token the limit is higher"
        elif answer.status == 401:
            problem, fix = (
                "GitHub does not accept the token",
                "renew GITHUB_TOKEN, or unset it for a public repository",
            )
        elif answer.status == 403 and "x-github-sso" in headers:
            problem, fix = (
                f"the token is not authorised for the organisation of {repository}",
                "authorise it for SSO",
            )
        elif answer.status in (403, 404):
            problem, fix = f"the token may not read releases of {repository}", "give it contents: read"
        else:
            problem, fix = f"GitHub answered {answer.status} for {repository}", "run again later"
        return Unreadable(problem, where=release.place, fix=fix)

    def _hint(self, base: str) -> str:
        if not self._token:
            return ""
        return f" (the token is only sent to {self._home}; GITHUB_API_URL names another API, here {base})"


_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


def _until(headers: Mapping[str, str]) -> str:
    if wait := headers.get("retry-after"):
        return f" for {wait[:20]} s"
    reset = headers.get("x-ratelimit-reset", "")
    if not re.fullmatch(r"[0-9]{1,11}", reset):
        return ""
    when = datetime.datetime.fromtimestamp(int(reset), tz=datetime.UTC)
    return f" until {when:%H:%M} UTC"
