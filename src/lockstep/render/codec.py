"""Plans and reports as JSON and back: stable, versioned, without secret values.

``decode_plan(encode_plan(plan))`` is the plan but for the values of its secrets. The functions come in
pairs, one to write and one to read each type, with the members in the same order.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.errors import BadInput
from lockstep.model import (
    Health,
    Outcome,
    Plan,
    Report,
    StepResult,
    SyncStatus,
    TargetPlan,
    Verb,
)
from lockstep.model.rollout import Finding, Progress, Ruling
from lockstep.render.step_codec import (
    change_from,
    change_to,
    step_from,
    step_to,
)
from lockstep.render.wire import Node, compact, dump, parse, pieces

__all__ = [
    "PLAN_FORMAT",
    "REPORT_FORMAT",
    "decode_plan",
    "decode_report",
    "encode_plan",
    "encode_report",
    "plan_pieces",
]

PLAN_FORMAT = "lockstep.plan/1"
REPORT_FORMAT = "lockstep.report/1"


def encode_plan(plan: Plan) -> str:
    """The plan as a JSON document, with a digest of the rest of it. Secret values are left out."""
    return "".join(plan_pieces(plan))


def plan_pieces(plan: Plan) -> Iterator[str]:
    """What ``encode_plan`` gives, piece by piece: a plan of thousands of creations takes more than itself."""
    yield from pieces({**_document(plan), "digest": _digest(_document(plan))})


def _document(plan: Plan) -> Mapping[str, Any]:
    """The plan without its digest; what is long in it is made while it is written, without its secrets."""
    return {
        "format": PLAN_FORMAT,
        "engine": plan.engine,
        "project": plan.project,
        "commit": plan.commit,
        **({"previews": plan.previews} if plan.previews is not None else {}),
        "fingerprint": plan.fingerprint,
        "selection": plan.selection,
        "targets": (_target_to(target) for target in plan.targets),
        "steps": (step_to(step) for step in plan.steps),
        "problems": plan.problems,
        "notes": plan.notes,
    }


def _digest(document: Mapping[str, Any]) -> str:
    """Tells a file that was edited from one that was saved; the order of keys and blanks do not count."""
    digest = hashlib.sha256()
    for piece in compact(document):
        digest.update(piece.encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def decode_plan(text: str, file: str = "plan.json") -> Plan:
    """The plan that ``encode_plan`` wrote; BadInput, with the path, for anything else."""
    root = _root(text, file, PLAN_FORMAT)
    if "digest" in root.mapping():  # earlier releases wrote none
        rest = {key: value for key, value in root.mapping().items() if key != "digest"}
        if root.mapping()["digest"] != _digest(rest):
            raise BadInput(
                "it was edited after it was saved, so it is not what was planned",
                where=file,
                fix=f"plan again: lockstep plan -o {file}",
            )
    return Plan(
        engine=root.get("engine").text(),
        project=root.get("project").text(),
        commit=root.get("commit").maybe(Node.text),
        previews=root.get("previews").text() if "previews" in root.mapping() else None,
        fingerprint=root.get("fingerprint").text(),
        selection=root.get("selection").texts(),
        targets=root.get("targets").many(_target_from),
        steps=root.get("steps").many(step_from),
        problems=root.get("problems").texts(),
        notes=root.get("notes").texts(),
    )


def encode_report(report: Report) -> str:
    """The report as a JSON document."""
    return dump(
        {
            "format": REPORT_FORMAT,
            "success": report.is_success,
            "results": [_result_to(result) for result in report.results],
            "seconds": report.seconds,
            "calls": report.calls,
            "interrupted": report.interrupted,
            "mismatches": report.mismatches,
            **({"pending": report.pending} if report.pending else {}),
        }
    )


def decode_report(text: str, file: str = "report.json") -> Report:
    """The report that ``encode_report`` wrote; BadInput for anything else."""
    root = _root(text, file, REPORT_FORMAT)
    return Report(
        results=root.get("results").many(_result_from),
        seconds=root.get("seconds").number(),
        calls=root.get("calls").integer(),
        interrupted=root.get("interrupted").flag(),
        mismatches=root.get("mismatches").texts(),
        pending=root.get("pending").texts() if "pending" in root.mapping() else (),
    )


def _root(text: str, file: str, expected: str) -> Node:
    root = parse(text, file)
    name = root.get("format").text()
    if name != expected:
        raise root.fail(f"the format is {name!r}; this version of lockstep reads {expected!r}")
    return root


def _target_to(target: TargetPlan) -> Mapping[str, Any]:
    return {
        "target": target.target,
        "verb": target.verb,
        "function": target.function,
        "version": target.version,
        "status": target.status,
        "health": target.health,
        "problem": target.problem,
        "place": target.place,
        "changes": [change_to(change) for change in target.changes],
        "rollout": progress_to(target.progress),
    }


def _target_from(node: Node) -> TargetPlan:
    return TargetPlan(
        target=node.get("target").text(),
        verb=node.get("verb").choice(Verb),
        function=node.get("function").maybe(Node.text),
        version=node.get("version").maybe(Node.text),
        status=node.get("status").choice(SyncStatus),
        health=node.get("health").choice(Health),
        problem=node.get("problem").maybe(Node.text),
        place=node.get("place").text(),
        changes=node.get("changes").many(change_from),
        progress=node.get("rollout").maybe(progress_from),
    )


def progress_to(progress: Progress | None) -> Mapping[str, Any] | None:
    """How far a rollout is, as JSON."""
    if progress is None:
        return None
    return {
        "health": progress.health,
        "words": progress.words,
        "release": progress.release,
        "weight": progress.weight,
        "step": progress.step,
        "steps": progress.steps,
        "due": progress.due,
        "at": progress.at,
        "way": progress.way,
        "gates": progress.gates,
        "reason": progress.reason,
        "isAsked": progress.is_asked,
        "late": progress.late,
        "findings": [
            {"gate": one.gate, "ruling": one.ruling, "words": one.words} for one in progress.findings
        ],
    }


def progress_from(node: Node) -> Progress:
    """What ``progress_to`` wrote."""
    return Progress(
        health=node.get("health").choice(Health),
        release=node.get("release").text(),
        weight=float(node.get("weight").number()),
        step=node.get("step").integer(),
        steps=node.get("steps").integer(),
        due=node.get("due").maybe(Node.text),
        at=node.get("at").maybe(Node.text),
        way=node.get("way").text(),
        gates=node.get("gates").texts(),
        reason=node.get("reason").text(),
        is_asked=node.get("isAsked").boolean(),
        late=node.get("late").integer() if "late" in node.mapping() else 0,  # earlier releases wrote none
        findings=node.get("findings").many(_finding_from),
    )


def _finding_from(node: Node) -> Finding:
    return Finding(
        gate=node.get("gate").text(),
        ruling=node.get("ruling").choice(Ruling),
        words=node.get("words").text(),
    )


def _result_to(result: StepResult) -> Mapping[str, Any]:
    return {
        "step": result.step,
        "target": result.target,
        "outcome": result.outcome,
        "seconds": result.seconds,
        "error": result.error,
    }


def _result_from(node: Node) -> StepResult:
    return StepResult(
        step=node.get("step").text(),
        target=node.get("target").text(),
        outcome=node.get("outcome").choice(Outcome),
        seconds=node.get("seconds").number(),
        error=node.get("error").maybe(Node.text),
    )
