"""Moving refs of a remote: compare and swap, several at once, and what hosts refuse."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.errors import BadInput, GitError, Refused, Rejected
from lockstep.git import RefUpdate, Remote, commit_files, fetch, list_refs, open_remote, push
from lockstep.git.command import Ended
from lockstep.git.remote import _judge
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer


@pytest.fixture
def remote(served: Work, cache: Path) -> Remote:
    """The server's repository with one commit on main, seen from a clone."""
    served.commit("one", a="1\n")
    served.git("push", "-q", "origin", "main")
    return open_remote(served.folder, cache)


@pytest.fixture(params=["remote", "alone"])
def place(request: pytest.FixtureRequest, remote: Remote) -> Remote:
    """Both kinds of places: a remote, and a repository without one."""
    if request.param == "remote":
        return remote
    return Remote(repository=remote.repository, name=None)


def commit(remote: Remote, text: str, parent: str | None = None) -> str:
    """A new commit, as everybody who says the same at the same time makes it."""
    return commit_files(remote.repository, parent=parent, changes={"a": text.encode()}, message=text)


def hook(server: GitServer, name: str, script: str) -> None:
    """Let the server's repository run a hook."""
    file = server.root / "gitops.git" / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_refs_are_created_moved_and_removed(place: Remote) -> None:
    """Each step names where the ref was; a wrong step changes nothing."""
    one, two = commit(place, "one"), commit(place, "two")
    ref = "refs/lockstep/pulls/1"
    push(place, RefUpdate(ref=ref, old=None, new=one))
    assert list_refs(place, "refs/lockstep/") == {ref: one}
    push(place, RefUpdate(ref=ref, old=one, new=two))
    for wrong in (None, one):
        with pytest.raises(Rejected, match="fix: run again"):
            push(place, RefUpdate(ref=ref, old=wrong, new=commit(place, "three")))
        with pytest.raises(Rejected):
            push(place, RefUpdate(ref=ref, old=one, new=None))
    assert list_refs(place, ref) == {ref: two}
    push(place, RefUpdate(ref=ref, old=two, new=None))
    assert list_refs(place, "refs/lockstep/") == {}
    with pytest.raises(Rejected):
        push(place, RefUpdate(ref=ref, old=two, new=None))
    with pytest.raises(Rejected):
        push(place, RefUpdate(ref=ref, old=two, new=one))


def test_refs_are_found_by_name_and_by_prefix(place: Remote) -> None:
    """A pattern is a whole name, or a prefix that ends in a slash; tags are listed too."""
    made = commit(place, "one")
    names = [
        "refs/heads/x",
        "refs/heads/x-y",
        "refs/heads/z/refs/heads/x",
        "refs/tags/v1",
        "refs/lockstep/a/b",
    ]
    push(place, *(RefUpdate(ref=name, old=None, new=made) for name in names))
    assert set(list_refs(place, "refs/heads/x")) == {"refs/heads/x"}
    assert set(list_refs(place, "refs/heads/z/")) == {"refs/heads/z/refs/heads/x"}
    assert set(list_refs(place, "refs/tags/")) == {"refs/tags/v1"}
    assert set(list_refs(place, "refs/tags/", "refs/heads/x", "refs/lockstep/")) == {
        "refs/tags/v1",
        "refs/heads/x",
        "refs/lockstep/a/b",
    }
    assert list_refs(place, "refs/lockstep/a") == {}


def test_a_branch_is_replaced_where_it_is_expected(place: Remote) -> None:
    """A commit that does not descend from the old one may take its place, when nobody else moved it."""
    one, two = commit(place, "one"), commit(place, "two")
    ref = "refs/heads/lockstep/promote/a"
    push(place, RefUpdate(ref=ref, old=None, new=one))
    push(place, RefUpdate(ref=ref, old=one, new=two))
    assert list_refs(place, ref) == {ref: two}


