"""Merging on GitHub: at once, by auto-merge, through a queue, and what stands in the way."""

from collections.abc import Callable

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import MergeMethod, Merging, Pull, PullState
from lockstep.forge.github import GitHub
from tests.functional.forge.github.conftest import Time
from tests.support.github import Fault, GitHubServer, Identity, Protection, Repository

METHOD = MergeMethod.SQUASH


@pytest.fixture
def change(forge: GitHub, repository: Repository) -> Pull:
    """An open pull request that nothing stands in the way of."""
    repository.git.commit("change", {"file": "two\n"}, "Change", start="refs/heads/main")
    return forge.open_pull(head="change", base="main", title="Title", body="Body")


def conflict(repository: Repository) -> None:
    """Let main change the same file."""
    repository.git.commit("main", {"file": "three\n"}, "Other")


@pytest.mark.parametrize("method", list(MergeMethod))
def test_a_pull_request_is_merged(
    forge: GitHub, repository: Repository, change: Pull, method: MergeMethod
) -> None:
    """Main has the change, by the method and with the title that were asked for."""
    forge.merge_pull(change.number, sha=change.sha, method=method, title="Promote shop 1.2.3")
    now = forge.pull(change.number)
    assert (now.state, now.merged_by, now.closed_by) == (PullState.MERGED, "octo", None)
    assert now.merge_commit == repository.git.resolve("refs/heads/main")
    assert repository.git.describe("main")[2] == "Promote shop 1.2.3"
    assert repository.git.git("show", "main:file") == "two"
    parents = repository.git.git("rev-list", "--parents", "-1", "main").split()
    assert len(parents) == (3 if method is MergeMethod.MERGE else 2)


def test_merging_twice_is_merging_once(
    forge: GitHub, repository: Repository, change: Pull, server: GitHubServer
) -> None:
    """Again, or after an answer that got lost, nothing more happens."""
    server.faults = [Fault(match="PUT .*/merge", is_done=True)]
    forge.merge_pull(change.number, sha=change.sha, method=METHOD)
    tip = repository.git.resolve("main")
    forge.merge_pull(change.number, sha=change.sha, method=METHOD)
    assert forge.merge_when_ready(change.number, sha=change.sha, method=METHOD) is Merging.MERGED
    assert repository.git.resolve("main") == tip


def test_another_head_is_not_merged(forge: GitHub, repository: Repository, change: Pull) -> None:
    """A commit that was pushed meanwhile is named."""
    pushed = repository.git.commit("change", {"file": "four\n"}, "More")
    for merge in (forge.merge_pull, forge.merge_when_ready):
        with pytest.raises(ForgeError, match=f"its head is {pushed[:12]} now, not {change.sha[:12]}"):
            merge(change.number, sha=change.sha, method=METHOD)


def test_conflicts_are_named(forge: GitHub, repository: Repository, change: Pull) -> None:
    """Both branches are in the message; GitHub would never merge it by itself."""
    conflict(repository)
    assert forge.pull(change.number).conflict is True
    with pytest.raises(ForgeError, match="change conflicts with main"):
        forge.merge_pull(change.number, sha=change.sha, method=METHOD)
    assert forge.merge_when_ready(change.number, sha=change.sha, method=METHOD) is Merging.BLOCKED


def test_a_method_that_is_not_allowed(forge: GitHub, repository: Repository, change: Pull) -> None:
    """The message lists those that are, also when GitHub was to merge it later."""
    repository.methods = ("merge", "rebase")
    for reviews, merge in ((0, forge.merge_pull), (1, forge.merge_when_ready)):
        repository.protections["main"] = Protection(reviews=reviews)
        with pytest.raises(ForgeError, match=r"does not allow to squash[\s\S]*use merge or rebase"):
            merge(change.number, sha=change.sha, method=METHOD)


def test_missing_reviews_and_checks_are_told(forge: GitHub, repository: Repository, change: Pull) -> None:
    """GitHub's own sentence says what is missing, and the page is named."""
    repository.protections["main"] = Protection(reviews=1)
    with pytest.raises(ForgeError, match=r"approving review is required[\s\S]*/pull/1"):
        forge.merge_pull(change.number, sha=change.sha, method=METHOD)
    assert forge.pull(change.number).is_blocked is True
    repository.protections["main"] = Protection(checks=("plan",))
    with pytest.raises(ForgeError, match='Required status check "plan" is expected'):
        forge.merge_pull(change.number, sha=change.sha, method=METHOD)


def test_a_draft_a_closed_one_and_a_queue(forge: GitHub, repository: Repository, change: Pull) -> None:
    """Each is told as what it is."""
    repository.issues[1].is_draft = True  # type: ignore[attr-defined]
    with pytest.raises(ForgeError, match="it is a draft"):
        forge.merge_pull(1, sha=change.sha, method=METHOD)
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.BLOCKED
    repository.issues[1].is_draft = False  # type: ignore[attr-defined]
    repository.protections["main"] = Protection(has_queue=True)
    with pytest.raises(ForgeError, match=r"only changed through its merge queue[\s\S]*merge: auto"):
        forge.merge_pull(1, sha=change.sha, method=METHOD)
    forge.close_pull(1)
    with pytest.raises(ForgeError, match="it is closed by octo"):
        forge.merge_pull(1, sha=change.sha, method=METHOD)
    with pytest.raises(ForgeError, match="it is closed"):
        forge.merge_when_ready(1, sha=change.sha, method=METHOD)


