"""Writing to a branch: from every kind of repository, with others who write too."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lockstep.git import Edit, open_remote, write
from lockstep.model.tree import Tree
from tests.support.git_http import GitServer
from tests.unit.git.conftest import Work


def line(text: str, path: str = "list") -> Edit:
    """An edit that adds a line to a file, as long as it is not there."""

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        before = tree.read([path])[path].decode() if path in tree.blobs else ""
        return {} if text in before.split("\n") else {path: f"{before}{text}\n".encode()}

    return edit


@pytest.mark.parametrize("kind", ["clone", "shallow", "partial", "url", "bare", "alone"])
def test_a_branch_is_written_from_every_kind_of_repository(
    shared: Work, server: GitServer, cache: Path, tmp_path: Path, kind: str
) -> None:
    """The commit is on top of the branch wherever its repository is opened from, and nothing else moves."""
    url = server.url("gitops.git")
    bare = server.root / "gitops.git"
    shared.git("clone", "-q", "--depth=1", url, str(tmp_path / "shallow"))
    shared.git("clone", "-q", "--filter=blob:none", "--no-checkout", url, str(tmp_path / "partial"))
    shared.git("clone", "-q", url, str(tmp_path / "alone"))
    shared.git("-C", str(tmp_path / "alone"), "remote", "remove", "origin")
    places = {"clone": shared.folder, "url": url, "bare": bare}
    place = places.get(kind, tmp_path / kind)
    shared.commit("not pushed", list="mine\n")
    before = shared.git("for-each-ref", "refs/heads")
    remote = open_remote(place, cache)
    written = write(remote, "main", line("added"), "Add a line")
    assert written.is_new
    target = tmp_path / "alone" if kind == "alone" else bare
    assert shared.git("-C", str(target), "log", "--format=%H %s", "main").splitlines()[0] == (
        f"{written.commit} Add a line"
    )
    assert shared.git("-C", str(target), "show", "main:list") == "first\nadded"
    assert shared.git("-C", str(target), "show", "main:other") == "1"
    assert shared.git("for-each-ref", "refs/heads") == before
    assert shared.git("status", "--porcelain") == ""
    again = write(remote, "main", line("added"), "Add a line")
    assert (again.commit, again.is_new) == (written.commit, False)
