"""A published version declared by its number: the alias points there, and nothing is built or published."""

from dataclasses import replace
from typing import Any

import pytest

from lockstep.model import Alias, Code, Function, Health, Plan, Published, PutAlias, SyncStatus, Target, Verb
from lockstep.model.alias import described
from tests.unit.planning.fixtures import PROJECT, desired, live, live_of, of, paths, plan, target

KEY = "staging/api"
ONE = target(KEY, version="43", alias="staging", settings={"memorySize": 512})
ONE = replace(ONE, function=replace(ONE.function, code=Code()))  # type: ignore[type-var]


def version(**fields: Any) -> Function:
    """Version 43 as it was published."""
    assert ONE.function is not None
    return replace(ONE.function, code=Code(sha256="a" * 64), **fields)


def found(at: str = "42", published: Function | None = None, **function: Any) -> Target:
    """The function, which has moved on, with its alias; and version 43, where one was read."""
    alias = Alias(
        name="staging",
        version=at,
        function=published if at == "43" else version(),
        description=described(PROJECT, KEY, at),
        revision="r",
    )
    versions = (Published(number="43", description="", function=published),) if published else ()
    one = live_of(ONE, code=Code(sha256="f" * 64), **function)
    return replace(one, aliases=(alias,), versions=() if at == "43" else versions)


def made(one: Target | None, wanted: Target = ONE) -> Plan:
    """The plan of the target."""
    return plan(desired(wanted), live(*([one] if one else [])))


def test_the_alias_is_all_that_is_written() -> None:
    """Whatever the function itself has become since: nobody calls that."""
    done = made(found(published=version(), settings={}))
    (step,) = done.steps
    assert isinstance(step, PutAlias)
    assert (step.version, step.needs) == ("43", ())
    assert paths(of(done, KEY)) == {"alias", "version"}


def test_an_alias_that_nothing_remembers_waits_for_the_tags() -> None:
    """Else a run that is killed behind it would leave an alias that no later one finds."""
    one = found(published=version())
    assert one.function is not None
    forgotten = {name: value for name, value in one.function.tags.items() if name != "lockstep:alias"}
    done = made(replace(one, function=replace(one.function, tags=forgotten)))
    (step,) = (step for step in done.steps if isinstance(step, PutAlias))
    assert step.needs == (f"{KEY}:tags",)


def test_an_alias_that_points_there_is_synced() -> None:
    """With an empty plan, also where the version has more than is declared."""
    assert ONE.function is not None
    more = version(settings={**ONE.function.settings, "timeout": 60, "environment": {"HOST": "x"}})
    done = made(found("43", more))
    assert done.is_empty
    assert of(done, KEY).status is SyncStatus.SYNCED


def test_what_belongs_to_the_function_as_a_whole_is_still_its_own() -> None:
    """Reserved concurrency is the function's, whichever version is called."""
    one = replace(
        ONE,
        function=replace(ONE.function, settings={**ONE.function.settings, "reservedConcurrency": 5}),  # type: ignore
    )
    done = made(found("43", version()), one)
    assert {step.id for step in done.steps} >= {f"{KEY}:concurrency"}
    assert f"{KEY}:configuration" not in {step.id for step in done.steps}


@pytest.mark.parametrize(
    ("one", "wanted", "says"),
    [
        (None, ONE, "the function staging-api does not exist, so it has no version 43"),
        (found(), ONE, "version 43 of staging-api does not exist: it was never published, or it was removed"),
        (
            found(published=version(health=Health.DEGRADED, reason="State=Failed FunctionError")),
            ONE,
            "version 43 of staging-api cannot run: State=Failed FunctionError",
        ),
        (found(published=version(settings={})), ONE, "has other handler, memorySize, role, runtime than is"),
        (
            found("43", version()),
            replace(ONE, function=replace(ONE.function, code=Code(sha256="b" * 64))),  # type: ignore[type-var]
            "version 43 of staging-api has other code than is declared, and no version ever changes",
        ),
    ],
)
def test_a_number_that_cannot_be_pointed_at_is_told_at_its_line(
    one: Target | None, wanted: Target, says: str
) -> None:
    """Missing, not ready, or of other code or configuration than stands beside it: nothing is done."""
    done = made(one, wanted)
    told = of(done, KEY)
    assert told.problem is not None
    assert told.problem.startswith(f"{KEY}.yaml:1: ")
    assert says in told.problem
    assert (told.verb, told.status) == (Verb.BLOCKED, SyncStatus.OUT_OF_SYNC)
    assert not done.steps
