"""Tags of a clone and of its remote."""

from pathlib import Path

import pytest

from lockstep.errors import BadInput, GitError
from lockstep.git.repository import find_repository
from lockstep.git.tags import Tag, read_tags, remote_of, remote_tags, takes_no_tags
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer


def test_tags_with_their_commits_and_whether_they_are_reachable(work: Work) -> None:
    """Light and annotated tags, and tags of tags, name the commit; other branches' are not reachable."""
    one = work.commit("one")
    work.git("tag", "api-v1.0.0")
    work.git("checkout", "-qb", "side")
    side = work.commit("side")
    work.git("tag", "-a", "-m", "x", "api-v2.0.0")
    work.git("checkout", "-q", "main")
    two = work.commit("two")
    work.git("tag", "-a", "-m", "x", "api-v1.1.0")
    work.git("tag", "-a", "-m", "x", "api-v1.1.1", "api-v1.1.0")
    work.git("tag", "my-api-v9.0.0")
    assert read_tags(work.folder, prefix="api-v") == (
        Tag(name="api-v1.0.0", commit=one, is_reachable=True),
        Tag(name="api-v1.1.0", commit=two, is_reachable=True),
        Tag(name="api-v1.1.1", commit=two, is_reachable=True),
        Tag(name="api-v2.0.0", commit=side, is_reachable=False),
    )
    assert [tag.name for tag in read_tags(work.folder, rev=one) if tag.is_reachable] == ["api-v1.0.0"]
    assert {tag.name for tag in read_tags(work.folder) if tag.is_reachable} >= {"my-api-v9.0.0"}


def test_a_tag_of_a_file_is_no_reachable_tag(work: Work) -> None:
    """Git can tag a blob; nothing is reachable there."""
    work.commit("one", a="1")
    work.git("tag", "v1.0.0", work.git("rev-parse", "HEAD:a"))
    assert [tag.is_reachable for tag in read_tags(work.folder)] == [False]


def test_no_tags_and_no_commits(work: Work) -> None:
    """Without tags there are none; without commits that is said."""
    with pytest.raises(BadInput, match="no commits yet"):
        read_tags(work.folder)
    work.commit("one")
    assert read_tags(work.folder) == ()


def test_the_tags_of_the_remote(served: Work, server: GitServer, tmp_path: Path) -> None:
    """A clone without tags can ask its remote for them, and is known as one."""
    one = served.commit("one")
    served.git("tag", "-a", "-m", "x", "api-v1.0.0")
    served.git("tag", "other-v1.0.0")
    served.git("push", "-q", "--tags", "origin", "main")
    served.git("clone", "-q", "-b", "main", "--no-tags", server.url("gitops.git"), str(tmp_path / "clone"))
    clone = find_repository(tmp_path / "clone")
    assert read_tags(clone) == ()
    assert remote_of(clone) == "origin"
    assert takes_no_tags(clone, "origin")
    assert remote_tags(clone, "origin", prefix="api-v") == {"api-v1.0.0": one}
    assert not takes_no_tags(find_repository(served.folder), "origin")
    server.failing = 503
    with pytest.raises(GitError, match="asking origin for its tags"):
        remote_tags(clone, "origin", prefix="api-v")


def test_the_remote_of_a_clone(work: Work) -> None:
    """origin, or the only one; of several others none is chosen."""
    assert remote_of(find_repository(work.folder)) is None
    work.git("remote", "add", "upstream", "file:///nowhere")
    assert remote_of(find_repository(work.folder)) == "upstream"
    work.git("remote", "add", "fork", "file:///nowhere")
    assert remote_of(find_repository(work.folder)) is None
    work.git("remote", "add", "origin", "file:///nowhere")
    assert remote_of(find_repository(work.folder)) == "origin"
