"""Every kind of resource beside a function: made, changed, mended, remembered, removed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lockstep.delivery.sync.truth import look
from lockstep.engines.aws.kinds import remove
from lockstep.model import Fleet, Verb
from lockstep.model.kinds import KINDS
from tests.functional.kinds.samples import SAMPLES, furnish, resource
from tests.strict import everything
from tests.support.clouds import Cloud
from tests.support.engine import PACE, Lab, Refuse, changes_of
from tests.support.projects import make_fleet, make_target, trigger

KEY, NAME = "staging/notifier", "notifier-staging"
EVERY = pytest.mark.parametrize("kind", sorted(KINDS))
SINGLE = pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if not kind.is_many))
SEVERAL = pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if kind.is_many))


def alias_of(kind: str) -> str | None:
    """The alias that the function of a test has: what only published code has needs one."""
    return "live" if KINDS[kind].published else None


def declared(kind: str, **settings: object) -> Fleet:
    """A project of one function, with a resource of a kind beside it where there are settings."""
    beside = (resource(kind, on=alias_of(kind) or "", **settings),) if settings else ()
    return make_fleet(make_target(KEY, resources=beside, alias=alias_of(kind)))


def test_every_kind_has_samples() -> None:
    """A new kind needs a file beside this one."""
    assert set(SAMPLES) == set(KINDS)


@EVERY
def test_a_resource_is_made_changed_mended_and_removed(lab: Lab, kind: str) -> None:
    """By the calls of its kind alone; after each run nothing is left to do, and drift is named."""
    sample = SAMPLES[kind]
    engine = lab.engine()
    lab.sync(declared(kind), engine=engine)
    lab.aws.forget()
    lab.sync(declared(kind, **sample.FIRST), engine=engine)
    assert set(lab.aws.counts(mutating=True)) - {"lambda.TagResource"} <= _operations(kind)

    changed = lab.sync(declared(kind, **sample.SECOND), engine=engine)
    changing = {kind} if sample.SECOND != sample.FIRST else set()  # of two words one is the default
    assert {path.partition(".")[0] for path in changes_of(changed.plan, KEY)} == changing

    path = sample.drift(lab.somebody("lambda"), NAME)
    mended = lab.sync(declared(kind, **sample.SECOND), engine=engine)
    assert set(changes_of(mended.plan, KEY)) == {path}

    # The line is removed from Git: a new engine knows of it from the function's tags alone.
    removed = lab.sync(declared(kind))
    assert {path.partition(".")[0] for path in changes_of(removed.plan, KEY)} == {kind}
    tags = lab.client("lambda").get_function(FunctionName=NAME)["Tags"]
    assert "lockstep:resources" not in tags


@EVERY
def test_what_another_engine_applies_is_read_as_well(lab: Lab, kind: str) -> None:
    """One by one and as far as it is declared; drift is named by its row."""
    sample = SAMPLES[kind]
    fleet = declared(kind, **sample.SECOND)
    lab.sync(fleet)
    assert look(lab.engine(), fleet, fleet.targets).changes == {}
    path = sample.drift(lab.somebody("lambda"), NAME)
    assert [one.path for one in look(lab.engine(), fleet, fleet.targets).changes[KEY]] == [path]


@SEVERAL
def test_what_somebody_made_beside_ours_is_left_alone(lab: Lab, kind: str) -> None:
    """Of several, others may have theirs: one that neither Git nor the tags name stays, also in full."""
    sample = SAMPLES[kind]
    lab.sync(declared(kind, **sample.FIRST))
    somebody = lab.client("lambda")
    arn = somebody.get_function(FunctionName=NAME)["Configuration"]["FunctionArn"]
    somebody.untag_resource(Resource=arn, TagKeys=["lockstep:resources"])
    assert lab.plan(declared(kind)).is_empty
    assert lab.plan(declared(kind), full=True).is_empty
    # Declared again it is taken over as it is, and no second one is made.
    lab.aws.forget()
    lab.sync(declared(kind, **sample.FIRST))
    assert set(lab.aws.counts(mutating=True)) == {"lambda.TagResource"}


@SINGLE
def test_what_somebody_added_is_seen_by_a_full_reading_and_removed(lab: Lab, kind: str) -> None:
    """The repository is the whole truth, where it was read; a plan from listings says nothing of it."""
    lab.sync(declared(kind))
    sample = SAMPLES[kind]
    lab.sync(declared(kind, **sample.FIRST))
    somebody = lab.client("lambda")
    arn = somebody.get_function(FunctionName=NAME)["Configuration"]["FunctionArn"]
    somebody.untag_resource(Resource=arn, TagKeys=["lockstep:resources"])
    assert lab.plan(declared(kind)).is_empty
    seen = lab.run(declared(kind), full=True)
    assert {path.partition(".")[0] for path in changes_of(seen.plan, KEY)} == {kind}
    assert lab.plan(declared(kind), full=True).is_empty


@EVERY
def test_what_somebody_removed_is_seen_and_made_again(lab: Lab, kind: str) -> None:
    """Whoever took it away: the plan names it, one run brings it back, and then there is nothing to do."""
    fleet = declared(kind, **SAMPLES[kind].FIRST)
    lab.sync(fleet)
    somebody = lab.engine()
    assert somebody.preview(fleet).plan.is_empty
    (live,) = (one for one in somebody.live.targets[KEY].resources if one.kind == kind)
    remove(somebody.connection("staging"), NAME, live, PACE)
    assert {path.partition(".")[0] for path in changes_of(lab.plan(fleet), KEY)} == {kind}
    again = lab.sync(fleet, full=True)
    assert {path.partition(".")[0] for path in changes_of(again.plan, KEY)} == {kind}
    assert lab.plan(fleet, full=True).is_empty


@SINGLE
def test_one_that_is_there_as_declared_is_taken_over_as_it_is(lab: Lab, kind: str) -> None:
    """Nothing of it is written again; a tag says whose it is."""
    fleet = declared(kind, **SAMPLES[kind].FIRST)
    lab.sync(fleet)
    somebody = lab.client("lambda")
    arn = somebody.get_function(FunctionName=NAME)["Configuration"]["FunctionArn"]
    somebody.untag_resource(Resource=arn, TagKeys=["lockstep:resources"])
    lab.aws.forget()
    lab.sync(fleet)
    assert set(lab.aws.counts(mutating=True)) == {"lambda.TagResource"}


@EVERY
def test_a_new_function_gets_its_resource_in_the_same_run(lab: Lab, kind: str) -> None:
    """The function's tags remember it from the first call on, so that a killed run is finished."""
    run = lab.sync(declared(kind, **SAMPLES[kind].FIRST))
    assert run.plan.targets[0].verb is Verb.CREATE
    assert lab.plan(declared(kind, **SAMPLES[kind].FIRST), full=True).is_empty


