"""What this project made and no longer declares: which of it goes, and which stays."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from lockstep.model import Fleet, Target, select
from lockstep.model.target import environment_of, is_preview
from lockstep.planning.notifications import LAMBDA, function_of, owner_of
from lockstep.planning.policy import Rules, is_prunable, remembered_sharers
from lockstep.values import dataclass

__all__ = ["Former", "Undeclared", "find_undeclared"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Former:
    """A function that nothing declares any more and that is to be deleted."""

    key: str  # its target's, made unique by the function's name after a rename
    arn: str
    target: Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Undeclared:
    """What is to be deleted."""

    functions: tuple[Former, ...]
    owners: frozenset[str]  # targets that are not declared and whose bucket entries go
    notes: tuple[str, ...]  # on what stays

    @property
    def count(self) -> int:
        """How many targets would be deleted, for the guard."""
        return len({former.key for former in self.functions} | self.owners)

    def without(self, keys: Collection[str]) -> "Undeclared":
        """The same, but nothing of the given targets is deleted."""
        functions = tuple(former for former in self.functions if former.target.key not in keys)
        return replace(self, functions=functions, owners=self.owners.difference(keys))


def find_undeclared(desired: Fleet, live: Fleet, rules: Rules, declared: Mapping[str, Target]) -> Undeclared:
    """Look for functions and bucket entries of this project that no declared target has.

    Previews go where Git declares them, and so does what lives in an environment with ``prune: true``.
    Everything else stays, entries too: that a function was not found does not say that it is gone. So does a
    function that only its tags give to this project.
    """
    functions: dict[str, Former] = {}
    notes: list[str] = []
    unproven: set[str] = set()
    for arn, other in sorted(live.others.items()):
        if other.function is None or not select([other.key], desired.selection):
            continue
        name = other.function.name
        if other.obstacle is not None and not other.obstacle.is_unread:
            unproven.add(name)
            notes.append(f"{name} has the tags of {other.key}, which is not declared: {other.obstacle.text}")
        elif kept := _kept(other, desired, rules):
            notes.append(f"{name} belongs to this project ({other.key}) and to {kept}, which keeps it")
        elif is_prunable(rules.project, other.environment):
            taken = other.key in declared or other.key in functions
            key = f"{other.key} (former {name})" if taken else other.key
            functions[key] = Former(key=key, arn=arn, target=other)
        elif not is_preview(other.key):  # ``preview list`` tells of those that nothing declares
            notes.append(f"{name} belongs to this project ({other.key}){_way_out(other.environment, rules)}")

    owners: set[str] = set()
    known = {target.function.name for target in declared.values() if target.function}
    known |= {other.function.name for other in live.others.values() if other.function}
    for bucket in live.buckets.values():
        for entry in bucket.raw.get(LAMBDA, ()):
            project, owner = owner_of(str(entry.get("Id", ""))) or ("", "")
            if project != desired.project or owner in declared or not select([owner], desired.selection):
                continue
            environment = environment_of(owner)
            name = function_of(str(entry.get("LambdaFunctionArn", ""))).rpartition(":")[2]
            if name in unproven:
                continue  # what is called stays, so the call does
            if is_prunable(rules.project, environment):
                owners.add(owner)
            elif name not in known and not is_preview(owner):
                notes.append(
                    f"the bucket {bucket.name} calls {name} by an entry of {owner}"
                    f"{_way_out(environment, rules)}"
                )
    return Undeclared(functions=tuple(functions.values()), owners=frozenset(owners), notes=tuple(notes))


def _kept(other: Target, desired: Fleet, rules: Rules) -> str | None:
    """A target that had the function too, and whose part of it nothing may delete."""
    keys = remembered_sharers(other.function.tags) if other.function is not None else set()
    return next(
        (
            key
            for key in sorted(keys)
            if not (select([key], desired.selection) and is_prunable(rules.project, environment_of(key)))
        ),
        None,
    )


def _way_out(environment: str, rules: Rules) -> str:
    name = environment.partition("/")[0]
    return f" and is not declared; `prune: true` for {name} in {rules.project.file} would delete it"
