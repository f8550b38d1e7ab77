"""Pull requests: opened, changed, commented, closed, listed."""

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import PullState
from tests.functional.forges.ground import Ground, branches, push


def test_a_pull_request_is_opened_and_read_by_others(ground: Ground) -> None:
    """Everything that was said of it is what another client reads."""
    change = push(ground.work, "lockstep/promote/a")
    made = ground.open().open_pull(
        head=change.head, base="main", title="Promote a", body="From 1 to 2\n", labels=["lockstep", "staging"]
    )
    read = ground.open().pull(made.number)
    assert (read.title, read.body.strip(), read.head, read.base) == (
        "Promote a",
        "From 1 to 2",
        change.head,
        "main",
    )
    assert (read.sha, read.state, set(read.labels)) == (change.sha, PullState.OPEN, {"lockstep", "staging"})
    assert read.conflict is False
    assert not read.is_draft
    assert not read.is_fork
    assert read.author
    assert read.created
    assert str(made.number) in read.url
    assert (read.ended, read.merge_commit, read.closed_by) == (None, None, None)


def test_the_same_branches_have_one_pull_request(ground: Ground) -> None:
    """Opening again changes the texts of the one that is open."""
    change = push(ground.work, "lockstep/promote/a")
    forge = ground.open()
    first = forge.open_pull(head=change.head, base="main", title="To 2", body="two", labels=["x"])
    moved = push(ground.work, change.head, version="3")
    second = forge.open_pull(head=change.head, base="main", title="To 3", body="three")
    assert (second.number, second.title, second.body.strip()) == (first.number, "To 3", "three")
    assert (second.sha, second.labels) == (moved.sha, ("x",))
    assert len(forge.pulls()) == 1


def test_a_closed_one_does_not_stand_in_the_way(ground: Ground) -> None:
    """After closing, the same branch gets a new number."""
    change = push(ground.work, "lockstep/promote/a")
    forge = ground.open()
    first = forge.open_pull(head=change.head, base="main", title="A", body="")
    forge.close_pull(first.number)
    second = forge.open_pull(head=change.head, base="main", title="A", body="")
    assert second.number > first.number


def test_texts_are_updated_one_by_one(ground: Ground) -> None:
    """What is not given stays."""
    change = push(ground.work, "a")
    forge = ground.open()
    number = forge.open_pull(head=change.head, base="main", title="T", body="B").number
    assert forge.update_pull(number, title="U").body.strip() == "B"
    updated = forge.update_pull(number, body="C")
    assert (updated.title, updated.body.strip()) == ("U", "C")
    read = ground.open().pull(number)
    assert (read.title, read.body, read.sha) == (updated.title, updated.body, updated.sha)


def test_they_are_listed_newest_first(ground: Ground) -> None:
    """By head branch, by the beginning of head branches, by base, open or all."""
    forge = ground.open()
    numbers = {}
    for head in ("lockstep/promote/a", "lockstep/promote/b", "other"):
        push(ground.work, head)
        numbers[head] = forge.open_pull(head=head, base="main", title=head, body="").number
    forge.close_pull(numbers["lockstep/promote/b"])
    a, b, other = numbers.values()
    assert [pull.number for pull in forge.pulls()] == [other, a]
    assert [pull.number for pull in forge.pulls(is_open=False)] == [other, b, a]
    assert [pull.number for pull in forge.pulls(head="lockstep/promote/")] == [a]
    assert [pull.number for pull in forge.pulls(head="lockstep/", is_open=False)] == [b, a]
    assert [pull.number for pull in forge.pulls(head="other", base="main")] == [other]
    assert forge.pulls(base="release") == []
    assert forge.pulls(head="lockstep/promote") == []


def test_labels_come_and_go(ground: Ground) -> None:
    """Adding twice and removing what is not there are nothing."""
    change = push(ground.work, "a")
    forge = ground.open()
    number = forge.open_pull(head=change.head, base="main", title="T", body="", labels=["a"]).number
    forge.label(number, add=["b", "c"])
    forge.label(number, add=["b"], remove=["a", "never"])
    assert set(forge.pull(number).labels) == {"b", "c"}
    forge.label(number, remove=["b", "c"])
    assert forge.pull(number).labels == ()


def test_a_comment_is_put_in_place_of_its_marker(ground: Ground) -> None:
    """One comment for each marker, in the order in which they were first written."""
    change = push(ground.work, "a")
    forge = ground.open()
    number = forge.open_pull(head=change.head, base="main", title="T", body="").number
    forge.comment(number, "plan 1", marker="plan")
    forge.comment(number, "soon closed", marker="age")
    ground.open().comment(number, "plan 2", marker="plan")
    assert ground.comments(number) == ["plan 2", "soon closed"]


def test_closing_is_said_once(ground: Ground) -> None:
    """It keeps its branch, says who closed it, and closing again is nothing."""
    change = push(ground.work, "lockstep/promote/a")
    forge = ground.open()
    number = forge.open_pull(head=change.head, base="main", title="T", body="").number
    forge.close_pull(number, comment="superseded")
    forge.close_pull(number, comment="superseded")
    closed = ground.open().pull(number)
    assert closed.state is PullState.CLOSED
    assert closed.closed_by
    assert closed.ended
    assert closed.merge_commit is None
    assert ground.comments(number) == ["superseded"]
    assert change.head in branches(ground.work)


def test_what_is_not_there_is_said(ground: Ground) -> None:
    """A number nobody gave, a branch nobody pushed, a branch that adds nothing."""
    forge = ground.open()
    with pytest.raises(ForgeError, match=r"12345[\s\S]*fix:"):
        forge.pull(12345)
    with pytest.raises(ForgeError, match=r"nowhere[\s\S]*fix:"):
        forge.open_pull(head="nowhere", base="main", title="T", body="")
    change = push(ground.work, "a")
    with pytest.raises(ForgeError, match=r"nowhere[\s\S]*fix:"):
        forge.open_pull(head=change.head, base="nowhere", title="T", body="")
    ground.work.git("push", "-q", "origin", "origin/main:refs/heads/same")
    with pytest.raises(ForgeError, match=r"(?i)no commits[\s\S]*fix:"):
        forge.open_pull(head="same", base="main", title="T", body="")


def test_a_draft_is_one(ground: Ground) -> None:
    """It is opened as a draft and not merged while it is one."""
    change = push(ground.work, "a")
    forge = ground.open()
    made = forge.open_pull(head=change.head, base="main", title="T", body="", is_draft=True)
    assert forge.pull(made.number).is_draft


def test_commits_of_a_branch_are_those_that_the_base_lacks(ground: Ground) -> None:
    """Newest first, by branches, tags and ids."""
    forge = ground.open()
    ground.work.git("tag", "-a", "v1", "-m", "v1", "origin/main")
    ground.work.git("push", "-q", "origin", "v1")
    first = push(ground.work, "a", version="1")
    second = push(ground.work, "a", start=first.sha, version="2")
    commits = forge.commits("main", "a")
    assert [commit.sha for commit in commits] == [second.sha, first.sha]
    assert (commits[0].subject, commits[0].author) == ("Change of a", "Ada")
    assert [commit.sha for commit in forge.commits("v1", first.sha)] == [first.sha]
    assert [commit.sha for commit in forge.commits("v1", second.sha, most=1)] == [second.sha]
    with pytest.raises(ForgeError, match=r"nowhere[\s\S]*fix:"):
        forge.commits("nowhere", "a")
