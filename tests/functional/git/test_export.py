"""A commit as a folder of its own."""

import os
import subprocess
from pathlib import Path

import pytest

from lockstep.errors import GitError
from lockstep.git.command import Repository
from lockstep.git.export import commit_time, export_commit
from lockstep.git.repository import open_commit
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() or path.is_symlink()
    }


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "a b,export"
    folder.mkdir()
    return folder


def test_an_export_is_the_commit_and_nothing_else(work: Work, into: Path) -> None:
    """What lies on disk, staged or not, neither shows nor changes."""
    work.write("run.sh").chmod(0o755)
    first = work.commit("one", a__b="1\n", gone="2\n", **{".gitignore": "dist\n"})
    work.git("rm", "-q", "gone")
    work.write("staged", "3\n")
    work.git("add", "staged")
    work.write("a/b", "changed\n")
    work.write("dist/x")
    before = work.git("status", "--porcelain=v2", "--branch")
    exported = export_commit(Repository(folder=work.folder), first, into)
    assert _files(into) == {"a/b": b"1\n", "gone": b"2\n", ".gitignore": b"dist\n", "run.sh": b"x\n"}
    assert os.access(into / "run.sh", os.X_OK)
    assert not os.access(into / "a" / "b", os.X_OK)
    assert (exported.commit, exported.time) == (first, int(work.git("log", "-1", "--format=%ct", first)))
    assert work.git("status", "--porcelain=v2", "--branch") == before


def test_attributes_of_archives_do_not_count(work: Work, into: Path) -> None:
    """A file that git archive would leave out or write into is exported as it is committed."""
    commit = work.commit(
        "one",
        tests__a="1\n",
        version="$Format:%H$\n",
        **{".gitattributes": "tests export-ignore\nversion export-subst\n"},
    )
    export_commit(Repository(folder=work.folder), commit, into)
    assert (into / "tests" / "a").read_bytes() == b"1\n"
    assert (into / "version").read_bytes() == b"$Format:%H$\n"


def test_what_the_user_configured_changes_no_byte(work: Work, into: Path) -> None:
    """Line ends, links, sparse checkouts and attributes of the user's own."""
    (work.folder / "link").symlink_to("a/b")
    commit = work.commit("one", a__b="1\n2\n", c__d="3\n")
    attributes = work.folder.parent / "attributes"
    attributes.write_text("* text eol=crlf\n")
    work.git("config", "core.autocrlf", "true")
    work.git("config", "core.eol", "crlf")
    work.git("config", "core.symlinks", "false")
    work.git("config", "core.attributesFile", str(attributes))
    work.git("sparse-checkout", "set", "c")
    export_commit(Repository(folder=work.folder), commit, into)
    assert (into / "a" / "b").read_bytes() == b"1\n2\n"
    assert (into / "c" / "d").read_bytes() == b"3\n"
    assert str((into / "link").readlink()) == "a/b"


def test_submodules_and_pointers_are_named(work: Work, into: Path) -> None:
    """Their contents are not in the commit, so a build must know."""
    other = work.folder.parent / "other"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    subprocess.run(["git", "-C", str(other), "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    work.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "libs/other")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
    commit = work.commit("one", big__model=pointer, note="version https://git-lfs.github.com\n")
    exported = export_commit(Repository(folder=work.folder), commit, into)
    assert exported.submodules == ("libs/other",)
    assert exported.pointers == ("big/model",)
    assert not any((into / "libs" / "other").iterdir())


def test_a_commit_of_a_remote_repository_is_exported(
    served: Work, server: GitServer, cache: Path, into: Path
) -> None:
    """A mirror has no files at first; those of the commit are fetched together."""
    commit = served.commit("one", a__b="1\n", c="2\n", d="3\n", e="4\n")
    served.git("push", "-q", "origin", "HEAD:main")
    subprocess.run(
        ["git", "-C", str(server.root / "gitops.git"), "config", "uploadpack.allowFilter", "true"], check=True
    )
    tree = open_commit(server.url("gitops.git"), "main", cache)
    server.requests.clear()
    exported = export_commit(tree.repository, commit, into)
    assert _files(into) == {"a/b": b"1\n", "c": b"2\n", "d": b"3\n", "e": b"4\n"}
    assert len([request for request in server.requests if request.startswith("POST")]) <= 2
    assert exported.time == commit_time(tree.repository, commit)


def test_a_commit_that_is_not_there_is_told(work: Work, into: Path) -> None:
    """Git's own words, with what to do."""
    work.commit("one", a="1")
    with pytest.raises(GitError) as caught:
        export_commit(Repository(folder=work.folder), "0" * 40, into)
    assert "listing commit 000000000000" in str(caught.value)