@EVERY
def test_a_resource_that_is_refused_is_told_and_the_next_run_makes_it(
    lab_on: Callable[..., Lab], ministack: Cloud, kind: str
) -> None:
    """Nothing is set up that needs it, nothing is forgotten, and everything else is done."""
    name = KINDS[kind].writes[0].replace(":", ".")
    refusal = Refuse(
        name,
        "InvalidParameterValueException",
        "The destination is not there",
        times=1,
        saying=f"lockstep-{kind}-" if name == "lambda.AddPermission" else "",
    )
    lab = lab_on(ministack, refusal, *everything())
    furnish(ministack)
    beside = resource(kind, on=alias_of(kind) or "", **SAMPLES[kind].FIRST)
    target = make_target(KEY, trigger("staging/"), resources=(beside,), alias=alias_of(kind))
    run = lab.run(make_fleet(target))
    step = f"{KEY}:{beside.path.replace('.', ':')}"
    assert "The destination is not there" in run.failures[step]
    has_trigger = bool(lab.aws.named("s3.PutBucketNotificationConfiguration"))
    assert has_trigger == KINDS[kind].invites
    lab.sync(make_fleet(target))


def _operations(kind: str) -> set[str]:
    return {name.replace(":", ".") for name in (*KINDS[kind].writes, *KINDS[kind].removes)}


@pytest.mark.parametrize(
    ("count", "beside", "reads"), [(3, False, True), (12, False, False), (12, True, True)]
)
def test_a_status_of_many_functions_asks_for_what_stands_beside_them_only_when_told(
    lab: Lab, count: int, beside: bool, reads: bool
) -> None:
    """Two calls for each function, 15 a second, are not paid unasked; a note says what was not read."""
    fleet = make_fleet(*(make_target(f"staging/n{number}") for number in range(count)))
    lab.run(fleet)
    lab.aws.forget()
    plan = lab.plan(fleet, full=True, beside=beside)
    assert plan.is_empty
    calls = {name.replace(":", ".") for kind in KINDS.values() for name in kind.reads} - {"lambda.GetPolicy"}
    assert bool(calls & set(lab.aws.counts())) == reads
    assert any("function URL, " in note and ": not read of" in note for note in plan.notes) == (not reads)


@pytest.mark.parametrize(("times", "is_made"), [(2, True), (99, False)])
def test_a_right_that_the_role_lacks_is_waited_for_and_then_told_at_its_line(
    lab_on: Callable[..., Lab], ministack: Cloud, times: int, is_made: bool
) -> None:
    """IAM shows rights late; a destination that the role may not write to is refused in the same words."""
    lacks = Refuse(
        "lambda.PutFunctionEventInvokeConfig",
        "InvalidParameterValueException",
        "The function's execution role does not have permissions to call SendMessage on the destination",
        times=times,
    )
    lab = lab_on(ministack, lacks, *everything())
    one = replace(resource("asyncInvoke", **SAMPLES["asyncInvoke"].FIRST), place="staging/config.yaml:9")
    run = lab.run(make_fleet(make_target(KEY, resources=(one,))))
    assert run.report.is_success == is_made
    if not is_made:
        told = run.failures[f"{KEY}:asyncInvoke"]
        assert told.startswith("staging/config.yaml:9: ")
        assert "fix: give the execution role the permission that the message names" in told
