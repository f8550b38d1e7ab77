"""Remote repositories: mirrors over HTTP."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.errors import BadInput, GitError, LockstepError
from lockstep.git import open_commit
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer
from tests.support.waiting import until


@pytest.fixture
def url(served: Work, server: GitServer) -> str:
    """A remote repository with two commits, a tag and a branch."""
    served.commit("one", syrf__a="1", other="1")
    served.git("tag", "-a", "v1", "-m", "tagged")
    served.commit("two", syrf__a="2")
    served.git("branch", "feature/x")
    served.git("push", "-q", "origin", "main", "v1", "feature/x")
    return server.url("gitops.git")


@pytest.mark.parametrize(
    ("rev", "content"),
    [
        ("main", b"2"),
        ("HEAD", b"2"),
        ("v1", b"1"),
        ("feature/x", b"2"),
        ("main~1", b"1"),
        ("refs/tags/v1", b"1"),
    ],
)
def test_a_remote_revision_is_read(url: str, cache: Path, rev: str, content: bytes) -> None:
    """Every usual name works without a clone."""
    assert open_commit(url, rev, cache).read(["syrf/a"]) == {"syrf/a": content}


def test_a_commit_id_is_read_and_then_known(url: str, served: Work, server: GitServer, cache: Path) -> None:
    """Full and short ids work, and a commit that was read once needs no network."""
    old = served.git("rev-parse", "main~1")
    assert open_commit(url, old, cache).read(["other"]) == {"other": b"1"}
    server.requests.clear()
    assert open_commit(url, old, cache).read(["other"]) == {"other": b"1"}
    assert server.requests == []
    assert (
        open_commit(url, served.git("rev-parse", "--short=8", "main"), cache).read(["syrf/a"])["syrf/a"]
        == b"2"
    )


def test_only_the_files_asked_for_are_fetched(url: str, cache: Path) -> None:
    """The mirror holds no contents until they are read, and those of all files come in one fetch."""
    tree = open_commit(url, "main", cache)
    count = ["git", "-C", str(tree.repository.folder), "rev-list", "--objects", "--missing=print", "--all"]
    missing = subprocess.run(count, capture_output=True, text=True, check=True).stdout.count("?")
    assert missing == 2
    tree.read(["syrf/a"])
    assert subprocess.run(count, capture_output=True, text=True, check=True).stdout.count("?") == 1


def test_files_come_in_one_fetch(served: Work, server: GitServer, cache: Path) -> None:
    """Many missing files cost one request for contents, not one each."""
    served.commit("many", **{f"f{number}": str(number) for number in range(50)})
    served.git("push", "-q", "origin", "main")
    tree = open_commit(server.url("gitops.git"), "main", cache)
    server.requests.clear()
    assert len(tree.read(tree.blobs)) == 50
    assert len([request for request in server.requests if request.startswith("POST")]) <= 2


def test_a_new_commit_is_seen(url: str, served: Work, cache: Path) -> None:
    """A branch is asked for each time; a forced push is followed."""
    open_commit(url, "main", cache)
    served.commit("three", syrf__a="3")
    served.git("push", "-q", "origin", "main")
    assert open_commit(url, "main", cache).read(["syrf/a"])["syrf/a"] == b"3"
    served.git("reset", "-q", "--hard", "HEAD~2")
    forced = served.commit("forced", syrf__a="4")
    served.git("push", "-qf", "origin", "main")
    tree = open_commit(url, "main", cache)
    assert (tree.commit, tree.read(["syrf/a"])["syrf/a"]) == (forced, b"4")


def test_an_unknown_revision_names_what_there_is(url: str, cache: Path) -> None:
    """The branches and tags of the host are listed."""
    with pytest.raises(BadInput, match=r"no revision stagin[\s\S]*feature/x, main, v1"):
        open_commit(url, "stagin", cache)
    with pytest.raises(BadInput, match=r"no revision 1234567"):
        open_commit(url, "1234567", cache)


def test_an_empty_remote_is_named(server: GitServer, served: Work, cache: Path) -> None:
    """A repository that nobody has pushed to says so."""
    with pytest.raises(BadInput, match="no commits yet"):
        open_commit(server.url("gitops.git"), "main", cache)


@pytest.mark.parametrize(
    "repository",
    [
        "ext::sh -c touch% /tmp/x",
        "ext::sh",
        "fd::3",
        "git://host/x",
        "-u",
        "--upload-pack=x",
        "ftp://h/x",
        "",
        "a\nb",
    ]
    + ["ssh://-oProxyCommand=x/y", "http://[x"],
)
def test_dangerous_repositories_are_refused(repository: str, cache: Path) -> None:
    """Nothing that could run a program or be an option reaches git."""
    with pytest.raises(BadInput, match="fix:"):
        open_commit(repository, "main", cache)
    assert not cache.exists()


def test_a_password_never_shows(url: str, server: GitServer, cache: Path) -> None:
    """A password in the URL works, and is in no message and no file of the mirror."""
    server.password = "hunter2"
    good = server.url("gitops.git", user="someone:hunter2")
    tree = open_commit(good, "main", cache)
    assert tree.read(["other"]) == {"other": b"1"}
    for file in cache.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes()
    assert "hunter2" not in repr(tree.repository)
    wrong = server.url("gitops.git", user="someone:wr0ng")
    with pytest.raises(GitError, match="refused the credentials") as refused:
        open_commit(wrong, "main", cache)
    assert "wr0ng" not in str(refused.value)


def test_no_credentials_is_an_error_and_no_prompt(url: str, server: GitServer, cache: Path) -> None:
    """Nobody is asked for a password."""
    server.password = "hunter2"
    with pytest.raises(GitError, match=r"refused the credentials[\s\S]*fix:"):
        open_commit(url, "main", cache)


def test_no_network_is_an_error(url: str, server: GitServer, cache: Path) -> None:
    """A host that cannot be reached or fails is named; a later run works again."""
    server.failing = 503
    with pytest.raises(GitError, match=r"cannot be reached[\s\S]*fix:"):
        open_commit(url, "main", cache)
    with pytest.raises(GitError, match=r"cannot be reached[\s\S]*127.0.0.1"):
        open_commit("http://127.0.0.1:9/x.git", "main", cache)
    server.failing = None
    assert open_commit(url, "main", cache).blobs
    with pytest.raises(BadInput, match="no such repository"):
        open_commit(server.url("nope.git"), "main", cache)


def test_a_killed_run_leaves_a_usable_cache(url: str, cache: Path) -> None:
    """Whatever a killed run leaves (half a mirror, locks, a broken mirror) the next one mends."""
    folder = open_commit(url, "main", cache).repository.folder
    half = folder.with_name(f"{folder.name}.new-123")
    half.mkdir()
    (folder / "shallow.lock").touch()
    next((folder / "refs" / "lockstep").iterdir()).with_suffix(".lock").touch()
    assert open_commit(url, "main", cache).blobs
    assert not half.exists()
    shutil.rmtree(folder / "objects")
    assert open_commit(url, "main", cache).read(["other"]) == {"other": b"1"}


def test_a_run_killed_while_fetching_holds_the_lock_until_git_ends(
    url: str, server: GitServer, cache: Path
) -> None:
    """A killed run's git keeps others out of the mirror; afterwards they go on."""
    script = "import sys; from pathlib import Path; from lockstep.git import open_commit; "
    script += "open_commit(sys.argv[1], 'main', Path(sys.argv[2]))"
    process = subprocess.Popen([sys.executable, "-c", script, url, str(cache)])
    until(lambda: server.requests)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert open_commit(url, "main", cache).read(["syrf/a"]) == {"syrf/a": b"2"}
    assert not list((cache / "repositories").glob("*.new-*"))


def _read(url: str, cache: str) -> bytes:
    return open_commit(url, "main", Path(cache)).read(["syrf/a"])["syrf/a"]


def test_runs_at_once_share_the_mirror(url: str, cache: Path) -> None:
    """Several processes that open one URL at the same time all get the files."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.starmap(_read, [(url, str(cache))] * 8) == [b"2"] * 8


def test_a_file_url_is_a_remote(work: Work, cache: Path) -> None:
    """``file://`` goes through a mirror too."""
    work.commit(a="1")
    assert open_commit(f"file://{work.folder}", "main", cache).read("a") == {"a": b"1"}


def test_a_cache_that_cannot_be_written_is_named(url: str, tmp_path: Path) -> None:
    """The folder and the setting are in the message."""
    (tmp_path / "file").touch()
    with pytest.raises(LockstepError, match=r"cache .*file.* cannot be written[\s\S]*LOCKSTEP_CACHE"):
        open_commit(url, "main", tmp_path / "file")
