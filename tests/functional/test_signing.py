"""Code signing configurations: changed in place, before the code that they judge."""

from collections.abc import Callable
from typing import Any

from lockstep.model import Verb
from tests.strict import everything
from tests.support.clouds import ACCOUNT, REGION
from tests.support.engine import Lab, Refuse, changes_of
from tests.support.projects import make_fleet, make_target

ONE, OTHER = (f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-{c * 17}" for c in "ab")
READ = "lambda.GetFunctionCodeSigningConfig"


def signed(config: str | None, **fields: Any) -> Any:
    """Return a fleet of one function with a code signing configuration."""
    return make_fleet(make_target(settings={"codeSigningConfigArn": config}, **fields))


def test_another_configuration_comes_before_new_code(lab_on: Callable[..., Lab], ministack: Any) -> None:
    """It counts from the next deployment, so code that it signs is deployed after it."""
    lab = lab_on(ministack, *everything())
    lab.sync(signed(ONE))
    assert "lambda.PutFunctionCodeSigningConfig" not in lab.aws.counts()
    lab.aws.forget()
    run = lab.sync(signed(OTHER, source="x = 2\n", version="2.0.0"))
    assert changes_of(run.plan, "staging/notifier")["codeSigningConfigArn"] == OTHER
    names = [call.name for call in lab.aws.calls if call.mutation]
    put, code = "lambda.PutFunctionCodeSigningConfig", "lambda.UpdateFunctionCode"
    assert names.index(put) < names.index(code)


def test_a_removed_line_is_seen_by_a_plain_plan(lab_on: Callable[..., Lab], ministack: Any) -> None:
    """The function's tag remembers that there is something to read, until it is taken away; where nothing
    was ever declared nothing is asked for.
    """
    lab = lab_on(ministack, *everything())
    lab.sync(signed(ONE))
    assert changes_of(lab.plan(signed(None)), "staging/notifier") == {"codeSigningConfigArn": ""}
    lab.sync(signed(None))
    lab.aws.forget()
    assert lab.plan(signed(None)).is_empty
    assert READ not in lab.aws.counts()
    assert lab.plan(signed(None), full=True).is_empty
    assert READ in lab.aws.counts()


def test_who_may_not_ask_is_told_where_nothing_is_declared(
    lab_on: Callable[..., Lab], ministack: Any
) -> None:
    """A role from before is enough for what was there before; the plan names what was not read."""
    lab = lab_on(ministack, Refuse(READ, "AccessDeniedException", "no", status=403), *everything())
    lab.sync(signed(None), full=True)
    plan = lab.plan(signed(None), full=True)
    assert any("GetFunctionCodeSigningConfig" in note for note in plan.notes)
    assert plan.targets[0].verb is Verb.NOTHING