@pytest.mark.parametrize("same", [True, False])
def test_of_several_who_create_a_ref_exactly_one_does(place: Remote, same: bool) -> None:
    """The others are told that they did not, also when they wanted the very same commit there."""
    commits = [commit(place, "one" if same else str(number)) for number in range(8)]
    together = threading.Barrier(len(commits))

    def claim(new: str) -> str | None:
        together.wait()
        try:
            push(place, RefUpdate(ref="refs/lockstep/pulls/1", old=None, new=new))
        except Rejected:
            return None
        return new

    with ThreadPoolExecutor(len(commits)) as pool:
        winners = [new for new in pool.map(claim, commits) if new]
    assert len(winners) == 1
    assert list_refs(place, "refs/lockstep/pulls/1") == {"refs/lockstep/pulls/1": winners[0]}


def test_several_refs_move_together_or_not_at_all(place: Remote) -> None:
    """One that is not where it was expected keeps all others where they are."""
    one, two = commit(place, "one"), commit(place, "two")
    names = ["refs/heads/x", "refs/lockstep/pulls/1", "refs/tags/v1"]
    push(place, *(RefUpdate(ref=name, old=None, new=one) for name in names))
    with pytest.raises(Rejected):
        push(
            place,
            RefUpdate(ref=names[0], old=one, new=two),
            RefUpdate(ref=names[1], old=one, new=None),
            RefUpdate(ref=names[2], old=two, new=commit(place, "three")),
            RefUpdate(ref="refs/heads/new", old=None, new=two),
        )
    assert list_refs(place, *names, "refs/heads/new") == dict.fromkeys(names, one)
    push(
        place,
        RefUpdate(ref=names[0], old=one, new=two),
        RefUpdate(ref=names[1], old=one, new=None),
        RefUpdate(ref="refs/heads/new", old=None, new=two),
    )
    assert list_refs(place, *names, "refs/heads/new") == {
        "refs/heads/x": two,
        "refs/heads/new": two,
        "refs/tags/v1": one,
    }


def test_a_ref_that_moves_while_a_push_is_under_way_is_a_lost_race(remote: Remote, server: GitServer) -> None:
    """The host compares once more when it takes the push."""
    other = commit(remote, "other")
    push(remote, RefUpdate(ref="refs/heads/other", old=None, new=other))
    hook(server, "pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main {other}")
    before = list_refs(remote, "refs/heads/main")["refs/heads/main"]
    with pytest.raises(Rejected, match="main is not where it was expected"):
        push(remote, RefUpdate(ref="refs/heads/main", old=before, new=commit(remote, "mine", before)))
    assert list_refs(remote, "refs/heads/main") == {"refs/heads/main": other}


def test_objects_of_refs_are_fetched(remote: Remote, server: GitServer, cache: Path) -> None:
    """What is missing comes in one go and what is here costs no request, in a clone and in a mirror."""
    updates = [
        RefUpdate(ref=f"refs/lockstep/pulls/{number}", old=None, new=commit(remote, str(number)))
        for number in range(3)
    ]
    push(remote, *updates)
    clone = server.root.parent / "clone"
    subprocess.run(["git", "clone", "-q", server.url("gitops.git"), str(clone)], check=True)
    for place in (open_remote(clone, cache), open_remote(server.url("gitops.git"), cache)):
        refs = list_refs(place, "refs/lockstep/")
        assert len(refs) == 3
        fetch(place, refs)
        server.requests.clear()
        fetch(place, refs)
        assert server.requests == []
        for id_ in refs.values():
            assert place.repository.run("cat-file", "-t", id_, doing="reading").strip() == b"commit"
    left = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname)"], cwd=clone, check=True, capture_output=True, text=True
    )
    assert left.stdout.split() == ["refs/heads/main", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]


