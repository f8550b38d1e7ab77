"""What is kept of an opened repository, and what never is."""

import shutil
import subprocess
from pathlib import Path

from lockstep.git.remote import default_branch, fetch, list_heads, list_refs, open_remote
from lockstep.git.repository import common_folder, find_repository, is_bare, is_shallow, resolve_commit
from lockstep.git.settings import remotes, settings
from tests.functional.git.conftest import Work
from tests.support.git_calls import counted
from tests.support.git_http import GitServer


def test_a_name_is_looked_up_each_time_and_a_commit_once(work: Work, tmp_path: Path) -> None:
    """Where a branch is may change at any time; a commit that was seen stays one."""
    first = work.commit("one", a="1")
    repository = find_repository(work.folder)
    assert resolve_commit(repository, "HEAD") == first
    second = work.commit("two", a="2")
    assert resolve_commit(repository, "HEAD") == second
    with counted(tmp_path) as calls:
        assert resolve_commit(repository, first) == first
        assert resolve_commit(repository, second) == second
    assert calls.processes == 0


def test_a_tag_is_not_taken_for_the_commit_that_it_names(work: Work) -> None:
    """The id of a tag's object names its commit, also the second time."""
    commit = work.commit("one", a="1")
    work.git("tag", "-a", "-m", "a tag", "v1")
    repository, tag = find_repository(work.folder), work.git("rev-parse", "v1")
    assert [resolve_commit(repository, tag) for _ in range(2)] == [commit, commit]


def test_objects_that_are_here_are_looked_for_once(shared: Work, cache: Path, tmp_path: Path) -> None:
    """Until their mirror is made anew, which may hold less: then they are fetched again."""
    shared.commit("two", list="2")
    shared.git("push", "-q", "origin", "HEAD:refs/heads/next")
    remote = open_remote(shared.git("remote", "get-url", "origin"), cache)
    main, later = ({ref: id_} for ref, id_ in list_refs(remote, "refs/heads/").items())
    fetch(remote, later)
    with counted(tmp_path) as calls:
        fetch(remote, later)
    assert calls.processes == 0
    shutil.rmtree(remote.repository.folder / "objects")
    fetch(remote, main)
    with counted(tmp_path) as calls:
        fetch(remote, later)
    assert calls.asked == 1


def test_a_clone_that_gets_its_history_is_not_shallow_any_more(shared: Work, tmp_path: Path) -> None:
    """That may change at any time, so the repository is asked; also in a work tree beside the clone."""
    shared.commit("two", list="2")
    shared.git("push", "-q", "origin", "main")
    folder, url = tmp_path / "clone", shared.git("remote", "get-url", "origin")
    subprocess.run(["git", "clone", "-q", "--depth=1", url, str(folder)], check=True)
    clone = Work(folder)
    clone.git("worktree", "add", "-q", str(tmp_path / "beside"))
    places = [find_repository(folder), find_repository(tmp_path / "beside")]
    assert [is_shallow(place) for place in places] == [True, True]
    assert {common_folder(place).resolve() for place in places} == {(folder / ".git").resolve()}
    clone.git("fetch", "-q", "--unshallow")
    assert [is_shallow(place) for place in places] == [False, False]


def test_remotes_are_those_that_git_lists(work: Work) -> None:
    """By their names as they are written, whatever dots and slashes they hold."""
    for name in ("up.stream", "a/b", "Origin"):
        work.git("remote", "add", name, f"https://example.org/{name}.git")
    work.git("config", "remote.pushDefault", "a/b")
    work.git("config", "remote.only-a-setting.tagOpt", "--no-tags")
    repository = find_repository(work.folder)
    assert remotes(repository) == work.git("remote").split()
    assert settings(repository)["remote.only-a-setting.tagopt"] == "--no-tags"
    assert not is_bare(repository)


def test_the_default_branch_and_all_others_are_one_request(
    shared: Work, server: GitServer, cache: Path
) -> None:
    """A branch called HEAD, and one below another name that ends so, are taken for no default."""
    for name in ("HEAD", "other/HEAD", "next"):
        shared.git("push", "-q", "origin", f"main:refs/heads/{name}")
    remote = open_remote(server.url("gitops.git"), cache)
    server.requests.clear()
    branch, heads = list_heads(remote)
    assert len([one for one in server.requests if "info/refs" in one]) == 1
    assert branch == default_branch(remote) == "main"
    assert heads == list_refs(remote, "refs/heads/")
    assert set(heads) == {f"refs/heads/{name}" for name in ("main", "HEAD", "other/HEAD", "next")}
