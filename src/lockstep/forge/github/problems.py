"""What GitHub's refusals mean, and what mends them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lockstep.errors import ForgeError
from lockstep.forge.github.answer import Answer

__all__ = ["RefusedByGitHub", "one_line", "refused", "refused_by_graphql"]

_LONGEST = 300  # characters of a sentence that GitHub wrote


class RefusedByGitHub(ForgeError):
    """GitHub answered, and the answer is no. ``said`` is its own sentence, ``kind`` GraphQL's word for it."""

    def __init__(
        self, problem: str, *, status: int, said: str, fix: str, doing: str | None = None, kind: str = ""
    ) -> None:
        self.status = status
        self.said = said
        self.kind = kind
        super().__init__(problem, fix=fix, doing=doing)


def refused(
    answer: Answer, *, doing: str, kind: str, repository: str, needs: str, is_seen: bool | None = None
) -> RefusedByGitHub:
    """The error for an answer of status 4xx.

    ``kind`` is the credential's. ``needs`` names a permission (``pull_requests=write``) where the answer
    does not. ``is_seen`` says whether the repository itself can be seen, which tells one 404 from another.
    """
    said = _said(answer)
    headers = answer.headers
    wanted = headers.get("x-accepted-github-permissions") or needs
    match answer.status:
        case 401:
            problem = "GitHub does not accept the token"
            fix = "it has expired, was revoked or is of another server: set GITHUB_TOKEN to a valid one"
        case 403 if "x-github-sso" in headers:
            problem = f"the token is not authorised for the organisation of {repository}"
            fix = "authorise it for single sign-on (Settings, Developer settings, the token's Configure SSO)"
        case 403 if "not permitted to create or approve pull requests" in said:
            problem = said
            fix = (
                "allow it in the repository's Settings, Actions, General, Workflow permissions; "
                "or use a GitHub App's token"
            )
        case 403 if "archived" in said:
            problem, fix = f"{repository} is archived, so nothing in it can be changed", "unarchive it"
        case 403:
            problem, fix = _lacking(said, headers, kind=kind, repository=repository, wanted=wanted)
        case 404 if is_seen:
            problem = f"{repository} has no such thing"
            _, mend = _lacking(said, headers, kind=kind, repository=repository, wanted=wanted)
            fix = f"check the name; if it exists, the token may not see it: {mend}"
        case 404:
            problem = f"{repository} does not exist, or the token may not see it"
            fix = f"check the name, and {_grant(kind, wanted or 'contents=read', repository)}"
            if kind == "none":
                problem = f"{repository} does not exist or is private, and there is no token to ask with"
                fix = "check the name, and set GITHUB_TOKEN"
        case 410:
            problem, fix = (
                said or "GitHub says that it is gone",
                f"switch it on in the settings of {repository}",
            )
            if "issues" in said.lower():
                problem, fix = (
                    f"issues are switched off in {repository}",
                    "switch them on: Settings, Features",
                )
        case 422:
            problem, fix = f"GitHub refuses it: {said}", "change what it names and run again"
        case 451:
            problem, fix = f"{repository} is blocked for legal reasons", "ask GitHub's support"
        case status:
            problem = f"GitHub answered {status}" + (f": {said}" if said else "")
            fix = "run again later; githubstatus.com tells of incidents"
    return RefusedByGitHub(problem, status=answer.status, said=said, fix=fix, doing=doing)


def refused_by_graphql(
    errors: Iterable[Mapping[str, Any]],
    headers: Mapping[str, str],
    *,
    doing: str,
    kind: str,
    repository: str,
    needs: str,
) -> RefusedByGitHub:
    """The error for an answer of GraphQL's that lists errors; their ``type`` says which kind."""
    listed = list(errors)
    said = one_line("; ".join(str(error.get("message")) for error in listed))
    first = str(listed[0].get("type") or "") if listed else ""
    match first:
        case "NOT_FOUND" if "Repository" in said:
            problem = f"{repository} does not exist, or the token may not see it"
            fix = f"check the name, and {_grant(kind, needs or 'contents=read', repository)}"
        case "FORBIDDEN" if "SAML" in said or "x-github-sso" in headers:
            problem = f"the token is not authorised for the organisation of {repository}"
            fix = "authorise it for single sign-on (Settings, Developer settings, the token's Configure SSO)"
        case "FORBIDDEN" | "INSUFFICIENT_SCOPES":
            problem, fix = _lacking(said, headers, kind=kind, repository=repository, wanted=needs)
        case _:
            problem, fix = f"GitHub refuses it: {said}", "see what it names"
    return RefusedByGitHub(problem, status=200, said=said, kind=first, fix=fix, doing=doing)