def test_a_ref_of_a_file_is_fetched(remote: Remote, server: GitServer, cache: Path) -> None:
    """A ref may point to a blob; it comes by itself even where contents are left out."""
    blob = (
        remote.repository.run("hash-object", "-w", "--stdin", doing="storing", data=b"fact").decode().strip()
    )
    push(remote, RefUpdate(ref="refs/lockstep/fact", old=None, new=blob))
    mirror = open_remote(server.url("gitops.git"), cache)
    fetch(mirror, list_refs(mirror, "refs/lockstep/"))
    assert mirror.repository.run("cat-file", "blob", blob, doing="reading") == b"fact"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "echo 'error: GH006: Protected branch update failed for refs/heads/main.'; exit 1",
            "branch is protected",
        ),
        (
            "echo 'GitLab: You are not allowed to push code to protected branches'; exit 1",
            "branch is protected",
        ),
        ("echo 'only on Fridays'; exit 1", r"hook of the host declined the push \(only on Fridays\)"),
        ("exit 1", r"hook of the host declined the push \(pre-receive hook declined\)"),
    ],
)
def test_a_hook_that_refuses_is_named_with_its_words(
    remote: Remote, server: GitServer, script: str, message: str
) -> None:
    """A protected branch is not a lost race, and the host's reason is shown."""
    hook(server, "pre-receive", f"exec >&2; {script}")
    before = list_refs(remote, "refs/heads/main")
    with pytest.raises(Refused, match=rf"pushing main to origin: .*{message}[\s\S]*fix:"):
        push(
            remote,
            RefUpdate(ref="refs/heads/main", old=before["refs/heads/main"], new=commit(remote, "two")),
        )
    assert list_refs(remote, "refs/heads/main") == before


def test_what_a_hook_says_reaches_no_terminal_raw(remote: Remote, server: GitServer) -> None:
    """Control characters of the host are taken out of its words."""
    hook(server, "pre-receive", r"printf 'bad \033[31mred\007\n' >&2; exit 1")
    with pytest.raises(Refused) as refused:
        push(remote, RefUpdate(ref="refs/heads/new", old=None, new=commit(remote, "two")))
    assert "\033" not in str(refused.value)
    assert "\007" not in str(refused.value)


def test_one_refused_ref_of_several_keeps_all_back(remote: Remote, server: GitServer) -> None:
    """A hook that declines one ref makes the whole push Refused, not Rejected."""
    hook(server, "update", "case $1 in refs/heads/main) exit 1;; esac")
    main = list_refs(remote, "refs/heads/main")["refs/heads/main"]
    with pytest.raises(Refused):
        push(
            remote,
            RefUpdate(ref="refs/heads/new", old=None, new=main),
            RefUpdate(ref="refs/heads/main", old=main, new=commit(remote, "two", main)),
        )
    assert list_refs(remote, "refs/heads/") == {"refs/heads/main": main}


def test_a_host_that_keeps_its_refs_is_named(remote: Remote, server: GitServer) -> None:
    """Deleting can be forbidden."""
    bare = server.root / "gitops.git"
    subprocess.run(["git", "-C", str(bare), "config", "receive.denyDeletes", "true"], check=True)
    made = commit(remote, "two")
    push(remote, RefUpdate(ref="refs/heads/new", old=None, new=made))
    with pytest.raises(Refused, match=r"does not let this be deleted"):
        push(remote, RefUpdate(ref="refs/heads/new", old=made, new=None))


def test_a_name_that_clashes_is_refused(place: Remote) -> None:
    """main/x cannot be beside main, however often it is tried."""
    with pytest.raises(Refused, match="clashes"):
        push(place, RefUpdate(ref="refs/heads/main/x", old=None, new=commit(place, "two")))


