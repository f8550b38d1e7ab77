"""Promotions and rollbacks as text and Markdown: what moves, why, and what is in the way."""

import datetime
import re
from collections.abc import Mapping, Sequence

from lockstep.model.move import Move
from lockstep.model.pull import Ready
from lockstep.planning.gates import Gate
from lockstep.render.blocks import bounded, details, fence, flat, span
from lockstep.render.cells import hanging, printable

__all__ = [
    "body_markdown",
    "gate_words",
    "move_lines",
    "moves_noted",
    "ready_lines",
    "title_of",
]

_NOTED = re.compile(r"<!-- lockstep:moves ((?:[A-Za-z0-9._/-]+@[A-Za-z0-9._+@:-]+ )*)-->")
_LONGEST_TITLE = 120
_FEW = 3


def title_of(moves: Sequence[Move], *, verb: str = "") -> str:
    """One line for a commit and a pull request: ``staging: s3-notifier 0.1.5 -> 0.1.6``."""
    environment = moves[0].environment
    words = [f"{move.service} {f'{move.old} -> ' if move.old else ''}{_new(move)}" for move in moves]
    shown = ", ".join(words[:_FEW])
    if len(words) > _FEW or len(shown) > _LONGEST_TITLE:
        shown = f"{words[0]} and {len(words) - 1} more"
    return f"{environment}: {f'{verb} ' if verb else ''}{shown}"


def body_markdown(
    moves: Sequence[Move],
    *,
    who: str,
    run: str | None = None,
    reason: str | None = None,
    commits: Mapping[str, Sequence[str]] | None = None,
    overridden: Sequence[Gate] = (),
    notes: Sequence[str] = (),
    plan: str | None = None,
    no_plan: str | None = None,
) -> str:
    """What a reviewer needs to know.

    ``commits`` maps targets to lines of what is new in them; ``plan`` is Markdown of what a sync would
    do, ``no_plan`` says why there is none. The last line lets a later run recognise what is promoted.
    """
    table = ["| target | from | to | commit | package |", "|---|---|---|---|---|"]
    table += [_row(move) for move in moves]
    by = f"By {span(who)}" + (f" in [this run]({run})." if run else ".")
    head = ["\n".join(table), by]
    if reason:
        head.append(f"Why: {span(reason)}")
    if notes:
        head.append(fence("", flat(notes)))
    if overridden:
        head.append("**Overridden:**\n\n" + fence("", flat(gate_words(gate) for gate in overridden)))
    sections = [
        details(f"{target}: {len(lines)} commits", fence("", flat(lines)))
        for target, lines in (commits or {}).items()
        if lines
    ]
    if plan:
        sections.append(plan)
    elif no_plan:
        sections.append("There is no plan here:\n\n" + fence("", flat([no_plan])))
    noted = "".join(f"{move.target}@{move.text} " for move in moves)
    return bounded([*head, f"<!-- lockstep:moves {noted}-->"], sections, 60_000)


def moves_noted(body: str) -> Mapping[str, str]:
    """Targets and versions that a pull request says it brings. Anybody may have edited it."""
    found = _NOTED.search(body)
    pairs = (word.partition("@") for word in found[1].split()) if found else ()
    return {target: version for target, _, version in pairs if target and version}


def gate_words(gate: Gate) -> str:
    """One gate in two lines: which one it is, then since when and what lifts it."""
    since = f"since {gate.since.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC; " if gate.since else ""
    return f"{gate.target}: {gate.name}: {gate.problem}\n  {since}{gate.lifts}"


def move_lines(moves: Sequence[Move], columns: int = 80) -> list[str]:
    """The moves for the terminal."""
    lines = []
    for move in moves:
        lines += hanging("~ ", f"{move.target}  {move.old or '(none)'} -> {_new(move)}", columns, "    ")
        facts = [
            f"commit {move.commit[:12]}" if move.commit else "",
            f"{_thing(move)} {move.sha256[:12]}…" if move.sha256 else "",
            printable(move.origin or ""),
        ]
        if shown := ", ".join(fact for fact in facts if fact):
            lines += hanging("    ", shown, columns)
    return lines


def ready_lines(ready: Ready) -> list[str]:
    """What merging a promotion would do, in lines."""
    pull = ready.pull
    return [
        *(f"~ {key}  {old or '(none)'} -> {new}" for key, old, new in ready.moves),
        "",
        printable(f"Pull request #{pull.number} by {pull.author or 'nobody known'}: {pull.title}"),
        *([printable(pull.url)] if pull.url else []),
        *(printable(f"check {one.name}: passed") for one in ready.checks),
        f"It would be merged into {printable(pull.base)} as {pull.sha[:12]}; nothing was written.",
    ]


def _row(move: Move) -> str:
    size = _size(move.size) if move.deployment_type == "lambda" else "image"
    package = f"{span(move.sha256[:16])} ({size})" if move.sha256 else ""
    commit = span(move.commit[:12]) if move.commit else ""
    old = span(move.old) if move.old else ""
    return f"| {span(move.target)} | {old} | {span(move.new)} | {commit} | {package} |"


def _new(move: Move) -> str:
    """The new version; of a name that moved to another image with that one."""
    return f"{move.new}@sha256:{move.sha256[:12]}" if move.old == move.new and move.sha256 else move.new


def _thing(move: Move) -> str:
    return "package" if move.deployment_type == "lambda" else "image"


def _size(size: int) -> str:
    if not size:
        return "size not known"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(size // 1000, 1)} kB"
