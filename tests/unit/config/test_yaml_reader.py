"""Reading YAML: values by the 1.2 core schema, lines, and everything that is refused."""

import math
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yaml import SafeLoader
from yaml.error import Mark, MarkedYAMLError

from lockstep.config import yaml_reader
from lockstep.config.yaml_reader import MAX_BYTES, MAX_DEPTH, parse
from lockstep.errors import BadInput


@pytest.fixture(params=["libyaml", "pure Python"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test holds for libyaml's events and for PyYAML's own."""
    if request.param == "pure Python":
        monkeypatch.setattr(yaml_reader, "_Parser", SafeLoader)


def value(text: str) -> Any:
    """The value of one key."""
    return parse(f"key: {text}\n".encode(), "f.yaml").value["key"]


SCALARS = [
    ("", None),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("NULL", None),
    ("nULL", "nULL"),
    ("none", "none"),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("false", False),
    ("False", False),
    ("FALSE", False),
    ("yes", "yes"),
    ("No", "No"),
    ("on", "on"),
    ("OFF", "OFF"),
    ("y", "y"),
    ("0", 0),
    ("-0", 0),
    ("12", 12),
    ("+12", 12),
    ("-19", -19),
    ("0777", 777),
    ("0o17", 15),
    ("0o8", "0o8"),
    ("0x1F", 31),
    ("0xZ", "0xZ"),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("0.", 0.0),
    (".5", 0.5),
    ("-0.0", -0.0),
    ("0.10", 0.1),
    ("12e03", 12000.0),
    ("-2E+05", -200000.0),
    ("1.2.3", "1.2.3"),
    ("1e", "1e"),
    ("+", "+"),
    (".", "."),
    (".inf", math.inf),
    ("-.Inf", -math.inf),
    ("+.INF", math.inf),
    (".iNF", ".iNF"),
    ("2024-01-31", "2024-01-31"),
    ("!!str 0.10", "0.10"),
    ("! 12", "12"),
    ("!!int 12", 12),
    ("!!float 12", 12.0),
    ("!!bool true", True),
    ("!!null null", None),
    ("'true'", "true"),
    ('"0.10"', "0.10"),
    ("=", "="),
    ("٣", "٣"),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS, ids=[text or "empty" for text, _ in SCALARS])
def test_unquoted_scalars_follow_the_core_schema(text: str, expected: Any) -> None:
    """https://yaml.org/spec/1.2.2/#103-core-schema, type included."""
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_not_a_number_is_one() -> None:
    """.nan is a float that equals nothing."""
    assert math.isnan(value(".NaN"))


def test_block_scalars_are_strings_whatever_they_say() -> None:
    """A literal block is never a number."""
    assert parse(b"a: |\n  12\nb: >-\n  true\n", "f").value == {"a": "12\n", "b": "true"}


def test_every_value_has_the_line_of_its_key() -> None:
    """Lines count from 1; a list item has its own; a missing value that of the nearest above it."""
    document = parse(b"# comment\na:\n  b:\n    - x\n    - {c: 1}\nd: 2\n", "f")
    assert document.line(()) == 2
    assert document.line(("a", "b")) == 3
    assert document.line(("a", "b", 0)) == 4
    assert document.line(("a", "b", 1, "c")) == 5
    assert document.line(("d",)) == 6
    assert document.line(("a", "missing", "deeper")) == 2


def test_source_text_is_kept_where_a_trap_needs_it() -> None:
    """Numbers, booleans, and strings that YAML 1.1 reads as something else."""
    document = parse(b"a: 0.10\nb: on\nc: plain\nd: '0.10'\ne: 1:30\nf: TRUE\n", "f")
    texts = {key: document.text((key,)) for key in "abcdef"}
    assert texts == {"a": "0.10", "b": "on", "c": None, "d": None, "e": "1:30", "f": "TRUE"}


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# only a comment\n", b"---\n", b"null\n"])
def test_an_empty_file_is_none(data: bytes) -> None:
    """As Helm takes an empty values file."""
    assert parse(data, "f").value is None


def test_a_byte_order_mark_is_ignored() -> None:
    """Some editors write one."""
    assert parse(b"\xef\xbb\xbfa: 1\n", "f").value == {"a": 1}


def test_aliases_stand_for_what_they_name() -> None:
    """Scalars, maps and lists."""
    assert parse(b"a: &x {k: 1}\nb: *x\nc: &y z\nd: [*y, *x]\n", "f").value == {
        "a": {"k": 1},
        "b": {"k": 1},
        "c": "z",
        "d": ["z", {"k": 1}],
    }


def test_merge_keys_fill_in_what_is_not_written_out() -> None:
    """As Helm reads them: own keys win wherever they stand, then the first map of a list."""
    document = parse(b"one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nx:\n  b: 0\n  <<: [*one, *two]\n", "f")
    assert document.value["x"] == {"b": 0, "a": 1, "c": 2}
    assert document.line(("x", "c")) == 2


def test_a_quoted_merge_key_is_a_key() -> None:
    """Only the plain << merges."""
    assert parse(b'"<<": 1\n', "f").value == {"<<": 1}


def test_keys_that_are_no_strings_are_text_and_noted() -> None:
    """Other tools' files may have them; the callers refuse those that are ours."""
    document = parse(b"ports: {80: http}\ntrue: 1\n", "f")
    assert document.value == {"ports": {"80": "http"}, "true": 1}
    assert document.odd_keys == (("ports", 1, "80"), (None, 2, "true"))


BAD = {
    "tab as indentation": (b"a:\n\tb: 1\n", 2, "a tab", "spaces"),
    "tab in continued indentation": (b"a: 1\n\tb: 2\n", 2, "a tab", "spaces"),
    "unclosed list": (b"a: [1,\nb: 2\n", 2, "not valid YAML", None),
    "colon in a plain value": (b"a: b: c\n", 1, "mapping values", "quote"),
    "reserved indicator": (b"a: 1\nb: @x\n", 2, "cannot start any token", "quote"),
    "unknown escape": (b'a: "\\q"\n', 1, "escape", "single quotes"),
    "list in a map": (b"a: 1\n- b\n", 2, "not valid YAML", None),
    "missing colon": (b"a: 1\nb\nc: 2\n", 2, "not valid YAML", None),
    "duplicate key": (
        b"a: 1\nb: 2\na: 3\n",
        3,
        "'a' is written twice in one map (first in line 1)",
        "keep one",
    ),
    "duplicate nested key": (b"x:\n  a: {k: 1}\n  a: 1\n", 3, "'a' is written twice", "keep one"),
    "duplicate key in a merge": (b"a: &m {b: 1}\nc:\n  d: 1\n  d: 2\n  <<: *m\n", 4, "twice", "keep one"),
    "two documents": (b"a: 1\n---\nb: 2\n", 2, "second YAML document", "one document"),
    "key that is a list": (b"? [a]\n: 1\n", 1, "key of a map must be a string", "write it out"),
    "key that is an alias": (b"a: &x b\n*x : 1\n", 2, "key of a map must be a string", "write it out"),
    "empty key": (b"a: 1\n?\n: 2\n", 2, "a key of a map is empty", "before the colon"),
    "undefined alias": (b"a: 1\nb: *x\n", 2, "the alias *x stands for nothing", "define &x"),
    "alias inside itself": (b"a: &x\n  - *x\n", 2, "the alias *x stands for nothing", "define &x"),
    "custom tag": (b"a: !vault x\n", 1, "the tag !vault is not supported", "plain value"),
    "custom tag on a map": (b"a: !x {b: 1}\n", 1, "the tag !x is not supported", "plain values"),
    "python tag": (b"a: !!python/name:os.system x\n", 1, "!!python/name:os.system is not supported", "plain"),
    "binary": (b"a: !!binary aGk=\n", 1, "!!binary is not supported", "plain"),
    "wrong tag": (b"a: !!int x\n", 1, "'x' is not what its tag !!int says", "remove the tag"),
    "merge of a scalar": (b"a:\n  <<: 1\n", 2, "merge key << takes a map", "anchor"),
    "merge of a mixed list": (b"a:\n  <<: [{b: 1}, 2]\n", 2, "merge key << takes a map", "anchor"),
    "control character": (b"a: 1\nb: \x01\n", 2, "control character 0x01", "remove"),
    "NUL": (b"a: \x00\n", 1, "control character 0x00", "remove"),
    "not UTF-8": (b"a: 1\nb: \xff\n", 2, "byte 0xff is not UTF-8", "UTF-8"),
    "Latin-1": (b"a: caf\xe9\n", 1, "byte 0xe9 is not UTF-8", "UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), 1, "is not UTF-8", "UTF-8"),
    "number without end": (b"a: 1\nb: " + b"9" * 5000 + b"\n", 2, "more than 400 digits", "quote"),
    "too deep": (b"a:\n  " + b"[" * 60 + b"]" * 60, 2, f"more than {MAX_DEPTH} levels", "flatten"),
}


@pytest.mark.parametrize(("data", "line", "problem", "fix"), BAD.values(), ids=BAD.keys())
def test_bad_yaml_names_line_and_remedy(data: bytes, line: int, problem: str, fix: str | None) -> None:
    """One error, no traceback of the parser's, at the line that has to be changed."""
    with pytest.raises(BadInput) as caught:
        parse(data, "dir/f.yaml")
    assert caught.value.where == f"dir/f.yaml:{line}"
    assert problem in caught.value.problem
    assert fix is None or fix in (caught.value.fix or "")


def test_a_large_file_is_refused_before_it_is_parsed() -> None:
    """The size is in the message."""
    with pytest.raises(BadInput, match=re.escape("1,000,001 bytes")):
        parse(b"#" * (MAX_BYTES + 1), "f.yaml")


def test_aliases_of_aliases_are_bounded() -> None:
    """Ten levels of ten are 10^10 values; the error comes at once and names the line."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 11)]
    with pytest.raises(BadInput, match="aliases expand to more than 100,000 values") as caught:
        parse("\n".join(lines).encode(), "f.yaml")
    assert caught.value.where == "f.yaml:5"


def test_merge_keys_are_bounded_too() -> None:
    """A bomb of merges counts what it expands to."""
    lines = ["a0: &a0 {" + ", ".join(f"k{i}: [x, x, x, x, x, x, x, x, x]" for i in range(100)) + "}"]
    lines += [f"a{i}: &a{i} {{l: [*a{i - 1}, *a{i - 1}], <<: *a{i - 1}}}" for i in range(1, 12)]
    with pytest.raises(BadInput, match="aliases expand"):
        parse("\n".join(lines).encode(), "f.yaml")


_SIGNS = st.sampled_from(list("[]{}:-?,&*!|>'\"%@`#<=a1~\t\n \\\x00\x07\ufeff\u2028"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_SIGNS, max_size=60).map("".join))
def test_whatever_is_refused_names_line_and_remedy(text: str) -> None:
    """Also in words that a parser of another release has: no error of a file is without a fix."""
    try:
        parse(text.encode(), "f.yaml")
    except BadInput as refused:
        where, fix = refused.where or "", refused.fix
    else:
        return
    assert re.fullmatch(r"f\.yaml:[1-9]\d*", where)
    assert fix


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 5000 + "]" * 5000,
        "a: " + "[" * 5000,
        "a: " + "{b: " * 5000 + "1" + "}" * 5000,
        "- " * 3000 + "x",
        "".join(" " * depth + "a:\n" for depth in range(400)),
        "a: " + "[{b: " * 2000 + "1" + "}]" * 2000,
    ],
    ids=["lists", "unclosed lists", "maps", "dashes", "blocks", "lists of maps"],
)
def test_deep_nesting_is_refused_in_our_words(text: str) -> None:
    """PyYAML 6.0.4 has a bound of its own; what the user reads is the same with and without it."""
    with pytest.raises(BadInput, match=f"more than {MAX_DEPTH} levels of nesting") as caught:
        parse(text.encode(), "f.yaml")
    assert caught.value.fix == "flatten the structure"


@pytest.mark.parametrize("words", ["a phrase that no release has had", "", None])
def test_a_parser_that_learns_other_words_still_gets_a_remedy(
    words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is parsed of a dependency's messages may only make a hint better."""
    mark = Mark("f", 0, 0, 0, None, None)

    def refuse(_: bytes) -> object:
        raise MarkedYAMLError(problem=words, problem_mark=mark)

    monkeypatch.setattr(yaml_reader, "events", refuse)
    with pytest.raises(BadInput) as caught:
        parse(b"a: 1\n", "f.yaml")
    assert caught.value.where == "f.yaml:1"
    assert caught.value.fix
