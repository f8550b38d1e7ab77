"""Releases; ``model.published`` says which refs they are kept in.

Assets are pushed first and for good, each under the digest of its content; the release that names them
comes last. So a run may be killed anywhere, and what is published is complete.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from lockstep.errors import ArtifactError, ForgeError, Rejected
from lockstep.forge.base import Asset, ForgeRelease
from lockstep.forge.local.ledger import Edit, Ledgers, Snapshot
from lockstep.git.refs import RefUpdate
from lockstep.git.remote import fetch, list_refs, push
from lockstep.git.repository import resolve_commit
from lockstep.model.published import (
    RELEASE_FILE,
    Published,
    PublishedAsset,
    asset_ref,
    read_published,
    release_ref,
    write_published,
)

__all__ = ["publish", "read_release", "tags", "withdraw"]

_TAGS = "refs/tags/"


def read_release(ledgers: Ledgers, tag: str) -> ForgeRelease | None:
    """The release of a tag; a draft when its tag is gone, as on GitHub. None when there is none."""
    snapshot = ledgers.look(release_ref(tag), _TAGS + tag)
    found = _read(snapshot, tag)
    return _shown(ledgers, found, _commit_of(ledgers, snapshot, tag)) if found else None


def publish(
    ledgers: Ledgers,
    *,
    tag: str,
    commit: str,
    title: str,
    body: str,
    assets: Mapping[str, Path],
    is_prerelease: bool,
) -> ForgeRelease:
    """Make the release of a tag, or bring the assets to it that it lacks."""
    doing = f"publishing {tag}"
    wanted = {_asset(name, path): path for name, path in assets.items()}
    snapshot = ledgers.look(release_ref(tag), _TAGS + tag, *(asset_ref(one.sha256) for one in wanted))
    named = _commit_of(ledgers, snapshot, tag)
    if named is None:
        raise ForgeError(
            f"{ledgers.address} has no tag {tag}", doing=doing, fix=f"push it first: git push origin {tag}"
        )
    if named != commit:
        raise ForgeError(
            f"the tag {tag} names commit {named[:12]}, not {commit[:12]}",
            doing=doing,
            fix="a version is built from one commit: release another version",
        )
    missing = _missing(_of(commit, _read(snapshot, tag)), wanted, tag)
    _upload(ledgers, snapshot, {asset: wanted[asset] for asset in missing})

    def decide(snapshot: Snapshot) -> tuple[Edit | None, Published]:
        found = _of(commit, _read(snapshot, tag))
        lacking = _missing(found, wanted, tag)
        if found is not None and not lacking:
            return None, found
        made = found or Published(
            tag=tag,
            commit=commit,
            title=title,
            body=body,
            published=ledgers.now,
            author=ledgers.who,
            is_prerelease=is_prerelease,
        )
        made = replace(made, assets=(*made.assets, *lacking))
        message = f"Publish {tag}" if found is None else f"Add assets to {tag}"
        return Edit(message=message, changes={RELEASE_FILE: write_published(made)}), made

    return _shown(ledgers, ledgers.change(release_ref(tag), decide), named)


def tags(ledgers: Ledgers, prefix: str) -> list[str]:
    """The names of tags that begin so."""
    names = (ref.removeprefix(_TAGS) for ref in list_refs(ledgers.remote, _TAGS) if ref.startswith(_TAGS))
    return sorted(name for name in names if name.startswith(prefix))


def withdraw(ledgers: Ledgers, tag: str) -> None:
    """Delete a pre-release and its tag, both or neither; see ``Forge.withdraw``.

    The bytes of its assets stay, since another release may be made of the same ones.
    """
    doing = f"deleting the pre-release {tag}"

    def attempt() -> None:
        snapshot = ledgers.look(release_ref(tag), _TAGS + tag)
        refs = {ref: snapshot.refs[ref] for ref in (_TAGS + tag, release_ref(tag)) if ref in snapshot.refs}
        if not refs:
            return
        found = _read(snapshot, tag)
        if found is None or not found.is_prerelease:
            raise ForgeError(
                f"{tag} has no release" if found is None else f"{tag} is no pre-release",
                doing=doing,
                fix=f"delete it by hand if nobody needs it: git push origin :{_TAGS}{tag}",
            )
        if _commit_of(ledgers, snapshot, tag) not in (None, found.commit):
            raise ForgeError(
                f"the tag names another commit than its release, which is of {found.commit[:12]}",
                doing=doing,
                fix="look at both, and delete by hand what nobody needs",
            )
        push(ledgers.remote, *(RefUpdate(ref=ref, old=id_, new=None) for ref, id_ in sorted(refs.items())))

    ledgers.again(attempt)


def _of(commit: str, found: Published | None) -> Published | None:
    """The release when it is of a commit; that of a tag which was deleted and set anew does not count."""
    return found if found is not None and found.commit == commit else None


def _upload(ledgers: Ledgers, snapshot: Snapshot, assets: Mapping[PublishedAsset, Path]) -> None:
    """Put the bytes of assets where their digests say, as far as they were not there."""
    if not assets:
        return None
    output = ledgers.repository.run(
        *("hash-object", "-w", "--no-filters", "--", *(str(path.resolve()) for path in assets.values())),
        doing=f"reading {', '.join(asset.name for asset in assets)}",
    )
    refs = (asset_ref(asset.sha256) for asset in assets)
    blobs = dict(zip(refs, output.decode("ascii").split(), strict=True))
    there = {ref: snapshot.refs.get(ref) for ref in blobs}
    while there != blobs:  # what stands there under a digest and is not it was put there by hand
        updates = [
            RefUpdate(ref=ref, new=blobs[ref], old=old) for ref, old in there.items() if old != blobs[ref]
        ]
        try:
            return push(ledgers.remote, *updates)
        except Rejected:
            found = list_refs(ledgers.remote, *blobs)
            if there == (now := {ref: found.get(ref) for ref in blobs}):
                raise
            there = now
    return None


def _missing(
    found: Published | None, wanted: Iterable[PublishedAsset], tag: str
) -> tuple[PublishedAsset, ...]:
    """The assets that a release lacks; ArtifactError for one that it has with other content."""
    there = {asset.name: asset for asset in found.assets} if found else {}
    for asset in wanted:
        if asset.name in there and there[asset.name].sha256 != asset.sha256:
            raise ArtifactError(
                f"the release {tag} has an asset {asset.name} with the digest "
                f"{there[asset.name].sha256}, not {asset.sha256}",
                fix="build from the same commit with the same tools, or release another version",
            )
    return tuple(asset for asset in wanted if asset.name not in there)


def _asset(name: str, path: Path) -> PublishedAsset:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return PublishedAsset(name=name, size=path.stat().st_size, sha256=digest)
    except OSError as error:
        raise ArtifactError(
            f"the asset {name} cannot be read: {error.strerror}", where=str(path), fix="build it again"
        ) from None


def _read(snapshot: Snapshot, tag: str) -> Published | None:
    data = snapshot.read([RELEASE_FILE]).get(RELEASE_FILE)
    if data is None:
        return None
    try:
        return read_published(data)
    except ValueError:
        raise ForgeError(
            "this is not a release that Lockstep wrote",
            where=f"{release_ref(tag)}:{RELEASE_FILE}",
            fix=f"delete it and publish again: git push origin :{release_ref(tag)}",
        ) from None


def _commit_of(ledgers: Ledgers, snapshot: Snapshot, tag: str) -> str | None:
    """The commit that a tag named in the end, as a snapshot shows it."""
    id_ = snapshot.refs.get(_TAGS + tag)
    if id_ is None:
        return None
    fetch(ledgers.remote, {_TAGS + tag: id_})
    return resolve_commit(ledgers.repository, id_)


def _shown(ledgers: Ledgers, found: Published, commit: str | None) -> ForgeRelease:
    return ForgeRelease(
        tag=found.tag,
        commit=commit,
        url=f"{ledgers.address}#{found.tag}",
        is_draft=commit is None,
        assets=tuple(Asset(name=asset.name, size=asset.size, sha256=asset.sha256) for asset in found.assets),
        published=found.published,
        is_trial=found.is_prerelease,
    )
