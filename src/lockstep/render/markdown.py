"""Plan, report and status as GitHub Markdown for pull requests and job summaries.

Everything that comes from a repository or from AWS stands inside code (see ``blocks``).
"""

from collections.abc import Sequence
from typing import Any

from lockstep.model import (
    ApplyResource,
    Check,
    Explained,
    Plan,
    PublishLayer,
    PutNotifications,
    Report,
    RunTerraform,
    StagePackage,
    StatusRow,
    TargetPlan,
    Verb,
    Verdict,
    WriteManifests,
)
from lockstep.render.blocks import bounded, details, fence, flat, span
from lockstep.render.cells import printable, printable_lines
from lockstep.render.cluster import cluster_words
from lockstep.render.doctor import check_lines, doctor_summary
from lockstep.render.explain import explain_lines
from lockstep.render.masks import Masks
from lockstep.render.report import report_lines, report_summary
from lockstep.render.rollout import progress_lines
from lockstep.render.status import cell_words, status_summary
from lockstep.render.steps import SWITCHED_ON, describe, entry_words, layer_words
from lockstep.render.text import (
    RESOURCE_SIGNS,
    is_told,
    plan_summary,
    told_changes,
    version_words,
    way_of,
)
from lockstep.render.values import one_line, package_words, pair

__all__ = [
    "LONGEST",
    "doctor_markdown",
    "drift_markdown",
    "explain_markdown",
    "plan_failure_markdown",
    "plan_markdown",
    "report_markdown",
    "status_markdown",
    "validate_markdown",
]

LONGEST = 60_000  # characters; GitHub takes 65,536 in a comment


def plan_markdown(plan: Plan, *, longest: int = LONGEST) -> str:
    """The plan: summary line, a collapsible section for each target, notes and problems."""
    masks = Masks()
    head = [f"### Lockstep {_sentence(plan_summary(plan))}", _origin(plan)]
    if plan.problems:
        head += ["**This plan cannot be applied:**", fence("", flat(plan.problems))]
    shown = [t for t in plan.targets if is_told(plan, t)]
    sections = [_target_section(target, masks) for target in shown]
    sections += [section for step in plan.steps if (section := _step_section(step, plan))]
    if plan.notes:
        sections.append(details("Notes", fence("", flat(plan.notes))))
    return bounded(head, sections, longest)


def plan_failure_markdown(problems: Sequence[str], *, longest: int = LONGEST) -> str:
    """Why there is no plan, in place of one that does not hold any more."""
    return bounded(["### ❌ Lockstep could not plan"], [fence("", flat(problems))], longest)


def report_markdown(report: Report, words: dict[str, str], *, longest: int = LONGEST) -> str:
    """The report of a sync: summary line, then what failed and what is left."""
    sign = "✅" if report.is_success else "❌"
    lines = report_lines(report, words, columns=100)[:-1]
    sections = [fence("", lines)] if any(lines) else []
    return bounded([f"### {sign} Lockstep {_sentence(report_summary(report))}"], sections, longest)


def status_markdown(rows: Sequence[StatusRow], notes: Sequence[str] = (), *, longest: int = LONGEST) -> str:
    """The matrix of services and environments, and a section for each target that differs."""
    masks = Masks()
    head = [f"### Lockstep {_sentence(status_summary(rows))}"]
    environments = list(dict.fromkeys(row.environment for row in rows))
    cells = {(row.service, row.environment): row for row in rows}
    table = ["| service | " + " | ".join(span(name) for name in environments) + " |"]
    table.append("|---" * (len(environments) + 1) + "|")
    for service in dict.fromkeys(row.service for row in rows):
        found = (cells.get((service, name)) for name in environments)
        texts = [span(cell_words(row)) if row else "" for row in found]
        table.append(f"| {span(service)} | {' | '.join(texts)} |")
    sections = ["\n".join(table)] if rows else []
    for row in rows:
        said = list(cluster_words(row))
        if row.changes or row.problem or said:
            lines = [*printable_lines(row.problem or ""), *(one_line(c, masks) for c in row.changes)]
            lines += progress_lines(row.progress) if row.progress is not None else []
            lines += flat(said)
            cause = f", {row.cause}" if row.cause is not None else ""
            sections.append(details(f"{row.target}: {row.status}{cause}", fence("", lines)))
    if notes:
        sections.append(details("Notes", fence("", flat(notes))))
    return bounded(head, sections, longest)


