"""Terraform's stream and errors: diagnostics, locks, and text for people."""

import json
from datetime import UTC, datetime

from lockstep.engines.terraform.errors import error_of, plain_text, read_diagnostic
from lockstep.engines.terraform.stream import Stream, lock_of
from lockstep.errors import BadInput, CloudError

LOCKED = """\
Error message: operation error S3: PutObject, api error PreconditionFailed
Lock Info:
  ID:        f4accb74-e1c3-0724-595d-32ebd51be434
  Path:      bucket/terraform.tfstate
  Operation: OperationTypeApply
  Who:       ada@build-7
  Version:   1.11.4
  Created:   2026-11-24 05:40:00.413626844 +0000 UTC
  Info:

Terraform acquires a state lock to protect the state.
"""


def _line(kind: str, **content: object) -> str:
    return json.dumps({"type": kind, **content})


def test_resources_are_told_as_they_go() -> None:
    """Start and end of each resource, in order; lines that are no messages are left out."""
    told: list[tuple[str, str, float]] = []
    stream = Stream(on_resource=lambda *one: told.append(one))
    hook = {"resource": {"addr": "a.b"}, "elapsed_seconds": 3}
    for line in (
        "plain text",
        "{broken",
        _line("apply_start", hook={"resource": {"addr": "a.b"}}),
        _line("apply_progress", hook=hook),
        _line("apply_complete", hook=hook),
        _line("apply_errored", hook={"resource": {"addr": "c.d"}}),
    ):
        stream.take(line)
    assert told == [("a.b", "started", 0.0), ("a.b", "done", 3.0), ("c.d", "failed", 0.0)]
    assert stream.states == {"a.b": "done", "c.d": "failed"}


def test_a_lock_says_who_and_since_when() -> None:
    """The holder, what he does and how long it has been, from the error's own text."""
    lock = lock_of(LOCKED)
    assert lock is not None
    assert lock.id == "f4accb74-e1c3-0724-595d-32ebd51be434"
    words = lock.words(datetime(2026, 11, 24, 5, 41, 0, tzinfo=UTC))
    assert words == "ada@build-7 holds it since 2026-11-24 05:40:00 UTC (60 s), apply"
    odd = lock_of(LOCKED.replace("ada@build-7", "ada\x1b[2J" + "x" * 500))
    assert odd is not None
    assert odd.who.startswith("ada[2Jx")
    assert len(odd.who) == 200
    assert lock_of("something else") is None
    assert lock_of("Error acquiring the state lock: no reason") is None


def test_a_diagnostic_says_file_line_and_code() -> None:
    """File names are the repository's, and the line itself stands below."""
    raw = {
        "severity": "error",
        "summary": "Unsupported argument",
        "detail": "An argument named  \n x is not expected.",
        "range": {"filename": "../modules/a/main.tf", "start": {"line": 7}},
        "snippet": {"code": "  x = 1"},
    }
    error = error_of(read_diagnostic(raw), folder="live/tf", doing="terraform plan", place="l.yaml:3")
    assert isinstance(error, CloudError)
    assert str(error) == (
        "live/modules/a/main.tf:7: terraform plan: Unsupported argument: "
        "An argument named x is not expected.\n    x = 1"
    )


def test_the_file_with_the_variables_is_never_quoted() -> None:
    """A snippet of what Lockstep passes would show secrets."""
    raw = {
        "summary": "Invalid value for input variable",
        "range": {"filename": "/tmp/x/variables.tfvars.json", "start": {"line": 1}},
        "snippet": {"code": '{"token": "hunter2"}'},
    }
    error = error_of(read_diagnostic(raw), folder="tf", doing="terraform plan", place="l.yaml:3")
    assert isinstance(error, BadInput)
    assert "hunter2" not in str(error)
    assert str(error).startswith("l.yaml:3: terraform plan: Invalid value")


def test_text_for_people_is_read_without_its_frame() -> None:
    """init speaks to people: the first error, its place and its sentence."""
    text = (
        "Initializing...\n╷\n│ Error: Unsupported Terraform Core version\n│ \n"
        "│   on versions.tf line 2, in terraform:\n"
        '│    2:   required_version = ">= 99"\n│ \n│ This configuration does not support 1.11.\n╵\n'
    )
    found = plain_text(text)
    assert (found.summary, found.file, found.line) == ("Unsupported Terraform Core version", "versions.tf", 2)
    assert "does not support 1.11" in found.detail
    assert "required_version" not in found.detail
    assert plain_text("").summary == "it said nothing"
