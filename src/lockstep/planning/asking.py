"""What a person is asked before a plan is applied, and what it would take back."""

from collections.abc import Iterable

from lockstep.model import (
    Plan,
    PublishLayer,
    PutNotifications,
    StagePackage,
    Step,
    TargetPlan,
    Verb,
    WriteManifests,
)
from lockstep.model.target import environment_of, is_preview
from lockstep.model.version import Version

__all__ = ["older_versions", "question"]

_VERSION = ("version", "tags.lockstep:version")
_SHOWN = 3  # environments that a question names


def question(plan: Plan) -> str | None:
    """``Apply 3 changes to production?``; None when nothing is changed but previews.

    Targets are counted; steps where they belong to no target that changes. Deletions are named.
    """
    if not plan.steps or plan.problems:
        return None
    changed = [one for one in plan.targets if one.problem is None and one.verb is not Verb.NOTHING]
    if changed:
        places = [_environment(one.target) for one in changed]
        count = len(changed)
    else:
        owners = [owner for step in plan.steps for owner in _owners(step)]
        places = [_environment(owner) for owner in owners if "/" in owner]
        count = len(plan.steps)
    others = [step for step in plan.steps for owner in _owners(step) if not is_preview(owner)]
    if not others and all(place.startswith("preview") for place in places):
        return None
    deletes = sum(one.verb is Verb.DELETE for one in changed)
    deleting = f", {deletes} of them {'a deletion' if deletes == 1 else 'deletions'}" if deletes else ""
    where = _joined(_named(places))
    return (
        f"Apply {count} {'change' if count == 1 else 'changes'}{f' to {where}' if where else ''}{deleting}?"
    )


def older_versions(targets: Iterable[TargetPlan]) -> tuple[tuple[str, str, str], ...]:
    """Target, live and declared version of those whose declared version is older than the live one."""
    found: list[tuple[str, str, str]] = []
    for one in targets:
        live = next((c.old for c in one.changes if c.path in _VERSION and isinstance(c.old, str)), None)
        before, after = Version.find(live or ""), Version.find(one.version or "")
        if live and one.version and before and after and after.precedence < before.precedence:
            found.append((one.target, live, one.version))
    return tuple(found)


def _owners(step: Step) -> tuple[str, ...]:
    """The targets of a step; the bucket, where entries go that are no target's any more."""
    match step:
        case StagePackage() | PublishLayer():  # for whoever needs it
            return ()
        case PutNotifications() if step.targets:
            return step.targets
        case WriteManifests():
            return tuple(f"{name}/" for name in step.target.split("+"))
        case _:
            return (step.target,)


def _environment(target: str) -> str:
    key = target.partition(" ")[0]
    return environment_of(key) or key


def _named(places: Iterable[str]) -> list[str]:
    """Environments by name, previews by number where there are several."""
    every = list(dict.fromkeys(places))
    previews = [place for place in every if is_preview(place)]
    own = [place for place in every if place not in previews]
    if len(own) > _SHOWN:
        own = [*own[:_SHOWN], f"{len(own) - _SHOWN} more"]
    return [*own, *(previews if len(previews) == 1 else [f"{len(previews)} previews"] if previews else [])]


def _joined(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
