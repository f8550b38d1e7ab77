"""``release``: a version of a service as a tag and a release with its package. Deploys nothing.

    version ─▶ is it taken? ─▶ package from a clean checkout ─▶ tag ─▶ release

Whatever is found done is kept, so a run that died is finished by the next one. Of several runs at once
one creates the tag, and the release that is published first counts.
"""

import contextlib
import datetime
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lockstep.delivery.places.actor import find_actor
from lockstep.delivery.places.forges import Credentials, open_forge
from lockstep.delivery.places.sources import SourceTree, open_sources
from lockstep.delivery.places.workspace import PROJECT_FILE, Where
from lockstep.delivery.releases.building import build_commit, package_name
from lockstep.delivery.releases.images import (
    check_image,
    fetch_manifest,
    find_image,
    manifest_name,
    push_image,
)
from lockstep.delivery.releases.versions import Decided, find_version
from lockstep.errors import ArtifactError, BadInput, Interrupted, LockstepError, Refused, Rejected
from lockstep.forge.base import Asset, Forge, ForgeRelease
from lockstep.git.command import Repository
from lockstep.git.export import commit_time
from lockstep.git.history import changed_paths
from lockstep.git.log import commits_between
from lockstep.git.reach import is_shared
from lockstep.git.refs import RefUpdate, update_refs
from lockstep.git.remote import Remote, fetch, list_refs, open_remote, push
from lockstep.git.tags import read_tags, remote_tags
from lockstep.git.tree import CommitTree
from lockstep.model import Built, Source
from lockstep.model.next_version import NextVersion
from lockstep.model.released import PackageFile, Released
from lockstep.model.version import Version
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.bumps import decide_bump
from lockstep.planning.next_version import version_in_tag
from lockstep.planning.paths import touched
from lockstep.render.release import News, facts_document, release_notes
from lockstep.values import dataclass

