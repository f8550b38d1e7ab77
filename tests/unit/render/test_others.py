"""Explain, doctor and the JSON documents."""

import json

from lockstep.errors import BadInput, BadInputs
from lockstep.model import Change, Check, Explained, Health, Origin, Secret, StatusRow, SyncStatus, Verdict
from lockstep.render.doctor import check_lines, doctor_summary
from lockstep.render.documents import (
    doctor_document,
    explain_document,
    status_document,
    validate_document,
)
from lockstep.render.explain import explain_lines

MEMORY = Explained(
    path="lambda.memorySize",
    value=256,
    origins=(
        Origin(layer="service", place="syrf/services/a/values.yaml:4", value=512),
        Origin(layer="environment", place="syrf/environments/staging/a/config.yaml:7", value=256),
    ),
)
TOKEN = Explained(
    path="lambda.environment.TOKEN",
    value=Secret("x"),
    origins=(
        Origin(layer="global", place="g.yaml:1", value="x"),
        Origin(layer="service", place="s.yaml:1", value=None),
        Origin(layer="environment", place="e.yaml:1", value=Secret("x")),
    ),
)


def test_every_layer_of_a_value_is_shown_and_the_winner_marked() -> None:
    """Lowest layer first; a deleting null says so; secrets are masked alike."""
    assert explain_lines("staging/a", [MEMORY, TOKEN]) == [
        "staging/a",
        "",
        "lambda.memorySize = 256",
        "    service      syrf/services/a/values.yaml:4  512",
        "  > environment  syrf/environments/staging/a/config.yaml:7  256",
        "",
        "lambda.environment.TOKEN = (secret)",
        "    global       g.yaml:1  (secret)",
        "    service      s.yaml:1  (deleted by null)",
        "  > environment  e.yaml:1  (secret)",
    ]


def test_the_explain_document_holds_no_secret() -> None:
    """Layers in order, values masked."""
    document = json.loads(explain_document("staging/a", [MEMORY, TOKEN]))
    assert document["format"] == "lockstep.explain/1"
    assert document["values"][0]["origins"][1]["value"] == 256
    assert document["values"][1]["origins"][0]["value"] == {"$secret": None}


def test_checks_say_what_was_found_and_how_to_mend_it() -> None:
    """The verdict first, the fix below."""
    checks = (
        Check(name="git", verdict=Verdict.OK, detail="2.39"),
        Check(name="credentials", verdict=Verdict.FAILED, detail="expired", fix="aws sso login\nthen again"),
    )
    assert check_lines(checks[0]) == ["ok      git: 2.39"]
    assert check_lines(checks[1]) == [
        "FAILED  credentials: expired",
        "        fix: aws sso login",
        "             then again",
    ]
    assert doctor_summary(checks) == "Doctor: 1 ok, 0 warning, 1 failed, 0 skipped."
    assert json.loads(doctor_document(checks))["healthy"] is False


def test_the_status_document_has_one_object_for_each_target() -> None:
    """With the words of the table and masked changes."""
    row = StatusRow(
        target="staging/a",
        service="a",
        environment="staging",
        deployment_type="lambda",
        declared="1",
        live=None,
        status=SyncStatus.OUT_OF_SYNC,
        health=Health.MISSING,
        changes=(Change(path="environment.TOKEN", old="x", new=None),),
    )
    (target,) = json.loads(status_document([row], ["n"]))["targets"]
    assert (target["sync"], target["health"]) == ("OutOfSync", "Missing")
    assert target["changes"] == [{"path": "environment.TOKEN", "old": {"$secret": None}, "new": None}]


def test_the_validate_document_lists_every_problem() -> None:
    """Problem, place and fix apart, for editors and bots."""
    errors = BadInputs([BadInput("wrong", where="f:1", fix="mend"), BadInput("bad", where="f:2")])
    document = json.loads(validate_document(errors, 0, ["w"]))
    assert document["valid"] is False
    assert document["problems"] == [
        {"problem": "wrong", "where": "f:1", "fix": "mend"},
        {"problem": "bad", "where": "f:2", "fix": None},
    ]
    assert json.loads(validate_document(None, 3, []))["valid"] is True
