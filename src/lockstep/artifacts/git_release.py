"""Packages that are assets of releases kept in a Git repository (kind ``git-release``).

Options: ``repository`` (URL, or a folder), ``tag``, ``asset`` (a glob that matches exactly one).
``lockstep release`` makes such releases where there is no GitHub; ``model.published`` says in which
refs. Each has the SHA-256 of its assets, so finding one fetches a few hundred bytes.
"""

import shutil
import threading
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from lockstep.artifacts.base import Found
from lockstep.errors import ArtifactError, BadInput, LockstepError
from lockstep.git.command import explain_failure, mask
from lockstep.git.objects import read_blobs
from lockstep.git.remote import Remote, fetch, list_refs, open_remote
from lockstep.model import Release
from lockstep.model.published import (
    RELEASE_FILE,
    Published,
    PublishedAsset,
    asset_ref,
    read_published,
    release_ref,
)
from lockstep.values import dataclass
from lockstep.waiting import Deadline

__all__ = ["GitReleaseSource"]

_RELEASES = release_ref("")
_ASSETS = asset_ref("")
_TAGS = "refs/tags/"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Repository:
    """A repository with the refs that it had when it was first asked about."""

    name: str  # as it is declared, without passwords
    remote: Remote
    refs: Mapping[str, str]


class GitReleaseSource:
    """Finds assets in the refs of a repository, by URL (through a mirror in ``cache``) or in a folder.

    A folder is relative to ``root``, the folder of the project on disk. Reading has the time of ``deadline``.
    """

    kind = "git-release"

    def __init__(self, *, cache: Path, root: Path | None, deadline: Deadline | None = None) -> None:
        self._cache = cache
        self._root = root
        self._deadline = deadline
        self._repositories: dict[str, _Repository | LockstepError] = {}
        self._lock = threading.Lock()

    def find(self, release: Release) -> Found:
        """Return the one asset that matches; ArtifactError when there is none or there are several."""
        with self._lock:  # a mirror is fetched into by one at a time
            repository = self._open(release)
            asset = self._asset(release, repository)
        return Found(
            origin=f"git:{repository.name}@{release.options['tag']}/{asset.name}",
            sha256=asset.sha256,
            size=asset.size,
        )

    def download(self, release: Release, found: Found, into: Path) -> None:
        """Write the asset to ``into``; of a remote repository only this one asset is fetched."""
        with self._lock:
            repository = self._open(release)
            ref = asset_ref(found.sha256 or "")
            if ref not in repository.refs:
                raise ArtifactError(
                    f"{found.origin} has lost its content: there is no {ref}",
                    where=release.place,
                    fix="publish the release again: `lockstep release` uploads what is missing",
                )
            fetch(repository.remote, {ref: repository.refs[ref]})
        doing = f"reading {found.origin}"
        process = repository.remote.repository.start("cat-file", "blob", repository.refs[ref])
        assert process.stdout and process.stderr and process.stdin  # noqa: S101, PT018 - pipes, all three
        process.stdin.close()
        try:
            with process.stdout, into.open("wb") as file:
                shutil.copyfileobj(process.stdout, file, 1 << 20)
            errors = process.stderr.read().decode("utf-8", "replace")
            if process.wait():
                raise explain_failure(errors, doing=doing)
        finally:
            process.kill()
            process.stderr.close()
            process.wait()

    def _open(self, release: Release) -> _Repository:
        named = release.options.get("repository", "")
        known = self._repositories.get(named)
        if known is None:
            place = self._place(release, named)
            try:
                remote = open_remote(place, self._cache, deadline=self._deadline)
                refs = list_refs(remote, _RELEASES, _ASSETS, _TAGS)
                known = _Repository(name=mask(named), remote=remote, refs=refs)
            except LockstepError as error:  # for all releases that it would have: it is asked once
                known = error
            self._repositories[named] = known
        if isinstance(known, LockstepError):
            raise known
        return known

    def _place(self, release: Release, named: str) -> str | Path:
        """The URL, or the folder seen from the project's."""
        if named.startswith("/"):
            return Path(named)
        if not named.startswith(("./", "../")):
            if ":" in named:
                return named
            raise BadInput(
                f"{named!r} is neither the URL of a repository nor a folder",
                where=release.place,
                fix="write a URL, or a folder that begins with /, ./ or ../",
            )
        if self._root is None:
            raise BadInput(
                f"{named} is a folder beside the project, which is read from a remote repository",
                where=release.place,
                fix="set artifacts.repository to a URL",
            )
        return self._root / named

    def _asset(self, release: Release, repository: _Repository) -> PublishedAsset:
        pattern = release.options.get("asset") or "*.zip"
        published = self._release(release, repository)
        matching = [asset for asset in published.assets if fnmatchcase(asset.name, pattern)]
        if len(matching) == 1:
            return matching[0]
        names = ", ".join(sorted(asset.name for asset in (matching or published.assets))[:10]) or "none"
        problem = f"{len(matching)} assets match" if matching else "no asset matches"
        raise ArtifactError(
            f"release {published.tag} of {repository.name}: {problem} {pattern} (there: {names})",
            where=release.place,
            fix="set artifacts.asset to a pattern that matches exactly one asset, or upload it",
        )

    def _release(self, release: Release, repository: _Repository) -> Published:
        tag = release.options.get("tag")
        if not tag:
            raise BadInput("the git-release source has no tag", where=release.place, fix="set artifacts.tag")
        ref = release_ref(tag)
        if ref not in repository.refs:
            raise self._absent(release, repository, tag)
        if _TAGS + tag not in repository.refs:
            raise ArtifactError(
                f"the tag {tag} of {repository.name} is gone, so its release is a draft",
                where=release.place,
                fix=f"push the tag again, or delete the release: git push origin :{ref}",
            )
        place, commit = repository.remote.repository, repository.refs[ref]
        fetch(repository.remote, {ref: commit})
        listing = place.run(
            "ls-tree", "-z", "--full-tree", commit, "--", RELEASE_FILE, doing=f"reading {ref}"
        )
        blobs = [entry.split()[2].decode("ascii") for entry in listing.split(b"\0")[:-1]]
        try:
            return read_published(read_blobs(place, blobs, commit=commit)[blobs[0]])
        except (ValueError, IndexError):
            raise ArtifactError(
                f"{ref} of {repository.name} is not a release that Lockstep wrote",
                where=release.place,
                fix=f"delete it and publish again: git push origin :{ref}",
            ) from None

    def _absent(self, release: Release, repository: _Repository, tag: str) -> ArtifactError:
        names = [ref.removeprefix(_RELEASES) for ref in repository.refs if ref.startswith(_RELEASES)]
        same = [name for name in names if name.startswith(release.service)]
        known = ", ".join(sorted(same or names)[-10:]) or "none"
        what = "is tagged, but not released" if _TAGS + tag in repository.refs else "is not there"
        return ArtifactError(
            f"{repository.name} has no release {tag}: it {what} (there: {known})",
            where=release.place,
            fix="publish it with `lockstep release`, or check the version and artifacts.tag",
        )
