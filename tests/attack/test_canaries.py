"""A canary secret through every form of output and every kind of error: nowhere is it to be read."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from lockstep.artifacts.builders.process import without_secrets
from lockstep.engines.aws.connection import Connection
from lockstep.model import (
    Change,
    Environment,
    Explained,
    Health,
    Origin,
    Outcome,
    Plan,
    Reference,
    Report,
    Secret,
    StatusRow,
    StepResult,
    SyncStatus,
    TargetPlan,
    Verb,
)
from lockstep.render.codec import encode_plan, encode_report
from lockstep.render.documents import explain_document, status_document
from lockstep.render.explain import explain_lines
from lockstep.render.markdown import (
    drift_markdown,
    explain_markdown,
    plan_markdown,
    report_markdown,
    status_markdown,
)
from lockstep.render.report import report_lines, result_lines
from lockstep.render.status import status_lines
from lockstep.render.text import plan_lines
from tests.attack.spelling import SPELLINGS, readings

CANARY = "c4n4ry-in-a-coal-m1ne"
HIDDEN: dict[str, tuple[str, object]] = {
    "a reference": ("environment.PLAIN", Secret(CANARY, Reference(store="ssm", name="/a"))),
    "a declared secret": ("environment.PLAIN", Secret(CANARY)),
    "a name": ("environment.DB_PASSWORD", CANARY),
    "a name of a session": ("environment.SESSION", CANARY),
    "a salt": ("lambda.environment.hashSalt", CANARY),
    "a URL": ("environment.PLAIN", f"https://user:{CANARY}@host/"),
    "a URL with a slash": ("environment.PLAIN", f"https://user:/{CANARY}@host/"),
    "a token for a user": ("environment.PLAIN", f"https://{CANARY}@host/"),
    "a proxy": ("environment.PLAIN", f"user:{CANARY}@proxy:3128"),
    "JSON": ("environment.PLAIN", f'{{"password": "{CANARY}"}}'),
    "a connection string": ("environment.PLAIN", f"Server=db;Password={CANARY}"),
    "a presigned URL": ("environment.PLAIN", f"https://b/k?X-Amz-Signature={CANARY}"),
    "a signature of Azure": ("environment.PLAIN", f"https://b/k?sv=1&sig={CANARY}"),
    "a bearer": ("environment.PLAIN", f"Bearer {CANARY}"),
    "a payment key": ("environment.PLAIN", "sk_" + f"live_0123456789{CANARY}"),
    "another field": ("description", f"see https://me:{CANARY}@host"),
    "a map": ("environment", {"A": {"TOKEN": CANARY}, "PASSWORD": CANARY}),
}


def _plan(change: Change) -> Plan:
    target = TargetPlan(target="staging/a", verb=Verb.UPDATE, function="a", version="1", changes=(change,))
    return Plan(engine="aws", project="p", targets=(target,))


def _row(change: Change) -> StatusRow:
    return StatusRow(
        target="staging/a",
        service="a",
        environment="staging",
        deployment_type="lambda",
        declared="1",
        live="1",
        status=SyncStatus.OUT_OF_SYNC,
        health=Health.HEALTHY,
        changes=(change,),
    )


def _explained(change: Change) -> list[Explained]:
    origin: Any = Origin(layer="global", place="g.yaml:1", value=change.new)
    return [Explained(path=change.path, value=change.new, origins=(origin,))]


OUTPUTS: dict[str, Callable[[Change], object]] = {
    "plan": lambda change: plan_lines(_plan(change)),
    "plan as Markdown": lambda change: plan_markdown(_plan(change)),
    "plan as JSON": lambda change: encode_plan(_plan(change)),
    "plan's repr": lambda change: _plan(change) if isinstance(change.new, Secret) else "",
    "status": lambda change: status_lines([_row(change)]),
    "status as Markdown": lambda change: status_markdown([_row(change)]),
    "status as JSON": lambda change: status_document([_row(change)], ()),
    "drift": lambda change: drift_markdown([_row(change)], [], ()),
    "explain": lambda change: explain_lines("staging/a", _explained(change)),
    "explain as Markdown": lambda change: explain_markdown("staging/a", _explained(change)),
    "explain as JSON": lambda change: explain_document("staging/a", _explained(change)),
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", HIDDEN)
def test_no_output_shows_the_canary(kind: str, output: str) -> None:
    """Old or new, whatever says that it is secret."""
    path, value = HIDDEN[kind]
    for change in (
        Change(path=path, old=None, new=value),  # type: ignore[arg-type]
        Change(path=path, old=value, new=None),  # type: ignore[arg-type]
        Change(path=path, old=value, new=f"{value}!" if isinstance(value, str) else value),  # type: ignore[arg-type]
    ):
        shown = str(OUTPUTS[output](change))
        assert not [text for text in readings(shown) if CANARY in text], shown


def _explain(error: Exception) -> str:
    connection = Connection(Environment(name="staging"), threading.Event())
    connection.secrets = {CANARY}
    told = connection.explain(error, "lambda", "CreateFunction")
    return f"{told} {told!r} {told.args} {vars(told)}"


def _answer(code: str, text: str) -> Exception:
    answer: Any = {"Error": {"Code": code, "Message": text}}
    return ClientError(answer, "CreateFunction")


ERRORS: dict[str, Callable[[str], str]] = {
    **{
        code: lambda text, code=code: _explain(_answer(code, f"refused: <<{text}>>"))  # type: ignore[misc]
        for code in (
            *(
                "InvalidParameterValueException",
                "AccessDeniedException",
                "InvalidClientTokenId",
                "ValidationException",
            ),
            *("CodeStorageExceededException", "ResourceConflictException", "Unheard"),
        )
    },
    "botocore's own": lambda text: _explain(ParamValidationError(report=f"bad value <<{text}>>")),
    "anything": lambda text: _explain(RuntimeError(f"<<{text}>>")),
    "a long answer": lambda text: _explain(_answer("Unheard", "x" * 7_990 + f"<<{text}>>" + "y" * 100_000)),
}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_error_shows_the_canary_in_any_spelling(spelling: str, kind: str) -> None:
    """Nor the beginning of it where a text is cut."""
    spelled = SPELLINGS[spelling](CANARY)
    shown = ERRORS[kind](spelled)
    assert spelled not in shown
    assert not [text for text in readings(shown) if "c4n4ry" in text], shown


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_tool_that_builds_shows_the_canary(spelling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of its environment, which a package's script may print as it likes."""
    monkeypatch.setenv("NPM_TOKEN", CANARY)
    shown = without_secrets(f"npm error: {SPELLINGS[spelling](CANARY)} was refused")
    assert not [text for text in readings(shown) if CANARY in text], shown


def test_a_report_shows_what_was_masked_before() -> None:
    """It holds texts alone, which came through an error."""
    error = _explain(_answer("Unheard", SPELLINGS["JSON in JSON"](CANARY)))
    result = StepResult(step="s", target="staging/a", outcome=Outcome.FAILED, error=error)
    report = Report(results=(result,), seconds=1.0, calls=1)
    for shown in (
        encode_report(report),
        report_markdown(report, {"s": "x"}),
        "\n".join([*report_lines(report, {"s": "x"}), *result_lines(result, {"s": "x"})]),
    ):
        assert CANARY not in shown
