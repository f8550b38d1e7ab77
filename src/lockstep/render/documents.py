"""Status, explain, validate and doctor as JSON documents. They are written, never read back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lockstep.errors import BadInput, BadInputs, LockstepError, bounded
from lockstep.model import Check, Explained, StatusRow, TargetPlan, Value, Verdict
from lockstep.render.codec import progress_to
from lockstep.render.masks import concealed
from lockstep.render.step_codec import change_to
from lockstep.render.wire import dump, value_to

__all__ = [
    "doctor_document",
    "errors_document",
    "explain_document",
    "rollout_document",
    "status_document",
    "validate_document",
]


def status_document(rows: Iterable[StatusRow], notes: Sequence[str]) -> str:
    """``lockstep.status/1``: one object for each target."""
    return dump({"format": "lockstep.status/1", "targets": [_row(row) for row in rows], "notes": list(notes)})


def _row(row: StatusRow) -> Mapping[str, Any]:
    return {
        "target": row.target,
        "service": row.service,
        "environment": row.environment,
        "deploymentType": row.deployment_type,
        "declared": row.declared,
        "live": row.live,
        "alias": row.alias,
        "sync": row.status,
        "health": row.health,
        "healthRead": row.well,
        "problem": row.problem,
        "cause": row.cause,
        "commit": row.commit,
        "author": row.author,
        "changed": row.changed,
        "changes": [change_to(change) for change in row.changes],
        "rollout": progress_to(row.progress),
        "cluster": [
            {"object": one.name, "health": one.health, "message": one.message, "since": one.since}
            for one in row.cluster
        ],
    }


def rollout_document(target: TargetPlan) -> str:
    """``lockstep.rollout/1``: how far the rollout of one target is; null where its release has all calls."""
    return dump(
        {
            "format": "lockstep.rollout/1",
            "target": target.target,
            "version": target.version,
            "health": target.health,
            "problem": target.problem,
            "rollout": progress_to(target.progress),
        }
    )


def explain_document(target: str, values: Iterable[Explained], needs: Any = None) -> str:
    """``lockstep.explain/1``: every value with its layers, lowest first; the last one won.

    ``unused`` says of a value why the target has nothing of it. ``needs`` is the least policy of its role,
    where that is what was asked for.
    """
    return dump(
        {
            "format": "lockstep.explain/1",
            "target": target,
            "values": [
                {
                    "path": value.path,
                    "value": _hidden(value.path, value.value),
                    **({"unused": value.unused} if value.unused else {}),
                    "origins": [
                        {"layer": o.layer, "place": o.place, "value": _hidden(value.path, o.value)}
                        for o in value.origins
                    ],
                }
                for value in values
            ],
            **({"needs": needs} if needs is not None else {}),
        }
    )


def errors_document(errors: Sequence[LockstepError], code: int) -> str:
    """``lockstep.errors/1``: what stderr says too, and the exit code."""
    return dump(
        {
            "format": "lockstep.errors/1",
            "exitCode": code,
            "errors": [
                {"problem": bounded(e.problem), "where": e.where, "fix": e.fix, "doing": e.doing}
                for e in errors
            ],
        }
    )


def validate_document(error: BadInput | None, targets: int, warnings: Sequence[str]) -> str:
    """``lockstep.validate/1``: whether the input is valid, and every problem with its place."""
    errors = error.errors if isinstance(error, BadInputs) else (error,) if error else ()
    return dump(
        {
            "format": "lockstep.validate/1",
            "valid": not errors,
            "targets": targets,
            "problems": [{"problem": e.problem, "where": e.where, "fix": e.fix} for e in errors],
            "warnings": list(warnings),
        }
    )


def doctor_document(checks: Sequence[Check]) -> str:
    """``lockstep.doctor/1``: every check in order."""
    return dump(
        {
            "format": "lockstep.doctor/1",
            "healthy": all(check.verdict is not Verdict.FAILED for check in checks),
            "checks": [
                {"name": c.name, "verdict": c.verdict, "detail": c.detail, "fix": c.fix} for c in checks
            ],
        }
    )


def _hidden(path: str, value: Value) -> Any:
    return value_to(concealed(path, value))
