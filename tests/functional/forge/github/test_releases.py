"""Releases on GitHub: drafts, uploads, publication, and everything that goes wrong on the way."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lockstep.errors import ArtifactError, BadInput, ForgeError
from lockstep.forge.base import ForgeRelease
from lockstep.forge.github import GitHub
from lockstep.forge.github.pace import Clock
from lockstep.forge.github.transport import Transport
from tests.functional.forge.github.conftest import NAME, TOKEN
from tests.support.github import Fault, GitHubServer, Identity, Repository
from tests.support.github.world import Asset

TAG = "s3-notifier-v0.1.6"
ZIP = b"PK" + bytes(range(256)) * 2000
UPLOAD = "POST /api/uploads/"

Publish = Callable[..., ForgeRelease]


@pytest.fixture
def commit(repository: Repository) -> str:
    """The commit that the tag names."""
    sha = repository.git.resolve("main")
    assert sha is not None
    repository.git.tag(TAG, sha)
    return sha


@pytest.fixture
def publish(forge: GitHub, commit: str, tmp_path: Path) -> Publish:
    """Release the tag with a zip and a file of facts."""
    package, facts = tmp_path / "package.zip", tmp_path / "facts.json"
    package.write_bytes(ZIP)
    facts.write_text("{}")

    def make(by: GitHub = forge, **changes: object) -> ForgeRelease:
        assets = {"s3-notifier.zip": package, "s3-notifier.json": facts}
        given = {
            "tag": TAG,
            "commit": commit,
            "title": "T",
            "body": "B",
            "assets": assets,
            "is_prerelease": False,
        }
        return by.publish(**{**given, **changes})  # type: ignore[arg-type]

    return make


def only(repository: Repository) -> object:
    """The one release that there is, with its assets whole."""
    (release,) = repository.releases.values()
    assert not release.is_draft
    assert [(each.name, each.is_whole) for each in release.assets] == [
        ("s3-notifier.json", True),
        ("s3-notifier.zip", True),
    ]
    assert release.assets[1].data == ZIP
    return release


def test_a_release_is_published_with_its_files(
    forge: GitHub, repository: Repository, publish: Publish, commit: str, server: GitHubServer
) -> None:
    """Publication comes last, and digests are GitHub's own."""
    made = publish()
    release = only(repository)
    assert (made.tag, made.commit, made.is_draft, made.published is not None) == (TAG, commit, False, True)
    assert [(asset.name, asset.size, asset.sha256) for asset in made.assets] == [
        ("s3-notifier.json", 2, hashlib.sha256(b"{}").hexdigest()),
        ("s3-notifier.zip", len(ZIP), hashlib.sha256(ZIP).hexdigest()),
    ]
    assert made == forge.release(TAG)
    writes = [seen.method for seen in server.seen if seen.method != "GET" and "graphql" not in seen.path]
    assert writes == ["POST", "POST", "POST", "PATCH"]
    assert (release.name, release.body, release.make_latest) == ("T", "B", "false")  # type: ignore[attr-defined]
    upload = server.requests(UPLOAD)[1]
    assert upload.headers["content-length"] == str(len(ZIP))
    assert upload.headers["content-type"] == "application/zip"


def test_releasing_again_changes_nothing(
    repository: Repository, publish: Publish, server: GitHubServer
) -> None:
    """What is published with the same files is returned."""
    first = publish()
    count = len(server.seen)
    assert publish() == first
    assert {seen.method for seen in server.seen[count:]} == {"GET"}


def test_immutable_releases_work(repository: Repository, publish: Publish) -> None:
    """All files are there before publication, so nothing has to be added later."""
    repository.is_immutable = True
    assert publish() == publish()
    only(repository)


def test_a_prerelease_is_one(repository: Repository, publish: Publish) -> None:
    """The flag stays through publication."""
    publish(is_prerelease=True)
    assert only(repository).is_prerelease is True  # type: ignore[attr-defined]


def test_an_annotated_tag_names_its_commit(repository: Repository, publish: Publish, commit: str) -> None:
    """A tag object is followed to the commit, and slashes are part of a tag."""
    repository.git.tag("shop/v2", commit, is_annotated=True)
    assert publish(tag="shop/v2").commit == commit


def test_a_tag_has_to_exist_and_name_the_commit(publish: Publish, repository: Repository) -> None:
    """Nothing is made for a tag that is missing or elsewhere."""
    with pytest.raises(ForgeError, match=r"acme/shop has no tag v9[\s\S]*git push origin v9"):
        publish(tag="v9")
    with pytest.raises(ForgeError, match=rf"tag {TAG} names commit [0-9a-f]{{12}}, not 0123456789ab"):
        publish(commit="0123456789ab" + "0" * 28)
    assert repository.releases == {}


def test_there_may_be_no_release(forge: GitHub, repository: Repository) -> None:
    """None for a tag without one; a draft is found by its tag."""
    assert forge.release("v1") is None
    repository.add_release("v1", {"a.zip": b"x"}, is_draft=True)
    found = forge.release("v1")
    assert found is not None
    assert (found.is_draft, found.commit, [asset.name for asset in found.assets]) == (True, None, ["a.zip"])


