"""What nobody knows: references without their values, and values that AWS keeps to itself."""

from dataclasses import replace

import pytest

from lockstep.model import NOT_ASKED, Change, Code, Function, Reference, Unread, Value
from lockstep.planning.diff import is_named_by_tag, unread_in, without_unknown
from tests.unit.planning.fixtures import target

TOKEN = Reference(store="ssm", name="/token")
DENIED = Unread("AccessDeniedException: no kms:Decrypt")
BROKEN = Unread("KMSDisabledException: the key is disabled")
KEY = "arn:aws:kms:eu-west-1:1:key/k"


def _with(**settings: Value) -> Function:
    function = target("staging/api").function
    assert function is not None
    return replace(function, settings={**function.settings, **settings})


def test_a_value_that_nobody_knows_differs_from_nothing() -> None:
    """The live one stands for it, other live variables do not come along; without any it is left out."""
    wanted = _with(environment={"MODE": "fast", "TOKEN": TOKEN})
    live = _with(environment={"TOKEN": "live", "OTHER": "o"}, memorySize=512)
    assert (
        without_unknown(wanted, live).settings
        == _with(environment={"MODE": "fast", "TOKEN": "live"}).settings
    )
    for nothing in (None, _with(), _with(environment={"OTHER": "o"})):
        assert without_unknown(wanted, nothing) == _with(environment={"MODE": "fast"})
    assert without_unknown(_with(environment={"TOKEN": TOKEN}), None) == _with(environment={})


def test_what_is_known_stays_as_it_is() -> None:
    """No reference, no copy."""
    wanted = _with(environment={"MODE": "fast"})
    assert without_unknown(wanted, _with(environment={"MODE": "slow"})) is wanted


@pytest.mark.parametrize(
    ("path", "is_hidden"),
    [
        ("environment.MODE", True),
        ("environment", True),
        ("kmsKeyArn", True),  # the variables are sent again with it
        ("memorySize", False),
        ("code", False),
        ("tags.team", False),
    ],
)
def test_a_change_of_what_was_not_read_is_told(path: str, is_hidden: bool) -> None:
    """So is one that takes it along; others are in nobody's way."""
    live = _with(environment=DENIED, kmsKeyArn=KEY)
    changes = [Change(path="description", old="a", new="b"), Change(path=path, old="a", new="b")]
    found = unread_in(live, changes)
    assert found == (
        (
            f"environment of {live.name} could not be read: {DENIED.why}",
            f"allow kms:Decrypt on {KEY} to the role that runs Lockstep",
        )
        if is_hidden
        else None
    )


def test_a_key_that_cannot_be_used_is_to_be_looked_at() -> None:
    """Permission alone would not mend it; without a key of the team's it has no name."""
    found = unread_in(_with(environment=BROKEN), [Change(path="environment.A", old=None, new="1")])
    assert found is not None
    assert found[1] == (
        "see that its key can be used, and allow kms:Decrypt on its key to the role that runs Lockstep"
    )


def test_what_nobody_asked_for_is_in_nobody_s_way() -> None:
    """Only a plan leaves it out."""
    assert unread_in(_with(environment=NOT_ASKED), [Change(path="environment.A", old=None, new="1")]) is None


def test_a_change_of_code_takes_along_what_is_set_with_it() -> None:
    """Architectures go by the call of the code."""
    found = unread_in(_with(architectures=DENIED), [Change(path="code", old="a", new="b")])
    assert found is not None
    assert found[0].startswith("architectures of staging-api could not be read")


@pytest.mark.parametrize(
    ("code", "is_tag"),
    [
        (Code(image="1.dkr.ecr.eu-west-1.amazonaws.com/api:1.0"), True),
        (Code(image="1.dkr.ecr.eu-west-1.amazonaws.com/api@sha256:" + "a" * 64), False),
        (Code(sha256="a" * 64), False),
        (Code(), False),
    ],
)
def test_a_tag_may_be_moved_and_a_digest_may_not(code: Code, is_tag: bool) -> None:
    """A package has neither."""
    assert is_named_by_tag(code) is is_tag