def test_github_is_given_time_to_find_out(
    forge: GitHub, repository: Repository, change: Pull, time: Time
) -> None:
    """While it has not computed whether there are conflicts, it is asked again."""
    repository.issues[1].unknown = 3  # type: ignore[attr-defined]
    forge.merge_pull(1, sha=change.sha, method=METHOD)
    assert 0 < sum(time.slept) < 15


def test_github_is_not_waited_for_for_ever(
    forge: GitHub, repository: Repository, change: Pull, time: Time
) -> None:
    """After some looks its own sentence is the message."""
    repository.issues[1].unknown = 1000  # type: ignore[attr-defined]
    with pytest.raises(ForgeError, match="Pull Request is not mergeable"):
        forge.merge_pull(1, sha=change.sha, method=METHOD)
    assert sum(time.slept) < 30


def test_what_is_ready_merges_at_once(forge: GitHub, repository: Repository, change: Pull) -> None:
    """Auto-merge is refused for a pull request that is ready, so it is merged."""
    repository.check_run(change.sha, "plan", "success")
    repository.issues[1].unknown = 2  # type: ignore[attr-defined]
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.MERGED


def test_auto_merge_waits_for_what_is_required(forge: GitHub, repository: Repository, change: Pull) -> None:
    """GitHub merges when the check passes; asking again meanwhile changes nothing."""
    repository.protections["main"] = Protection(checks=("plan",), reviews=1)
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.WAITING
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.WAITING
    repository.approve(1)
    assert forge.pull(1).state is PullState.OPEN
    repository.check_run(change.sha, "plan", "success")
    assert forge.pull(1).state is PullState.MERGED


def test_auto_merge_whose_answer_got_lost(
    forge: GitHub, repository: Repository, change: Pull, server: GitHubServer
) -> None:
    """Reading again shows that it is on; where it is not, it is asked for again."""
    repository.protections["main"] = Protection(reviews=1)
    for is_done, count in ((True, 1), (False, 2)):
        repository.issues[1].auto_merge = None  # type: ignore[attr-defined]
        server.seen.clear()
        server.faults = [Fault(match="graphql", says="enablePullRequestAutoMerge", is_done=is_done)]
        assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.WAITING
        assert repository.issues[1].auto_merge == "SQUASH"  # type: ignore[attr-defined]
        assert sum(b"enablePull" in seen.body for seen in server.seen) == count


def test_a_repository_without_auto_merge(forge: GitHub, repository: Repository, change: Pull) -> None:
    """Nothing will merge it by itself; once it is ready, asking again merges it."""
    repository.allows_auto_merge = False
    assert not forge.allows_auto_merge()
    repository.protections["main"] = Protection(checks=("plan",))
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.SWITCHED_OFF
    repository.check_run(change.sha, "plan", "success")
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.MERGED


def test_checks_that_nobody_requires_are_heeded(forge: GitHub, repository: Repository, change: Pull) -> None:
    """A running or failed check holds it back, though GitHub would let it through."""
    repository.check_run(change.sha, "plan", None)
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.BLOCKED
    repository.check_run(change.sha, "plan", "failure")
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.BLOCKED
    repository.check_run(change.sha, "plan", "neutral")
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.MERGED


def test_a_branch_that_is_behind(forge: GitHub, repository: Repository, change: Pull) -> None:
    """Somebody has to bring it up to date: GitHub does not."""
    repository.protections["main"] = Protection(is_strict=True)
    repository.git.commit("main", {"other": "x\n"}, "Other")
    assert forge.pull(1).is_blocked is True
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.BLOCKED
    with pytest.raises(ForgeError, match="Head branch is out of date"):
        forge.merge_pull(1, sha=change.sha, method=METHOD)


def test_a_merge_queue_is_used(forge: GitHub, repository: Repository, change: Pull) -> None:
    """Ready ones are enqueued; others are, by auto-merge, as soon as they are ready."""
    repository.protections["main"] = Protection(has_queue=True, checks=("plan",))
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.WAITING
    repository.check_run(change.sha, "plan", "success")
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.WAITING
    repository.run_queue()
    assert forge.pull(1).state is PullState.MERGED


def test_what_is_ready_enters_the_queue(
    forge: GitHub, repository: Repository, change: Pull, server: GitHubServer
) -> None:
    """Nothing is merged around a queue."""
    repository.protections["main"] = Protection(has_queue=True)
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.WAITING
    assert server.requests("PUT ") == []
    repository.run_queue()
    assert forge.merge_when_ready(1, sha=change.sha, method=METHOD) is Merging.MERGED


def test_a_token_that_may_not_merge(
    connect: Callable[..., GitHub], change: Pull, server: GitHubServer, repository: Repository
) -> None:
    """The permission is named for the workflow, from REST and from GraphQL."""
    reading = {"contents": "read", "pull_requests": "read"}
    server.world.identities["ghs_x"] = Identity(login="github-actions[bot]", permissions=reading)
    forge = connect("ghs_x")
    with pytest.raises(ForgeError, match="add `permissions: pull-requests: write` to the job"):
        forge.merge_pull(1, sha=change.sha, method=METHOD)
    repository.protections["main"] = Protection(reviews=1)
    with pytest.raises(ForgeError, match="add `permissions: pull-requests: write; contents: write` to the"):
        forge.merge_when_ready(1, sha=change.sha, method=METHOD)
