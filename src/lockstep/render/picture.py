"""Who calls which functions, as a picture: what calls on the left, functions in the middle, what gets
something on the right. The same graph gives the same bytes; no font is measured: letters have one width.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from lockstep.model.calling import CallGraph, Standing
from lockstep.render.calling import WORDS, label_of, ordered
from lockstep.render.cells import columns_of, printable
from lockstep.values import dataclass

__all__ = ["svg_text"]

_LETTER = 7.3  # pixels of a monospaced letter of 12 pixels' size
_HEIGHT, _PITCH = 30, 58
_MARGIN, _HEAD = 20, 20
_BETWEEN = 330
_LONGEST = 52  # letters of what is said beside a way; the whole is its title
_LINES: Mapping[Standing, tuple[str, str]] = {
    Standing.DECLARED: ("function", ""),
    Standing.LIVE: ("live", ""),
    Standing.MISSING: ("missing", "6 4"),
    Standing.UNKNOWN: ("unknown", "2 4"),
    Standing.LEFT: ("left", "6 4"),
    Standing.FOREIGN: ("foreign", "4 3"),
}
"""Class and dashes of a way by its standing."""
_COLOURS: Mapping[str, tuple[str, str]] = {
    "ground": ("#ffffff", "#181c22"),
    "ink": ("#1f2328", "#e8eaed"),
    "small": ("#57606a", "#a9b1bb"),
    "function": ("#1f6feb", "#8ec1ff"),
    "function-ground": ("#ddf4ff", "#12263f"),
    "caller": ("#9a6700", "#f0b25a"),
    "caller-ground": ("#fff8c5", "#37270c"),
    "foreign": ("#656d76", "#a9b1bb"),
    "foreign-ground": ("#f6f8fa", "#252b33"),
    "live": ("#1a7f37", "#6fd18c"),
    "missing": ("#bc4c00", "#f0883e"),
    "unknown": ("#8250df", "#c297ff"),
    "left": ("#cf222e", "#ff9297"),
}
"""On a light and on a dark ground; which one it is says whoever shows the picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Box:
    left: float
    top: float
    width: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def middle(self) -> float:
        return self.top + _HEIGHT / 2


def svg_text(graph: CallGraph) -> str:
    """The picture as SVG, which needs nothing else."""
    boxes = _placed(graph)
    notes = [
        printable(f"? {graph.parties[key].target}: not read: {', '.join(unread)}")
        for key, unread in sorted(graph.unread.items())
        if key in graph.parties
    ]
    notes += [printable(note) for note in graph.notes]
    standings = [one for one in Standing if any(way.standing is one for way in graph.ways)]
    foot = max((box.top + _HEIGHT for box in boxes.values()), default=_HEAD) + 30
    widest = max((box.right for box in boxes.values()), default=200.0)
    width = max([widest, *(_width(note) for note in notes)]) + _MARGIN
    height = foot + 20 * (len(standings) + len(notes)) + _MARGIN
    body = [*_ways(graph, boxes), *_boxes(graph, boxes)]
    for number, standing in enumerate(standings):
        kind, dashes = _LINES[standing]
        at = foot + 20 * number
        said = WORDS[standing] or ("in Git" if standing is Standing.DECLARED else "there, as in Git")
        body.append(f'<path class="{kind}" d="M {_MARGIN} {at - 4:.0f} h 40"{_dashed(dashes)}/>')
        body.append(_text(_MARGIN + 50, at, said, "small"))
    for number, note in enumerate(notes, len(standings)):
        body.append(_text(_MARGIN, foot + 20 * number, note, "small"))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
            "<title>Who calls which functions</title>",
            f"<style>{_style(0)}@media (prefers-color-scheme:dark){{{_style(1)}}}"
            "text{font:12px ui-monospace,Menlo,Consolas,monospace}text.small{font-size:10px;"
            "paint-order:stroke;stroke-width:3px}path{fill:none;stroke-width:1.5}</style>",
            '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path class="tip" d="M 0 0 L 8 4 L 0 8 z"/></marker></defs>',
            f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _style(ground: int) -> str:
    """The colours of everything, on a light ground (0) or a dark one (1)."""
    of = {name: pair[ground] for name, pair in _COLOURS.items()}
    boxes = "".join(
        f"rect.{name}{{fill:{of[f'{name}-ground']};stroke:{of[name]}}}"
        for name in ("function", "caller", "foreign")
    )
    ways = "".join(f"path.{name}{{stroke:{of[name]}}}" for name, _ in _LINES.values())
    return (
        f"rect.ground{{fill:{of['ground']}}}{boxes}{ways}path.tip{{fill:{of['small']}}}"
        f"text{{fill:{of['ink']}}}text.small{{fill:{of['small']};stroke:{of['ground']}}}"
        f"text.foreign{{fill:{of['foreign']}}}"
    )


