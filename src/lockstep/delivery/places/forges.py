"""Which forge a repository is on, and opening it."""

import os
import re
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from urllib.parse import urlsplit

from lockstep.config import rules
from lockstep.errors import BadInput
from lockstep.forge.base import Forge
from lockstep.git.access import Access
from lockstep.git.address import Address, address_of, real_host
from lockstep.git.mirror import is_url
from lockstep.git.remote import Remote
from lockstep.git.settings import url_of as remote_url
from lockstep.model import ForgeSettings, Project, Sources
from lockstep.values import dataclass

__all__ = ["Credentials", "as_app", "open_forge", "open_source_forge", "url_of"]

_GITHUB = "https://github.com"
_API = "https://api.github.com"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What forges are opened with."""

    cache: Path
    github_token: str | None = field(default=None, repr=False)
    github_app_key: str | None = field(default=None, repr=False)

    def access(self) -> Access | None:
        """The token for git, where there is one."""
        return _access(self.github_token)


def open_forge(settings: ForgeSettings, remote: Remote, credentials: Credentials) -> Forge:
    """The forge of a repository: as ``lockstep.yaml`` says, else as its remote's URL tells.

    A remote on GitHub's host is GitHub; a folder and a server on this machine are plain Git servers.
    BadInput for any other host that ``lockstep.yaml`` says nothing about, because a plain server's
    branches are merged without asking anybody, and when nothing says which repository GitHub is meant.
    """
    address = _address(remote)
    is_github = address is not None and _is_github(address)
    kind = settings.kind or ("github" if settings.repository or settings.api or is_github else None)
    if kind is None and address is not None and address.host not in _LOOPBACK:
        raise _unknown(address, settings, remote)
    if kind in ("local", None):
        return _local(remote, credentials)
    repository = settings.repository
    if repository is None and address is not None and re.fullmatch(rules.GITHUB_REPOSITORY, address.path):
        repository = address.path
    if repository is None:
        raise BadInput(
            "nothing says which repository on GitHub this is",
            where=settings.place or str(remote),
            fix="add forge: {repository: owner/name} to lockstep.yaml",
        )
    return _github(repository, settings.api, credentials, settings)


def open_source_forge(
    project: Project, here: Callable[[], Forge], remote: Remote, credentials: Credentials
) -> Forge | None:
    """The forge of the repository that services are built from; None when nothing names it.

    As ``source:`` says; else as the project's artifacts say; else this repository, when it has
    ``services:`` itself.
    """
    origin, artifacts = project.sources.origin, project.artifacts
    kind = origin.kind or {"github-release": "github", "git-release": "local"}.get(
        str(artifacts.get("source"))
    )
    repository = origin.repository or artifacts.get("repository")
    if kind == "github" and repository and "{" not in repository:
        return _github(repository, origin.api or artifacts.get("api"), credentials, project.sources.forge)
    if kind == "local" and repository and "{" not in repository:
        return _local(_place(repository, remote), credentials)
    return here() if _builds_here(project.sources) else None


def as_app(remote: Remote, settings: ForgeSettings, credentials: Credentials) -> Remote:
    """The remote with the token of the GitHub App that ``lockstep.yaml`` names; as it is without one.

    What an App commits then triggers workflows, which a workflow's own token does not.
    """
    if settings.app is None or not credentials.github_app_key:
        return remote
    access = _access(open_forge(settings, remote, credentials).git_token())
    return replace(remote, repository=replace(remote.repository, access=access)) if access else remote


def _access(token: str | None) -> Access | None:
    return Access(base=_home(), token=token) if token else None


def url_of(remote: Remote) -> str | None:
    """The URL of a remote; None when the repository is its own. It may hold a password."""
    if remote.repository.url or remote.name is None:
        return remote.repository.url
    return remote_url(remote.repository, remote.name)


def _place(repository: str, remote: Remote) -> str:
    """A URL as it is; a folder relative to the clone that names it."""
    return repository if is_url(repository) else str((remote.repository.folder / repository).resolve())


def _builds_here(sources: Sources) -> bool:
    return any(
        source.build or source.paths or (source.image is not None and source.image.build)
        for source in sources.services.values()
    )


def _address(remote: Remote) -> Address | None:
    """Where a remote is, after git's ``insteadOf``; None for a folder."""
    url = url_of(remote)
    if url is None:
        return None
    if remote.repository.url:  # as it was given, where git tells the URL of a clone's remote as it is used
        asked = ("ls-remote", "--get-url", "--", url)
        answer = remote.repository.run(*asked, doing="reading the remote's URL")
        url = answer.decode("utf-8", "surrogateescape").strip()
    return address_of(url)


def _is_github(address: Address) -> bool:
    """Whether a host is GitHub's, by its name or by what ssh connects to for it.

    ``ssh.`` is where GitHub answers on port 443; a suffix as in ``github.com-work`` is how people with
    several keys name it. Source: GitHub documentation, "Using SSH over the HTTPS port", "Managing
    deploy keys".
    """
    home = urlsplit(_home())
    name = (home.hostname or "").lower()
    if name in _LOOPBACK and address.port != home.port:
        return False
    names = {name, f"www.{name}", f"ssh.{name}"}
    if address.host in names:
        return True
    is_alias = re.fullmatch(rf"{re.escape(name)}-[\w-]+", address.host) is not None
    return address.is_ssh and (is_alias or real_host(address.host) in names)


def _unknown(address: Address, settings: ForgeSettings, remote: Remote) -> BadInput:
    home = urlsplit(_home()).hostname
    return BadInput(
        f"nothing says whether {address.host} is GitHub or a plain Git server: it is not {home}, "
        "and ssh knows it as no other name of it",
        where=settings.place or str(remote),
        fix="add forge: {kind: github, repository: owner/name} to lockstep.yaml, or forge: {kind: local} "
        "for a plain Git server",
    )


def _home() -> str:
    return os.environ.get("GITHUB_SERVER_URL") or _GITHUB


def _local(place: str | Remote, credentials: Credentials) -> Forge:
    from lockstep.forge.local import LocalForge

    return LocalForge(place, credentials.cache, access=credentials.access())


def _github(repository: str, api: str | None, credentials: Credentials, settings: ForgeSettings) -> Forge:
    from lockstep.forge.github import App, GitHub
    from lockstep.web import shown

    home = os.environ.get("GITHUB_API_URL") or _API
    if api is not None and api.rstrip("/") != home.rstrip("/"):
        # Else a change in Git could send the credentials to any host.
        raise BadInput(
            f"the API {shown(api)} is not the one that credentials are sent to, {shown(home)}",
            where=settings.place or "lockstep.yaml",
            fix="set GITHUB_API_URL to it where Lockstep runs, or take api out of lockstep.yaml",
        )
    app = None
    if settings.app is not None:
        if not credentials.github_app_key:
            raise BadInput(
                "there is no private key of the GitHub App",
                where=settings.place,
                fix="set LOCKSTEP_GITHUB_APP_KEY to the PEM text that GitHub gave",
            )
        app = App(
            app_id=settings.app,
            private_key=credentials.github_app_key,
            installation=int(settings.installation) if settings.installation else None,
        )
    return GitHub(
        repository=repository,
        api=home,
        token=credentials.github_token,
        app=app,
    )
