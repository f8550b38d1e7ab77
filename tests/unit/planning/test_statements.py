"""The 20 KB of a resource policy, known before the first call."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.engines.aws.permission import statement_of
from lockstep.model import Bucket, Resource, Statement, Trigger, Verb
from lockstep.planning.statements import MOST, admitted, size_of
from tests.unit.planning.fixtures import SCOPE, desired, live, live_of, plan, target

FOREIGN = Statement(source_arn="arn:aws:s3:::x", source_account=None, sid="others", size=1000)


def _planned(others: int) -> Verb:
    declared = target("staging/api", prefix="a/")
    (found,) = plan(
        desired(declared), live(replace(live_of(declared), statements=(FOREIGN,) * others))
    ).targets
    if found.verb is Verb.BLOCKED:
        assert "staging/api.yaml:7: the resource policy of staging-api would have" in str(found.problem)
        assert f"({others} of them of others)" in str(found.problem)
    return found.verb


def test_a_policy_that_has_no_room_holds_the_target_back() -> None:
    """What is there counts as it was read, with what is to be added; the plan says it, and calls nothing."""
    assert [_planned(others) for others in (20, 21, 22)] == [Verb.UPDATE, Verb.BLOCKED, Verb.BLOCKED]


def test_a_new_function_may_have_too_many_buckets() -> None:
    """Each bucket needs a statement of its own."""
    for count, verb in ((50, Verb.CREATE), (70, Verb.BLOCKED)):
        names = [f"bucket-{number:03}" for number in range(count)]
        declared = target("staging/api", triggers=tuple(Trigger(bucket=name, prefix="a/") for name in names))
        found = replace(live(), buckets={name: Bucket(name=name) for name in names})
        made = plan(desired(declared), found)
        assert [one.verb for one in made.targets] == [verb]
        assert bool(made.steps) is (verb is Verb.CREATE)


def test_who_has_what_it_needs_is_not_held_back() -> None:
    """A policy that is full, and to which nothing comes, is nobody's problem."""
    declared = target("staging/api", prefix="a/")
    there = live_of(declared)
    made = plan(desired(declared), live(replace(there, statements=(*there.statements, *(FOREIGN,) * 30))))
    assert [one.problem for one in made.targets] == [None]


@pytest.mark.parametrize("qualifier", ["", "live"])
def test_an_address_for_everybody_needs_two_statements(qualifier: str) -> None:
    """They count as any others; what is there does not count twice, and a closed address needs none."""
    scope, name = SCOPE, "staging-api"
    anybody = Resource(kind="url", qualifier=qualifier, settings={"authType": "NONE"})
    signed = replace(anybody, settings={"authType": "AWS_IAM"})
    half = replace(anybody, settings={**anybody.settings, "missingStatements": ("lambda:InvokeFunction",)})

    def count(live: Resource | None, wanted: Resource = anybody) -> int:
        return len([*admitted(wanted, live, scope, name)])

    assert [count(None), count(signed), count(half), count(anybody), count(None, signed)] == [2, 2, 1, 0, 0]
    needed = sum(one.size + 1 for one in admitted(anybody, None, scope, name))
    raw = {"Sid": f"lockstep-url-address{'-12345678' if qualifier else ''}", "Effect": "Allow"}
    raw |= {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Resource": scope.function_arn(name)}
    raw["Resource"] = str(raw["Resource"]) + (":live" if qualifier else "")
    raw = {**raw, "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}}
    assert next(admitted(anybody, None, scope, name)).size == statement_of(raw, qualifier).size
    declared = target("staging/api", resources=(replace(anybody, qualifier="", place="url.yaml:9"),))
    bare = replace(live_of(declared), resources=())
    for spare, verb in ((0, Verb.BLOCKED), (60 + needed, Verb.UPDATE)):
        there = replace(bare, statements=(replace(FOREIGN, size=MOST - spare - 60),))
        (found,) = plan(desired(declared), live(there)).targets
        assert found.verb is verb, found
        assert ("url.yaml:9: the resource policy" in str(found.problem)) is (verb is Verb.BLOCKED)


@given(st.text("abc.-", min_size=3, max_size=63), st.sampled_from(["", "live"]))
def test_a_statement_counts_as_it_is_written(bucket: str, qualifier: str) -> None:
    """What is read back has the size that was reckoned with."""
    source = SCOPE.bucket_arn(bucket)
    plain = Statement(source_arn=source, source_account=SCOPE.account, qualifier=qualifier)
    wanted = replace(plain, sid=plain.content_id)
    read = statement_of(
        {
            "Sid": wanted.sid,
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": SCOPE.function_arn("f") + (":live" if qualifier else ""),
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": SCOPE.account},
                "ArnLike": {"AWS:SourceArn": source},
            },
        },
        qualifier,
    )
    assert read == wanted
    assert read.size == size_of(wanted, SCOPE, "f")
