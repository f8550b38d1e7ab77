"""Plans and reports survive being written and read, and take no secret with them."""

import json
import re
import tracemalloc
from dataclasses import asdict
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockstep.errors import BadInput
from lockstep.model import (
    Change,
    Code,
    CreateFunction,
    Function,
    Plan,
    Reference,
    Report,
    Secret,
    Step,
    TargetPlan,
    Verb,
)
from lockstep.render.codec import (
    decode_plan,
    decode_report,
    encode_plan,
    encode_report,
    plan_pieces,
)
from lockstep.render.wire import compact, dump
from tests.unit.render.bare import without_secrets
from tests.unit.render.generated import SECRET, kinds_of_steps, plans, reports


def test_every_kind_of_step_is_written_and_read() -> None:
    """The plans that the laws below are about hold steps of every kind there is."""
    assert set(kinds_of_steps) == set(get_args(Step))


@given(plans)
def test_a_plan_is_read_back_as_it_was_without_its_secrets(plan: Plan) -> None:
    """Writing and reading a plan loses the values of secrets and nothing else."""
    read = decode_plan(encode_plan(plan))
    assert read == without_secrets(plan)
    # Members that do not count for equality (packages, where a live function stands) are kept too.
    assert asdict(read) == asdict(without_secrets(plan))


@given(plans)
def test_a_written_plan_holds_no_secret(plan: Plan) -> None:
    """No value of a Secret and no environment variable that looks secret reaches the file."""
    assert SECRET not in encode_plan(plan)


@given(plans)
def test_a_written_plan_is_plain_ascii_without_control_characters(plan: Plan) -> None:
    """The document may be shown on a terminal whatever is in the plan."""
    text = encode_plan(plan)
    assert text.isascii()
    assert text.replace("\n", "").isprintable()


@given(plans)
def test_taking_secrets_out_twice_is_taking_them_out_once(plan: Plan) -> None:
    """``without_secrets`` is idempotent, and writing its result writes the same."""
    bare = without_secrets(plan)
    assert without_secrets(bare) == bare
    assert encode_plan(bare) == encode_plan(plan)


def test_a_plan_is_written_without_being_held_whole() -> None:
    """What it takes to write a plan does not grow with the plan."""

    def peak(count: int) -> int:
        function = Function(name="f", code=Code(), settings={"description": "x" * 1000})
        step = CreateFunction(id="c", target="s/a", function=function)
        plan = Plan(engine="aws", project="p", steps=(step,) * count)
        tracemalloc.start()
        try:
            assert sum(map(len, plan_pieces(plan))) > count * 1000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is made once
    assert peak(200) < peak(100) + 50_000


@given(reports)
def test_a_report_is_read_back_as_it_was(report: Report) -> None:
    """Reports round-trip."""
    assert decode_report(encode_report(report)) == report


def test_a_secret_keeps_its_reference() -> None:
    """A plan that was read back still says where a secret comes from."""
    secret = Secret("x", Reference(store="ssm", name="/a/b"))
    change = Change(path="environment.A", new=secret)
    plan = Plan(
        engine="aws", project="p", targets=(TargetPlan(target="s/a", verb=Verb.UPDATE, changes=(change,)),)
    )
    (read,) = decode_plan(encode_plan(plan)).targets[0].changes
    assert isinstance(read.new, Secret)
    assert read.new.value is None
    assert read.new.reference == Reference(store="ssm", name="/a/b")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "expected an object"),
        ("{}", "format is missing"),
        ('{"format": 1}', "expected a string"),
        ('{"format": "lockstep.plan/2"}', "this version of lockstep reads 'lockstep.plan/1'"),
        ('{"format": "lockstep.report/1"}', "reads 'lockstep.plan/1'"),
        ('{"format": "lockstep.plan/1"}', "engine is missing"),
    ],
)
def test_what_is_not_a_plan_is_bad_input(text: str, says: str) -> None:
    """Damaged and foreign files are refused with the file's name."""
    with pytest.raises(BadInput, match=r"saved\.json") as caught:
        decode_plan(text, "saved.json")
    assert says in str(caught.value)


def _document() -> dict[str, object]:
    change = {"path": "memorySize", "old": 128, "new": 256}
    target = {
        "target": "staging/a",
        "verb": "update",
        "function": None,
        "version": None,
        "status": "OutOfSync",
        "health": "Healthy",
        "problem": None,
        "place": "",
        "changes": [change],
        "rollout": None,
    }
    step = {"kind": "delete-function", "id": "x", "target": "staging/a", "needs": [], "function": "f"}
    return {
        "format": "lockstep.plan/1",
        "engine": "aws",
        "project": "p",
        "commit": None,
        "fingerprint": "",
        "selection": [],
        "targets": [target],
        "steps": [step],
        "problems": [],
        "notes": [],
    }


@pytest.mark.parametrize(
    ("path", "wrong", "says"),
    [
        (("targets", 0, "verb"), "explode", "targets[0].verb"),
        (("targets", 0, "changes", 0, "old"), {"$secret": 1}, "targets[0].changes[0].old.$secret"),
        (("targets", 0, "changes", 0, "old"), {"$evil": 1}, "$evil is not known"),
        (("steps", 0, "kind"), "os.system", "is not a kind of step"),
        (("steps", 0, "needs"), "x", "steps[0].needs: expected an array"),
        (("steps", 0, "function"), None, "steps[0].function: expected a string"),
        (("notes",), [1], "notes[0]: expected a string"),
    ],
)
def test_what_is_wrong_in_a_plan_is_named_by_its_path(
    path: tuple[str | int, ...], wrong: object, says: str
) -> None:
    """An edited plan is refused where it was edited."""
    document = _document()
    decode_plan(json.dumps(document))
    place: object = document
    for part in path[:-1]:
        place = place[part]  # type: ignore[index]
    place[path[-1]] = wrong  # type: ignore[index]
    with pytest.raises(BadInput) as caught:
        decode_plan(json.dumps(document))
    assert says in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
@example({"##[a]": ["##[b]"], "empty": [], "none": {}, "deep": {"a": [{"b": []}]}})
def test_a_document_is_written_piece_by_piece_as_at_once(document: dict[str, Any]) -> None:
    """The same text as json's own, indented and for the digest; a list may be made while it is written."""
    whole = json.dumps(document, indent=2)
    assert dump(document) == re.sub(r"##(?=\w*\[)", r"#\\u0023", whole) + "\n"
    lazy = {key: iter(value) if isinstance(value, list) else value for key, value in document.items()}
    assert dump(lazy) == dump(document)
    assert "".join(compact(document)) == json.dumps(document, sort_keys=True, separators=(",", ":"))
