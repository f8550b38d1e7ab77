"""What became of a promotion, a rollback or a lifted hold."""

from collections.abc import Sequence

from lockstep.model.move import Arrival, Move, Reached
from lockstep.render.blocks import fence, flat, span
from lockstep.render.cells import hanging, printable
from lockstep.render.promotion import move_lines
from lockstep.render.wire import dump

__all__ = ["outcome_document", "outcome_lines", "outcome_markdown"]


def outcome_lines(
    moves: Sequence[Move], arrival: Arrival, *, is_dry: bool = False, columns: int = 80
) -> list[str]:
    """The moves, and one sentence on how far they came."""
    lines = move_lines(moves, columns)
    return [*lines, *([""] if lines else []), *hanging("", _sentence(moves, arrival, is_dry), columns)]


def outcome_markdown(moves: Sequence[Move], arrival: Arrival, *, is_dry: bool = False) -> str:
    """The same for a job's summary."""
    lines = move_lines(moves, 100)
    block = f"\n\n{fence('', flat(lines))}" if lines else ""
    link = f" ([#{arrival.number}]({arrival.url}))" if arrival.url and arrival.url.startswith("http") else ""
    return f"### Lockstep: {span(_sentence(moves, arrival, is_dry))}{link}{block}\n"


def outcome_document(moves: Sequence[Move], arrival: Arrival) -> str:
    """``lockstep.outcome/1``: the moves and what became of them."""
    return dump(
        {
            "format": "lockstep.outcome/1",
            "reached": arrival.reached,
            "commit": arrival.commit,
            "pull": arrival.number,
            "url": arrival.url,
            "moves": [
                {
                    "target": move.target,
                    "from": move.old,
                    "to": move.new,
                    "commit": move.commit,
                    "sha256": move.sha256,
                    "tag": move.tag,
                }
                for move in moves
            ],
        }
    )


def _sentence(moves: Sequence[Move], arrival: Arrival, is_dry: bool) -> str:
    if is_dry:
        count = len(moves)
        return f"{count} {'version' if count == 1 else 'versions'} would change; nothing was written."
    pull = f"pull request #{arrival.number}" if arrival.number is not None else "the branch"
    where = f" ({printable(arrival.url)})" if arrival.url else ""
    match arrival.reached:
        case Reached.NOTHING:
            return "Nothing to do: the branch says it already."
        case Reached.COMMITTED:
            return f"Committed as {(arrival.commit or '')[:12]}."
        case Reached.MERGED:
            return f"Merged: {pull}{where}."
        case Reached.WAITING:
            return f"Open: {pull}{where} merges itself when its checks pass."
        case Reached.OPEN:
            return f"Open: {pull}{where} waits for a person to merge it."
        case Reached.BLOCKED:
            why = arrival.why or "its checks or rules do not let it"
            return f"Blocked: {pull}{where} was to merge itself, and {why}."
