"""A plan as terminal lines, in the reading style of ``terraform plan``."""

from collections import Counter
from collections.abc import Iterable

from lockstep.model import (
    ApplyResource,
    Change,
    Merge,
    Plan,
    PublishLayer,
    PutNotifications,
    RunTerraform,
    StagePackage,
    TargetPlan,
    Verb,
    WriteManifests,
)
from lockstep.render.cells import columns_of, hanging, printable, printable_lines
from lockstep.render.masks import Masks
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.rollout import progress_lines
from lockstep.render.steps import SWITCHED_ON, describe, entry_words, layer_words
from lockstep.render.values import change_lines, package_words

__all__ = [
    "RESOURCE_SIGNS",
    "SIGNS",
    "is_told",
    "plan_lines",
    "plan_summary",
    "told_changes",
    "version_words",
    "way_of",
]

SIGNS = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.DELETE: "-",
    Verb.ADOPT: "=",
    Verb.BLOCKED: "!",
    Verb.UNKNOWN: "?",
    Verb.NOTHING: " ",
}

RESOURCE_SIGNS = {"create": "+", "delete": "-", "import": "=", "forget": "="}
_MERGES = {
    Merge.AUTO: "by a pull request that merges itself",
    Merge.REVIEW: "by a pull request",
    Merge.DIRECT: "by a commit",
}
"""How files come to a branch, in words."""
_FEW = 10  # targets of which it is said one by one what was not read
_VERSION_PATHS = ("version", "tags.lockstep:version")