@pytest.mark.parametrize(
    "name",
    ["main", "refs/heads/a..b", "refs/heads/a:b", "refs/heads/*", "refs/heads/a b", "refs/heads/-\n"]
    + ["refs/heads/a.lock", "refs/heads/.a", "refs/heads/a/", "refs/heads/a@{1}", "refs/heads/a^"],
)
def test_a_name_that_git_does_not_allow_is_refused(name: str) -> None:
    """Nothing that has a meaning for git gets into a push."""
    with pytest.raises(BadInput, match=r"no name for a branch[\s\S]*fix:"):
        RefUpdate(ref=name, old=None, new="1" * 40)


def test_credentials_that_may_only_read_are_named(remote: Remote, server: GitServer) -> None:
    """Status 403, which GitHub answers to a push without the permission, names the permission."""
    made = commit(remote, "two")
    server.failing = 403
    with pytest.raises(Refused, match=r"may read the repository and not write[\s\S]*contents: write"):
        push(remote, RefUpdate(ref="refs/heads/new", old=None, new=made))


@pytest.mark.parametrize("status", [500, 503])
def test_a_host_that_fails_is_no_refusal(remote: Remote, server: GitServer, status: int) -> None:
    """It cannot be reached now; that is neither a race nor a rule."""
    made = commit(remote, "two")
    server.failing = status
    with pytest.raises(GitError, match="cannot be reached") as error:
        push(remote, RefUpdate(ref="refs/heads/new", old=None, new=made))
    assert type(error.value) is GitError
    with pytest.raises(GitError, match="cannot be reached"):
        list_refs(remote, "refs/heads/")


def test_a_repository_whose_branch_is_checked_out_takes_no_push(
    work: Work, tmp_path: Path, cache: Path
) -> None:
    """A folder that somebody works in is not pushed to behind their back."""
    work.commit("one", a="1")
    work.git("clone", "-q", str(work.folder), str(tmp_path / "clone"))
    clone = open_remote(tmp_path / "clone", cache)
    main = list_refs(clone, "refs/heads/main")["refs/heads/main"]
    with pytest.raises(Refused, match="checked out in the repository that is pushed to"):
        push(clone, RefUpdate(ref="refs/heads/main", old=main, new=commit(clone, "two", main)))


def test_a_clone_made_as_a_mirror_can_push(
    served: Work, server: GitServer, remote: Remote, cache: Path
) -> None:
    """``git clone --mirror`` leaves a setting that forbids pushing single refs; ours are pushed."""
    folder = server.root.parent / "mirror.git"
    served.git("clone", "-q", "--mirror", server.url("gitops.git"), str(folder))
    place = open_remote(folder, cache)
    made = commit(place, "two")
    push(place, RefUpdate(ref="refs/heads/new", old=None, new=made))
    assert list_refs(remote, "refs/heads/new") == {"refs/heads/new": made}


def test_the_remote_is_the_one_that_a_clone_has(work: Work, cache: Path) -> None:
    """origin, or the only one, or none; several others have to be told apart by the user."""
    work.commit("one", a="1")
    assert open_remote(work.folder, cache).name is None
    work.git("remote", "add", "upstream", "https://example.org/x.git")
    assert open_remote(work.folder / ".git" / "..", cache).name == "upstream"
    work.git("remote", "add", "fork", "https://example.org/y.git")
    with pytest.raises(BadInput, match=r"remotes fork, upstream[\s\S]*fix:"):
        open_remote(work.folder, cache)
    work.git("remote", "add", "origin", "https://example.org/z.git")
    assert open_remote(work.folder, cache).name == "origin"