def one_line(text: str) -> str:
    """A sentence of GitHub's as something that can be printed: one line, not too long."""
    start = "".join(c if c.isprintable() else " " for c in text[: 10 * _LONGEST])
    line = " ".join(start.split())
    if len(text) <= 10 * _LONGEST and len(line) <= _LONGEST:
        return line
    return f"{line[:_LONGEST]}… ({len(text):,} characters in all; the rest is left out)"


def _said(answer: Answer) -> str:
    """GitHub's sentence with its details: field errors, where there are some."""
    try:
        value = answer.json()
    except ForgeError:
        return ""
    if not isinstance(value, dict):
        return ""
    details = value.get("errors")
    parts = [str(value.get("message") or "")]
    if isinstance(details, list):
        parts += [_detail(each) for each in details]
    elif isinstance(details, str):
        parts.append(details)
    text = "; ".join(part for part in parts if part)
    return one_line(text.removeprefix("Validation Failed; "))


def _detail(error: Any) -> str:
    """One of ``errors``: a sentence, or an object with a field and a code."""
    if not isinstance(error, dict):
        return str(error)
    if error.get("message"):
        return str(error["message"])
    name = f"{error.get('resource', '')} {error.get('field', '')}".strip() or "a field"
    match error.get("code"):
        case "missing":
            return f"{name} does not exist"
        case "missing_field":
            return f"{name} is not given"
        case "already_exists":
            return f"{name} already exists"
        case code:
            return f"{name} is {code or 'not valid'}"


def _lacking(
    said: str, headers: Mapping[str, str], *, kind: str, repository: str, wanted: str
) -> tuple[str, str]:
    """Problem and fix of a credential that may not do what was asked."""
    has = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    accepted = [
        scope.strip() for scope in headers.get("x-accepted-oauth-scopes", "").split(",") if scope.strip()
    ]
    named = re.findall(r"\['([\w:', ]+)'\]", said)  # GraphQL: one of the following scopes: ['repo']
    if not accepted and named:
        accepted = [scope.strip(" '") for scope in named[0].split(",")]
    if "x-oauth-scopes" in headers and accepted and not has & set(accepted):
        owned = ", ".join(sorted(has)) or "none"
        return (
            f"the token lacks the scope {' or '.join(accepted)} (it has: {owned})",
            f"give it that scope, or set GITHUB_TOKEN to one that has it and may write to {repository}",
        )
    sentence = f": {said}" if said else ""
    return f"the token may not do this in {repository}{sentence}", _grant(kind, wanted, repository)


def _grant(kind: str, wanted: str, repository: str) -> str:
    """How a credential of this kind gets the permissions ``contents=write,issues=read; issues=write``."""
    permissions = _permissions(wanted)
    words = " or ".join(", ".join(f"{name}: {level}" for name, level in each) for each in permissions)
    match kind:
        case "none":
            return "set GITHUB_TOKEN"
        case "app" if words:
            return f"give the GitHub App the permission {words}, and accept the change where it is installed"
        case "app":
            return f"check the permissions of the GitHub App and that it is installed for {repository}"
        case "installation" if words:
            lines = " or ".join(
                "; ".join(f"{name.replace('_', '-')}: {level}" for name, level in each)
                for each in permissions
            )
            return (
                f"in GitHub Actions add `permissions: {lines}` to the job; "
                f"a GitHub App needs that permission for {repository}"
            )
        case "installation":
            return f"add the permission under `permissions:` of the job, for {repository}"
        case "fine-grained" if words:
            return f"give the token the repository permission {words} for {repository}"
        case _:
            return f"use a token with the scope repo whose owner may write to {repository}"


def _permissions(wanted: str) -> list[list[tuple[str, str]]]:
    """The sets of permissions of which one is enough, as GitHub writes them in its header."""
    sets = [
        [
            (name, level)
            for name, _, level in (pair.strip().partition("=") for pair in each.split(","))
            if level
        ]
        for each in wanted.split(";")
    ]
    return [each for each in sets if each]