def _placed(graph: CallGraph) -> dict[str, _Box]:
    """Where each party stands: in its column, beside what it has to do with."""
    keys = sorted(graph.parties, key=lambda key: (label_of(graph.parties[key]), key))
    targets = [key for key in keys if graph.parties[key].target]
    at = {key: float(number) for number, key in enumerate(targets)}
    calling = {way.source for way in graph.ways}
    before = _near([key for key in keys if key not in at and key in calling], graph, at)
    after = _near([key for key in keys if key not in at and key not in calling], graph, at)
    columns = [before, targets, after]
    most = max(map(len, columns), default=0)
    boxes: dict[str, _Box] = {}
    left = float(_MARGIN)
    for column in columns:
        width = max((_width(label_of(graph.parties[key])) for key in column), default=0.0)
        top = _HEAD + (most - len(column)) * _PITCH / 2
        for number, key in enumerate(column):
            boxes[key] = _Box(left=left, top=top + number * _PITCH, width=width)
        left += width + _BETWEEN if column else 0
    return boxes


def _near(keys: Sequence[str], graph: CallGraph, at: Mapping[str, float]) -> list[str]:
    """The keys, each as high as what it has to do with is on the average."""
    ends: dict[str, list[float]] = {}
    for way in graph.ways:
        ends.setdefault(way.source, []).append(at.get(way.sink, len(at)))
        ends.setdefault(way.sink, []).append(at.get(way.source, len(at)))
    means = {key: sum(found) / len(found) for key, found in ends.items()}
    return sorted(keys, key=lambda key: (means.get(key, 0.0), label_of(graph.parties[key]), key))


def _ways(graph: CallGraph, boxes: Mapping[str, _Box]) -> Iterable[str]:
    beside: dict[tuple[str, str], int] = {}
    begin, come = (Counter(getattr(way, name) for way in graph.ways) for name in ("source", "sink"))
    for way in ordered(graph):
        start, end = boxes[way.source], boxes[way.sink]
        number = beside[way.source, way.sink] = beside.get((way.source, way.sink), -1) + 1
        if start.left < end.left:
            x1, x2, bend = start.right, end.left, (end.left - start.right) / 2
            path = f"C {x1 + bend:.1f} {start.middle:.1f} {x2 - bend:.1f} {end.middle:.1f}"
            # Where it is alone: nothing else begins or ends there.
            if come[way.sink] == 1:
                high = end.middle + (14 if end.middle > start.middle else -6)
                anchor, middle = "end", x2 - 12
            elif begin[way.source] == 1:
                high = start.middle + (14 if start.middle > end.middle else -6)
                anchor, middle = "start", x1 + 6
            else:
                anchor, middle, high = "middle", (x1 + x2) / 2, (start.middle + end.middle) / 2 - 4
        else:
            x1, x2, bend = start.right, end.right, 60.0 + 20 * number
            path = f"C {x1 + bend:.1f} {start.middle:.1f} {max(x1, x2) + bend:.1f} {end.middle:.1f}"
            anchor, middle = "middle", max(x1, x2) + bend * 0.75
            high = (start.middle + end.middle) / 2 - 4
        kind, dashes = _LINES[way.standing]
        said = WORDS[way.standing]
        words = printable(way.words) + (f" ({said})" if said else "")
        yield (
            f'<path class="{kind}" d="M {x1:.1f} {start.middle:.1f} {path} {x2:.1f} {end.middle:.1f}"'
            f'{_dashed(dashes)} marker-end="url(#end)"><title>{escape(words)}</title></path>'
        )
        short = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
        yield _text(middle, high + 12 * number, short, "small", anchor=anchor)


def _boxes(graph: CallGraph, boxes: Mapping[str, _Box]) -> Iterable[str]:
    for key, box in boxes.items():
        party = graph.parties[key]
        kind = "foreign" if party.is_foreign else "function" if party.target else "caller"
        radius = 4 if party.target else 14
        yield (
            f'<rect class="{kind}" x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" '
            f'height="{_HEIGHT}" rx="{radius}"/>'
        )
        yield _text(box.left + 10, box.top + 19, label_of(party), "foreign" if party.is_foreign else "")


def _text(x: float, y: float, words: str, kind: str = "", *, anchor: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    anchored = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}{anchored}>{escape(words)}</text>'


def _dashed(dashes: str) -> str:
    return f' stroke-dasharray="{dashes}"' if dashes else ""


def _width(label: str) -> float:
    return columns_of(label) * _LETTER + 20
