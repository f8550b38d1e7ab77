"""Laws of editing YAML: the value is as wanted, and no other byte changes.

Documents are rendered in random styles here, without the code that is tested; where a value stands is
told by PyYAML's own composer.
"""

import json
from collections.abc import Mapping
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lockstep.config.edit import edit
from lockstep.config.yaml_reader import parse
from lockstep.config.yaml_text import is_plain_safe, scalar_text
from lockstep.errors import BadInput
from tests.property.yaml_styles import Renderer

KEYS = st.sampled_from(["a", "version", "lambda", "sha256", "git Version", "no", "0.1", "é", "x-y"])
TEXTS = st.sampled_from(
    ["x", "0.1.6", "1.10", "1e3", "no", "0123", "1234567", "2026-01-01", "null", "~", "", " a ", "it's"]
    + [
        'say "hi"',
        "a: b",
        "a #b",
        "{x}",
        "[x",
        "*x",
        "&x",
        "!x",
        "- x",
        "? x",
        "é🚀",
        "one\ntwo",
        "\t",
        "a,b",
    ]
) | st.text(max_size=8).filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text))
SCALARS = TEXTS | st.integers(-5, 5000) | st.booleans() | st.sampled_from([0.5, 1.5, 1e300])
MAPS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(KEYS, SCALARS | st.none() | st.lists(SCALARS, max_size=2), max_size=3),
    lambda below: st.dictionaries(KEYS, below | SCALARS, max_size=4),
    max_leaves=6,
)
NEW_MAPS = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=3),
    lambda below: st.dictionaries(KEYS, below | SCALARS, max_size=2),
    max_leaves=3,
)
PATHS = st.lists(KEYS, min_size=1, max_size=3).map(tuple)
CHANGES = st.dictionaries(PATHS, SCALARS | st.none() | NEW_MAPS, min_size=1, max_size=4)


DOCUMENTS = st.builds(
    lambda values, seed: (values, Renderer(seed).document(values)), MAPS, st.integers(0, 2**32)
)


def applied(values: Any, changes: Mapping[tuple[str, ...], Any]) -> Any:
    """What the changes mean, said plainly. None when a path leads through something else than a map."""
    result = json.loads(json.dumps(values)) if values is not None else None
    for path, value in changes.items():
        result = {} if result is None and value is not None else result
        at = result
        for key in path[:-1]:
            if at is not None and at.get(key) is None and value is not None:
                at[key] = {}
            at = at.get(key) if at is not None else None
            if at is not None and not isinstance(at, dict):
                if value is not None:
                    return "refused"
                at = None
        if value is None:
            if at is not None:
                at.pop(path[-1], None)
        else:
            at[path[-1]] = value
    return result


def consistent(changes: Mapping[tuple[str, ...], Any]) -> dict[tuple[str, ...], Any]:
    """Without changes below other changes."""
    return {
        path: value
        for path, value in changes.items()
        if not any(path[:length] in changes for length in range(1, len(path)))
    }


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS, CHANGES)
def test_the_value_is_the_old_one_with_the_changes(
    document: tuple[dict[str, Any], bytes], given_changes: dict[tuple[str, ...], Any]
) -> None:
    """Whatever the style; done again nothing happens; readers of YAML 1.1 see the same texts."""
    _, data = document
    changes = consistent(given_changes)
    old = parse(data, "f.yaml").value
    wanted = applied(old, changes)
    if wanted == "refused":
        return
    result = edit(data, changes, file="f.yaml")
    assert repr(sort(parse(result, "f.yaml").value)) == repr(sort(wanted))
    assert edit(result, changes, file="f.yaml") == result
    if old == wanted and repr(old) == repr(wanted):
        assert result == data
    other = yaml.safe_load(result)
    for path, value in changes.items():
        if isinstance(value, str):
            at = other
            for key in path:
                at = at[key]
            assert at == value


