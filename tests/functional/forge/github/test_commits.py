"""Comparisons, checks, statuses and deployments of commits."""

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import Check, CheckState, DeploymentState
from lockstep.forge.github import GitHub
from tests.support.github import Fault, GitHubServer, Repository

PENDING, SUCCESS, FAILURE = CheckState.PENDING, CheckState.SUCCESS, CheckState.FAILURE


@pytest.fixture
def sha(repository: Repository) -> str:
    """The tip of main."""
    found = repository.git.resolve("main")
    assert found is not None
    return found


def test_commits_between_two_tags(forge: GitHub, repository: Repository, sha: str) -> None:
    """Newest first, with subject, author and page."""
    repository.git.tag("shop/v1", sha)
    made = [repository.git.commit("main", {"file": f"{n}\n"}, f"Change {n}\n\nMore.") for n in range(3)]
    repository.git.tag("shop/v2", made[-1], is_annotated=True)
    found = forge.commits("shop/v1", "shop/v2")
    assert [(each.sha, each.subject, each.author) for each in found] == [
        (made[n], f"Change {n}", "Ada") for n in (2, 1, 0)
    ]
    assert found[0].url == forge.commit_url(made[2])
    assert [each.subject for each in forge.commits("shop/v1", "main", most=2)] == ["Change 2", "Change 1"]
    assert forge.commits("shop/v2", "shop/v1") == []


def test_the_newest_of_many_commits(
    forge: GitHub, repository: Repository, sha: str, server: GitHubServer
) -> None:
    """GitHub lists the oldest first, so the last pages are read."""
    lines = []
    for number in range(230):
        lines += ["commit refs/heads/main", "committer A <a@b> now", "data 4", f"C{number:03d}"]
        lines += ["from refs/heads/main^0"] if number == 0 else []
        lines += ["M 100644 inline file", "data 3", f"{number:03d}"]
    repository.git.git("fast-import", "--quiet", "--date-format=now", data="\n".join(lines) + "\n")
    assert [each.subject for each in forge.commits(sha, "main", most=3)] == ["C229", "C228", "C227"]
    assert len(server.requests("/compare/")) == 2
    assert len(forge.commits(sha, "main")) == 100
    assert len(forge.commits(sha, "main", most=1000)) == 230


def test_names_that_do_not_exist(forge: GitHub, repository: Repository) -> None:
    """Both are named, since GitHub does not say which."""
    with pytest.raises(ForgeError, match="does not have v1 or main"):
        forge.commits("v1", "main")


def test_checks_are_runs_and_statuses(forge: GitHub, repository: Repository, sha: str) -> None:
    """All outcomes are one of three; the latest of each name counts."""
    for name, conclusion in (("a", None), ("b", "success"), ("c", "skipped"), ("d", "timed_out")):
        repository.check_run(sha, name, conclusion)
    for state in (PENDING, FAILURE):
        forge.set_status(sha, context="lockstep", state=state, description="d", url="https://example.org/run")
    found = forge.checks(sha)
    assert [(check.name, check.state) for check in found] == [
        ("a", PENDING),
        ("b", SUCCESS),
        ("c", SUCCESS),
        ("d", FAILURE),
        ("lockstep", FAILURE),
    ]
    assert found[-1] == Check(name="lockstep", state=FAILURE, url="https://example.org/run")


def test_many_check_runs(forge: GitHub, repository: Repository, sha: str) -> None:
    """All pages are read."""
    for number in range(130):
        repository.check_run(sha, f"job {number}", "success")
    assert len(forge.checks(sha)) == 130


def test_a_description_is_cut_to_what_is_shown(forge: GitHub, repository: Repository, sha: str) -> None:
    """140 characters, on one line."""
    forge.set_status(sha, context="lockstep", state=SUCCESS, description="word\n" * 100)
    (status,) = repository.statuses[sha]
    assert len(status["description"]) == 140
    assert status["description"].endswith("…")
    assert "\n" not in status["description"]
    assert status["target_url"] is None


def deploy(forge: GitHub, sha: str, state: str, environment: str = "staging", **more: str) -> None:
    """Record a state."""
    forge.deployment(
        sha,
        environment=environment,
        state=DeploymentState(state),
        description=more.get("description", ""),
        url=more.get("url"),
    )


def told(repository: Repository) -> list[tuple[str, str, list[str]]]:
    """Deployments as (environment, commit, states)."""
    return [
        (each.environment, each.sha, [status["state"] for status in each.statuses])
        for each in repository.deployments
    ]


def test_a_deployment_goes_through_its_states(forge: GitHub, repository: Repository, sha: str) -> None:
    """One deployment with a status for each state, whatever checks the commit has."""
    repository.check_run(sha, "build", "failure")
    deploy(forge, sha, "in_progress")
    deploy(forge, sha, "failure", description="AccessDenied")
    deploy(forge, sha, "in_progress")
    deploy(forge, sha, "success", url="https://example.org/run")
    assert told(repository) == [("staging", sha, ["in_progress", "failure", "in_progress", "success"])]
    (made,) = repository.deployments
    assert made.sent["transient_environment"] is False
    assert (made.statuses[-1]["log_url"], made.statuses[1]["description"]) == (
        "https://example.org/run",
        "AccessDenied",
    )


def test_the_same_state_is_not_told_twice(forge: GitHub, repository: Repository, sha: str) -> None:
    """A repeated run adds nothing; another link does."""
    for url in ("https://example.org/1", "https://example.org/1", "https://example.org/2"):
        deploy(forge, sha, "success", url=url)
    assert told(repository) == [("staging", sha, ["success", "success"])]


def test_previews_come_and_go(forge: GitHub, repository: Repository, sha: str) -> None:
    """A preview's environment is transient; being gone is told only of what was there."""
    deploy(forge, sha, "inactive", "preview/pr-7")
    assert repository.deployments == []
    deploy(forge, sha, "success", "preview/pr-7")
    deploy(forge, sha, "inactive", "preview/pr-7")
    assert told(repository) == [("preview/pr-7", sha, ["success", "inactive"])]
    assert repository.deployments[0].sent["transient_environment"] is True


def test_a_commit_that_comes_back_is_deployed_again(forge: GitHub, repository: Repository, sha: str) -> None:
    """After a rollback the newest deployment of the environment is the old commit's."""
    newer = repository.git.commit("main", {"a": "b"}, "Newer")
    for environment in ("staging", "production"):
        for commit in (sha, newer, sha):
            deploy(forge, commit, "in_progress", environment)
            deploy(forge, commit, "success", environment)
    assert [(each.environment, each.sha) for each in repository.deployments] == [
        (environment, commit) for environment in ("staging", "production") for commit in (sha, newer, sha)
    ]


def test_commits_that_are_deployed_side_by_side(forge: GitHub, repository: Repository, sha: str) -> None:
    """Two services of one environment, from two commits, keep one deployment each."""
    other = repository.git.commit("main", {"a": "b"}, "Other")
    deploy(forge, sha, "in_progress")
    deploy(forge, other, "in_progress")
    deploy(forge, sha, "success")
    deploy(forge, other, "success")
    assert [each.sha for each in repository.deployments] == [sha, other]


@pytest.mark.parametrize("is_done", [True, False])
def test_a_lost_answer_makes_no_second_deployment(
    forge: GitHub, repository: Repository, sha: str, server: GitHubServer, is_done: bool
) -> None:
    """It is looked for before it is made again."""
    server.faults = [Fault(match="POST .*/deployments$", is_done=is_done, status=0)]
    deploy(forge, sha, "success")
    assert told(repository) == [("staging", sha, ["success"])]
