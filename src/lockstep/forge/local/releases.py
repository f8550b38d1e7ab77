"""Releases; ``model.published`` says which refs they are kept in.

Assets are pushed first, each by itself and for good, under the digest of its content; the release
that names them comes last. So a run may be killed anywhere, and what is published is complete.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lockstep.errors import ArtifactError, ForgeError, Rejected
from lockstep.forge.base import Asset, ForgeRelease
from lockstep.forge.local.ledger import Edit, Ledgers, Snapshot
from lockstep.git.refs import RefUpdate
from lockstep.git.remote import fetch, list_refs, push
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
    found = _read(ledgers.look(release_ref(tag)), tag)
    return _shown(ledgers, found, _commit_of(ledgers, tag)) if found else None


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
    named = _commit_of(ledgers, tag)
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
    wanted = tuple(_asset(name, path) for name, path in assets.items())
    before = _of(commit, _read(ledgers.look(release_ref(tag)), tag))
    missing = _missing(before, wanted, tag)
    for asset in missing:
        _upload(ledgers, asset, assets[asset.name])

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
        refs = list_refs(ledgers.remote, f"{_TAGS}{tag}", release_ref(tag))
        if not refs:
            return
        found = _read(ledgers.look(release_ref(tag)), tag)
        if found is None or not found.is_prerelease:
            raise ForgeError(
                f"{tag} has no release" if found is None else f"{tag} is no pre-release",
                doing=doing,
                fix=f"delete it by hand if nobody needs it: git push origin :{_TAGS}{tag}",
            )
        if _commit_of(ledgers, tag) not in (None, found.commit):
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


def _upload(ledgers: Ledgers, asset: PublishedAsset, path: Path) -> None:
    """Put the bytes of an asset where their digest says; nothing when they are there."""
    output = ledgers.repository.run(
        "hash-object", "-w", "--no-filters", "--", str(path.resolve()), doing=f"reading {asset.name}"
    )
    blob = output.decode("ascii").strip()
    ref = asset_ref(asset.sha256)
    there = list_refs(ledgers.remote, ref).get(ref)
    try:
        if there != blob:  # what stands there under this digest is not it: it was put there by hand
            push(ledgers.remote, RefUpdate(ref=ref, new=blob, old=there))
    except Rejected:
        if list_refs(ledgers.remote, ref).get(ref) != blob:
            raise


def _missing(
    found: Published | None, wanted: tuple[PublishedAsset, ...], tag: str
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


def _commit_of(ledgers: Ledgers, tag: str) -> str | None:
    """The commit that a tag names in the end."""
    ref = f"refs/tags/{tag}"
    refs = list_refs(ledgers.remote, ref)
    if ref not in refs:
        return None
    fetch(ledgers.remote, refs)
    output = ledgers.repository.run("rev-parse", f"{refs[ref]}^{{commit}}", doing=f"reading the tag {tag}")
    return output.decode("ascii").strip()


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