def drift_markdown(
    differing: Sequence[StatusRow],
    unknown: Sequence[StatusRow],
    notes: Sequence[str] = (),
    *,
    run: str | None = None,
    longest: int = LONGEST,
) -> str:
    """What is live otherwise than Git says: a section for each target, and what to do."""
    masks = Masks()
    count = len(differing)
    if count:
        words = (
            f"### ❌ Lockstep drift: {count} {'target differs' if count == 1 else 'targets differ'} from Git."
        )
    else:
        words = "### ✅ Lockstep drift: everything that was read is as Git says."
    head = [words]
    if differing:
        head.append("`lockstep sync` makes it what Git says; to keep it, declare it in Git.")
    if run:
        head.append(f"Found by {span(run)}.")
    sections = []
    for row in (*differing, *unknown):
        lines = [*printable_lines(row.problem or ""), *(one_line(change, masks) for change in row.changes)]
        lines += flat(cluster_words(row))
        cause = f", {row.cause}" if row.cause is not None else ""
        sections.append(details(f"{row.target}: {row.status}, {row.health}{cause}", fence("", lines)))
    if notes:
        sections.append(details("Notes", fence("", flat(notes))))
    return bounded(head, sections, longest)


def explain_markdown(
    target: str, values: Sequence[Explained], needs: Any = None, *, longest: int = LONGEST
) -> str:
    """The values of a target with their layers, and what its role needs where that was asked for."""
    lines = explain_lines(target, values, needs, columns=100)
    return bounded([f"### {span(target)}"], [fence("", lines[2:])], longest)


def doctor_markdown(checks: Sequence[Check], *, longest: int = LONGEST) -> str:
    """The checks of ``doctor``."""
    sign = "❌" if any(check.verdict is Verdict.FAILED for check in checks) else "✅"
    lines = [line for check in checks for line in check_lines(check, columns=100)]
    return bounded([f"### {sign} Lockstep {_sentence(doctor_summary(checks))}"], [fence("", lines)], longest)


def validate_markdown(
    problems: Sequence[str], targets: int, warnings: Sequence[str] = (), *, longest: int = LONGEST
) -> str:
    """Whether the input is valid; problems and warnings in words."""
    if problems:
        count = len(problems)
        head = f"### ❌ Lockstep validate: {count} {'problem' if count == 1 else 'problems'}."
    else:
        head = f"### ✅ Lockstep validate: {targets} targets are valid."
    sections = [fence("", flat(problems))] if problems else []
    if warnings:
        sections.append(details("Warnings", fence("", flat(warnings))))
    return bounded([head], sections, longest)


def _sentence(summary: str) -> str:
    """A summary of ours in the middle of a headline: ``plan: 2 to create``."""
    return summary[:1].lower() + summary[1:]


def _origin(plan: Plan) -> str:
    commit = f" at {span(plan.commit[:12])}" if plan.commit else ""
    return f"Project {span(plan.project)}{commit}, engine {span(plan.engine)}."


def _target_section(target: TargetPlan, masks: Masks) -> str:
    words = [target.target, str(target.verb), target.function or "", version_words(target)]
    lines: list[str] = []
    if target.problem:
        lines += [f"! {line}" for line in printable_lines(target.problem)]
    if target.problem and target.place:
        lines.append(f"# {printable(target.place)}")
    for change in told_changes(target):
        old, new = pair(change, masks)
        name = printable(change.path)
        if change.old is not None and target.verb is not Verb.CREATE:
            lines.append(f"- {name}: {old}")
        if change.new is not None:
            lines.append(f"+ {name}: {new}")
    if target.progress is not None:
        lines += [f"# {line}" for line in progress_lines(target.progress)]
    return details("  ".join(word for word in words if word), fence("diff", lines) if lines else "")


def _step_section(step: object, plan: Plan) -> str:
    match step:
        case StagePackage(package=package) if not package.is_staged:
            return details("package", fence("diff", [f"+ {package_words(package)}"]))
        case PublishLayer(layer=layer):
            return details("layer", fence("diff", [f"+ {printable(layer_words(layer))}"]))
        case PutNotifications():
            lines = [f"+ {SWITCHED_ON}"] if step.switch_on else []
            lines += [f"+ {entry_words(entry)}" for entry in step.put]
            lines += [f"- {printable(name)}" for name in step.remove]
            return details(f"bucket {step.bucket}  notifications", fence("diff", lines))
        case RunTerraform():
            shared = [
                f"{RESOURCE_SIGNS.get(one.action, '!')} {describe(one)}"
                for one in plan.steps
                if isinstance(one, ApplyResource) and step.id in one.needs and not one.target
            ]
            return (
                details(f"terraform in {step.folder}  {step.target}", fence("diff", shared)) if shared else ""
            )
        case WriteManifests():
            lines = [
                f"{RESOURCE_SIGNS.get(action, '!')} {printable(path)}" for path, action in step.files.items()
            ]
            head = f"manifests for {step.road}  {step.target}, {way_of(step)}"
            return details(head, fence("diff", lines))
        case _:
            return ""
