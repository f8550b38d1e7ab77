"""What may be taken over and what may be deleted."""

from collections.abc import Collection, Iterable, Mapping

from lockstep.model import Fleet, Function, Project, Target
from lockstep.model.rollout import RolloutWish
from lockstep.values import dataclass

__all__ = [
    "BUCKETS_TAG",
    "MOST_IN_TAG",
    "REMEMBERING",
    "RESOURCES_TAG",
    "VERSION_TAG",
    "Rules",
    "adoption_problem",
    "continued_tags",
    "deletion_problem",
    "is_prunable",
    "may_adopt",
    "ownership_tags",
    "remembered_buckets",
    "remembered_kinds",
    "remembered_qualifiers",
    "remembered_sharers",
    "remembered_words",
]

FREE_DELETES = 5  # targets that one sync may delete without being asked
FREE_SHARE = 0.20  # of the project's targets, when that is more
BUCKETS_TAG = "lockstep:buckets"
VERSION_TAG = "lockstep:version"
RESOURCES_TAG = "lockstep:resources"
ALIAS_TAG = "lockstep:alias"
SHARED_TAG = "lockstep:shared"
REMEMBERING = (BUCKETS_TAG, RESOURCES_TAG, ALIAS_TAG, SHARED_TAG)
"""How the keys of tags begin that remember what has to be taken down one day."""
_ITSELF = "@latest"  # in the tag: the function itself; no alias can have this name
MOST_IN_TAG = 256  # characters of a tag's value, AWS's limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What the user allowed for this run, on top of what ``lockstep.yaml`` allows."""

    project: Project
    adopt: bool = False
    allow_deletes: int | None = None
    wish: RolloutWish | None = None  # of somebody, about one rollout: then nothing else is planned


def ownership_tags(
    project: str,
    target: Target,
    buckets: Iterable[str],
    words: Iterable[str] = (),
    leaving: Iterable[str] = (),
    sharers: Iterable[str] = (),
) -> dict[str, str | None]:
    """Tags that say whose a function is, which version it runs, which buckets call it and what is beside it.

    What an alias points at is said by the alias, which moves by itself.

    The buckets and the resources (``Resource.word``) are remembered so that a trigger or a resource can be
    taken down when the repository no longer names it, and with them the settings that no listing tells; so is
    what has them, the function itself or an alias of it, of which ``leaving`` are those that the target does
    not declare any more. ``sharers`` are all targets that have something on it, where there are others.
    """
    tags: dict[str, str | None] = {
        "lockstep:project": project,
        "lockstep:target": target.key,
        VERSION_TAG: None if target.alias else target.version,
    }
    tags |= _in_chunks(RESOURCES_TAG, words)
    if together := " ".join(sorted({*sharers} - {target.key})):
        tags[SHARED_TAG] = together
    qualifiers = {target.qualifier, *leaving}
    if qualifiers != {""}:
        tags[ALIAS_TAG] = " ".join(sorted(name or _ITSELF for name in qualifiers))
    return tags | _in_chunks(BUCKETS_TAG, buckets)


def continued_tags(target: Target, words: Iterable[str]) -> dict[str, str]:
    """The tags of ``ownership_tags`` that remember more than one tag takes, with those that they go on in."""
    buckets = {trigger.bucket for trigger in target.triggers}
    chunks = (_in_chunks(RESOURCES_TAG, words), _in_chunks(BUCKETS_TAG, buckets))
    return {tag: text for one in chunks if len(one) > 1 for tag, text in one.items()}


def _in_chunks(tag: str, words: Iterable[str]) -> dict[str, str]:
    """Words in as many tags as they need."""
    chunks = [""]
    for word in sorted(set(words)):
        joined = f"{chunks[-1]} {word}".strip()
        if len(joined) > MOST_IN_TAG:
            chunks.append(word)
        else:
            chunks[-1] = joined
    return {
        f"{tag}.{number}" if number > 1 else tag: chunk for number, chunk in enumerate(chunks, 1) if chunk
    }


def remembered_buckets(tags: Mapping[str, str | None]) -> set[str]:
    """Buckets that a live function's tags remember."""
    return _words(BUCKETS_TAG, tags)


def _words(tag: str, tags: Mapping[str, str | None]) -> set[str]:
    words: set[str] = set()
    for key, value in tags.items():
        if value and key.startswith(tag) and (key == tag or key[len(tag)] == "."):
            words.update(value.split())
    return words


def remembered_words(tags: Mapping[str, str | None]) -> set[str]:
    """Resources beside a live function (``Resource.word``), and settings that no listing tells."""
    return _words(RESOURCES_TAG, tags)


def remembered_kinds(tags: Mapping[str, str | None]) -> set[str]:
    """Kinds of resources beside a live function, and settings that no listing tells: what tags remember."""
    return {word.partition(":")[0] for word in remembered_words(tags)}


def remembered_qualifiers(tags: Mapping[str, str | None]) -> set[str]:
    """What of a live function has something of ours on it: aliases, and "" for the function itself."""
    names = (tags.get(ALIAS_TAG) or _ITSELF).split()
    return {"" if name == _ITSELF else name for name in names}


def remembered_sharers(tags: Mapping[str, str | None]) -> set[str]:
    """Targets that have something on a live function beside the one that owns it."""
    return set((tags.get(SHARED_TAG) or "").split())


def may_adopt(rules: Rules, target: Target) -> bool:
    """Say whether the target may take over a function, and entries for it, that nobody owns."""
    return rules.adopt or target.adopt or rules.project.environment(target.environment).adopt


def adoption_problem(
    rules: Rules, target: Target, live: Function, fleet: Fleet, family: Collection[str] = ()
) -> str | None:
    """Why the live function may not be changed for this target, or None when it may be.

    ``family`` are the targets that have the function together.
    """
    owner = live.owner
    if owner is None:
        if may_adopt(rules, target):
            return None
        return (
            f"the function {live.name} exists and nobody's tags own it; "
            "take it over with --adopt or `adopt: true`, or declare another functionName"
        )
    project, key = owner
    if project != fleet.project:
        return (
            f"the function {live.name} belongs to the Lockstep project {project!r} ({key}); "
            "declare another functionName, or remove its lockstep: tags there first"
        )
    other = fleet.targets.get(key)
    if (
        key != target.key
        and key not in family
        and other
        and other.function
        and other.function.name == live.name
    ):
        return f"the function {live.name} is also declared by {key} ({other.place})"
    return None


def is_prunable(project: Project, environment: str) -> bool:
    """Say whether targets of an environment are deleted when they are no longer declared.

    Previews are, unless they are deployed before anything declares them: who takes such a one down says so.
    """
    if environment.partition("/")[0] == "preview":
        return not project.preview.is_direct
    return project.environment(environment).prune


def deletion_problem(rules: Rules, deletes: int, fleet: Fleet, others: int) -> str | None:
    """Why this many targets may not be deleted in one sync, or None when they may be."""
    declared = sum(1 for target in fleet.targets.values() if target.function is not None)
    if not deletes:
        return None
    allowed = max(FREE_DELETES, int((declared + others) * FREE_SHARE))
    if rules.allow_deletes is not None:
        allowed = rules.allow_deletes
    elif not declared:
        allowed = 0
    if deletes <= allowed:
        return None
    return (
        f"{deletes} {'target' if deletes == 1 else 'targets'} would be deleted and {allowed} are allowed "
        "in one sync; "
        f"look at the plan, then run again with --allow-deletes {deletes}"
    )
