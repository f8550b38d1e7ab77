"""A plan is stale as soon as anything differs of what it was made from."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lockstep.model import Bucket, Fleet, Function, Resource, Scope, Secret, Target
from lockstep.planning.fingerprint import fingerprint
from tests.unit.planning.fixtures import entries_for, live, live_of, permission, target

KEY = "staging/api"
DECLARED = target(KEY, prefix="staging/", settings={"environment": {"A": "b", "DB_PASSWORD": Secret("x")}})
LIVE = live(live_of(DECLARED), others=(live_of(target("staging/old")),), entries=entries_for(DECLARED))


def with_target(change: Callable[[Target], Target]) -> Fleet:
    """The live fleet with its target changed."""
    return replace(LIVE, targets={KEY: change(LIVE.targets[KEY])})


def with_function(**changes: Any) -> Fleet:
    """The live fleet with its function changed."""

    def change(one: Target) -> Target:
        function = one.function
        assert isinstance(function, Function)
        return replace(one, function=replace(function, **changes))

    return with_target(change)


FUNCTION = LIVE.targets[KEY].function
assert FUNCTION is not None


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(with_function(revision="r2"), id="revision"),
        pytest.param(
            with_function(tags={**FUNCTION.tags, "team": "x"}), id="a tag, which changes no revision"
        ),
        pytest.param(with_function(settings={**FUNCTION.settings, "timeout": 9}), id="a setting"),
        pytest.param(
            with_function(settings={**FUNCTION.settings, "environment": {"A": "c"}}), id="a variable"
        ),
        pytest.param(with_function(code=replace(FUNCTION.code, sha256="c" * 64)), id="code"),
        pytest.param(with_target(lambda one: replace(one, statements=())), id="a permission"),
        pytest.param(
            with_target(lambda one: replace(one, statements=(replace(permission(), sid="x"),))),
            id="a statement id",
        ),
        pytest.param(replace(LIVE, targets={}), id="a function that is gone"),
        pytest.param(replace(LIVE, others={}), id="another function that is gone"),
        pytest.param(replace(LIVE, buckets={"uploads": Bucket(name="uploads")}), id="an entry"),
        pytest.param(
            replace(LIVE, scopes={**LIVE.scopes, "staging": Scope(account="2" * 12, region="eu-west-1")}),
            id="the account",
        ),
    ],
)
def test_a_fingerprint_tells_live_states_apart(changed: Fleet) -> None:
    """Whatever differs, down to one tag."""
    assert fingerprint(changed) != fingerprint(LIVE)


def test_what_was_made_for_a_function_that_is_not_there_tells_states_apart() -> None:
    """A role that a run made before it was killed, say: the plan from before it is stale."""
    role = Resource(kind="role", identity="api-staging", settings={"name": "api-staging"})
    bare = with_target(lambda one: replace(one, function=None, resources=(), statements=()))
    begun = with_target(lambda one: replace(one, function=None, resources=(role,), statements=()))
    assert fingerprint(begun) != fingerprint(bare)


def test_a_fingerprint_is_of_the_state_and_not_of_its_order() -> None:
    """Listings come in any order; times and health are no state."""
    shuffled = with_function(tags=dict(reversed(FUNCTION.tags.items())), health=FUNCTION.health, reason="x")
    assert fingerprint(shuffled) == fingerprint(LIVE)


def test_a_fingerprint_is_made_without_the_whole_text() -> None:
    """What it takes does not grow with what is live: thousands of functions are tens of megabytes."""

    def peak(count: int) -> int:
        raw = {"LambdaFunctionConfigurations": [{"Id": "x" * 1000}]}
        fleet = replace(LIVE, buckets={f"b{n}": Bucket(name=f"b{n}", raw=raw) for n in range(count)})
        tracemalloc.start()
        try:
            fingerprint(fleet)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is made once
    assert peak(200) < peak(100) + 20_000
