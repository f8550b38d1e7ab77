"""Who calls which functions, as text for the terminal and as Mermaid."""

from collections.abc import Iterable, Mapping

from lockstep.model.calling import CallGraph, Party, Standing, Way
from lockstep.render.cells import columns_of, fit, hanging, printable
from lockstep.render.palette import PLAIN, Palette

__all__ = ["WORDS", "label_of", "mermaid_lines", "ordered", "text_lines"]

WORDS: Mapping[Standing, str] = {
    Standing.DECLARED: "",
    Standing.LIVE: "",
    Standing.MISSING: "not there",
    Standing.UNKNOWN: "not read",
    Standing.LEFT: "not in Git any more",
    Standing.FOREIGN: "of others",
}
"""What is said of a way by its standing."""

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./:,@+=*()")
_WIDEST = 40  # columns of the names


def label_of(party: Party) -> str:
    """A party in one line: a target with its function's name, anything else with what it is."""
    name = f"{party.target} {party.name}" if party.target else f"{party.kind} {party.name}"
    return printable(name.strip())


def ordered(graph: CallGraph) -> tuple[Way, ...]:
    """The ways in one order, whatever they were found in."""
    names = {key: (not one.target, label_of(one)) for key, one in graph.parties.items()}
    return tuple(
        sorted(graph.ways, key=lambda way: (names[way.sink], names[way.source], way.words, way.standing))
    )


def text_lines(graph: CallGraph, *, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """Each function with what calls it (``<-``) and what gets something from it (``->``)."""
    ways = ordered(graph)
    lines: list[str] = []
    targets = sorted((one.target, key) for key, one in graph.parties.items() if one.target)
    for _, key in targets:
        into = [("<-", way.source, way) for way in ways if way.sink == key]
        out = [("->", way.sink, way) for way in ways if way.source == key]
        lines += [*([""] if lines else []), palette.paint(palette.bold, label_of(graph.parties[key]))]
        lines += _block(graph, [*into, *out], palette, columns)
        if not into:
            lines.append("  nothing calls it that Lockstep knows of")
        if unread := graph.unread.get(key):
            lines += hanging("  ?  not read: ", printable(", ".join(unread)), columns)
    own = {key for _, key in targets}
    rest = [way for way in ways if way.source not in own and way.sink not in own]
    for source in dict.fromkeys(way.source for way in rest):
        lines += [*([""] if lines else []), palette.paint(palette.bold, label_of(graph.parties[source]))]
        lines += _block(graph, [("->", w.sink, w) for w in rest if w.source == source], palette, columns)
    if not lines:
        lines = ["No function is declared."]
    for note in graph.notes:
        lines += ["", *hanging("note: ", printable(note), columns)]
    return lines


def _block(
    graph: CallGraph, ways: Iterable[tuple[str, str, Way]], palette: Palette, columns: int
) -> list[str]:
    listed = [(arrow, label_of(graph.parties[key]), way) for arrow, key, way in ways]
    width = min(max((columns_of(label) for _, label, _ in listed), default=0), _WIDEST)
    lines: list[str] = []
    for arrow, label, way in listed:
        said = WORDS[way.standing]
        words = printable(way.words) + (f" ({said})" if said else "")
        first = f"  {arrow} {fit(label, width)}  "
        rest = " " * (width + 7)
        made = hanging(first, words, columns, rest) if columns_of(label) <= width else [first.rstrip()]
        made += hanging(rest, words, columns) if columns_of(label) > width else []
        code = palette.dim if way.standing is Standing.FOREIGN else ""
        code = palette.warning if way.standing in (Standing.MISSING, Standing.LEFT) else code
        lines += [palette.paint(code, line) for line in made]
    return lines


def mermaid_lines(graph: CallGraph) -> list[str]:
    """The same as a flow chart of Mermaid's, for Markdown."""
    ways = ordered(graph)
    keys = sorted(
        graph.parties, key=lambda key: (not graph.parties[key].target, label_of(graph.parties[key]))
    )
    ids = {key: f"n{number}" for number, key in enumerate(keys, 1)}
    lines = ["flowchart LR"]
    for key in keys:
        party = graph.parties[key]
        text = _quoted(label_of(party))
        shape = f'["{text}"]' if party.target else f'(["{text}"])'
        lines.append(f"  {ids[key]}{shape}{':::foreign' if party.is_foreign else ''}")
    for way in ways:
        said = WORDS[way.standing]
        text = _quoted(printable(way.words) + (f" ({said})" if said else ""))
        arrow = "-->" if way.standing in (Standing.DECLARED, Standing.LIVE) else "-.->"
        lines.append(f'  {ids[way.source]} {arrow}|"{text}"| {ids[way.sink]}')
    for key in keys:
        if unread := graph.unread.get(key):
            text = _quoted(printable(f"? not read: {', '.join(unread)}"))
            lines.append(f'  u{ids[key]}["{text}"]:::foreign -.- {ids[key]}')
    lines.append("  classDef foreign fill:#eee,stroke:#999,color:#666,stroke-dasharray:4 3")
    return lines


def _quoted(text: str) -> str:
    """Text between the quotes of Mermaid, where an entity stands for whatever may have a meaning."""
    return "".join(one if one in _SAFE or one.isalnum() else f"#{ord(one)};" for one in text)
