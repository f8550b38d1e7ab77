"""What can be wrong with a release: each is told with the way out, and what can be finished is finished."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from lockstep.errors import ArtifactError, ForgeError
from tests.functional.release.conftest import TOKEN, Mono
from tests.support.github import Fault, Identity
from tests.support.waiting import until
from tests.support.watching import Telling

UPLOAD = "POST /api/uploads/"


def _dirty(mono: Mono) -> tuple[str, ...]:
    mono.work.write("src/api/new", "not committed")
    return ("api",)


def _dirty_settings(mono: Mono) -> tuple[str, ...]:
    with (mono.work.folder / "lockstep.yaml").open("a") as file:
        file.write("# changed\n")
    return ("web",)


def _not_pushed(mono: Mono) -> tuple[str, ...]:
    mono.work.commit("local only", src__api__x="1")
    return ("api",)


def _taken(mono: Mono) -> tuple[str, ...]:
    mono.work.git("push", "-q", "origin", "HEAD:refs/tags/api-v1.0.0")
    mono.commit("next", src__api__x="1")
    return ("api", "--version", "1.0.0")


def _taken_elsewhere(mono: Mono) -> tuple[str, ...]:
    mono.work.git("tag", "api-v1.0.0")
    mono.work.git("push", "-q", "origin", "api-v1.0.0")
    mono.commit("one", src__api__x="1")
    mono.work.git("push", "-q", "origin", "HEAD:refs/tags/api-v1.0.1")
    mono.commit("two", src__api__x="2")
    return ("api",)


def _no_service(mono: Mono) -> tuple[str, ...]:
    return ()


def _unknown(mono: Mono) -> tuple[str, ...]:
    return ("web", "apj")


def _two_versions(mono: Mono) -> tuple[str, ...]:
    return ("api", "--version", "1.0.0", "--pr", "3")


def _build_metadata(mono: Mono) -> tuple[str, ...]:
    return ("api", "--version", "v1.0.0")


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (_dirty, "src/api/new is not as in the commit"),
        (_dirty_settings, "lockstep.yaml is not as in the commit"),
        (_not_pushed, "is on no branch of origin\n  fix: push its branch first"),
        (_taken, "the version 1.0.0 is taken: the tag api-v1.0.0 is on"),
        (_taken_elsewhere, "origin has the tag api-v1.0.1 on the commit"),
        (_no_service, "no service is named"),
        (_unknown, "services names no 'apj'\n  fix: did you mean api?"),
        (_two_versions, "--version and --pr each say what the version is"),
        (_build_metadata, "'v1.0.0' is no semantic version"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_nothing_is_made_of_bad_input(
    local: Mono, prepare: Callable[[Mono], tuple[str, ...]], says: str
) -> None:
    """Exit code 3; no build, no tag, no release."""
    words = prepare(local)
    before = local.tags()
    local.run("release", *words, code=3)
    assert says in local.err
    assert "fix:" in local.err
    assert local.tags() == before
    assert local.work.git("ls-remote", "origin", "refs/lockstep/releases/*") == ""


def test_two_commits_are_named(local: Mono) -> None:
    """A tag on another commit: the message has both."""
    words = _taken_elsewhere(local)
    local.run("release", *words, code=3)
    assert local.tags()["api-v1.0.1"][:12] in local.err
    assert local.work.git("rev-parse", "HEAD")[:12] in local.err


def test_clones_that_lack_something(local: Mono) -> None:
    """Shallow, or made without tags while the remote has some: named, with the command that mends it."""
    local.run("release", "api")
    local.commit("fix: more", src__api__x="1")
    shallow = local.clone(local.cache.parent / "shallow", "--depth=1")
    shallow.run("release", "api", code=3)
    assert "git fetch --unshallow --tags" in shallow.err
    bare = local.clone(local.cache.parent / "no-tags", "--no-tags")
    bare.run("release", "api", code=3)
    assert "this clone lacks tags of api that its remote has: api-v0.1.0" in bare.err
    (told,) = shallow.release("api", "--version", "0.2.0")
    assert told["isNew"]
    assert "Some commits are not listed" in local.body("api-v0.2.0") or "first" in local.body("api-v0.2.0")


def test_a_detached_head_and_a_revision(local: Mono) -> None:
    """A commit is released whatever is checked out, and whatever lies on disk when --rev names it."""
    commit = local.work.git("rev-parse", "HEAD")
    local.commit("fix: later", src__api__x="1")
    local.work.git("checkout", "-q", "--detach", commit)
    assert local.release("api")[0]["commit"] == commit
    local.work.git("checkout", "-q", "main")
    local.work.write("src/api/app", "not committed")
    assert local.release("api", "--rev", "HEAD")[0]["commit"] == local.work.git("rev-parse", "HEAD")
    assert local.work.git("status", "--porcelain") == "M src/api/app"


def test_a_build_that_fails_leaves_nothing(mono: Mono) -> None:
    """The builder's error is told; there is no tag and no draft."""
    mono.run("release", "broken", code=1)
    assert "exit 7" in mono.err
    assert mono.tags() == {}
    assert mono.repository is None or not mono.repository.releases