@pytest.mark.parametrize("status", [502, 0], ids=["502", "cut"])
@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not-done"])
@pytest.mark.parametrize(
    "match", ["POST .*/releases$", UPLOAD, "PATCH .*/releases/", "GET .*/assets", "POST .*graphql"]
)
def test_a_failure_halfway_is_mended(
    repository: Repository, publish: Publish, server: GitHubServer, match: str, is_done: bool, status: int
) -> None:
    """A lost answer or a cut connection at any step still ends with one whole release."""
    server.faults = [Fault(match=match, is_done=is_done, status=status)]
    publish()
    only(repository)
    assert server.faults[0].times == 0


def test_half_an_upload_is_replaced(repository: Repository, publish: Publish, server: GitHubServer) -> None:
    """GitHub keeps half a file in state starter: it is deleted and sent again, twice if need be."""
    server.faults = [Fault(match=UPLOAD, status=0, times=2)]
    publish()
    only(repository)
    assert len(server.requests("DELETE .*/releases/assets/")) == 2


def test_an_upload_that_never_arrives(repository: Repository, publish: Publish, server: GitHubServer) -> None:
    """After some attempts it stays a draft; the next run finishes it."""
    server.faults = [Fault(match=UPLOAD, status=0, times=4)]
    with pytest.raises(ArtifactError, match=r"uploading s3-notifier.json: GitHub did not get the whole file"):
        publish()
    assert [release.is_draft for release in repository.releases.values()] == [True]
    publish()
    only(repository)


def test_a_run_that_died_is_finished(repository: Repository, publish: Publish, server: GitHubServer) -> None:
    """Its draft is taken up; its half of a file is replaced, after giving it time to end."""
    draft = repository.add_release(TAG, {"s3-notifier.json": b"{}"}, is_draft=True)
    draft.assets.append(Asset(id=7, name="s3-notifier.zip", data=ZIP[:10], is_whole=False))
    publish()
    assert only(repository) is draft
    assert len(server.requests(UPLOAD)) == 1


def test_somebody_elses_upload_is_waited_for(
    repository: Repository, publish: Publish, server: GitHubServer
) -> None:
    """An asset that becomes whole meanwhile is neither deleted nor sent again."""
    draft = repository.add_release(TAG, {"s3-notifier.json": b"{}"}, is_draft=True)
    other = Asset(id=7, name="s3-notifier.zip", data=ZIP, is_whole=False)
    draft.assets.append(other)
    looks = Fault(match=rf"GET .*/releases/{draft.id}/assets", is_done=True, status=503, times=1)
    looks.after = lambda: setattr(other, "is_whole", True)
    server.faults = [Fault(match=rf"GET .*/releases/{draft.id}/assets", is_done=True, times=0), looks]
    publish()
    assert (server.requests(UPLOAD), server.requests("DELETE")) == ([], [])


def test_other_content_is_an_error(repository: Repository, publish: Publish) -> None:
    """A file of the same name with other bytes is never replaced in a release."""
    release = repository.add_release(TAG, {"s3-notifier.zip": b"other"})
    with pytest.raises(ArtifactError, match=r"has a s3-notifier.zip with other content[\s\S]*new version"):
        publish()
    assert release.assets[0].data == b"other"


def test_a_persons_draft_with_other_content_is_left(repository: Repository, publish: Publish) -> None:
    """It has no mark: another release is made beside it."""
    draft = repository.add_release(TAG, {"s3-notifier.zip": b"other"}, is_draft=True)
    publish()
    assert repository.releases.pop(draft.id) is draft
    assert draft.assets[0].data == b"other"
    only(repository)


@pytest.mark.parametrize("left", [("s3-notifier.json",), ("s3-notifier.json", "s3-notifier.zip")])
def test_a_draft_of_another_build_is_replaced(
    repository: Repository, publish: Publish, server: GitHubServer, left: tuple[str, ...], tmp_path: Path
) -> None:
    """What a run that died has left is deleted once the release is published with the files of one run."""
    other = tmp_path / "other"
    other.write_bytes(b"of another run")
    server.faults = [Fault(match="PATCH .*/releases/", status=400, message="died")]
    with pytest.raises(ForgeError, match="died"):
        publish(assets=dict.fromkeys(left, other))
    (draft,) = repository.releases.values()
    assert draft.body.startswith("<!-- lockstep:draft:")
    publish()
    assert only(repository) is not draft
    assert only(repository).body == "B"  # type: ignore[attr-defined]


def test_builds_that_differ_make_one_release(
    repository: Repository, publish: Publish, server: GitHubServer, tmp_path: Path
) -> None:
    """Runs at once whose files differ: one is published with its own files, the others are told."""
    fast = Clock(sleep=lambda seconds: time.sleep(seconds / 500))

    def run(number: int) -> str:
        files = {name: tmp_path / f"{number}-{name}" for name in ("s3-notifier.json", "s3-notifier.zip")}
        for path in files.values():
            path.write_text(f"of run {number}")
        forge = GitHub(repository=NAME, token=TOKEN, api=server.api, transport=Transport(clock=fast))
        try:
            publish(forge, assets=files)
        except ArtifactError:
            return "told"
        return f"of run {number}"

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(run, range(4)))
    (release,) = repository.releases.values()
    assert not release.is_draft
    (content,) = {asset.data.decode() for asset in release.assets}
    assert sorted(ends) == sorted([content, "told", "told", "told"])


