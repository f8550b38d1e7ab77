"""Editing a YAML file: a corpus of odd styles, and everything that is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from yaml import SafeLoader

from lockstep.config import yaml_reader
from lockstep.config.edit import edit
from lockstep.config.yaml_reader import parse
from lockstep.errors import BadInput

CORPUS = Path(__file__).parent / "corpus"
CASES: dict[str, list[tuple[list[str], Any]]] = json.loads((CORPUS / "changes.json").read_text())


@pytest.fixture(params=["libyaml", "pure Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test holds for libyaml's positions and for PyYAML's own."""
    if request.param == "pure Python":
        monkeypatch.setattr(yaml_reader, "_Parser", SafeLoader)
    return str(request.param)


def changes_of(name: str) -> dict[tuple[str, ...], Any]:
    """The changes of a case of the corpus."""
    return {tuple(path): value for path, value in CASES[name]}


@pytest.mark.parametrize("name", CASES)
def test_a_file_of_the_corpus_becomes_what_a_person_would_write(name: str, parser: str) -> None:
    """Byte by byte; done again, nothing changes."""
    before = (CORPUS / f"{name}.before.yaml").read_bytes()
    after = (CORPUS / f"{name}.after.yaml").read_bytes()
    if parser == "pure Python" and b"\t" in before:
        pytest.skip("PyYAML's own parser reads no tabs")
    result = edit(before, changes_of(name), file="f.yaml")
    assert result.decode() == after.decode()
    assert edit(after, changes_of(name), file="f.yaml") == after


def test_the_corpus_has_no_file_that_no_test_reads() -> None:
    """Both files of every case, and no others."""
    files = {path.name for path in CORPUS.glob("*.yaml")}
    assert files == {f"{name}.{when}.yaml" for name in CASES for when in ("before", "after")}
    assert len(CASES) >= 40


REFUSED = [
    ('a: &v "1"\nb: *v\n', "a", "x", "f.yaml:1: a has the anchor &v, which is used in line 2"),
    ('a: &v "1"\nb: *v\n', "b", "x", "f.yaml:2: b is an alias of line 1"),
    ('a: &v "1"\nb: *v\n', "a", None, "f.yaml:1: a has the anchor &v"),
    ('a: &m {x: "1"}\nb: {<<: *m}\n', "a.x", "2", "f.yaml:1: a has the anchor &m, which is used in line 2"),
    ('a: &m {x: "1"}\nb: {<<: *m}\n', "a.y", "2", "f.yaml:1: a has the anchor &m"),
    ('a: &m {x: {p: "1"}}\nb:\n  <<: *m\n', "b.x.p", "2", "f.yaml:3: b.x comes from the merge key <<"),
    ('a: &m {x: "1"}\nb:\n  <<: *m\n', "b.x", None, "f.yaml:3: b.x comes from the merge key <<"),
    ('a: &m {x: "1"}\nb:\n  <<: [*m]\n  x: "2"\n', "b.x", None, "f.yaml:3: b.x comes from the merge key"),
    ('a: {x: &v "1"}\nb: *v\n', "a", "2", "f.yaml:1: a has the anchor &v, which is used in line 2"),
    ("a: {&k key: 1}\nb: *k\n", "a.key", None, "f.yaml:2: the alias *k stands for nothing"),
    ("a: 1\na: 2\n", "a", 3, "f.yaml:2: the key 'a' is written twice"),
    ("a: x\n", "a.b", "y", "f.yaml:1: a is a text, so b cannot be set in it"),
    ("a:\n  b: [1]\n", "a.b.c", "y", "f.yaml:2: a.b is a list, so c cannot be set in it"),
    ("a: true\n", "a.b", "y", "f.yaml:1: a is a boolean"),
    ("- a\n", "a", "y", "f.yaml:1: the file holds a list at its top"),
    ("\nsome text\n", "a", "y", "f.yaml:2: the file holds a text at its top"),
    ("a: 1\n---\nb: 1\n", "a", "y", "f.yaml:2: a second YAML document"),
    ("? a\n? b\n: x\n", "a", "y", "f.yaml:1: a has a key without a colon"),
    ("? a\n: b: 1\n  c: 2\n", "a.b", None, "f.yaml:2: a.b does not begin its own line"),
    ("a: &x\n  b: 1\n", "a", "y", "f.yaml:1: a is written in a way that cannot be edited"),
    ("a: !!null\n", "a", "y", "f.yaml:1: a is written in a way that cannot be edited"),
    ("a: [1\n", "a", "y", "f.yaml:1: not valid YAML"),
    ("a: |+\n  x\nb: 1\n    # c\n", "b", None, "f.yaml:3: b cannot be changed in this file without harm"),
    ("a: |\n  x", "b", "y", "f.yaml:1: b cannot be changed in this file without harm"),
    ("a: 1\n", "b", "\ud800", "f.yaml: the new value of 'b' holds half a character"),
    ("a: 1\n", "b" * 2000, "x", "cannot be changed in this file without harm"),
]


@pytest.mark.parametrize(("text", "path", "value", "problem"), REFUSED)
def test_what_cannot_be_changed_alone_is_refused_with_its_line(
    text: str, path: str, value: Any, problem: str
) -> None:
    """The error says what is in the way, where, and how to mend it."""
    with pytest.raises(BadInput) as caught:
        edit(text.encode(), {tuple(path.split(".")): value}, file="f.yaml")
    assert problem in str(caught.value)
    assert caught.value.fix


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    """As when they are read."""
    with pytest.raises(BadInput, match=r"f\.yaml:2: byte 0xff"):
        edit(b"a: 1\nb: \xff\n", {("a",): 2}, file="f.yaml")


@pytest.mark.parametrize("changes", [{(): "x"}, {("a",): None, ("a", "b"): 1}])
def test_changes_that_contradict_each_other_are_a_mistake_of_the_caller(changes: Any) -> None:
    """No order of the changes decides what is written."""
    with pytest.raises(ValueError, match="change"):
        edit(b"a: {b: 2}\n", changes, file="f.yaml")


def test_a_list_is_nothing_that_can_be_written() -> None:
    """Only scalars and maps of them."""
    with pytest.raises(TypeError, match="list"):
        edit(b"", {("a",): ["x"]}, file="f.yaml")  # type: ignore[dict-item]


def test_none_inside_a_new_map_leaves_the_key_out() -> None:
    """As None for a key removes it."""
    result = edit(b"a: {x: 1, y: 2}\n", {("a",): {"x": None, "y": 2}, ("b",): {"c": None}}, file="f.yaml")
    assert parse(result, "f.yaml").value == {"a": {"y": 2}, "b": {}}


def test_a_hold_that_is_added_and_lifted_leaves_the_file_as_it_was() -> None:
    """Adding and removing are inverse where a block ends with a line break."""
    before = b'# c\nlambda:\n  version: "1"\n\n# end\n'
    held = edit(before, {("lockstep", "hold"): {"version": "1", "by": "Zo\xc3\xab"}}, file="f.yaml")
    assert edit(held, {("lockstep",): None}, file="f.yaml") == before
