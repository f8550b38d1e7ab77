"""Pull requests, issues, labels and comments."""

from tests.support.github.bare import Conflict
from tests.support.github.rest import Reply, Request, fail, page
from tests.support.github.world import Comment, Issue, Protection, Pull

__all__ = ["answer"]


def answer(request: Request) -> Reply | None:
    """Answer a request about pull requests or issues; None for others."""
    match request.method, request.parts:
        case "GET", ("pulls",):
            return _list(request)
        case "POST", ("pulls",):
            return _open(request)
        case _, ("pulls", number, *rest) if number.isdecimal():
            pull = request.repository.issues.get(int(number))
            if not isinstance(pull, Pull):
                return fail(404, "Not Found")
            return _pull(request, pull, tuple(rest))
        case "POST", ("issues",):
            return _open_issue(request)
        case "PATCH" | "DELETE", ("issues", "comments", number):
            return _comment(request, int(number))
        case _, ("issues", number, *rest) if number.isdecimal():
            issue = request.repository.issues.get(int(number))
            return fail(404, "Not Found") if issue is None else _issue(request, issue, tuple(rest))
    return None


def _list(request: Request) -> Reply:
    repository, query = request.repository, request.query
    found = repository.pulls()
    if query.get("state", "open") != "all":
        found = [pull for pull in found if pull.is_open == (query.get("state", "open") == "open")]
    if "base" in query:
        found = [pull for pull in found if pull.base == query["base"]]
    if ":" in query.get("head", ""):  # GitHub ignores a head without its owner
        owner, _, branch = query["head"].partition(":")
        found = [pull for pull in found if pull.head == branch and pull.source.partition("/")[0] == owner]
    return page(request, [request.shapes.pull(repository, pull, is_full=False) for pull in found])


def _open(request: Request) -> Reply:
    repository, sent = request.repository, request.body
    head, base = sent["head"].rpartition(":")[2], sent["base"]
    if request.identity.login == "github-actions[bot]" and not repository.actions_may_open:
        return fail(403, "GitHub Actions is not permitted to create or approve pull requests.")
    for name, branch in (("head", head), ("base", base)):
        if repository.git.resolve(f"refs/heads/{branch}") is None:
            return fail(
                422, "Validation Failed", {"resource": "PullRequest", "field": name, "code": "invalid"}
            )
    if any(each.is_open and (each.head, each.base) == (head, base) for each in repository.pulls()):
        text = f"A pull request already exists for {repository.owner}:{head}."
        return fail(422, "Validation Failed", {"resource": "PullRequest", "code": "custom", "message": text})
    if not repository.git.between(f"refs/heads/{base}", f"refs/heads/{head}"):
        text = f"No commits between {base} and {head}"
        return fail(422, "Validation Failed", {"resource": "PullRequest", "code": "custom", "message": text})
    pull = repository.add_pull(
        head=head,
        base=base,
        author=request.identity.login,
        title=sent["title"],
        body=sent.get("body") or "",
        is_draft=sent.get("draft", False),
    )
    return Reply(status=201, value=request.shapes.pull(repository, pull, is_full=True))


def _pull(request: Request, pull: Pull, rest: tuple[str, ...]) -> Reply:
    repository = request.repository
    match request.method, rest:
        case "GET", ():
            shown = request.shapes.pull(repository, pull, is_full=True)
            pull.unknown = max(0, pull.unknown - 1)
            return Reply(value=shown)
        case "PATCH", ():
            pull.title = request.body.get("title", pull.title)
            pull.body = request.body.get("body", pull.body)
            if request.body.get("state") == "closed":
                pull.is_open, pull.closed_by = False, request.identity.login
            return Reply(value=request.shapes.pull(repository, pull, is_full=True))
        case "PUT", ("merge",):
            return _merge(request, pull)
    return fail(404, "Not Found")


def _merge(request: Request, pull: Pull) -> Reply:
    repository, sent = request.repository, request.body
    method = sent.get("merge_method", "merge")
    names = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
    rules = repository.protections.get(pull.base, Protection())
    if not pull.is_open:
        return fail(405, "Pull Request is not mergeable")
    if sent.get("sha", repository.sha(pull)) != repository.sha(pull):
        return fail(409, "Head branch was modified. Review and try the merge again.")
    if method not in repository.methods:
        return fail(405, f"{names[method]} are not allowed on this repository.")
    if rules.has_queue:
        return fail(
            405, "Repository rule violations found\n\nChanges must be made through the merge queue\n\n"
        )
    match repository.merge_state(pull):
        case "DIRTY" | "UNKNOWN":
            return fail(405, "Pull Request is not mergeable")
        case "BEHIND":
            return fail(405, "Head branch is out of date. Review and try the merge again.")
        case "BLOCKED" if pull.is_draft:
            return fail(405, "Pull Request is still a draft")
        case "BLOCKED" if pull.approvals < rules.reviews:
            return fail(405, f"At least {rules.reviews} approving review is required by reviewers.")
        case "BLOCKED":
            return fail(405, f'Required status check "{rules.checks[0]}" is expected.')
    try:
        made = repository.merge(
            pull, method=method, by=request.identity.login, title=sent.get("commit_title")
        )
    except Conflict:
        return fail(405, "Pull Request is not mergeable")
    return Reply(value={"sha": made, "merged": True, "message": "Pull Request successfully merged"})


def _open_issue(request: Request) -> Reply:
    repository, sent = request.repository, request.body
    if not repository.has_issues:
        return fail(410, "Issues are disabled for this repo")
    issue = Issue(
        number=repository.number(),
        title=sent["title"],
        body=sent.get("body") or "",
        author=request.identity.login,
        labels=list(sent.get("labels", ())),
    )
    repository.issues[issue.number] = issue
    return Reply(status=201, value=request.shapes.issue(repository, issue))


def _issue(request: Request, issue: Issue, rest: tuple[str, ...]) -> Reply:
    repository, sent, shapes = request.repository, request.body, request.shapes
    match request.method, rest:
        case "GET", ():
            return Reply(value=shapes.issue(repository, issue))
        case "PATCH", ():
            issue.title = sent.get("title", issue.title)
            issue.body = sent.get("body", issue.body)
            if "state" in sent:
                issue.is_open = sent["state"] == "open"
                issue.reason = sent.get("state_reason")
                issue.closed_by = None if issue.is_open else request.identity.login
            return Reply(value=shapes.issue(repository, issue))
        case "GET", ("labels",):
            return page(request, shapes.issue(repository, issue)["labels"])
        case "POST", ("labels",):
            issue.labels += [name for name in sent["labels"] if name not in issue.labels]
            return Reply(value=shapes.issue(repository, issue)["labels"])
        case "DELETE", ("labels", name):
            if name not in issue.labels:
                return fail(404, "Label does not exist")
            issue.labels.remove(name)
            return Reply(value=shapes.issue(repository, issue)["labels"])
        case "POST", ("comments",):
            if len(sent["body"]) > 65_536:
                return fail(422, "Validation Failed", {"code": "custom", "message": "body is too long"})
            comment = Comment(id=next(repository.counter), author=request.identity.login, body=sent["body"])
            issue.comments.append(comment)
            return Reply(status=201, value=shapes.comment(comment))
    return fail(404, "Not Found")


def _comment(request: Request, number: int) -> Reply:
    for issue in request.repository.issues.values():
        for comment in issue.comments:
            if comment.id == number and request.method == "DELETE":
                issue.comments.remove(comment)
                return Reply(status=204)
            if comment.id == number:
                comment.body = request.body["body"]
                return Reply(value=request.shapes.comment(comment))
    return fail(404, "Not Found")
