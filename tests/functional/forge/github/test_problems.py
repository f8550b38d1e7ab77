"""What GitHub's refusals are told as."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import CheckState, DeploymentState
from lockstep.forge.github import GitHub
from lockstep.forge.github.problems import one_line
from tests.support.github import Fault, GitHubServer, Identity, Repository

SHA = "0" * 40
READING = {"contents": "read", "pull_requests": "read", "issues": "read", "metadata": "read"}


def change(forge: GitHub, what: str) -> None:
    """Try to write something."""
    match what:
        case "pull":
            forge.update_pull(1, title="x")
        case "status":
            forge.set_status(SHA, context="c", state=CheckState.SUCCESS, description="")
        case "deployment":
            forge.deployment(SHA, environment="staging", state=DeploymentState.SUCCESS, description="")
        case "issue":
            forge.put_issue("m", title="t", body="b")
        case "comment":
            forge.comment(1, "b", marker="m")


CASES = [
    ("pull", "pull_requests"),
    ("status", "statuses"),
    ("deployment", "deployments"),
    ("issue", "issues"),
    ("comment", "issues"),
]


@pytest.mark.parametrize(("what", "permission"), CASES)
def test_a_workflow_that_lacks_a_permission(
    connect: Callable[..., GitHub], repository: Repository, server: GitHubServer, what: str, permission: str
) -> None:
    """The line to add to the workflow is in the message."""
    repository.add_pull(head="main")
    server.world.identities["ghs_x"] = Identity(login="github-actions[bot]", permissions=READING)
    line = f"add `permissions: {permission.replace('_', '-')}: write` to the job"
    with pytest.raises(ForgeError, match=rf"Resource not accessible by integration[\s\S]*{line}"):
        change(connect("ghs_x"), what)


@pytest.mark.parametrize(("what", "permission"), CASES)
def test_a_fine_grained_token_that_lacks_a_permission(
    connect: Callable[..., GitHub], repository: Repository, server: GitHubServer, what: str, permission: str
) -> None:
    """The permission to give is in the message."""
    repository.add_pull(head="main")
    server.world.identities["github_pat_x"] = Identity(login="ada", permissions=READING)
    with pytest.raises(ForgeError, match=f"give the token the repository permission {permission}: write"):
        change(connect("github_pat_x"), what)


@pytest.mark.parametrize("what", [what for what, _ in CASES])
def test_a_classic_token_that_lacks_a_scope(
    connect: Callable[..., GitHub], repository: Repository, server: GitHubServer, what: str
) -> None:
    """The scope that is missing and those that are there."""
    repository.add_pull(head="main")
    server.world.identities["ghp_x"] = Identity(login="ada", scopes=("gist", "read:org"))
    with pytest.raises(ForgeError, match=r"lacks the scope repo \(it has: gist, read:org\)"):
        change(connect("ghp_x"), what)


def test_a_token_that_github_does_not_know(connect: Callable[..., GitHub], repository: Repository) -> None:
    """Expired, revoked or of another server."""
    with pytest.raises(ForgeError, match=r"does not accept the token[\s\S]*expired"):
        connect("ghp_old").pulls()


def test_no_token_at_all(connect: Callable[..., GitHub], repository: Repository) -> None:
    """A public repository is read; a change asks for a token."""
    forge = connect(None)
    assert forge.pulls() == []
    with pytest.raises(ForgeError, match="set GITHUB_TOKEN"):
        forge.set_status(SHA, context="c", state=CheckState.SUCCESS, description="")


def test_single_sign_on(connect: Callable[..., GitHub], repository: Repository, server: GitHubServer) -> None:
    """The message says how to authorise, without the URL that does it."""
    server.world.identities["ghp_sso"] = Identity(needs_sso=True)
    with pytest.raises(ForgeError, match="not authorised for the organisation") as error:
        connect("ghp_sso").pulls()
    assert "s3cret" not in str(error.value)


def test_actions_may_not_open_pull_requests(
    connect: Callable[..., GitHub], repository: Repository, server: GitHubServer
) -> None:
    """The setting that forbids it is named."""
    repository.actions_may_open = False
    repository.git.commit("change", {"a": "b"}, "c", start="main")
    server.world.identities["ghs_x"] = Identity(login="github-actions[bot]", permissions=None, scopes=None)
    with pytest.raises(ForgeError, match=r"not permitted to create[\s\S]*Workflow permissions"):
        connect("ghs_x").open_pull(head="change", base="main", title="t", body="b")


def test_an_archived_repository(forge: GitHub, repository: Repository) -> None:
    """Nothing in it can be changed."""
    repository.add_pull(head="main")
    repository.is_archived = True
    with pytest.raises(ForgeError, match=r"acme/shop is archived[\s\S]*unarchive"):
        forge.update_pull(1, title="x")


def test_issues_that_are_switched_off(forge: GitHub, repository: Repository) -> None:
    """The switch is named."""
    repository.has_issues = False
    with pytest.raises(ForgeError, match=r"issues are switched off in acme/shop[\s\S]*Features"):
        forge.put_issue("m", title="t", body="b")


def test_a_blocked_repository(forge: GitHub, server: GitHubServer) -> None:
    """451 says what it is."""
    server.faults = [Fault(match="", status=451, message="Repository access blocked")]
    with pytest.raises(ForgeError, match="blocked for legal reasons"):
        forge.pulls()


def test_commits_that_are_not_there(forge: GitHub, repository: Repository) -> None:
    """Statuses and deployments name the commit and the repository."""
    for what in ("status", "deployment"):
        with pytest.raises(ForgeError, match=r"acme/shop has no commit 000000000000[\s\S]*push it"):
            change(forge, what)


def test_what_github_writes_is_harmless() -> None:
    """One line, without control characters, not too long."""
    assert one_line("a\x1b[31m\r\nb\u202e c") == "a [31m b c"
    assert one_line("x" * 1000) == "x" * 300 + "… (1,000 characters in all; the rest is left out)"


def test_a_private_repository_without_access(
    connect: Callable[..., GitHub], server: GitHubServer, tmp_path: Path
) -> None:
    """GraphQL and REST tell the same."""
    forge = connect(repository="acme/hidden")
    for ask in (lambda: forge.find_issue("m"), lambda: forge.release("v1")):
        with pytest.raises(ForgeError, match="acme/hidden does not exist, or the token may not see it"):
            ask()
