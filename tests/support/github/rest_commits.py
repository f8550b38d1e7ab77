"""Commits: comparing, statuses, check runs, deployments."""

from typing import Any

from tests.support.github.rest import Reply, Request, fail, page
from tests.support.github.world import NOW, Deployment

__all__ = ["answer"]


def answer(request: Request) -> Reply | None:
    """Answer a request about commits or deployments; None for others."""
    repository, git = request.repository, request.repository.git
    match request.method, request.parts:
        case "GET", ("compare", both):
            base, _, head = both.partition("...")
            if git.resolve(base) is None or git.resolve(head) is None:
                return fail(404, "Not Found")
            found = git.between(base, head)
            commits = page(request, found)
            value = {
                "status": "ahead" if found else "identical",
                "total_commits": len(found),
                "commits": [request.shapes.commit(repository, sha) for sha in commits.value],
            }
            return Reply(value=value, headers=commits.headers)
        case "GET", ("commits", ref, "check-runs"):
            sha = git.resolve(ref)
            if sha is None:
                return fail(422, f"No commit found for SHA: {ref}")
            return page(request, [_run(each) for each in repository.runs.get(sha, [])], key="check_runs")
        case "GET", ("commits", ref, "status"):
            sha = git.resolve(ref)
            if sha is None:
                return fail(404, "Not Found")
            newest = {each["context"]: each for each in repository.statuses.get(sha, [])}
            return page(request, list(newest.values()), key="statuses")
        case "POST", ("statuses", sha):
            return _status(request, sha)
        case "GET", ("deployments",):
            return _deployments(request)
        case "POST", ("deployments",):
            return _deploy(request)
        case _, ("deployments", number, "statuses"):
            for deployment in repository.deployments:
                if deployment.id == int(number):
                    return _deployment_statuses(request, deployment)
            return fail(404, "Not Found")
    return None


def _run(run: dict[str, Any]) -> dict[str, Any]:
    return {**run, "html_url": f"https://example.org/runs/{run['id']}", "details_url": None}


def _status(request: Request, sha: str) -> Reply:
    sent = request.body
    if request.repository.git.resolve(sha) is None:
        return fail(422, f"No commit found for SHA: {sha}")
    if len(sent.get("description") or "") > 140:
        error = {
            "resource": "Status",
            "code": "custom",
            "message": "description is too long (maximum is 140 characters)",
        }
        return fail(422, "Validation Failed", error)
    status = {
        "context": sent.get("context", "default"),
        "state": sent["state"],
        "description": sent.get("description"),
        "target_url": sent.get("target_url"),
        "created_at": NOW,
    }
    request.repository.statuses.setdefault(sha, []).append(status)
    request.repository.react()
    return Reply(status=201, value=status)


def _deployments(request: Request) -> Reply:
    query = request.query
    found = [
        each
        for each in reversed(request.repository.deployments)
        if query.get("sha", each.sha) == each.sha
        and query.get("environment", each.environment) == each.environment
        and query.get("task", "deploy") == each.sent.get("task", "deploy")
    ]
    return page(request, [request.shapes.deployment(each) for each in found])


def _deploy(request: Request) -> Reply:
    sent, repository = request.body, request.repository
    sha = repository.git.resolve(sent["ref"])
    if sha is None:
        return fail(422, f"No ref found for: {sent['ref']}")
    states = repository.check_states(sha)
    wanted = sent.get("required_contexts", list(states))
    if any(states.get(name) != "success" for name in wanted):
        return fail(409, "Conflict: Commit status checks failed for the ref.")
    deployment = Deployment(
        id=next(repository.counter), sha=sha, environment=sent.get("environment", "production"), sent=sent
    )
    repository.deployments.append(deployment)
    return Reply(status=201, value=request.shapes.deployment(deployment))


def _deployment_statuses(request: Request, deployment: Deployment) -> Reply:
    if request.method == "GET":
        return page(request, list(reversed(deployment.statuses)))
    sent, repository = request.body, request.repository
    status = {
        "id": next(repository.counter),
        "state": sent["state"],
        "description": sent.get("description", ""),
        "environment": sent.get("environment", deployment.environment),
        "log_url": sent.get("log_url", ""),
        "created_at": NOW,
    }
    deployment.statuses.append(status)
    if sent["state"] == "success" and sent.get("auto_inactive", True):
        for other in repository.deployments:
            is_kept = other.sent.get("transient_environment") or other.environment == "production"
            if other is deployment or other.environment != deployment.environment or is_kept:
                continue
            if other.statuses and other.statuses[-1]["state"] == "success":
                other.statuses.append({**status, "id": next(repository.counter), "state": "inactive"})
    return Reply(status=201, value=status)
