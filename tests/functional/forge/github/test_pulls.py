"""Pull requests on GitHub."""

from collections.abc import Callable

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import Pull, PullState
from lockstep.forge.github import GitHub
from tests.support.github import Fault, GitHubServer, Repository


def branch(repository: Repository, name: str, text: str = "two\n") -> str:
    """Push a branch with one commit."""
    return repository.git.commit(name, {"file": text}, f"Change {name}", start="refs/heads/main")


def opened(forge: GitHub, repository: Repository, name: str = "change") -> Pull:
    """Push a branch and open a pull request of it."""
    branch(repository, name)
    return forge.open_pull(head=name, base="main", title="Title", body="Body")


def test_a_pull_request_is_opened_and_read(forge: GitHub, repository: Repository) -> None:
    """Every field says what the repository knows."""
    sha = branch(repository, "lockstep/change")
    made = forge.open_pull(
        head="lockstep/change", base="main", title="Title", body="Body", labels=["promotion", "staging"]
    )
    assert made == forge.pull(made.number)
    assert (made.number, made.title, made.body, made.head, made.base) == (
        1,
        "Title",
        "Body",
        "lockstep/change",
        "main",
    )
    assert (made.sha, made.state, made.labels, made.author) == (
        sha,
        PullState.OPEN,
        ("promotion", "staging"),
        "octo",
    )
    assert (made.conflict, made.is_blocked, made.is_fork, made.is_draft) == (False, False, False, False)
    assert made.url.endswith("/acme/shop/pull/1")


def test_opening_again_changes_the_text(forge: GitHub, repository: Repository, server: GitHubServer) -> None:
    """One pull request for the same branches, with the newest text; nothing is written without need."""
    first = opened(forge, repository)
    again = forge.open_pull(head="change", base="main", title="New", body="Newer", labels=["x"])
    assert (again.number, again.title, again.body, again.labels) == (first.number, "New", "Newer", ("x",))
    count = len(server.seen)
    assert forge.open_pull(head="change", base="main", title="New", body="Newer", labels=["x"]).number == 1
    assert {seen.method for seen in server.seen[count:]} == {"GET"}


def test_a_draft_is_opened(forge: GitHub, repository: Repository) -> None:
    """A draft is blocked until it is ready."""
    branch(repository, "change")
    made = forge.open_pull(head="change", base="main", title="T", body="", is_draft=True)
    assert (made.is_draft, made.is_blocked) == (True, True)


def test_an_answer_that_got_lost_opens_no_second_one(
    forge: GitHub, repository: Repository, server: GitHubServer
) -> None:
    """After a 502, or a broken connection, the pull request that was made is found."""
    server.faults = [Fault(match="POST .*/pulls$", is_done=True)]
    assert opened(forge, repository, "one").number == 1
    server.faults = [Fault(match="POST .*/pulls$", is_done=True, status=0)]
    assert opened(forge, repository, "two").number == 2
    assert len(server.requests("POST .*/pulls$")) == 2


def test_a_request_that_did_not_arrive_is_sent_again(
    forge: GitHub, repository: Repository, server: GitHubServer
) -> None:
    """A 503 without effect is followed by a look, then by a second request."""
    server.faults = [Fault(match="POST .*/pulls$", status=503)]
    assert opened(forge, repository).number == 1
    assert len(server.requests("POST .*/pulls$")) == 2


def test_somebody_else_was_quicker(forge: GitHub, repository: Repository, server: GitHubServer) -> None:
    """A pull request that appears between looking and opening is used."""
    branch(repository, "change")

    def meanwhile() -> None:
        repository.add_pull(head="change", title="Theirs")

    server.faults = [Fault(match="POST .*/pulls$", status=503, after=meanwhile)]
    made = forge.open_pull(head="change", base="main", title="Ours", body="B")
    assert (made.number, made.title) == (1, "Ours")
    assert len(repository.issues) == 1


