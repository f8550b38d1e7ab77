"""Pull requests as text and JSON."""

import re
from collections.abc import Sequence
from typing import Any

from lockstep.model.pull import Pull, Review
from lockstep.render.cells import hanging, printable, printable_lines
from lockstep.render.table import table_lines
from lockstep.render.wire import dump

__all__ = ["pull_document", "pulls_document", "pulls_lines", "review_document", "review_lines"]


def pulls_lines(found: Sequence[Pull], *, columns: int = 80) -> list[str]:
    """One line for each pull request."""
    if not found:
        return ["There are no pull requests."]
    rows = [("NUMBER", "STATE", "TITLE", "BRANCH", "BY")]
    rows += [
        (
            f"#{pull.number}",
            "draft" if pull.is_draft and pull.state == "open" else str(pull.state),
            printable(pull.title),
            printable(f"{pull.head} -> {pull.base}"),
            printable(pull.author),
        )
        for pull in found
    ]
    return table_lines(rows, columns=columns, cut=(3, 2))


def review_lines(review: Review, *, columns: int = 80) -> list[str]:
    """A pull request with its checks, commits and comments."""
    pull = review.pull
    about = [
        ("state", ", ".join(_state(pull))),
        ("branch", f"{pull.head} -> {pull.base}, commit {pull.sha[:12]}"),
        ("by", f"{pull.author}, {pull.created}"),
        ("labels", ", ".join(pull.labels)),
        ("url", pull.url),
        *(("check", f"{check.state} {check.name} {check.url or ''}".rstrip()) for check in review.checks),
        *(("commit", f"{one.sha[:8]} {one.author}: {one.subject}") for one in review.commits),
    ]
    lines = hanging("", printable(f"#{pull.number} {pull.title}"), columns)
    for name, text in about:
        if text:
            lines += hanging(f"{name:<8}", printable(text), columns)
    lines += ["", *_text(pull.body)] if pull.body.strip() else []
    for remark in review.remarks:
        lines += ["", printable(f"{remark.author}, {remark.written}:")]
        lines += [f"  {line}" for line in _text(remark.body)]
    return lines


def _state(pull: Pull) -> list[str]:
    """Words for how it stands, and what is in its way."""
    match pull.state:
        case "merged":
            return [f"merged as {(pull.merge_commit or '')[:12]}", f"by {pull.merged_by or 'somebody'}"]
        case "closed":
            return [f"closed by {pull.closed_by or 'somebody'}"]
    words = ["draft" if pull.is_draft else "open"]
    if pull.conflict:
        words.append(f"conflicts with {pull.base}")
    if pull.is_blocked:
        words.append("its checks or reviews are not complete")
    return words


def _text(body: str) -> list[str]:
    """Markdown as it is written, without the marks that only programs read."""
    # Before the last end of a comment each one is closed, so none is looked for to the end of the text.
    last = body.rfind("-->") + len("-->\n")
    shown = re.sub(r"<!--.*?-->\n?", "", body[:last], flags=re.DOTALL) + body[last:]
    return printable_lines(shown.strip("\n"))


def pull_document(pull: Pull) -> str:
    """One pull request as JSON."""
    return dump({"format": "lockstep.pull/1", **_fields(pull)})


def pulls_document(found: Sequence[Pull]) -> str:
    """Pull requests as JSON."""
    return dump({"format": "lockstep.pulls/1", "pulls": [_fields(pull) for pull in found]})


def review_document(review: Review) -> str:
    """A pull request with its checks, commits and comments as JSON."""
    return dump(
        {
            "format": "lockstep.pull/1",
            **_fields(review.pull),
            "checks": [
                {"name": check.name, "state": check.state, "url": check.url} for check in review.checks
            ],
            "commits": [
                {"sha": one.sha, "author": one.author, "subject": one.subject} for one in review.commits
            ],
            "comments": [
                {"author": one.author, "written": one.written, "body": one.body} for one in review.remarks
            ],
        }
    )


def _fields(pull: Pull) -> dict[str, Any]:
    return {
        "number": pull.number,
        "state": pull.state,
        "title": pull.title,
        "body": pull.body,
        "head": pull.head,
        "base": pull.base,
        "sha": pull.sha,
        "url": pull.url,
        "author": pull.author,
        "labels": list(pull.labels),
        "draft": pull.is_draft,
        "conflict": pull.conflict,
        "blocked": pull.is_blocked,
        "mergeCommit": pull.merge_commit,
        "mergedBy": pull.merged_by,
        "closedBy": pull.closed_by,
        "created": pull.created,
        "ended": pull.ended,
    }