def test_a_tag_that_may_not_be_pushed(mono: Mono) -> None:
    """Protected tags: what the host said, and where its rules are."""
    mono.hook("update", 'case "$1" in refs/tags/*) echo "tags are protected" >&2; exit 1;; esac')
    mono.run("release", "api", code=1)
    assert "the tag api-v0.1.0 may not be created" in mono.err
    assert "tags are protected" in mono.err
    assert "Rulesets" in mono.err
    assert mono.tags() == {}


def test_a_repository_without_a_remote(local: Mono) -> None:
    """It is its own forge; only a commit on a branch is released."""
    local.work.git("remote", "remove", "origin")
    local.work.git("checkout", "-q", "--detach")
    commit = local.work.commit("fix: x", src__api__x="1")
    local.run("release", "api", code=3)
    assert "is on no branch of the repository\n  fix: put it on a branch first" in local.err
    local.work.git("branch", "-q", "-f", "main")
    (told,) = local.release("api")
    assert (told["commit"], local.work.git("rev-parse", "api-v0.1.0")) == (commit, commit)
    assert local.release("api") == [{**told, "isNew": False}]


@pytest.mark.parametrize(
    ("identity", "says"),
    [
        (Identity(scopes=("read:user",)), "the token lacks the scope repo (it has: read:user)"),
        (Identity(permissions={"contents": "read"}), "the token may not do this in acme/mono"),
        (Identity(needs_sso=True), "not authorised for the organisation"),
    ],
    ids=["scope", "permission", "sso"],
)
def test_a_token_that_may_not_release(github: Mono, identity: Identity, says: str) -> None:
    """What it lacks is named, and that running again finishes what the tag began."""
    assert github.server is not None
    github.server.world.identities[TOKEN] = identity
    github.run("release", "api", code=1)
    assert says in github.err
    github.server.world.identities[TOKEN] = Identity()
    assert github.release("api")[0]["isNew"]
    github.published("api-v0.1.0")


TROUBLE: Mapping[str, Fault] = {
    "limited": Fault(match="POST .*/releases$", status=429, headers={"Retry-After": "30"}),
    "secondary": Fault(
        match=UPLOAD, status=403, headers={"Retry-After": "60"}, message="secondary rate limit", times=2
    ),
    "down": Fault(match="PATCH .*/releases/", status=502, times=2),
    "down after it was done": Fault(match="PATCH .*/releases/", status=500, is_done=True),
    "cut": Fault(match=UPLOAD, status=0, times=2),
    "draft lost": Fault(match="POST .*/releases$", status=0, is_done=True),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_on_the_way_is_gone_through(github: Mono, name: str) -> None:
    """Limits are waited for, what failed is done again, and one whole release is there in the end."""
    assert github.server is not None
    github.server.faults = [fault := replace(TROUBLE[name])]
    made = github.direct("api")
    assert fault.times == 0
    assert made.is_new
    assert len(github.published("api-v0.1.0").assets) == 3
    github.files("api-v0.1.0")


def test_trouble_that_does_not_end(github: Mono) -> None:
    """The run gives up and says that the next one finishes; it does."""
    assert github.server is not None
    for fault, error in (
        (Fault(match="POST .*/releases$", status=503, times=20), ForgeError),
        (Fault(match=UPLOAD, status=0, times=4), ArtifactError),
        (Fault(match="PATCH .*/releases/", status=500, times=20), ForgeError),
    ):
        notes: list[str] = []
        github.server.faults = [fault]
        with pytest.raises(error, match="fix:"):
            github.direct("api", watcher=Telling(note=notes.append))
        assert notes[-1] == ("api-v0.1.0 is tagged, but not released yet: the same command again finishes it")
        github.server.faults = []
    assert github.direct("api").is_new
    github.published("api-v0.1.0")


def test_a_release_that_is_deleted_while_it_is_made(github: Mono) -> None:
    """It is made anew; deleted afterwards, the next run makes it again from the tag."""
    server, repository = github.server, github.repository
    assert server is not None
    assert repository is not None
    server.faults = [Fault(match="PATCH .*/releases/", status=None, after=repository.releases.clear)]
    github.direct("api")
    github.published("api-v0.1.0")
    repository.releases.clear()
    assert github.direct("api").is_new
    github.published("api-v0.1.0")


def test_a_stop_ends_the_build_and_leaves_nothing(local: Mono) -> None:
    """Ctrl-C while it builds: no tag, no release, exit code 130."""
    started = local.cache.parent / "started"
    project = (local.work.folder / "lockstep.yaml").read_text()
    local.commit("slow", **{"lockstep.yaml": project.replace("exit 7", f"touch {started}; sleep 600")})
    process = local.start("release", "broken", "api")
    until(started.exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, local.tags()) == (130, {})
    assert "stopping: finishing the release of broken" in err
