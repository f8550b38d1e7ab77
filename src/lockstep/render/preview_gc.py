"""What previews have left behind, as text and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from lockstep.model import Plan
from lockstep.model.preview import Preview, StoredObject
from lockstep.render.cells import hanging, printable
from lockstep.render.steps import describe
from lockstep.render.wire import dump
from lockstep.values import dataclass

__all__ = ["Left", "gc_document", "gc_lines"]

_SHOWN = 20


class Judged(Protocol):
    """A preview and what becomes of it, as ``planning.previews`` says it."""

    @property
    def preview(self) -> Preview:
        """The preview."""
        ...

    @property
    def fate(self) -> str:
        """``keep``, ``warn`` or ``remove``."""
        ...

    @property
    def why(self) -> str:
        """The reason."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """What previews that have no folder have left; numbers are of their pull requests."""

    plan: Plan | None
    packages: Sequence[StoredObject]
    logs: Mapping[str, int]
    prereleases: Mapping[str, int] = field(default_factory=dict)
    objects: Mapping[str, Sequence[StoredObject]] = field(default_factory=dict)  # by s3:// prefix
    deletes_objects: bool = False


def gc_lines(
    judged: Sequence[Judged],
    left: Left,
    notes: Sequence[str],
    problems: Sequence[str],
    *,
    is_applied: bool,
    commit: str | None,
    columns: int = 80,
) -> list[str]:
    """One line for each thing, then a summary."""
    lines: list[str] = []
    for one in judged:
        if one.fate == "remove":
            lines += hanging("- ", f"{one.preview.environment}: {printable(one.why)}", columns)
        elif one.fate == "warn":
            lines += hanging("! ", f"{one.preview.environment}: {printable(one.why)}", columns)
    for step in left.plan.steps if left.plan is not None else ():
        lines += hanging("- ", f"{printable(step.target)}: {describe(step)}", columns)
    for group, number in left.logs.items():
        lines += hanging("- ", printable(f"log group {group}: preview/pr-{number} is gone"), columns)
    for tag, number in left.prereleases.items():
        words = f"tag and pre-release {tag}: pull request #{number} is closed"
        lines += hanging("- ", printable(words), columns)
    packages = left.packages
    for package in packages[:_SHOWN]:
        lines += hanging("- ", printable(f"s3://{package.bucket}/{package.key}"), columns)
    if len(packages) > _SHOWN:
        lines.append(f"- and {len(packages) - _SHOWN} more packages")
    told = []
    for place, objects in left.objects.items():
        size = f"{len(objects)} objects, {sum(one.size for one in objects):,} bytes"
        words = f"{size}, of a preview that is gone lie below {place}"
        if left.deletes_objects:
            lines += hanging("- ", printable(words), columns)
        else:
            told.append(f"{words}; they may be data, and --delete-objects takes them, too")
    notes = (*notes, *told)
    lines += [""] if lines else []
    for sign, texts in (("note: ", notes), ("problem: ", problems)):
        for text in texts:
            for line in text.splitlines():
                lines += hanging(sign, printable(line.strip()), columns)
    return [*lines, *hanging("", _summary(judged, left, is_applied, commit), columns)]


def _summary(
    judged: Sequence[Judged],
    left: Left,
    is_applied: bool,
    commit: str | None,
) -> str:
    going = sum(one.fate == "remove" for one in judged)
    warned = sum(one.fate == "warn" for one in judged)
    plan, packages, logs, trials = left.plan, left.packages, left.logs, left.prereleases
    objects = sum(map(len, left.objects.values())) if left.deletes_objects else 0
    targets = len(plan.targets) if plan is not None else 0
    steps = len(plan.steps) if plan is not None else 0
    if not (going or warned or targets or steps or packages or logs or trials or objects):
        return "Nothing is left over."
    size = sum(package.size for package in packages)
    groups = f"{len(logs)} log groups; " if logs else ""
    groups += f"{len(trials)} pre-releases; " if trials else ""
    groups += f"{objects} objects; " if objects else ""
    text = (
        f"{going} of {len(judged)} previews to remove, {warned} to warn; {targets} functions and {steps} "
        f"steps in AWS; {groups}{len(packages)} packages, {size:,} bytes."
    )
    if not is_applied:
        return f"{text} Nothing was changed; --apply removes it."
    return f"{text}{f' Committed as {commit[:12]}.' if commit else ''}"


def gc_document(
    judged: Sequence[Judged],
    left: Left,
    notes: Sequence[str],
    problems: Sequence[str],
    *,
    is_applied: bool,
    commit: str | None,
) -> str:
    """``lockstep.gc/1``: every preview that is looked at, and what lies in AWS without one."""
    return dump(
        {
            "format": "lockstep.gc/1",
            "applied": is_applied,
            "commit": commit,
            "previews": [
                {"environment": one.preview.environment, "fate": str(one.fate), "why": one.why}
                for one in judged
            ],
            "steps": [
                {"id": step.id, "target": step.target, "what": describe(step)}
                for step in (left.plan.steps if left.plan is not None else ())
            ],
            "packages": [
                {"bucket": one.bucket, "key": one.key, "size": one.size, "modified": one.modified.isoformat()}
                for one in left.packages
            ],
            "logs": [{"group": group, "preview": number} for group, number in left.logs.items()],
            "prereleases": [{"tag": tag, "pull": number} for tag, number in left.prereleases.items()],
            "objects": [
                {"below": place, "count": len(below), "size": sum(one.size for one in below)}
                for place, below in left.objects.items()
            ],
            "notes": list(notes),
            "problems": list(problems),
        }
    )
