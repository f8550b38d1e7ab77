"""One function for several environments: its targets, each with an alias of its own, and what is whose.

What a published version keeps is each target's own: code, variables, memory. What AWS keeps for the function
as a whole is theirs together, and its tags remember what all of them have on it. One of them, its lead, is
named there as its owner, and takes down what a target left that is not declared any more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field, replace

from lockstep.model import Alias, Fleet, Function, Project, Target, select
from lockstep.model.alias import is_ours, target_of
from lockstep.model.kinds import KINDS
from lockstep.model.target import environment_of
from lockstep.planning.policy import is_prunable, remembered_qualifiers, remembered_sharers
from lockstep.values import dataclass

__all__ = ["ALONE", "Sharing", "families", "left_by", "sharing_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sharing:
    """What a target and others that have the same function are to each other."""

    family: tuple[Target, ...] = ()  # all that declare the function, this one too; empty: nobody else does
    lead: str = ""  # the target that the function's tags name
    is_lead: bool = True
    others: frozenset[str] = frozenset()  # qualifiers that are not this target's to change
    staying: Mapping[str, str] = field(default_factory=dict)  # aliases of nobody -> target that left them

    @property
    def keys(self) -> frozenset[str]:
        """Keys of the targets that declare the function."""
        return frozenset(one.key for one in self.family)

    @property
    def aliases(self) -> set[str]:
        """The aliases that are declared."""
        return {one.qualifier for one in self.family}

    def seen(self, live: Target) -> Target:
        """The live target without what is on others' aliases."""
        if not self.others:
            return live
        return replace(
            live,
            aliases=tuple(one for one in live.aliases if one.name not in self.others),
            statements=tuple(one for one in live.statements if one.qualifier not in self.others),
            resources=tuple(
                one
                for one in live.resources
                if one.qualifier not in self.others or KINDS[one.kind].unversioned
            ),
        )


ALONE = Sharing()


def families(desired: Fleet, project: Project) -> Mapping[str, tuple[Target, ...]]:
    """The targets that have one function with others, by key: all that have it."""
    by_name: dict[str, list[Target]] = {}
    for target in desired.targets.values():
        if target.function is not None and target.alias is not None:
            by_name.setdefault(target.function.name, []).append(target)
    found: dict[str, tuple[Target, ...]] = {}
    for namesakes in by_name.values():
        if len(namesakes) < 2:
            continue
        by_place: dict[tuple[str, str], list[Target]] = {}
        for target in namesakes:
            by_place.setdefault(project.environment(target.environment).where, []).append(target)
        for group in by_place.values():
            if len(group) > 1:
                family = tuple(sorted(group, key=lambda one: one.key))
                found |= dict.fromkeys((one.key for one in family), family)
    return found


def sharing_of(
    target: Target, live: Target | None, family: tuple[Target, ...], desired: Fleet, project: Project
) -> Sharing:
    """What is whose of the target's function; ``ALONE`` where it never had anybody else."""
    function = live.function if live is not None else None
    tags = function.tags if function is not None else {}
    if not family and not remembered_sharers(tags):
        return ALONE
    family = family or (target,)
    keys = {one.key for one in family}
    owner = function.owner[1] if function is not None and function.owner else ""
    lead = owner if owner in keys else family[0].key
    aliases = live.aliases if live is not None else ()
    left = {one.name: key for one in aliases if (key := _left(one, keys, desired.project))}
    former = owner if target.key not in remembered_sharers(tags) else ""  # it has another name now
    staying = {name: key for name, key in left.items() if not _goes(key, former, desired, project)}
    others = {one.qualifier for one in family if one.key != target.key}
    others |= {one.name for one in aliases if target_of(one.description) in keys - {target.key}}
    others |= staying.keys()
    if target.key != lead:
        others |= left.keys() | ((remembered_qualifiers(tags) | {""}) - _own(target, aliases))
    return Sharing(
        family=family,
        lead=lead,
        is_lead=target.key == lead,
        others=frozenset(others - {target.qualifier}),
        staying=staying,
    )


def _own(target: Target, aliases: Iterable[Alias]) -> set[str]:
    return {target.qualifier} | {one.name for one in aliases if target_of(one.description) == target.key}


def _left(alias: Alias, keys: Collection[str], project: str) -> str | None:
    """The target that an alias was made for, where that does not declare the function any more."""
    key = target_of(alias.description) if is_ours(alias.description, project) else None
    return None if key in keys else key


def _goes(key: str, former: str, desired: Fleet, project: Project) -> bool:
    """Whether what a target left may be taken down: as everything is, by selection and by policy.

    Never what may be declared after all, in a file that is not read.
    """
    if key == former:
        return True
    if any(select([key], [pattern]) for pattern in desired.doubts):
        return False
    return bool(select([key], desired.selection)) and is_prunable(project, environment_of(key))


def left_by(first: Function, function: Function | None, arn: str) -> Function:
    """The live function as an earlier target of the same plan leaves it."""
    return replace(
        function or first,
        arn=arn,
        settings=first.settings,
        code=replace(first.code, package=None),
        tags={key: value for key, value in first.tags.items() if value is not None},
        revision=None,
    )