def sort(value: Any) -> Any:
    """Maps in the order of their keys."""
    return {key: sort(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def span(data: bytes, path: tuple[str, ...]) -> tuple[Any, Any, Any]:
    """Nodes of a value, of its key and of its map, by PyYAML's own composer; None for what is missing."""
    node: Any = yaml.compose(data.removeprefix(b"\xef\xbb\xbf"))
    key_node = parent = None
    for key in path:
        if not isinstance(node, yaml.MappingNode):
            return None, None, None
        parent = node
        key_node, node = next(((k, v) for k, v in parent.value if k.value == key), (None, None))
    return node, key_node, parent


def shared_ends(old: str, new: str) -> tuple[int, int]:
    """How many characters are the same at the start, and then at the end."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, PATHS, SCALARS)
def test_only_the_changed_scalar_is_other_bytes(
    document: tuple[dict[str, Any], bytes], path: tuple[str, ...], value: Any
) -> None:
    """What differs lies between the marks of the value; where a key is new, nothing is taken away."""
    _, data = document
    if applied(parse(data, "f.yaml").value, {path: value}) == "refused":
        return
    node, key_node, _ = span(data, path)
    result = edit(data, {path: value}, file="f.yaml")
    old = data.decode("utf-8-sig")
    new = result.decode("utf-8-sig")
    assert data[:3] == result[:3] or not data.startswith(b"\xef\xbb\xbf")
    if old == new:
        return
    start, end = shared_ends(old, new)
    if isinstance(node, yaml.ScalarNode) and node.start_mark.index < node.end_mark.index:
        assert start >= min(node.start_mark.index, len(new) - end)
        assert len(old) - end <= node.end_mark.index
    elif node is None or isinstance(node, yaml.ScalarNode):
        parents = [span(data, path[:length])[0] for length in range(len(path) - 1, 0, -1)]
        if not any(isinstance(p, yaml.ScalarNode) and p.value for p in parents):  # null that is written out
            assert is_inside(old, new) or old.strip(" \r\n#-.~nul") == ""
    else:
        assert new.startswith(old[: key_node.end_mark.index])


def is_inside(short: str, long: str) -> bool:
    """All characters of one text are in another in the same order."""
    rest = iter(long)
    return all(sign in rest for sign in short)


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS, st.data())
def test_removing_a_key_takes_its_lines_and_no_others(
    document: tuple[dict[str, Any], bytes], draw: st.DataObject
) -> None:
    """All other lines, comments too, stay in their order."""
    values, data = document
    paths = [(a,) for a in values] + [(a, b) for a, v in values.items() if isinstance(v, dict) for b in v]
    if not paths:
        return
    path = draw.draw(st.sampled_from(paths))
    node, key_node, parent = span(data, path)
    result = edit(data, {path: None}, file="f.yaml")
    if len(parent.value) == 1:
        return  # {} takes its place
    old = data.decode("utf-8-sig")
    new = result.decode("utf-8-sig")
    assert is_inside(new, old)
    if not parent.flow_style:
        first = old.rfind("\n", 0, key_node.start_mark.index) + 1
        before = old[:first]
        assert new.startswith(before)
        assert node is not None


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(alphabet="ab:{}[],#&*!|>'\"?-<~ \n\r\t\u2028é%.0", max_size=30).map(str.encode)
)
@example(b"a: &x [*x]\n")
@example(b"? |\n  a\n: b\n")
@example(b"a: b: c\n")
def test_any_bytes_are_edited_rightly_or_refused(data: bytes) -> None:
    """Nothing but BadInput, and what comes back holds what was asked for."""
    for changes in ({("a",): "1.10"}, {("a", "b"): 1}, {("a",): None}, {("b",): {"c": "d"}}):
        try:
            result = edit(data, changes, file="f.yaml")
        except BadInput:
            continue
        assert parse(result, "f.yaml").value == applied(parse(data, "f.yaml").value, changes)


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, st.data())
def test_a_damaged_document_is_edited_rightly_or_refused(
    document: tuple[dict[str, Any], bytes], draw: st.DataObject
) -> None:
    """One byte of a good file is lost, doubled or another."""
    _, data = document
    at = draw.draw(st.integers(0, len(data)))
    data = (
        data[:at]
        + draw.draw(
            st.sampled_from([b"", b"&a ", b"*a ", b"<<: ", b"\t", b"!!str ", b":", b"#", b"{", b"? "])
        )
        + data[at + draw.draw(st.integers(0, 1)) :]
    )
    for changes in ({("version",): "1.10"}, {("a",): None}, {("lambda", "version"): {"c": "d"}}):
        try:
            result = edit(data, changes, file="f.yaml")
        except BadInput:
            continue
        assert parse(result, "f.yaml").value == applied(parse(data, "f.yaml").value, changes)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.sampled_from(["", "'", '"']), st.sampled_from(["'", '"']), st.booleans())
def test_a_text_is_read_back_by_readers_of_both_versions(
    text: str, quote: str, other: str, in_flow: bool
) -> None:
    """PyYAML follows YAML 1.1, ours 1.2; both see the same text, and quote nothing without need."""
    written = scalar_text(text, quote=quote, other=other, in_flow=in_flow)
    line = f"{{a: {written}, b: 1}}\n" if in_flow else f"a: {written}\nb: 1\n"
    assert parse(line.encode(), "f.yaml").value == {"a": text, "b": 1}
    assert yaml.safe_load(line) == {"a": text, "b": 1}


@given(st.from_regex(r"[0-9a-fA-FxXoObBeE_.:+-]{1,8}", fullmatch=True))
def test_a_plain_text_is_no_number_to_anybody(text: str) -> None:
    """Python's own idea of numbers included."""
    if is_plain_safe(text, in_flow=False):
        for read in (int, float, lambda digits: int(digits, 0)):
            try:
                read(text)
            except ValueError:
                continue
            raise AssertionError(text)
