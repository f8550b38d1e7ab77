"""``pulls``: pull requests on the command line, for teams whose forge has no pages."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Shell
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.model.pull import Pull

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
    from lockstep.render.pulls import pulls_document, pulls_lines, review_document, review_lines

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
            shell.emit(
                pulls_document(found) if output is Form.JSON else pulls_lines(found, columns=shell.columns)
            )
        case "show":
            review = verbs.read_review(forge, number)
            shell.end_progress()
            shell.emit(
                review_document(review)
                if output is Form.JSON
                else review_lines(review, columns=shell.columns)
            )
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


def _one(pull: "Pull", words: str, output: Form) -> str:
    from lockstep.render.cells import printable
    from lockstep.render.pulls import pull_document

    return pull_document(pull) if output is Form.JSON else f"{printable(words)}\n"
