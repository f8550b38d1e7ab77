"""Releases, their assets, and tags."""

import re
from typing import Any

from tests.support.github.rest import Reply, Request, fail, page
from tests.support.github.world import Asset, Release

__all__ = ["answer", "begin_upload", "end_upload"]

_TAKEN = {"resource": "Release", "code": "already_exists", "field": "tag_name"}


def answer(request: Request) -> Reply | None:
    """Answer a request about releases or tags; None for others."""
    repository, shapes = request.repository, request.shapes
    releases = repository.releases
    may_write = request.identity.may("contents", "write")
    match request.method, request.parts:
        case "GET", ("releases",):
            shown = sorted(releases.values(), key=lambda release: -release.id)
            return page(
                request,
                [shapes.release(repository, each) for each in shown if may_write or not each.is_draft],
            )
        case "POST", ("releases",):
            return _create(request)
        case "GET", ("releases", "tags", tag):
            for release in releases.values():
                if release.tag == tag and not release.is_draft:
                    return Reply(value=shapes.release(repository, release))
            return fail(404, "Not Found")
        case _, ("releases", "assets", number):
            return _asset(request, int(number))
        case _, ("releases", number, *rest) if number.isdecimal():
            found = releases.get(int(number))
            if found is None or (found.is_draft and not may_write):
                return fail(404, "Not Found")
            return _release(request, found, tuple(rest))
        case "GET", ("git", "ref", "tags", *tag):
            there = repository.git.object_of(f"refs/tags/{'/'.join(tag)}")
            return fail(404, "Not Found") if there is None else Reply(value=_ref("/".join(tag), *there))
        case "DELETE", ("git", "refs", "tags", *tag):
            if not may_write:
                return fail(403, "Resource not accessible by integration")
            if repository.git.object_of(f"refs/tags/{'/'.join(tag)}") is None:
                return fail(422, "Reference does not exist")
            if any(each.tag == "/".join(tag) and each.is_immutable for each in releases.values()):
                return fail(422, "Cannot delete the tag of an immutable release")
            repository.git.git("update-ref", "-d", f"refs/tags/{'/'.join(tag)}")
            for release in releases.values():
                release.is_draft |= release.tag == "/".join(tag)
            return Reply(status=204)
        case "GET", ("git", "matching-refs", "tags", *tag):
            listing = repository.git.git("for-each-ref", "--format=%(refname:strip=2)", "refs/tags")
            names = [name for name in listing.split() if name.startswith("/".join(tag))]
            found = [(name, repository.git.object_of(f"refs/tags/{name}")) for name in names]
            return Reply(value=[_ref(name, *there) for name, there in found if there is not None])
        case "GET", ("git", "tags", sha):
            lines = repository.git.git("cat-file", "tag", sha).splitlines()
            target = {"type": lines[1].partition(" ")[2], "sha": lines[0].partition(" ")[2]}
            return Reply(value={"sha": sha, "tag": lines[2].partition(" ")[2], "object": target})
    return None


def begin_upload(request: Request, number: int) -> Reply | tuple[Release, Asset]:
    """What an upload does before its bytes arrive: a refusal, or an asset in state ``starter``."""
    release = request.repository.releases.get(number)
    name = request.query.get("name", "")
    if release is None:
        return fail(404, "Not Found")
    if release.is_immutable:
        return fail(422, "Cannot upload assets to an immutable release.")
    if any(asset.name == name for asset in release.assets):
        error = {"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}
        return fail(422, "Validation Failed", error)
    renamed = re.sub(r"[^\w.+-]", ".", name, flags=re.ASCII)
    asset = Asset(id=next(request.repository.counter), name=renamed, data=b"", is_whole=False)
    release.assets.append(asset)
    return release, asset


def end_upload(request: Request, release: Release, asset: Asset, data: bytes) -> Reply:
    """All bytes are here."""
    if release.id not in request.repository.releases or asset not in release.assets:
        return fail(404, "Not Found")
    asset.data, asset.is_whole = data, True
    return Reply(status=201, value=request.shapes.asset(request.repository, asset))


def _create(request: Request) -> Reply:
    repository, sent = request.repository, request.body
    is_draft = sent.get("draft", False)
    if not is_draft and _is_taken(request, sent["tag_name"]):
        return fail(422, "Validation Failed", _TAKEN)
    release = repository.add_release(sent["tag_name"], {}, is_draft=is_draft)
    release.author = request.identity.login
    release.name, release.body = sent.get("name", ""), sent.get("body", "")
    release.is_prerelease = sent.get("prerelease", False)
    return Reply(status=201, value=request.shapes.release(repository, release))


def _release(request: Request, release: Release, rest: tuple[str, ...]) -> Reply:
    repository, sent, shapes = request.repository, request.body, request.shapes
    match request.method, rest:
        case "GET", ():
            return Reply(value=shapes.release(repository, release))
        case "DELETE", ():
            del repository.releases[release.id]
            return Reply(status=204)
        case "GET", ("assets",):
            return page(request, [shapes.asset(repository, asset) for asset in release.assets])
        case "PATCH", ():
            tag = sent.get("tag_name", release.tag)
            if release.is_draft and sent.get("draft") is False:
                if _is_taken(request, tag):
                    return fail(422, "Validation Failed", _TAKEN)
                release.is_immutable = repository.is_immutable
            release.tag, release.name = tag, sent.get("name", release.name)
            release.body = sent.get("body", release.body)
            release.is_draft = sent.get("draft", release.is_draft)
            release.is_prerelease = sent.get("prerelease", release.is_prerelease)
            release.make_latest = sent.get("make_latest", release.make_latest)
            return Reply(value=shapes.release(repository, release))
    return fail(404, "Not Found")


def _asset(request: Request, number: int) -> Reply:
    for release in request.repository.releases.values():
        for asset in release.assets:
            if asset.id == number and request.method == "DELETE":
                release.assets.remove(asset)
                return Reply(status=204)
            if asset.id == number:
                return Reply(value=request.shapes.asset(request.repository, asset))
    return fail(404, "Not Found")


def _is_taken(request: Request, tag: str) -> bool:
    releases = request.repository.releases.values()
    return any(each.tag == tag and not each.is_draft for each in releases)


def _ref(tag: str, kind: str, sha: str) -> dict[str, Any]:
    return {"ref": f"refs/tags/{tag}", "object": {"type": kind, "sha": sha}}
