"""Repositories and hosts that were made to harm: nothing is written elsewhere, no token is sent elsewhere."""

import subprocess
from pathlib import Path

import pytest

from lockstep.engines.terraform.base import Source
from lockstep.engines.terraform.files import read_files
from lockstep.engines.terraform.workdir import Workdir
from lockstep.errors import BadInput, GitError
from lockstep.git import Access, open_commit, open_remote, write
from lockstep.git.command import Repository, run_git
from lockstep.git.export import export_commit
from tests.functional.git.conftest import Work, _own_configuration, cache, served, server, shared, work
from tests.support.git_http import GitServer, git_server

__all__ = ["_own_configuration", "cache", "served", "server", "shared", "work"]

TOKEN = "ghs_t0psecret"
FILE, FOLDER = "100644", "40000"
# Names of one folder in another: the last of them holds a file.
AWAY = [
    ("..", "evil.tf"),
    ("terraform", "..", "..", "..", "evil.tf"),
    ("terraform", "..", "evil.tf"),
    ("terraform", ".", "evil.tf"),
    ("terraform", ".git", "config"),
    ("terraform", ".GIT", "config"),
    ("../evil.tf",),
    ("terraform/../../../evil.tf",),
    ("/evil.tf",),
    ("terraform", "/tmp/evil.tf"),
    ("..",),
    (".git",),
]


def hostile(work: Work, names: tuple[str, ...]) -> str:
    """A commit of a good Terraform module, and of a file under names that git itself would not write."""

    def store(kind: str, data: bytes) -> bytes:
        command = ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"]
        done = subprocess.run(command, cwd=work.folder, input=data, capture_output=True, check=True)
        return bytes.fromhex(done.stdout.decode())

    def tree(*entries: tuple[str, str, bytes]) -> bytes:
        rows = (f"{mode} {name}".encode() + b"\0" + id_ for mode, name, id_ in entries)
        return store("tree", b"".join(rows))

    good = (FILE, "main.tf", store("blob", b"locals {}\n"))
    *folders, name = names
    made, mode = store("blob", b"evil\n"), FILE
    while folders:
        last = folders.pop()
        there = [good] if last == "terraform" and not folders else []
        made, mode, name = tree(*there, (mode, name, made)), FOLDER, last
    beside = [] if name == "terraform" else [(FOLDER, "terraform", tree(good))]
    top = tree((mode, name, made), *beside).hex()
    commit = work.git("commit-tree", "-m", "hostile", top)
    work.git("update-ref", "refs/heads/main", commit)
    return commit


def unfold(work: Work, commit: str, cache: Path) -> None:
    """Write the Terraform module of a commit into the cache, as the engine does."""
    source = Source(tree=open_commit(str(work.folder), commit, cache), folder="terraform", name="")
    Workdir(cache, read_files(source, "here"), "x").write()


def push_a_change(place: str | Path, cache: Path, access: Access) -> None:
    """Read and write a repository with a token."""
    write(open_remote(place, cache, access=access), "main", lambda _: {"list": b"x\n"}, "a change")


@pytest.mark.parametrize("names", AWAY, ids="|".join)
def test_a_tree_that_leads_elsewhere_is_not_read(
    work: Work, cache: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Not from a folder, whoever would write it to disk: an engine, a build."""
    commit = hostile(work, names)
    before = {*tmp_path.rglob("*")}
    with pytest.raises(BadInput, match=r"no path below its root[\s\S]*fix: "):
        unfold(work, commit, cache)
    into = tmp_path / "a" / "b"
    into.mkdir(parents=True)
    with pytest.raises(BadInput, match="no path below its root"):
        export_commit(Repository(folder=work.folder), commit, into)
    assert {*tmp_path.rglob("*")} - before <= {into, into.parent}


@pytest.mark.parametrize("names", AWAY, ids="|".join)
def test_a_tree_that_leads_elsewhere_is_not_fetched(
    served: Work, server: GitServer, cache: Path, names: tuple[str, ...]
) -> None:
    """From a host it does not even come into the cache."""
    commit = hostile(served, names)
    served.git("push", "-q", "origin", f"{commit}:refs/heads/main")
    with pytest.raises(GitError, match=r"not as it should be[\s\S]*fix: "):
        open_commit(server.url("gitops.git"), "main", cache)
    assert not [*cache.rglob("*.pack")]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", ["clone", "url"])
def test_no_redirect_takes_a_token_along(
    shared: Work, server: GitServer, cache: Path, status: int, kind: str
) -> None:
    """The other host is not even asked, and the message says what to do."""
    place = shared.folder if kind == "clone" else server.url("gitops.git")
    with git_server(server.root) as other:
        server.failing, server.elsewhere = status, f"http://127.0.0.1:{other.server_port}"
        access = Access(base=f"http://127.0.0.1:{server.server_port}", token=TOKEN)
        with pytest.raises(BadInput, match=r"sends this URL elsewhere[\s\S]*fix: ") as refused:
            push_a_change(place, cache, access)
        assert server.given
        assert (other.given, other.requests) == ([], [])
        assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("place", ["http", "http.https://host.example/"])
def test_nothing_configured_brings_redirects_back(work: Work, place: str) -> None:
    """Where git would go from https to http, or to another host, it goes nowhere."""
    work.git("config", "--global", f"{place}.followRedirects", "true")
    found = run_git(
        (
            "-C",
            str(work.folder),
            "config",
            "--get-urlmatch",
            "http.followRedirects",
            "https://host.example/x",
        ),
        doing="reading the configuration",
        configuration=Access(base="https://host.example", token=TOKEN).configuration,
    )
    assert found == b"false\n"
