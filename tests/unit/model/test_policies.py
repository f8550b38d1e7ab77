"""Policies of IAM: equal in meaning is equal, and what IAM refuses is told."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.policies import document_of, labelled, meaning_of, problem_of, read_document, size_of

_ACTIONS = st.lists(st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:*"]), min_size=1, unique=True)
_PLACES = st.lists(st.sampled_from(["*", "arn:aws:s3:::a/*", "arn:aws:s3:::b"]), min_size=1, unique=True)
_CONDITIONS = st.sampled_from([{}, {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]}}])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Policies of some statements, each with a Sid or none."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        one: dict[str, Any] = {
            "Effect": draw(st.sampled_from(["Allow", "Deny"])),
            draw(st.sampled_from(["Action", "NotAction"])): draw(_ACTIONS),
            draw(st.sampled_from(["Resource", "NotResource"])): draw(_PLACES),
        }
        if draw(st.booleans()):
            one["Sid"] = f"S{number}"
        if condition := draw(_CONDITIONS):
            one["Condition"] = condition
        made.append(one)
    return {"Version": "2012-10-17", "Statement": made}


def said_otherwise(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The policy in other words: other orders, one value in place of a list of one."""
    made = []
    for statement in document["Statement"]:
        items = [*statement.items()]
        chance.shuffle(items)
        one: dict[str, Any] = {}
        for name, value in items:
            value = [*value] if isinstance(value, list) else value
            if isinstance(value, list):
                chance.shuffle(value)
                value = value[0] if len(value) == 1 else value
            one[name] = value
        made.append(one)
    chance.shuffle(made)
    return {"Statement": made[0] if len(made) == 1 else made, "Version": document["Version"]}


@given(document=documents(), chance=st.randoms(use_true_random=False))
def test_a_policy_equal_in_meaning_is_no_difference(document: dict[str, Any], chance: random.Random) -> None:
    """Neither the order of statements and lists counts, nor whether one value stands in a list."""
    other = said_otherwise(document, chance)
    assert labelled(document) == labelled(other) == labelled(json.dumps(other) and other)
    assert meaning_of(document) == meaning_of(other)


@given(document=documents())
def test_what_is_written_reads_as_what_was_declared(document: dict[str, Any]) -> None:
    """Once more normalised it is the same, and so is what IAM gives back of it."""
    found = labelled(document)
    written = document_of(found)
    assert labelled(found) == found
    assert labelled(read_document(written)) == found
    assert size_of(found) == len(written.replace(" ", ""))


def test_another_version_of_the_language_is_a_difference() -> None:
    """Variables mean something else in it, so the same statements do."""
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    old = {"Version": "2008-10-17", "Statement": statement}
    assert labelled(old) != labelled({**old, "Version": "2012-10-17"})
    assert labelled({"Statement": statement}) != labelled({**old, "Version": "2012-10-17"})


_FINE = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("s3:*", "is a map"),
        ({"Action": "s3:*", "Resource": "*"}, "needs an Effect"),
        ({**_FINE, "Effect": "allow"}, "needs an Effect"),
        ({"Effect": "Allow", "Resource": "*"}, "needs Action or NotAction"),
        ({**_FINE, "NotAction": "s3:*"}, "needs Action or NotAction"),
        ({"Effect": "Allow", "Action": "s3:*"}, "needs Resource or NotResource"),
        ({**_FINE, "Action": "GetObject"}, "no Action"),
        ({**_FINE, "Action": []}, "Action is empty"),
        ({**_FINE, "Resource": ["bucket"]}, "no Resource"),
        ({**_FINE, "Principal": {"Service": "lambda.amazonaws.com"}}, "for policies of resources"),
        ({**_FINE, "Resources": "*"}, "unknown key 'Resources'"),
        ({**_FINE, "Sid": "read-orders"}, "no Sid"),
        ({**_FINE, "Sid": "Taken"}, "taken by another"),
        ({**_FINE, "Condition": {"StringEquals": "x"}}, "Condition has operators"),
        (_FINE, None),
        ({**_FINE, "Resource": "{bucket}"}, None),
    ],
)
def test_what_iam_refuses_of_a_statement(statement: Any, problem: str | None) -> None:
    """Each with its problem; what is still to be filled in is not judged."""
    found = problem_of(statement, {"Taken"})
    assert (found is None) == (problem is None)
    assert problem is None or (found is not None and problem in found[0])