@pytest.mark.parametrize(
    ("head", "base", "message"),
    [
        ("nothing", "main", "there is no branch nothing[\\s\\S]*push it first"),
        ("change", "nothing", "there is no branch nothing[\\s\\S]*check the branch"),
        ("main-copy", "main", "main-copy has no commits that main lacks[\\s\\S]*push a commit"),
    ],
)
def test_what_cannot_be_opened(
    forge: GitHub, repository: Repository, head: str, base: str, message: str
) -> None:
    """Missing branches and branches without changes are named."""
    branch(repository, "change")
    repository.git.git("branch", "main-copy", "main")
    with pytest.raises(ForgeError, match=message):
        forge.open_pull(head=head, base=base, title="T", body="B")


def test_pull_requests_are_listed(forge: GitHub, repository: Repository) -> None:
    """By branch, by all below a folder, by base, open or all, newest first, page after page."""
    for number in range(1, 131):
        repository.add_pull(head=f"lockstep/{number}", is_open=number != 7)
    repository.add_pull(head="lockstep-other")
    assert [pull.number for pull in forge.pulls()] == [131, *(n for n in range(130, 0, -1) if n != 7)]
    assert len(forge.pulls(head="lockstep/")) == 129
    assert len(forge.pulls(head="lockstep/", is_open=False)) == 130
    assert [pull.number for pull in forge.pulls(head="lockstep/5")] == [5]
    assert forge.pulls(head="lockstep/7") == []
    assert forge.pulls(base="other") == []


def test_a_fork_with_the_same_branch_is_not_ours(forge: GitHub, repository: Repository) -> None:
    """Who asks for a branch gets the repository's own; who asks for all gets forks, marked as such."""
    repository.add_pull(head="lockstep/change", source="mallory/shop")
    repository.add_pull(head="gone", source="")
    assert forge.pulls(head="lockstep/change") == forge.pulls(head="lockstep/") == []
    assert [(pull.head, pull.is_fork) for pull in forge.pulls()] == [
        ("gone", True),
        ("lockstep/change", True),
    ]


def test_texts_are_updated(forge: GitHub, repository: Repository) -> None:
    """Only the texts that are given change."""
    number = opened(forge, repository).number
    assert forge.update_pull(number, title="Other").body == "Body"
    assert forge.update_pull(number, body="Words").title == "Other"
    assert forge.update_pull(number).body == "Words"


def test_closing_says_why(forge: GitHub, repository: Repository, server: GitHubServer) -> None:
    """A closed pull request knows who closed it; closing it again does nothing."""
    number = opened(forge, repository).number
    forge.close_pull(number, comment="Superseded by #2.")
    now = forge.pull(number)
    assert (now.state, now.closed_by, now.ended is not None) == (PullState.CLOSED, "octo", True)
    assert "Superseded by #2." in repository.issues[number].comments[0].body
    count = len(server.seen)
    forge.close_pull(number, comment="Again")
    assert {seen.method for seen in server.seen[count:]} == {"GET"}


def test_labels_come_and_go(forge: GitHub, repository: Repository) -> None:
    """Added once, removed when there; names may hold anything."""
    number = opened(forge, repository).number
    forge.label(number, add=["a", "needs/review 100%"])
    forge.label(number, add=["a", "b"], remove=["needs/review 100%", "never there"])
    assert forge.pull(number).labels == ("a", "b")


def test_what_is_not_there(forge: GitHub, repository: Repository) -> None:
    """A number that does not exist is told from a repository that cannot be seen."""
    with pytest.raises(ForgeError, match="reading pull request #9: acme/shop has no such thing"):
        forge.pull(9)


def test_a_repository_that_cannot_be_seen(connect: Callable[..., GitHub], server: GitHubServer) -> None:
    """GitHub answers 404 for a private repository, and the message says both."""
    with pytest.raises(ForgeError, match="acme/nothing does not exist, or the token may not see it"):
        connect(repository="acme/nothing").pulls()
    with pytest.raises(ForgeError, match=r"no token to ask with[\s\S]*set GITHUB_TOKEN"):
        connect(None, repository="acme/nothing").pulls()
