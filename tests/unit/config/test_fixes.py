"""What a fix tells to write is what the same check then takes."""

import re
from collections.abc import Iterator

import pytest

from lockstep.config.preview_schema import PREVIEW
from lockstep.config.rules import EVENTS, event
from lockstep.config.schema import LAMBDA, PROJECT
from lockstep.config.shapes import Checker, Key, Shape
from lockstep.config.yaml_reader import parse

WRONG = (
    *("60", '"60"', "1.5", '"1.5"', "yes", "true", "-1", "07", "99999999", '"99999999"', "30s", "[a]"),
    *("{a: b}", "2026-01-01", '"a b"', "|\n  eu-west-1\n", "|\n  16:00\n", '"x\\ty"', '""', "~x"),
)
SCALARS = (Shape.STRING, Shape.INTEGER, Shape.NUMBER, Shape.BOOLEAN)


def _leaves(key: Key) -> Iterator[Key]:
    if key.shape in SCALARS:
        yield key
    for member in (*key.members, *((key.item,) if key.item else ())):
        yield from _leaves(member)


KEYS = {f"{key.name} {key.about}": key for root in (LAMBDA, PROJECT, PREVIEW) for key in _leaves(root)}


def _fixes(key: Key, written: str) -> list[str]:
    document = parse(f"{key.name}: {written}\n".encode(), "file.yaml")
    checker = Checker("file.yaml", templates=False)
    checker.check(key, document.value[key.name], document.lines[1][key.name], key.name)
    return [error.fix or "" for error in checker.errors]


@pytest.mark.parametrize("name", KEYS)
def test_a_value_that_a_fix_tells_to_write_is_taken(name: str) -> None:
    """For each key of the schemas and each way to write it wrong: no second error after the first."""
    key = KEYS[name]
    for written in WRONG:
        for fix in _fixes(key, written):
            assert fix, (name, written)
            told = re.match(rf"write {re.escape(key.name)}: (.+?)( on one line)?(;.*)?$", fix)
            for option in told[1].split(f" or {key.name}: ") if told else ():
                assert not _fixes(key, option), (name, written, fix)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("s3:ObjectDelete", "s3:ObjectRemoved:*"),
        ("ObjectDeleted:*", "s3:ObjectRemoved:*"),
        ("s3:ObjectCreate", "s3:ObjectCreated:*"),
        ("s3:ObjectPut", "s3:ObjectCreated:Put"),
        ("ObjectUploaded", "s3:ObjectCreated:*"),
        ("s3:objectcreated:put", "s3:ObjectCreated:Put"),
        ("s3:ObjectRestore", "s3:ObjectRestore:*"),
        ("s3:ObjectTag", "s3:ObjectTagging:*"),
    ],
)
def test_an_event_is_suggested_by_what_it_is_about(written: str, meant: str) -> None:
    """Deleting is not restoring, however alike the words are spelled."""
    found = event(written)
    assert found is not None
    assert found[1] == f"did you mean {meant}?"
    assert meant in EVENTS
