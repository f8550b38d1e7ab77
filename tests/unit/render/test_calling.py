"""Who calls which functions, as text, Mermaid and SVG: whole, in one order, and harmless."""

import random
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from lockstep.model.calling import CallGraph, Party, Standing, Way
from lockstep.render.calling import mermaid_lines, text_lines
from lockstep.render.cells import columns_of
from lockstep.render.palette import COLOUR
from lockstep.render.picture import _COLOURS, svg_text

NASTY = '<script>alert("1")</script> & \x1b[31mred\u202e "] --> x; `; #quot; end\n::error::'


def graph(name: str = "orders") -> CallGraph:
    """One function, what calls it and what it hands on to, of every standing."""
    ends = list(Standing)
    parties = {f"q{number}": Party(kind="queue", name=f"{name}-{number}") for number in range(len(ends))}
    parties["f"] = Party(kind="function", name="notifier-staging", target="staging/notifier")
    parties["o"] = Party(kind="topic", name=name, is_foreign=True)
    ways = [
        Way(source=f"q{number}", sink="f", words=f"event source {name}", standing=one)
        for number, one in enumerate(ends)
    ]
    ways.append(Way(source="f", sink="o", words="asyncInvoke.onFailure", standing=Standing.FOREIGN))
    ways.append(Way(source="q1", sink="o", words=name, standing=Standing.FOREIGN))
    unread = {"f": ("function URL", name)}
    return CallGraph(parties=parties, ways=tuple(ways), unread=unread, notes=(f"a note of {name}",))


@pytest.mark.parametrize("name", ["orders", NASTY])
def test_the_text_is_whole_and_says_how_each_way_stands(name: str) -> None:
    """Within 80 columns as far as names allow, without anything that a terminal or a CI system obeys."""
    lines = text_lines(graph(name))
    text = "\n".join(lines)
    assert all(line.isprintable() for line in lines)
    assert not any(line.lstrip().startswith("::") for line in lines)
    for words in ("not there", "not read", "not in Git any more", "of others", "asyncInvoke.onFailure"):
        assert words in " ".join(text.split())
    if name != NASTY:
        assert max(map(columns_of, lines)) <= 80
        coloured = "\n".join(text_lines(graph(), palette=COLOUR))
        assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == text


def test_the_chart_has_nothing_of_a_name_that_mermaid_would_obey() -> None:
    """Quotes, brackets, arrows and entities of a name are entities of letters."""
    lines = mermaid_lines(graph(NASTY))
    assert lines[0] == "flowchart LR"
    node = r'n\d+(\["[^"]*"\]|\(\["[^"]*"\]\))(:::foreign)?'
    way = r'n\d+ (-->|-\.->)\|"[^"]*"\| n\d+'
    unread = r'un\d+\["[^"]*"\]:::foreign -\.- n\d+'
    for line in lines[1:-1]:
        assert re.fullmatch(rf"  ({node}|{way}|{unread})", line), line
        assert not re.search(r"[<>&`;]", re.sub(r"#\d+;", "", line.replace("-->", "").replace("-.->", "")))
    assert len(lines) == 2 + 8 + 8 + 1


@pytest.mark.parametrize("name", ["orders", NASTY])
def test_the_picture_is_xml_with_names_as_text_and_fits(name: str) -> None:
    """No element, attribute or script comes of a name, and nothing stands outside of the picture."""
    root = ET.fromstring(svg_text(graph(name)))  # noqa: S314 - our own
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "title", "style", "defs", "marker", "path", "rect", "text"}
    texts = [element.text or "" for element in root.iter() if element.tag.endswith("}text")]
    assert any(name.split()[0] in text for text in texts)
    assert all(text.isprintable() for text in texts)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [element.attrib for element in root.iter() if element.tag.endswith("}rect")][1:]
    assert len(boxes) == 8
    for box in boxes:
        assert float(box["x"]) + float(box["width"]) <= width
        assert float(box["y"]) + float(box["height"]) <= height
    places = sorted((float(box["x"]), float(box["y"])) for box in boxes)
    assert all(a[0] != b[0] or b[1] - a[1] > 30 for a, b in pairwise(places))


def test_the_same_graph_is_the_same_whatever_order_it_was_found_in() -> None:
    """Text, chart and picture can be committed, and differ only when something does."""
    one = graph()
    keys, ways = list(one.parties), list(one.ways)
    draw = random.Random(7)  # noqa: S311 - an order
    draw.shuffle(keys)
    draw.shuffle(ways)
    other = CallGraph(
        parties={key: one.parties[key] for key in keys}, ways=tuple(ways), unread=one.unread, notes=one.notes
    )
    assert text_lines(other) == text_lines(one)
    assert mermaid_lines(other) == mermaid_lines(one)
    assert svg_text(other) == svg_text(one)


def test_an_empty_project_has_an_empty_graph() -> None:
    """In each form."""
    assert text_lines(CallGraph()) == ["No function is declared."]
    assert mermaid_lines(CallGraph())[0] == "flowchart LR"
    ET.fromstring(svg_text(CallGraph()))  # noqa: S314 - our own


@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_what_is_behind_them(ground: int) -> None:
    """Words by 4.5 to 1, lines by 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11), on a light ground and a dark one."""
    of = {name: pair[ground] for name, pair in _COLOURS.items()}
    words = [("ink", "ground"), ("ink", "function-ground"), ("ink", "caller-ground"), ("small", "ground")]
    words.append(("foreign", "foreign-ground"))
    assert dict.fromkeys(words, True) == {(a, b): _contrast(of[a], of[b]) >= 4.5 for a, b in words}
    lines = [name for name in of if not name.endswith("ground")]
    assert dict.fromkeys(lines, True) == {name: _contrast(of[name], of["ground"]) >= 3 for name in lines}


def _contrast(first: str, second: str) -> float:
    """As WCAG 2.2 reckons it."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