__all__ = ["Monorepo", "Request", "open_monorepo", "release"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What the user asked for. ``pr`` makes a pre-release for that pull request."""

    decided: Decided | None = None
    pr: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Monorepo:
    """The repository that services are released from, at one commit, and the forge it is on."""

    where: Where  # names the commit
    tree: SourceTree
    remote: Remote
    forge: Forge
    run: str | None = None  # URL of the workflow run
    changed: frozenset[str] = frozenset()  # paths that are not on disk as they are in the commit

    def at(self, commit: str) -> "Monorepo":
        """The same at another commit."""
        if commit == self.tree.commit:
            return self
        where = replace(self.where, rev=commit)
        return replace(self, where=where, tree=_at(where, self.tree.repository, commit))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Version:
    """A version that is to be released from a commit."""

    source: Source
    version: Version
    tag: str
    commit: str

    @property
    def name(self) -> str:
        return package_name(self.source.service, str(self.version))

    @property
    def manifest(self) -> str | None:
        """The asset that says which image it is; its SHA-256 is the image's."""
        if self.source.image is None:
            return None
        return manifest_name(self.source.service, str(self.version))

    def image_name(self, digest: str | None) -> str | None:
        """What the image is called, with the digest where it is known; None for a service without one."""
        image = self.source.image
        if image is None:
            return None
        name = image.name_of(str(self.version))
        return f"{name}@{digest}" if digest is not None else name

    @property
    def files(self) -> tuple[str, ...]:
        """The assets that its release has when it is complete, the package first."""
        if self.source.build is None:
            return ()
        return (self.name, f"{self.name}.sha256", f"{self.name.removesuffix('.zip')}.json")


def open_monorepo(where: Where, credentials: Credentials) -> Monorepo:
    """Read ``services:`` at the commit that ``where`` names, by default the one that is checked out.

    Raises BadInput when it is no local Git repository and when the project file is not valid.
    """
    where = replace(where, access=credentials.access())
    there = open_sources(where)
    changed: set[str] = set()
    if there.whole.is_dirty:
        changed = changed_paths(there.repository, there.commit) or set()
    where = replace(where, rev=there.commit)
    tree = _at(where, there.repository, there.commit)
    remote = open_remote(tree.repository, where.cache, access=where.access)
    return Monorepo(
        where=where,
        tree=tree,
        remote=remote,
        forge=open_forge(tree.sources.forge, remote, credentials),
        run=find_actor(tree.repository).run,
        changed=frozenset(changed),
    )


def _at(where: Where, repository: Repository, commit: str) -> SourceTree:
    """The services as a commit of a clone declares them."""
    opened = CommitTree(replace(repository, access=where.access, deadline=where.deadline), commit)
    return open_sources(where, opened)


def release(
    monorepo: Monorepo,
    service: str,
    request: Request,
    *,
    stop: threading.Event | None = None,
    watcher: Watcher = SILENT,
) -> Released:
    """Release one service, or finish a release that was begun; ``watcher`` is told what is worth knowing.

    Where nothing concerns the service since its last release, that one is meant. Raises BadInput for
    files that are not committed, a commit that is on no branch of the remote and a version of another
    commit; ArtifactError for a package that cannot be built, or that is not what was published already;
    Refused when the tag may not be pushed; ForgeError for what the forge refuses.
    """
    stop = stop or threading.Event()
    tags = _take_tags(monorepo, monorepo.tree.source(service))
    found = find_version(monorepo.tree, service, decided=request.decided, pr=request.pr, remote=tags)
    for warning in (*found.warnings, *monorepo.tree.unmatched(monorepo.tree.source(service))):
        watcher.note(warning)
    wanted, monorepo = _meant(monorepo, found, watcher)
    is_tagged = _is_tagged(monorepo.remote, wanted, tags)
    watcher.progress(f"{service}: looking for the release {wanted.tag}")
    there = monorepo.forge.release(wanted.tag) if is_tagged else None
    if there is not None and _is_complete(there, wanted):
        if path := _uncommitted(monorepo, wanted.source):
            watcher.note(f"{path} is not as in the commit; only what is committed is released")
        return _released(wanted, there, is_new=False)
    _check_committed(monorepo, wanted.source)
    if not is_tagged:
        watcher.progress(f"{service}: looking for the commit on {monorepo.remote}")
        _check_shared(monorepo, wanted, request.pr)
    digest = _image(monorepo, wanted, is_dry=request.dry_run, stop=stop, watcher=watcher)
    image = wanted.image_name(digest)
    news = replace(_news(monorepo, wanted), image=image)
    if request.dry_run:
        package = PackageFile(name=wanted.name) if wanted.files else None
        return Released(
            service=service,
            version=wanted.version,
            tag=wanted.tag,
            commit=wanted.commit,
            is_new=True,
            package=package,
            image=image,
            notes=release_notes(news),
        )
    update = RefUpdate(ref=f"refs/tags/{wanted.tag}", old=None, new=wanted.commit)
    with _built(monorepo, wanted, digest, stop=stop, watcher=watcher) as (built, assets):
        if stop.is_set():
            raise Interrupted(
                "the release was stopped; nothing was changed", fix="run the same command again"
            )
        if not is_tagged:
            watcher.progress(f"{service}: pushing {wanted.tag}")
            _push_tag(monorepo.remote, update, wanted)
            if monorepo.remote.name is not None:
                _keep_tag(monorepo.tree.repository, update.ref, wanted.commit)
        watcher.progress(f"{service}: publishing {wanted.tag}")
        notes = release_notes(replace(news, built=built, run=monorepo.run))
        try:
            made, is_new = _publish(monorepo.forge, wanted, there, notes, assets, watcher)
        except LockstepError:
            watcher.note(f"{wanted.tag} is tagged, but not released yet: the same command again finishes it")
            raise
    return replace(_released(wanted, made, is_new=is_new), notes=notes)


def _image(
    monorepo: Monorepo,
    wanted: _Version,
    *,
    is_dry: bool,
    stop: threading.Event,
    watcher: Watcher,
) -> str | None:
    """The digest of the version's image, built where it is not there yet and the project says how."""
    source, version = wanted.source, str(wanted.version)
    if source.image is None:
        return None
    watcher.progress(f"{source.service}: looking for its image")
    if source.image.build is None:
        return check_image(source, version)
    digest = find_image(source, version)
    if digest is not None or is_dry:
        return digest
    tree = monorepo.tree
    return push_image(
        tree.repository, wanted.commit, source, version, prefix=tree.prefix, stop=stop, watcher=watcher
    )


def _meant(monorepo: Monorepo, found: NextVersion, watcher: Watcher) -> tuple[_Version, Monorepo]:
    """The version, and the repository at its commit: of a version that exists that is the tag's."""
    commit = found.commit
    if found.base is not None and found.base.name == found.tag and found.base.commit != commit:
        commit = found.base.commit
        watcher.note(f"nothing concerns {found.service} since {found.tag}: that release is meant")
    monorepo = monorepo.at(commit)
    source = monorepo.tree.source(found.service)
    return _Version(source=source, version=found.version, tag=found.tag, commit=commit), monorepo


def _take_tags(monorepo: Monorepo, source: Source) -> Mapping[str, str]:
    """The remote's tags of a service, with their commits.

    Those on this commit are made in the clone, as a fetch would: a run that died before has pushed one.
    """
    tags = _remote_tags(monorepo.remote, source.tag.partition("{version}")[0])
    repository, here = monorepo.tree.repository, monorepo.tree.commit
    ours = [name for name, commit in tags.items() if commit == here and version_in_tag(name, source.tag)]
    known = {tag.name for tag in read_tags(repository, rev=here)} if ours else ()
    absent = [f"refs/tags/{name}" for name in ours if name not in known]
    if absent:
        refs = list_refs(monorepo.remote, *absent)
        fetch(monorepo.remote, refs)
        for ref, id_ in refs.items():
            _keep_tag(repository, ref, id_)
    return tags


def _remote_tags(remote: Remote, prefix: str) -> Mapping[str, str]:
    if remote.name is None:
        return {tag.name: tag.commit for tag in read_tags(remote.repository, prefix=prefix)}
    return remote_tags(remote.repository, remote.name, prefix=prefix)


def _keep_tag(repository: Repository, ref: str, id_: str) -> None:
    """Make a tag of the remote in the clone; one that is there stays."""
    with contextlib.suppress(Rejected):
        update_refs(repository, [RefUpdate(ref=ref, new=id_, old=None)])


def _is_tagged(remote: Remote, wanted: _Version, tags: Mapping[str, str]) -> bool:
    """Whether the remote has the tag on the commit; BadInput when it has it on another one."""
    there = tags.get(wanted.tag)
    if there is None or there == wanted.commit:
        return there is not None
    raise BadInput(
        f"{remote} has the tag {wanted.tag} on the commit {there[:12]}, and this is {wanted.commit[:12]}",
        where=wanted.source.service,
        fix="a version is released once: fetch its tags (git fetch --tags) and release the next version, "
        "or run at the commit that the tag names",
    )


def _is_complete(there: ForgeRelease, wanted: _Version) -> bool:
    return not there.is_draft and {asset.name for asset in there.assets}.issuperset(wanted.files)


def _uncommitted(monorepo: Monorepo, source: Source) -> str | None:
    """A path of the service, of its build or the project file that is not as in the commit."""
    if not monorepo.changed:
        return None
    prefix = monorepo.tree.prefix
    own = monorepo.tree.paths(source)
    folder = source.build.path if source.build is not None else None
    build = () if folder is None else (prefix + ("**" if folder == "." and prefix else folder),)
    return touched(monorepo.changed, (*own, *build, prefix + PROJECT_FILE) if own else ())


def _check_committed(monorepo: Monorepo, source: Source) -> None:
    if path := _uncommitted(monorepo, source):
        raise BadInput(
            f"{path} is not as in the commit {monorepo.tree.commit[:12]}, which a release is built from",
            where=source.service,
            fix="commit it or put it away; --rev HEAD releases the commit whatever lies on disk",
        )


def _check_shared(monorepo: Monorepo, wanted: _Version, pr: int | None) -> None:
    """A tag must not be the only thing that holds a commit: nobody would have seen it."""
    heads = ["refs/heads/"]
    if pr is not None:
        heads += [f"refs/pull/{pr}/", f"refs/merge-requests/{pr}/"]
    if is_shared(monorepo.remote, wanted.commit, *heads):
        return
    remote = monorepo.remote
    where = f"of {remote}" if remote.name is not None else "of the repository"
    raise BadInput(
        f"the commit {wanted.commit[:12]} is on no branch {where}",
        where=wanted.source.service,
        fix="push its branch first; for a pull request add --pr with its number"
        if remote.name is not None
        else "put it on a branch first: git branch NAME",
    )


def _push_tag(remote: Remote, update: RefUpdate, wanted: _Version) -> None:
    """Create the tag; of several runs that do so at once, the others find it on the same commit."""
    try:
        push(remote, update)
    except Rejected:
        if not _is_tagged(remote, wanted, _remote_tags(remote, wanted.tag)):
            raise
    except Refused as error:
        raise Refused(
            f"the tag {wanted.tag} may not be created: {error.problem}",
            where=error.where,
            doing=error.doing,
            fix=f"{error.fix}; the rules for tags count here (GitHub: Settings, Rules, Rulesets)",
        ) from error


@contextlib.contextmanager
def _built(
    monorepo: Monorepo,
    wanted: _Version,
    image: str | None,
    *,
    stop: threading.Event,
    watcher: Watcher,
) -> Iterator[tuple[Built | None, Mapping[str, Path]]]:
    """The package, and the files of the release by their names, until the block ends.

    ``image`` is the digest of the version's image, whose manifest is one of the files.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-release-", ignore_cleanup_errors=True) as folder:
        assets = {name: Path(folder, name) for name in wanted.files}
        if image is not None and wanted.manifest is not None:
            assets[wanted.manifest] = Path(folder, wanted.manifest)
            assets[wanted.manifest].write_bytes(fetch_manifest(wanted.source, image))
        if not wanted.files:
            yield None, assets
            return
        package, digest, facts = wanted.files
        built = build_commit(
            monorepo.tree.repository,
            wanted.commit,
            wanted.source,
            into=assets[package],
            prefix=monorepo.tree.prefix,
            version=str(wanted.version),
            stop=stop,
            watcher=watcher,
        )
        for warning in built.warnings:
            watcher.note(warning)
        committed = datetime.datetime.fromtimestamp(
            commit_time(monorepo.tree.repository, wanted.commit), datetime.UTC
        )
        assets[digest].write_text(f"{built.sha256}  {package}\n", encoding="ascii")
        assets[facts].write_text(
            facts_document(built, tag=wanted.tag, package=package, committed=committed, run=monorepo.run),
            encoding="ascii",
        )
        yield built, assets


def _publish(
    forge: Forge,
    wanted: _Version,
    there: ForgeRelease | None,
    notes: str,
    assets: Mapping[str, Path],
    watcher: Watcher,
) -> tuple[ForgeRelease, bool]:
    """The release, and whether this run published it.

    What another run published meanwhile counts, whole as it is: its files belong together.
    """
    facts = wanted.files[-1:]
    if there is not None and not there.is_draft and {asset.name for asset in there.assets}.issuperset(facts):
        # Facts name the run that published them, so those of another run differ and stay.
        assets = {name: path for name, path in assets.items() if name not in facts}
    try:
        made = forge.publish(
            tag=wanted.tag,
            commit=wanted.commit,
            title=f"{wanted.source.service} {wanted.version}",
            body=notes,
            assets=assets,
            is_prerelease=not wanted.version.is_release,
        )
    except ArtifactError:
        other = forge.release(wanted.tag)
        if other is None or not _is_complete(other, wanted):
            raise
        watcher.note(
            f"another run has published {wanted.tag} meanwhile: its package counts, this one is dropped"
        )
        return other, False
    return made, True


def _released(wanted: _Version, made: ForgeRelease, *, is_new: bool) -> Released:
    package: Asset | None = next((asset for asset in made.assets if asset.name == wanted.name), None)
    manifest = next((asset.sha256 for asset in made.assets if asset.name == wanted.manifest), None)
    return Released(
        service=wanted.source.service,
        version=wanted.version,
        tag=wanted.tag,
        commit=wanted.commit,
        is_new=is_new,
        url=made.url,
        package=PackageFile(name=package.name, sha256=package.sha256, size=package.size)
        if package is not None
        else None,
        image=wanted.image_name(f"sha256:{manifest}") if manifest is not None else None,
    )


def _news(monorepo: Monorepo, wanted: _Version) -> News:
    """What is new since the release before it, as far as the clone has the commits."""
    tree = monorepo.tree
    before = [
        (version, tag)
        for tag in read_tags(tree.repository, rev=wanted.commit)
        if tag.is_reachable
        and (version := version_in_tag(tag.name, wanted.source.tag)) is not None
        and version.is_release
        and version < wanted.version
    ]
    base = max(before, key=lambda one: one[0], default=None)
    if base is None:
        return News(commit=wanted.commit)
    since = commits_between(tree.repository, base[1].commit, wanted.commit)
    bump = decide_bump(since.entries, tree.paths(wanted.source), base[0])
    links = {asked.commit.sha: monorepo.forge.commit_url(asked.commit.sha) for asked in bump.commits}
    return News(
        commit=wanted.commit,
        since=base[1].name,
        changes=bump.commits,
        links={sha: link for sha, link in links.items() if link is not None},
        is_cut=since.is_cut,
    )
