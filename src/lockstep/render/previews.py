"""Previews: what became of one, all of them in a list, and what is left over."""

from collections.abc import Sequence
from datetime import UTC, datetime

from lockstep.model.move import Move, Reached
from lockstep.model.preview import Listed
from lockstep.render.blocks import fence, flat, span
from lockstep.render.cells import columns_of, hanging, printable
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.status import age_words, cell_words
from lockstep.render.table import table_lines
from lockstep.render.wire import dump

__all__ = [
    "brought_document",
    "brought_lines",
    "brought_markdown",
    "compacted_document",
    "compacted_lines",
    "listing_document",
    "listing_lines",
    "listing_markdown",
]


def brought_lines(
    number: int,
    moves: Sequence[Move],
    reached: Reached,
    commit: str | None,
    *,
    is_up: bool = True,
    is_deployed: bool = False,
    is_dry: bool = False,
    columns: int = 80,
) -> list[str]:
    """The services of a preview, and one sentence on what became of it."""
    width = max((columns_of(printable(move.service)) for move in moves), default=0)
    lines = []
    for move in moves:
        name = printable(move.service)
        was = f"{move.old} -> " if move.old and move.old != move.new else ""
        kind = "" if move.deployment_type == "lambda" else f" ({move.deployment_type})"
        lines.append(f"  {name}{' ' * (width - columns_of(name))}  {printable(f'{was}{move.new}{kind}')}")
    sentence = _sentence(number, reached, commit, is_up=is_up, is_deployed=is_deployed, is_dry=is_dry)
    return [*lines, *([""] if lines else []), *hanging("", sentence, columns)]


def brought_markdown(
    number: int,
    moves: Sequence[Move],
    reached: Reached,
    commit: str | None,
    *,
    is_up: bool = True,
    is_deployed: bool = False,
    is_dry: bool = False,
) -> str:
    """The same for a job's summary."""
    words = _sentence(number, reached, commit, is_up=is_up, is_deployed=is_deployed, is_dry=is_dry)
    services = brought_lines(number, moves, reached, commit, columns=100)[: len(moves)]
    block = f"\n\n{fence('', flat(services))}" if services else ""
    return f"### Lockstep: {span(words)}{block}\n"


def brought_document(
    number: int,
    moves: Sequence[Move],
    reached: Reached,
    commit: str | None,
    *,
    is_up: bool = True,
    is_deployed: bool = False,
) -> str:
    """``lockstep.preview/1``: one preview and what became of it."""
    return dump(
        {
            "format": "lockstep.preview/1",
            "preview": f"preview/pr-{number}",
            "up": is_up,
            "deployed": is_deployed,
            "reached": reached,
            "commit": commit,
            "services": [
                {
                    "target": move.target,
                    "deploymentType": move.deployment_type,
                    "from": move.old,
                    "to": move.new,
                    "commit": move.commit,
                    "sha256": move.sha256,
                }
                for move in moves
            ],
        }
    )


def _sentence(
    number: int, reached: Reached, commit: str | None, *, is_up: bool, is_deployed: bool, is_dry: bool
) -> str:
    name = f"preview/pr-{number}"
    if is_dry:
        return f"{name} would be as above; nothing was written."
    done = []
    if is_deployed and is_up:
        done.append("deployed")
    if reached is not Reached.NOTHING:
        done.append(f"committed as {(commit or '')[:12]}")
    if is_deployed and not is_up:
        done.append("removed from AWS")
    if not done:
        return f"Nothing to do: {name} is {'as above' if is_up else 'not there'}."
    return f"{name} is {'up' if is_up else 'down'}: {', and '.join(done)}."


def listing_lines(
    previews: Sequence[Listed],
    notes: Sequence[str] = (),
    *,
    now: datetime,
    palette: Palette = PLAIN,
    columns: int = 80,
) -> list[str]:
    """One line for each service of each preview."""
    table: list[tuple[str, ...]] = [
        ("PREVIEW", "PULL", "AGE", "UPDATED", "ENDS IN", "SERVICE", "VERSION AND STATUS")
    ]
    for one in previews:
        preview = one.preview
        about = (
            preview.name,
            _state(one),
            age_words(preview.created, now),
            age_words(preview.updated, now),
            _left(one.ends, now),
        )
        for place, row in enumerate(one.services):
            first = about if place == 0 else ("",) * len(about)
            table.append((*first, printable(row.service), cell_words(row)))
        if not one.services:
            table.append((*about, "-", "no services"))
    lines = _columns(table, palette, columns) if previews else ["There are no previews."]
    for note in notes:
        for text in note.splitlines():
            lines += hanging("note: ", printable(text), columns)
    return lines


def listing_markdown(previews: Sequence[Listed], notes: Sequence[str] = (), *, now: datetime) -> str:
    """The same as a block for a job's summary."""
    return (
        f"### Lockstep: previews\n\n{fence('', flat(listing_lines(previews, notes, now=now, columns=100)))}\n"
    )


def listing_document(previews: Sequence[Listed], notes: Sequence[str] = ()) -> str:
    """``lockstep.previews/1``: every preview with its services."""
    return dump(
        {
            "format": "lockstep.previews/1",
            "previews": [
                {
                    "number": one.preview.number,
                    "environment": one.preview.environment,
                    "commit": one.preview.sha,
                    "created": one.preview.created,
                    "updated": one.preview.updated,
                    "ends": one.ends,
                    "warned": one.preview.warned,
                    "recorded": one.is_recorded,
                    "deployed": one.is_live,
                    "pull": None
                    if one.pull is None
                    else {
                        "state": one.pull.state,
                        "url": one.pull.url,
                        "commit": one.pull.sha,
                        "labels": list(one.pull.labels),
                    },
                    "services": [
                        {
                            "service": row.service,
                            "deploymentType": row.deployment_type,
                            "declared": row.declared,
                            "live": row.live,
                            "sync": row.status,
                            "health": row.health,
                        }
                        for row in one.services
                    ],
                }
                for one in previews
            ],
            "notes": list(notes),
        }
    )


def compacted_lines(branch: str, before: int, commit: str, *, is_new: bool) -> list[str]:
    """One sentence on the branch of previews."""
    name = printable(branch)
    if not is_new:
        return [f"Nothing to do: {name} is one commit."]
    what = f"{before} commits are one now" if before else "it was begun"
    return [f"{name}: {what}, {commit[:12]}."]


def compacted_document(branch: str, before: int, commit: str, *, is_new: bool) -> str:
    """``lockstep.compacted/1``."""
    return dump(
        {
            "format": "lockstep.compacted/1",
            "branch": branch,
            "before": before,
            "commit": commit,
            "changed": is_new,
        }
    )


def _state(one: Listed) -> str:
    """``open``, and whether the preview is behind its pull request."""
    if one.pull is None:
        return "?"
    behind = one.pull.is_open and one.preview.sha not in (None, one.pull.sha)
    return printable(f"{one.pull.state}{' (behind)' if behind else ''}")


def _left(ends: str | None, now: datetime) -> str:
    if ends is None:
        return "-"
    left = (datetime.fromisoformat(ends) - now.astimezone(UTC)).total_seconds()
    if left <= 0:
        return "over"
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if left >= length:
            return f"{int(left // length)}{unit}"
    return f"{int(left)}s"


def _columns(table: Sequence[Sequence[str]], palette: Palette, columns: int) -> list[str]:
    head, *lines = table_lines(table, columns=columns, cut=(5, 6))
    return [palette.paint(palette.bold, head), *lines]