def plan_lines(plan: Plan, *, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """The plan for reading, in lines without line ends; the last line is the summary.

    Targets in sync are only counted, and so are those of which not all was read when they are many.
    Secrets are masked, equal ones alike; nothing of a value can act on the terminal.
    """
    masks = Masks()
    lines: list[str] = []
    for target in plan.targets:
        if is_told(plan, target):
            lines += [*_target_lines(target, masks, palette, columns), ""]
    lines += _step_lines(plan, palette, columns)
    if plan.notes:
        lines += [palette.paint(palette.bold, "Notes:"), *_items(plan.notes, "  * ", columns), ""]
    if plan.problems:
        head = palette.paint(palette.blocked, "This plan cannot be applied:")
        lines += [head, *_items(plan.problems, "  ! ", columns), ""]
    if plan.is_empty and all(target.verb is Verb.NOTHING for target in plan.targets):
        commit = f" with commit {printable(plan.commit[:8])}" if plan.commit else ""
        whole = f"everything is in sync{commit}" if plan.targets else "no Lambda function is selected"
        if any(_is_half_read(target) for target in plan.targets):
            whole = f"what was read is in sync{commit}, and the rest is not known"
        lines.append(f"Nothing to do: {whole}.")
    return [*lines, palette.paint(palette.bold, plan_summary(plan))]


def plan_summary(plan: Plan) -> str:
    """``Plan: 2 to create, 1 to update, 0 to delete, 1 to adopt, 5 unchanged.``"""
    count = Counter(target.verb for target in plan.targets)
    words = [f"{count[verb]} to {verb}" for verb in (Verb.CREATE, Verb.UPDATE, Verb.DELETE, Verb.ADOPT)]
    half = sum(map(_is_half_read, plan.targets))
    words.append(f"{count[Verb.NOTHING] - half} unchanged")
    if half:
        words.append(f"{half} not read whole")
    if count[Verb.BLOCKED]:
        words.append(f"{count[Verb.BLOCKED]} blocked")
    if count[Verb.UNKNOWN]:
        words.append(f"{count[Verb.UNKNOWN]} unknown")
    return f"Plan: {', '.join(words)}."


def is_told(plan: Plan, target: TargetPlan) -> bool:
    """Whether a target is listed: something is done, or in the way, or was not read of one of a few."""
    if target.verb is not Verb.NOTHING or target.problem:
        return True
    return _is_half_read(target) and sum(map(_is_half_read, plan.targets)) <= _FEW


def _is_half_read(target: TargetPlan) -> bool:
    """Whether nothing differs in what was read, and something was not."""
    return target.verb is Verb.NOTHING and bool(target.changes)


def version_words(target: TargetPlan) -> str:
    """``0.1.5 -> 0.1.6`` where the change tells the live version, else the declared one, else ""."""
    before = next((c.old for c in target.changes if c.path in _VERSION_PATHS and c.old is not None), None)
    if before is not None and target.version is not None and before != target.version:
        return printable(f"{before} -> {target.version}")
    return printable(target.version or "")


def told_changes(target: TargetPlan) -> tuple[Change, ...]:
    """The changes that are listed: the version stands in the header already."""
    return tuple(change for change in target.changes if change.path not in _VERSION_PATHS)


def _target_lines(target: TargetPlan, masks: Masks, palette: Palette, columns: int) -> list[str]:
    colour = _colour(target.verb, palette)
    sign = SIGNS[target.verb] if target.verb is not Verb.NOTHING else "*" if target.problem else "?"
    parts = [target.target, target.verb.value, target.function or "", version_words(target)]
    words = [printable(part) for part in parts if part]
    header = f"{sign} {'  '.join(words)}"
    if columns_of(header) <= columns:
        lines = [palette.paint(colour, header)]
    else:
        lines = [palette.paint(colour, f"{sign} {'  '.join(words[:2])}")]
        lines += hanging("      ", "  ".join(words[2:]), columns)
    if target.problem:
        first, *others = printable_lines(target.problem) or [""]
        lines += hanging("    because: ", first, columns)
        for other in others:
            lines += hanging("      ", other.strip(), columns)
        if target.place:
            lines += hanging("    at: ", printable(target.place), columns)
    is_new = target.verb is Verb.CREATE
    for change in told_changes(target):
        lines += change_lines(change, masks, columns=columns, indent="    ", is_new=is_new)
    for text in progress_lines(target.progress) if target.progress is not None else ():
        lines += hanging("    ", text, columns, rest="        ")
    return lines


def _colour(verb: Verb, palette: Palette) -> str:
    match verb:
        case Verb.CREATE:
            return palette.create
        case Verb.UPDATE:
            return palette.update
        case Verb.DELETE:
            return palette.delete
        case Verb.ADOPT:
            return palette.adopt
        case Verb.BLOCKED | Verb.UNKNOWN:
            return palette.blocked
        case Verb.NOTHING:
            return palette.dim


def _step_lines(plan: Plan, palette: Palette, columns: int) -> list[str]:
    """What no single target shows: packages to upload and the notifications of each bucket."""
    lines: list[str] = []
    for step in plan.steps:
        match step:
            case StagePackage(package=package) if not package.is_staged:
                head = palette.paint(palette.create, "+")
                lines += [f"{head} package", *hanging("    ", package_words(package), columns), ""]
            case PublishLayer(layer=layer):
                head = palette.paint(palette.create, "+")
                lines += [f"{head} layer", *hanging("    ", printable(layer_words(layer)), columns), ""]
            case PutNotifications():
                head = palette.paint(palette.update, f"~ bucket {printable(step.bucket)}  notifications")
                lines.append(head)
                if step.switch_on:
                    lines.append(f"    + {SWITCHED_ON}")
                for entry in step.put:
                    lines += hanging("    + ", entry_words(entry), columns)
                for name in _gone_from(step, plan) or step.remove:
                    lines += hanging("    - ", printable(name), columns)
                lines.append("")
            case RunTerraform():
                lines += _run_lines(step, plan, palette, columns)
            case WriteManifests():
                lines += _manifest_lines(step, palette, columns)
            case _:
                pass
    return lines


def _gone_from(step: PutNotifications, plan: Plan) -> list[str]:
    """The entries that go, as triggers in words; none where only their ids are known."""
    place = f"s3://{step.bucket}/"
    gone = [
        change.old.removeprefix(place)
        for target in plan.targets
        for change in target.changes
        if change.path == "trigger" and isinstance(change.old, str) and change.old.startswith(place)
    ]
    return gone if len(gone) >= len(step.remove) else []


def _run_lines(run: RunTerraform, plan: Plan, palette: Palette, columns: int) -> list[str]:
    """A run of Terraform, with the resources that belong to no single target."""
    where = run.folder if run.workspace == "default" else f"{run.folder}, workspace {run.workspace}"
    lines = [palette.paint(palette.update, f"~ terraform in {printable(where)}  {printable(run.target)}")]
    for step in plan.steps:
        if isinstance(step, ApplyResource) and run.id in step.needs and not step.target:
            lines += hanging("    ", f"{RESOURCE_SIGNS.get(step.action, '~')} {describe(step)}", columns)
    return [*lines, ""]


def _manifest_lines(step: WriteManifests, palette: Palette, columns: int) -> list[str]:
    """The files that go to the branch which a cluster follows, and how they get there."""
    head = f"~ manifests for {printable(step.road)}  {printable(step.target)}  {way_of(step)}"
    return [palette.paint(palette.update, head), *_file_lines(step, columns), ""]


def way_of(step: WriteManifests) -> str:
    """How its files come to which branch."""
    return _MERGES[step.merge] + (
        f" to the branch {printable(step.branch)}" if step.branch is not None else ""
    )


def _file_lines(step: WriteManifests, columns: int) -> list[str]:
    lines: list[str] = []
    for path, action in step.files.items():
        lines += hanging("    ", f"{RESOURCE_SIGNS.get(action, '~')} {printable(path)}", columns)
    return lines


def _items(texts: Iterable[str], sign: str, columns: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        first, *others = printable_lines(text) or [""]
        lines += hanging(sign, first, columns)
        for other in others:
            lines += hanging(" " * len(sign), other.strip(), columns)
    return lines