def test_a_password_in_a_url_reaches_no_message(remote: Remote, server: GitServer, cache: Path) -> None:
    """The remote is named without it, in pushes too."""
    server.password = "hunter2"
    place = open_remote(server.url("gitops.git", user="someone:hunter2"), cache)
    with pytest.raises(Rejected) as rejected:
        push(place, RefUpdate(ref="refs/heads/main", old=None, new=commit(place, "two")))
    assert "hunter2" not in f"{rejected.value}{place}{place!r}"
    wrong = open_remote(server.url("gitops.git", user="someone:wr0ng"), cache)
    with pytest.raises(GitError, match="refused the credentials") as refused:
        push(
            replace(wrong, repository=wrong.repository),
            RefUpdate(ref="refs/heads/x", old=None, new=commit(wrong, "x")),
        )
    assert "wr0ng" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "said", "error", "message"),
    [
        (
            "[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)",
            "error: failed to push some refs to 'https://github.com/o/archived so it is read-only'",
            Rejected,
            "main is not where it was expected",
        ),
        (
            "[remote rejected] (protected branch hook declined)",
            "remote: error: GH006: Protected branch update failed for refs/heads/main.\n"
            "remote: error: At least 1 approving review is required.",
            Refused,
            r"branch is protected \(.*At least 1 approving review is required",
        ),
        (
            "[remote rejected] (push declined due to repository rule violations)",
            "remote: error: GH013: Repository rule violations found for refs/heads/main.",
            Refused,
            "branch is protected",
        ),
        (
            "[remote rejected] (push declined due to repository rule violations)",
            "remote: error: GH013: Repository rule violations found for refs/heads/main.\n"
            "remote: - Commits must have verified signatures.",
            Refused,
            r"takes signed commits only \(.*Commits must have verified signatures",
        ),
        (
            "[remote rejected] (refusing to allow a GitHub App to create or update workflow "
            "`.github/workflows/x.yml` without `workflows` permission)",
            "",
            Refused,
            "may not change workflow files",
        ),
        ("[remote rejected] (something new)", "", Refused, "refused to move main: something new"),
        (
            None,
            "remote: Permission to o/r.git denied to somebody.\n"
            "fatal: unable to access 'https://github.com/o/r.git/': The requested URL returned error: 403",
            Refused,
            r"may read the repository and not write to it \(Permission to o/r.git denied to somebody",
        ),
        (
            None,
            "remote: This repository was archived so it is read-only.\n"
            "fatal: unable to access 'https://github.com/o/r.git/': The requested URL returned error: 403",
            Refused,
            "repository is archived",
        ),
        (None, "fatal: the receiving end does not support --atomic push", Refused, "several refs at once"),
        (
            None,
            "fatal: unable to access 'https://x/': Could not resolve host: x",
            GitError,
            "cannot be reached",
        ),
    ],
)
def test_what_hosts_write_is_understood(
    answer: str | None, said: str, error: type[GitError], message: str
) -> None:
    """GitHub's words, which no server here can say, are told apart: late, not allowed, not reached."""
    output = "To https://github.com/o/r.git\n"
    if answer:
        output += f"!\t{'1' * 40}:refs/heads/main\t{answer}\n"
    outcome = Ended(code=1, output=output, errors=said)
    update = RefUpdate(ref="refs/heads/main", old="2" * 40, new="1" * 40)
    with pytest.raises(error, match=message) as raised:
        _judge(outcome, [update], "pushing main")
    assert type(raised.value) is error


def test_a_branch_is_made_on_a_commit_that_is_no_head_any_more(
    remote: Remote, served: Work, server: GitServer, cache: Path
) -> None:
    """From a shallow mirror that knows only an older head: the host has the rest."""
    served.commit("two", a="2\n", b="2\n")
    served.git("push", "-q", "origin", "main")
    mirror = open_remote(server.url("gitops.git"), cache)
    seen = list_refs(mirror, "refs/heads/main")
    fetch(mirror, seen)
    served.commit("three", a="3\n")
    served.git("push", "-q", "origin", "main")
    made = commit(mirror, "mine", seen["refs/heads/main"])
    push(mirror, RefUpdate(ref="refs/heads/promote", old=None, new=made))
    bare = str(server.root / "gitops.git")
    assert served.git("-C", bare, "log", "--format=%s", "promote") == "mine\ntwo\none"
    assert served.git("-C", bare, "fsck", "--strict") == ""
