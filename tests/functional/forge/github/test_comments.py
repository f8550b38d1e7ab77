"""Comments and issues that are found again by their marks."""

from collections.abc import Callable

import pytest

from lockstep.forge.github import GitHub
from lockstep.forge.github.markers import LONGEST, mark, marked
from tests.support.github import Fault, GitHubServer, Identity, Repository
from tests.support.github.world import Comment, Issue


def comments(repository: Repository) -> list[tuple[str, str]]:
    """Author and text of the comments on #1, marks taken off."""
    found = repository.issues[1].comments
    return [(each.author, each.body.partition(" -->\n")[2] or each.body) for each in found]


@pytest.fixture(autouse=True)
def _pull(repository: Repository) -> None:
    repository.add_pull(head="main")


def test_a_comment_is_changed_in_place(forge: GitHub, repository: Repository, server: GitHubServer) -> None:
    """One for each marker, however often it is written; the same text is not sent again."""
    forge.comment(1, "one", marker="plan")
    forge.comment(1, "status", marker="status")
    forge.comment(1, "two", marker="plan")
    count = len(server.seen)
    forge.comment(1, "two", marker="plan")
    assert comments(repository) == [("octo", "two"), ("octo", "status")]
    assert not [seen for seen in server.seen[count:] if "graphql" not in seen.path]
    assert repository.issues[1].comments[0].body.startswith("<!-- lockstep:plan -->\n")


def test_comments_of_others_are_left_alone(forge: GitHub, repository: Repository) -> None:
    """The same mark by somebody else, and a quotation of it, are not ours."""
    theirs = marked("theirs", "plan")
    repository.issues[1].comments += [
        Comment(id=1, author="mallory", body=theirs),
        Comment(id=2, author="octo", body=f"> {theirs}"),
    ]
    forge.comment(1, "ours", marker="plan")
    forge.comment(1, "ours again", marker="plan")
    assert [body for _, body in comments(repository)] == ["theirs", "theirs", "ours again"]


def test_the_token_of_a_workflow_finds_its_own(
    connect: Callable[..., GitHub], repository: Repository, server: GitHubServer
) -> None:
    """GitHub says which comments the token's user wrote, so no login has to be known."""
    server.world.identities["ghs_x"] = Identity(
        login="github-actions[bot]", permissions={"pull_requests": "write"}
    )
    forge = connect("ghs_x")
    forge.comment(1, "one", marker="plan")
    forge.comment(1, "two", marker="plan")
    assert comments(repository) == [("github-actions[bot]", "two")]


def test_a_mark_behind_many_comments_is_found(forge: GitHub, repository: Repository) -> None:
    """Pages are read until it comes."""
    repository.issues[1].comments += [Comment(id=n, author="octo", body="x") for n in range(1, 251)]
    forge.comment(1, "one", marker="plan")
    forge.comment(1, "two", marker="plan")
    assert len(comments(repository)) == 251


@pytest.mark.parametrize("is_done", [True, False])
def test_a_lost_answer_makes_no_second_comment(
    forge: GitHub, repository: Repository, server: GitHubServer, is_done: bool
) -> None:
    """It is looked for before it is written again."""
    server.faults = [Fault(match="POST .*/comments", is_done=is_done, status=0)]
    forge.comment(1, "one", marker="plan")
    assert comments(repository) == [("octo", "one")]


def test_two_at_once_leave_one_comment(forge: GitHub, repository: Repository, server: GitHubServer) -> None:
    """Who finds an older one after writing takes the own one back and changes the older one."""

    def meanwhile() -> None:
        repository.issues[1].comments.insert(0, Comment(id=1, author="octo", body=marked("other", "plan")))

    server.faults = [Fault(match="POST .*/comments", status=None, after=meanwhile)]
    forge.comment(1, "ours", marker="plan")
    assert comments(repository) == [("octo", "ours")]


def test_a_text_that_is_too_long_is_cut(forge: GitHub, repository: Repository) -> None:
    """GitHub takes 65,536 characters; the end says that something is missing."""
    forge.comment(1, "x" * 70_000, marker="plan")
    (comment,) = repository.issues[1].comments
    assert len(comment.body) == LONGEST
    assert "cut here" in comment.body[-60:]


def test_marks_stay_inside_their_comment() -> None:
    """No marker can end the HTML comment that hides it, and different ones stay different."""
    assert mark("a-->b") == "<!-- lockstep:a%2D%2D%3Eb -->"
    assert mark("plan:staging/shop") == "<!-- lockstep:plan:staging/shop -->"
    assert mark("a--b") != mark("a-%2Db")


def test_an_issue_is_opened_changed_and_closed(
    forge: GitHub, repository: Repository, server: GitHubServer
) -> None:
    """One open issue for each marker; a closed one is followed by a new one."""
    first = forge.put_issue("drift", title="Drift", body="b", labels=["drift"])
    assert (first.number, first.title, first.labels, first.is_open) == (2, "Drift", ("drift",), True)
    again = forge.put_issue("drift", title="More drift", body="c", labels=["drift", "prod"])
    assert (again.number, again.title, again.labels) == (2, "More drift", ("drift", "prod"))
    assert forge.find_issue("drift") == again
    count = len(server.seen)
    assert forge.put_issue("drift", title="More drift", body="c", labels=["drift"]) == again
    assert not [seen for seen in server.seen[count:] if "graphql" not in seen.path]
    forge.close_issue("drift", comment="All is well.")
    assert (repository.issues[2].is_open, repository.issues[2].reason) == (False, "completed")
    assert "All is well." in repository.issues[2].comments[0].body
    assert forge.find_issue("drift") is None
    forge.close_issue("drift", comment="Again.")
    assert forge.put_issue("drift", title="Drift", body="b").number == 3


def test_issues_of_others_and_pull_requests_are_not_ours(forge: GitHub, repository: Repository) -> None:
    """A mark counts in an issue that the token's own user wrote."""
    repository.issues[2] = Issue(number=2, title="x", body=marked("x", "drift"), author="mallory")
    repository.issues[1].body = marked("x", "drift")
    assert forge.find_issue("drift") is None


@pytest.mark.parametrize("is_done", [True, False])
def test_a_lost_answer_opens_no_second_issue(
    forge: GitHub, repository: Repository, server: GitHubServer, is_done: bool
) -> None:
    """It is looked for before it is opened again."""
    server.faults = [Fault(match="POST .*/issues$", is_done=is_done)]
    forge.put_issue("drift", title="Drift", body="b")
    assert len(repository.issues) == 2


def test_two_at_once_leave_one_open_issue(
    forge: GitHub, repository: Repository, server: GitHubServer
) -> None:
    """Who finds an older one after opening closes the own one and changes the older one."""

    def meanwhile() -> None:
        repository.issues[2] = Issue(number=2, title="t", body=marked("b", "drift"), author="octo")

    server.faults = [Fault(match="graphql", status=None, after=meanwhile)]
    assert forge.put_issue("drift", title="Drift", body="b").number == 2
    assert [(n, issue.title, issue.is_open) for n, issue in repository.issues.items() if n > 1] == [
        (2, "Drift", True),
        (3, "Drift", False),
    ]
