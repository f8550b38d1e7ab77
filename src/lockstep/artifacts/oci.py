"""Container registries: whether an image is there, and its digest.

Source: OCI Distribution Specification 1.1 ("Pulling manifests"), and Docker's token authentication for
registries. Credentials are those of ``docker login`` and of Docker's helpers; a registry that shows an
image to everybody needs none.
"""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from lockstep.artifacts.docker_login import HUB, login_for
from lockstep.artifacts.web import Answer, Web
from lockstep.errors import ArtifactError, BadInput, Unreadable
from lockstep.model.foreign import read_json
from lockstep.web import check_url

__all__ = ["Registry"]

_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PARAMETER = re.compile(r'\b([a-z]+)="([^"]*)"')


class Registry:
    """Asks registries for images."""

    def __init__(self, web: Web | None = None) -> None:
        self._web = web or Web()

    def digest(self, repository: str, tag: str, *, place: str = "") -> str | None:
        """The digest that a tag names (``sha256:...``), or None when the registry has no such image.

        A digest names itself. Raises BadInput for a tag that cannot be one; ArtifactError when the registry
        cannot be asked, does not let us look, or answers with another image.
        """
        if not _TAG.fullmatch(tag) and not _DIGEST.fullmatch(tag):
            raise BadInput(
                f"{tag!r} cannot be the tag of an image",
                where=place or None,
                fix="a tag has letters, digits, dots, hyphens and underscores; set image.tag",
            )
        answer = self._manifest("HEAD", repository, tag, place)
        if answer.status == 404:
            return None
        digest = answer.headers.get("docker-content-digest", "")
        if not _DIGEST.fullmatch(digest):
            answer = self._manifest("GET", repository, tag, place)
            if answer.status == 404:
                return None
            if not _is_manifest(answer.body):
                raise _somebody_else(repository, place)
            digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        if _DIGEST.fullmatch(tag) and digest != tag:
            raise _another(repository, tag, place)
        return digest

    def manifest(self, repository: str, digest: str, *, place: str = "") -> bytes:
        """The manifest, or the index of several, that a digest names; its SHA-256 is the digest.

        Raises ArtifactError when it is not there or the registry cannot be asked.
        """
        body = self._manifest("GET", repository, digest, place).body
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            raise _another(repository, digest, place)
        return body

    def _manifest(self, method: str, repository: str, reference: str, place: str) -> Answer:
        """The answer for a manifest, whose status is 200 or 404."""
        host, name = _parts(repository)
        url = f"{_scheme(host)}://{host}/v2/{name}/manifests/{reference}"
        answer = self._ask(check_url(url, where=place or None), method, host, name)
        if answer.status not in (200, 404):
            raise ArtifactError(
                f"{host} answered {answer.status} when asked for {repository}:{reference}",
                where=place or None,
                fix=f"docker login {host} with an account that may read it"
                if answer.status in (401, 403)
                else "run again; if it goes on, look at the registry's status",
            )
        if answer.headers.get("content-type", "").lower().startswith("text/html"):
            raise _somebody_else(repository, place)  # a page that something is not found is no registry's
        return answer

    def _ask(self, url: str, method: str, host: str, name: str) -> Answer:
        """One request, once more with what the registry asks for."""
        headers = {"Accept": _MANIFESTS}
        answer = self._web.ask(url, method=method, headers=headers)
        challenge = answer.headers.get("www-authenticate", "")
        if answer.status != 401 or not challenge:
            return answer
        basic = login_for(host)
        if challenge.lower().startswith("basic"):
            if basic is None:
                return answer
            return self._web.ask(url, method=method, headers={**headers, "Authorization": f"Basic {basic}"})
        token = self._token(dict(_PARAMETER.findall(challenge)), basic, name)
        return self._web.ask(url, method=method, headers=headers, token=token) if token else answer

    def _token(self, challenge: Mapping[str, str], basic: str | None, name: str) -> str | None:
        realm = challenge.get("realm")
        if not realm:
            return None
        query = {"scope": challenge.get("scope") or f"repository:{name}:pull"}
        if "service" in challenge:
            query["service"] = challenge["service"]
        joint = "&" if "?" in realm else "?"
        headers = {"Authorization": f"Basic {basic}"} if basic else {}
        answer = self._web.ask(check_url(f"{realm}{joint}{urlencode(query)}"), headers=headers)
        try:
            said = read_json(answer.body)
            token = said.get("token") or said.get("access_token")
        except (ValueError, AttributeError):
            return None
        return token if answer.status == 200 and isinstance(token, str) else None


def _is_manifest(body: bytes) -> bool:
    """Whether it is a manifest, or an index of some. Source: OCI image specification, ``schemaVersion``."""
    try:
        found = read_json(body)
    except ValueError:
        return False
    return isinstance(found, dict) and "schemaVersion" in found


def _somebody_else(repository: str, place: str) -> Unreadable:
    return Unreadable(
        f"an answer that is not the registry's, when asked for {repository}",
        where=place or None,
        fix="look what answers in its place (a proxy, a sign-in), then run again",
    )


def _another(repository: str, digest: str, place: str) -> ArtifactError:
    return ArtifactError(
        f"the registry has no {repository}@{digest}, or gave another image for it",
        where=place or None,
        fix="run again; if it goes on, look at the registry",
    )


def _parts(repository: str) -> tuple[str, str]:
    """The host of a repository and its name there, as Docker reads them."""
    first, slash, rest = repository.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, name = (first, rest) if is_host else ("docker.io", repository)
    if host in HUB:
        return "registry-1.docker.io", name if "/" in name else f"library/{name}"
    return host, name


def _scheme(host: str) -> str:
    """http for this machine only, as Docker does."""
    return "http" if host.partition(":")[0] in ("localhost", "127.0.0.1") else "https"