def test_without_digests_sizes_are_compared(repository: Repository, publish: Publish) -> None:
    """Older servers tell no digest: it stays unknown, and another size is still an error."""
    repository.tells_digests = False
    assert [asset.sha256 for asset in publish().assets] == [None, None]
    publish()
    (release,) = repository.releases.values()
    release.assets[1].data = b"short"
    with pytest.raises(ArtifactError, match="5 bytes, not 512002 bytes"):
        publish()


def test_a_release_that_was_published_too_early_is_filled(repository: Repository, publish: Publish) -> None:
    """Missing files are added, unless the release is immutable."""
    release = repository.add_release(TAG, {"s3-notifier.json": b"{}"})
    publish()
    assert only(repository) is release
    release.assets.pop()
    release.is_immutable = True
    with pytest.raises(ArtifactError, match=r"published without s3-notifier.zip and immutable"):
        publish()


def test_a_draft_that_is_deleted_meanwhile_is_made_again(
    repository: Repository, publish: Publish, server: GitHubServer
) -> None:
    """Deleted before an upload or before publication: the release is made anew."""
    for match in (UPLOAD, "PATCH .*/releases/"):
        repository.releases.clear()
        server.faults = [Fault(match=match, after=repository.releases.clear)]
        publish()
        only(repository)


def test_another_run_publishes_first(repository: Repository, publish: Publish, server: GitHubServer) -> None:
    """Its release is used when it holds the same, and no draft remains."""
    files = {"s3-notifier.json": b"{}", "s3-notifier.zip": ZIP}
    server.faults = [
        Fault(match="POST .*/releases$", after=lambda: repository.add_release(TAG, files), status=503)
    ]
    publish()
    only(repository)


@pytest.mark.parametrize("is_whole", [True, False])
def test_the_older_draft_is_kept(
    repository: Repository, publish: Publish, server: GitHubServer, is_whole: bool
) -> None:
    """Who finds an older draft right after making one uses the older one and deletes the own."""

    def meanwhile() -> None:
        files = {"s3-notifier.json": b"{}", "s3-notifier.zip": ZIP}
        older = repository.add_release(TAG, files if is_whole else {}, is_draft=True)
        del repository.releases[older.id]
        older.id = 0
        repository.releases[0] = older

    server.faults = [Fault(match="POST .*/releases$", status=None, after=meanwhile)]
    publish()
    only(repository)
    assert list(repository.releases) == [0]
    assert len(server.requests(UPLOAD)) == (0 if is_whole else 2)


def test_of_several_drafts_the_whole_one_is_published(
    repository: Repository, publish: Publish, server: GitHubServer
) -> None:
    """An older draft without files is left to whoever made it."""
    repository.add_release(TAG, {}, is_draft=True)
    whole = repository.add_release(TAG, {"s3-notifier.json": b"{}", "s3-notifier.zip": ZIP}, is_draft=True)
    publish()
    assert [release.id for release in repository.releases.values() if not release.is_draft] == [whole.id]
    assert server.requests(UPLOAD) == []


def test_several_at_once_make_one_release(
    repository: Repository, publish: Publish, server: GitHubServer
) -> None:
    """Runs that know nothing of each other end with one release, whole, and no draft."""
    fast = Clock(sleep=lambda seconds: time.sleep(seconds / 500))
    forges = [
        GitHub(repository=NAME, token=TOKEN, api=server.api, transport=Transport(clock=fast))
        for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(publish, forges))
    assert {release.url for release in made} == {made[0].url}
    only(repository)


def test_names_and_sizes_that_github_would_not_take(publish: Publish, tmp_path: Path) -> None:
    """Found before anything is made."""
    with pytest.raises(BadInput, match=r"'a b\.zip' cannot be the name"):
        publish(assets={"a b.zip": tmp_path / "package.zip"})
    (tmp_path / "empty").touch()
    with pytest.raises(BadInput, match="has 0 bytes"):
        publish(assets={"empty": tmp_path / "empty"})


def test_a_token_that_may_not_release(
    connect: Callable[..., GitHub], publish: Publish, server: GitHubServer
) -> None:
    """The permission is named in the words of who gives it."""
    server.world.identities["github_pat_x"] = Identity(login="ada", permissions={"contents": "read"})
    with pytest.raises(
        ForgeError, match="give the token the repository permission contents: write for acme/shop"
    ):
        publish(connect("github_pat_x"))


def test_many_releases_and_assets_are_looked_through(
    forge: GitHub, repository: Repository, publish: Publish, tmp_path: Path
) -> None:
    """A draft behind a hundred others is found, and so is an asset behind a hundred others."""
    repository.add_release(TAG, {f"{n}.txt": b"x" for n in range(120)}, is_draft=True)
    for number in range(120):
        repository.add_release(f"v{number}", {}, is_draft=True)
    assert len(publish().assets) == 122
