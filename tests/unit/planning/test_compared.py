"""What is live otherwise than declared, whoever applies it: only what Git says is compared."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Alias, Bucket, Change, Code, Obstacle, Target, Value
from lockstep.model.fields import BY_NAME
from lockstep.planning.compared import differences, runs_as_declared
from tests.support.projects import UPLOADS, make_target, trigger

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:api-staging"
VALUES: Mapping[str, tuple[Value, Value]] = {
    "memorySize": (256, 512),
    "timeout": (5, 30),
    "description": ("one", "two"),
    "ephemeralStorage": (1024, 2048),
    "tracing": ("Active", None),
    "logging.format": ("JSON", None),
    "layers": (("arn:aws:lambda:eu-west-1:1:layer:a:1",), None),
}
"""Fields with a value, and another one or AWS's default."""


def _live(target: Target, **settings: Value) -> Target:
    """The target as it is live, with other settings."""
    function = target.function
    assert function is not None
    mixed = {**function.settings, **{BY_NAME[name].name: value for name, value in settings.items()}}
    now = replace(
        function, arn=ARN, settings={name: value for name, value in mixed.items() if value is not None}
    )
    return replace(target, function=now)


def _entries(*prefixes: str, arn: str = ARN) -> dict[str, Bucket]:
    entries = [
        {
            "Id": f"tf-{prefix}",
            "LambdaFunctionArn": arn,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": prefix}]}},
        }
        for prefix in prefixes
    ]
    return {UPLOADS: Bucket(name=UPLOADS, raw={"LambdaFunctionConfigurations": entries})}


@given(
    st.dictionaries(st.sampled_from(sorted(VALUES)), st.booleans()), st.sets(st.sampled_from(sorted(VALUES)))
)
def test_just_what_is_declared_otherwise_differs(declared: dict[str, bool], strays: set[str]) -> None:
    """A field that is declared is compared, in either direction; one that is not is somebody else's."""
    target = make_target("staging/api", settings={name: VALUES[name][0] for name in declared})
    changed = {name: VALUES[name][1] for name, differs in declared.items() if differs}
    others = {name: VALUES[name][0] for name in strays - declared.keys()}
    found = differences(target, _live(target, **changed, **others), {})
    assert {change.path for change in found} == changed.keys()
    assert runs_as_declared(target, _live(target, **changed))


def test_a_line_that_says_the_default_is_declared() -> None:
    """128 MB in Git against 512 live is a difference, though 128 is AWS's default."""
    target = make_target("staging/api")
    assert target.function is not None
    declared = replace(target, function=replace(target.function, defaults=frozenset({"memorySize"})))
    live = _live(target, memorySize=512)
    assert differences(target, live, {}) == ()
    assert differences(declared, live, {}) == (Change(path="memorySize", old=512, new=128),)


def test_variables_are_compared_by_name() -> None:
    """A variable that Git declares and is live otherwise differs; others are the tool's own."""
    target = make_target("staging/api", settings={"environment": {"HOST": "mq", "MODE": "fast"}})
    live = _live(target, environment={"HOST": "old", "MODE": "fast", "OWN": "x"})
    assert differences(target, live, {}) == (Change(path="environment.HOST", old="old", new="mq"),)
    assert differences(make_target("staging/api"), live, {}) == ()


def test_what_is_ignored_is_not_compared() -> None:
    """The declaration says itself what others manage."""
    target = make_target("staging/api", settings={"memorySize": 256})
    ignoring = replace(target, ignore=("memorySize", "code"))
    live = _live(target, memorySize=512)
    assert live.function is not None
    other = replace(live, function=replace(live.function, code=Code(sha256="0" * 64)))
    assert [change.path for change in differences(target, other, {})] == ["code", "memorySize"]
    assert differences(ignoring, other, {}) == ()


def test_another_name_is_a_function_that_is_not_there() -> None:
    """Nothing else is said of a function that does not exist, and it runs nothing."""
    target = make_target("staging/api")
    assert differences(target, None, {}) == (Change(path="function", new="api-staging"),)
    assert not runs_as_declared(target, None)


@pytest.mark.parametrize(
    ("live", "paths"),
    [
        (_entries("staging/"), []),
        (_entries("staging/", arn=f"{ARN}:live"), []),
        (
            _entries("old/"),
            [Change(path="trigger", old=f"s3://{UPLOADS}/old/*", new=f"s3://{UPLOADS}/staging/*")],
        ),
        (_entries(), [Change(path="trigger", new=f"s3://{UPLOADS}/staging/*")]),
        (_entries("staging/", arn=f"{ARN}-other"), [Change(path="trigger", new=f"s3://{UPLOADS}/staging/*")]),
        (_entries("staging/", "more/"), [Change(path="trigger", old=f"s3://{UPLOADS}/more/*")]),
        ({}, [Change(path="trigger", new=f"s3://{UPLOADS}/staging/*")]),
    ],
)
def test_triggers_are_what_the_bucket_says(live: dict[str, Bucket], paths: list[Any]) -> None:
    """Entries count by what they do, under any id and by any alias; another function's do not."""
    target = make_target("staging/api", trigger("staging/"))
    assert list(differences(target, _live(target), live)) == paths
    assert differences(make_target("staging/api"), _live(target), live) == ()


def test_what_cannot_be_had_is_not_known_to_run() -> None:
    """A package without a digest, or with a problem, is never the one that runs."""
    target = make_target("staging/api")
    assert target.function is not None
    unknown = replace(target, function=replace(target.function, code=Code()))
    assert runs_as_declared(target, _live(target))
    assert not runs_as_declared(unknown, _live(target))
    assert not runs_as_declared(replace(target, obstacle=Obstacle(text="no release")), _live(target))


def test_the_alias_has_to_call_what_is_declared() -> None:
    """It is there, points at a version with the declared code and configuration, and shares no calls."""
    target = make_target("staging/api", trigger("staging/"), alias="live", settings={"memorySize": 256})
    live = _live(target)
    version = live.function
    alias = Alias(name="live", version="3", function=version)
    entries = _entries("staging/", arn=f"{ARN}:live")
    new = "live: version of 1.0.0"
    assert differences(target, replace(live, aliases=(alias,)), entries) == ()
    assert runs_as_declared(target, replace(live, aliases=(alias,)))
    assert differences(target, live, entries) == (Change(path="alias", new=new),)
    assert not runs_as_declared(target, live)
    assert version is not None
    small = replace(version, settings={**version.settings, "memorySize": 128})
    for other in (
        replace(alias, function=replace(version, code=Code(sha256="0" * 64))),
        replace(alias, function=small),
        replace(alias, function=None, version="$LATEST"),
        replace(alias, weights={"2": 0.1}),
    ):
        now = replace(live, aliases=(other,))
        old = f"live: {other.words}"
        assert differences(target, now, entries) == (Change(path="alias", old=old, new=new),)
    old_code = replace(alias, function=replace(version, code=Code(sha256="0" * 64)))
    assert not runs_as_declared(target, replace(live, aliases=(old_code,)))
    past = differences(target, replace(live, aliases=(alias,)), _entries("staging/"))
    assert past == (Change(path="trigger", new=f"s3://{UPLOADS}/staging/*"),)
