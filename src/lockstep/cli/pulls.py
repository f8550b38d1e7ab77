"""``pulls``: pull requests on the command line, for teams whose forge has no pages."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Shell
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.delivery.promotion.pulls import Review
    from lockstep.forge.base import Pull

__all__ = ["declare_pulls", "pulls"]

_ACTIONS = ("open", "show", "label", "merge", "close")
_METHODS = ("squash", "merge", "rebase")


class Form(StrEnum):
    """Forms of a list of pull requests."""

    TABLE = "table"
    JSON = "json"


def declare_pulls(parser: Parser) -> None:
    """The arguments of ``pulls``."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="ACTION",
        help="show N, label N LABEL..., merge N, close N, or open [BRANCH]; without an action all that are "
        "open are listed",
    )
    parser.add_argument("--all", action="store_true", dest="is_all", help="list those that ended too")
    parser.add_argument(
        "--method",
        metavar="METHOD",
        default="squash",
        help=f"of a merge: {', '.join(_METHODS)}; default: squash",
    )
    parser.add_argument("--title", metavar="TEXT", help="when opening; default: the newest commit's subject")
    parser.add_argument(
        "--body", metavar="TEXT", default="", help="when opening: what a reviewer should know"
    )
    parser.add_argument("--comment", metavar="TEXT", help="a last word when closing")
    parser.add_argument(
        "--remove",
        metavar="LABEL",
        action="append",
        default=[],
        help="when labelling: take one away; repeats",
    )
    declare_output(parser, "form of the result", Form)


def pulls(
    shell: Shell,
    *,
    words: list[str],
    is_all: bool,
    method: str,
    title: str | None,
    body: str,
    comment: str | None,
    remove: list[str],
    output: Form,
) -> int:
    """List pull requests, open, show, label, merge or close one, on GitHub and on a plain Git server."""
    from lockstep.delivery.promotion import pulls as verbs
    from lockstep.forge.base import MergeMethod

    action, branch, number = _parsed(words[:2] if words[:1] == ["label"] else words)
    if method not in _METHODS:
        raise BadInput(f"{method!r} is not one of {', '.join(_METHODS)}", where="--method", fix="choose one")
    place = verbs.open_place(shell.where, shell.credentials)
    forge = place.forge
    shell.progress("asking the forge")
    match action:
        case "open":
            opened = verbs.propose(place, branch, title=title, body=body)
            shell.end_progress()
            shell.emit(_one(opened, f"Opened #{opened.number}: {opened.title}", output))
        case "list":
            found = forge.pulls(is_open=not is_all)
            shell.end_progress()
            shell.emit(_list_document(found) if output is Form.JSON else _list_lines(found, shell.columns))
        case "show":
            review = verbs.read_review(forge, number)
            shell.end_progress()
            shell.emit(_document(review) if output is Form.JSON else _lines(review, shell.columns))
        case "label":
            labelled = verbs.label(forge, number, add=words[2:], remove=remove)
            shell.end_progress()
            there = ", ".join(labelled.labels) or "none"
            shell.emit(_one(labelled, f"Labels of #{number}: {there}.", output))
        case "merge":
            merged = verbs.merge(forge, number, method=MergeMethod(method))
            shell.end_progress()
            shell.emit(_one(merged, f"Merged #{number} as {(merged.merge_commit or '')[:12]}.", output))
        case "close":
            closed = verbs.close(forge, number, comment=comment)
            shell.end_progress()
            shell.emit(_one(closed, f"Closed #{number}.", output))
    return 0


def _parsed(words: Sequence[str]) -> tuple[str, str | None, int]:
    """The action, the branch to open and the number; a number alone is to be shown."""
    if not words:
        return "list", None, 0
    action, *rest = words if not _is_number(words[0]) else ["show", *words]
    if action not in _ACTIONS:
        raise BadInput(f"{action!r} is no action", where="pulls", fix=f"one of {', '.join(_ACTIONS)}")
    if action == "open" and len(rest) < 2:
        return action, rest[0] if rest else None, 0
    if len(rest) != 1 or not _is_number(rest[0]):
        needed = "takes one branch" if action == "open" else "needs one number"
        raise BadInput(f"{action} {needed}", where="pulls", fix="`lockstep pulls --help` shows what there is")
    return action, None, int(rest[0].removeprefix("#"))


def _is_number(word: str) -> bool:
    return bool(re.fullmatch(r"#?[1-9][0-9]{0,8}", word))


def _list_lines(found: "Sequence[Pull]", columns: int) -> list[str]:
    from lockstep.render.cells import printable
    from lockstep.render.table import table_lines

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


def _lines(review: "Review", columns: int) -> list[str]:
    from lockstep.render.cells import hanging, printable

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


def _state(pull: "Pull") -> list[str]:
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
    from lockstep.render.cells import printable_lines

    # Before the last end of a comment each one is closed, so none is looked for to the end of the text.
    last = body.rfind("-->") + len("-->\n")
    shown = re.sub(r"<!--.*?-->\n?", "", body[:last], flags=re.DOTALL) + body[last:]
    return printable_lines(shown.strip("\n"))


def _one(pull: "Pull", words: str, output: Form) -> str:
    from lockstep.render.cells import printable
    from lockstep.render.wire import dump

    if output is Form.JSON:
        return dump({"format": "lockstep.pull/1", **_fields(pull)})
    return f"{printable(words)}\n"


def _list_document(found: "Sequence[Pull]") -> str:
    from lockstep.render.wire import dump

    return dump({"format": "lockstep.pulls/1", "pulls": [_fields(pull) for pull in found]})


def _document(review: "Review") -> str:
    from lockstep.render.wire import dump

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


def _fields(pull: "Pull") -> dict[str, Any]:
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
