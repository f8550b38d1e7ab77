"""A canary secret through every form of output and every kind of error: nowhere is it to be read."""

import json
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from lockstep.artifacts.builders.process import without_secrets
from lockstep.engines.aws.connection import Connection
from lockstep.engines.terraform.errors import Diagnostic, plain_text
from lockstep.engines.terraform.operation import Operation
from lockstep.errors import ForgeError
from lockstep.forge.base import MergeMethod
from lockstep.forge.github import GitHub
from lockstep.forge.github.answer import Answer
from lockstep.forge.github.transport import Transport
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


def _terraform(**told: str) -> str:
    """An error of an operation that was given the canary, from a diagnostic that quotes it."""
    operation = Operation.__new__(Operation)  # its run, files and program are not asked for an error
    operation.secrets = frozenset({CANARY})
    operation.program = SimpleNamespace(credentials=frozenset(), name="terraform")  # type: ignore[assignment]
    operation.files = SimpleNamespace(folder="tf")  # type: ignore[assignment]
    operation.run = SimpleNamespace(name="staging", settings=SimpleNamespace(place="l.yaml:3", folder="tf"))  # type: ignore[assignment]
    error = operation._error(Diagnostic(severity="error", **{"summary": "refused", **told}), "planning")
    return f"{error} {error!r} {error.args} {vars(error)}"


class _Echo(Transport):
    """What answers in GitHub's place, and quotes what it was sent."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(patience=0)
        self.answer = Answer(status=status, headers={}, body=json.dumps(body).encode())

    def send(self, method: str, url: str, **_: Any) -> Answer:  # type: ignore[override]
        return self.answer


def _github(status: int, body: object, ask: Callable[[GitHub], object] = lambda forge: forge.pull(7)) -> str:
    forge = GitHub(repository="acme/shop", token=CANARY, transport=_Echo(status, body))
    try:
        ask(forge)
    except ForgeError as error:
        return f"{error} {error!r} {error.args} {vars(error)}"
    raise AssertionError("nothing was refused")


ERRORS: dict[str, Callable[[str], str]] = {
    "Terraform's summary": lambda text: _terraform(summary=f"refused: <<{text}>>"),
    "Terraform's detail": lambda text: _terraform(detail="x " * 490 + f"<<{text}>>" + " y" * 9_000),
    "Terraform's code": lambda text: _terraform(file="main.tf", code=f"x = <<{text}>>"),
    "Terraform's lock": lambda text: _terraform(detail=f"state lock\nLock Info:\n  ID: <<{text}>>\n"),
    "what Terraform prints": lambda text: _terraform(
        summary=plain_text(f"Error: refused\n\n<<{text}>>").summary, detail=f"<<{text}>>"
    ),
    **{
        f"GitHub's {status}": lambda text, status=status: _github(  # type: ignore[misc]
            status, {"message": "x" * 290 + f"<<{text}>>", "errors": [{"message": f"<<{text}>>"}]}
        )
        for status in (400, 401, 403, 404, 409, 410, 422, 451)
    },
    "GitHub's fields": lambda text: _github(
        422,
        {"message": "Validation Failed", "errors": [{"resource": "R", "field": f"<<{text}>>", "code": "x"}]},
    ),
    "GraphQL's": lambda text: _github(
        200,
        {"data": None, "errors": [{"type": "X", "message": f"<<{text}>>"}]},
        lambda forge: forge.merge_when_ready(7, sha="1" * 40, method=MergeMethod.SQUASH),
    ),
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
