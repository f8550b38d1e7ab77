"""Which manifests an engine that hands over to a cluster writes, and whose they are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from lockstep.delivery.sync.manifests import Fate, FileChange, Files, changes_in, marked_in
from lockstep.delivery.sync.rendering import what_stays, without_stuck
from lockstep.model import Fleet, Project, Target
from lockstep.model.engines import EngineTraits
from lockstep.model.kubernetes import MANIFESTS
from lockstep.model.target import environment_of
from lockstep.planning.policy import is_prunable
from lockstep.roads.base import Loss, Rendering, Road, Weight
from lockstep.roads.owners import environments_of, users_of
from lockstep.values import dataclass

__all__ = ["Share"]

_NAMED = 3  # targets that a note names


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """The part of a desired fleet that one engine hands over, by manifests of its road.

    A manifest is known by its owner: a target's key, or the name of what several targets share, which is a
    bucket or the environments of a state.
    """

    project: Project
    traits: EngineTraits
    road: Road
    fleet: Fleet

    def changes(
        self, rendering: Rendering, there: Files, held: Iterable[str]
    ) -> tuple[list[FileChange], list[Loss]]:
        """What becomes of its files, and what of them could not be; those that targets hold back stay."""
        stays = frozenset(held)

        def is_held(owner: str) -> bool:
            return owner in stays or not stays.isdisjoint(self.users(owner))

        mine = [one for one in rendering.manifests if self.is_mine(one.owner)]
        chosen = replace(
            rendering,
            manifests=tuple(one for one in mine if not is_held(one.owner)),
            held=rendering.held | stays | {one.owner for one in mine if is_held(one.owner)},
        )
        found = changes_in(
            there,
            self.road,
            chosen,
            self.project.name,
            patterns=self.fleet.selection,
            declared=self.fleet.targets,
            doubts=self.fleet.doubts,
        )
        mine_too = [one for one in found if self.is_mine(one.owner)]
        changes, losses = without_stuck(self.road, chosen, mine_too)
        return changes, [*losses, *what_stays(self.road, chosen, changes)]

    def problems(
        self, rendering: Rendering, there: Files, live: Iterable[Target], *, is_apart: bool
    ) -> dict[str, str]:
        """Targets whose manifests are left as they are, and why.

        ``live`` are functions of the project that nothing declares any more; ``is_apart`` says that previews
        have a branch of their own.
        """
        problems = self.refused(rendering.losses)
        shared = sorted({one.owner for one in rendering.manifests if "/" not in one.owner})
        problems |= dict(self._of_two_engines(shared))
        if not self.traits.keeps:
            problems |= dict(self._destroyed(shared, live))
        if is_apart:
            why = (
                "previews have a branch of their own, and manifests are written to the deployed one\n"
                f"  fix: leave out the branch ({self.project.preview.place}), or give previews another engine"
            )
            problems |= {key: why for key in self._own() if self.fleet.targets[key].is_preview}
        return problems | dict(self._of_two_roads(there))

    def refused(self, losses: Iterable[Loss]) -> dict[str, str]:
        """Targets that the road refuses, by what it says of them."""
        return {
            key: f"{one.place}: {one.field}: {one.problem}\n  fix: {one.instead}"
            for one in losses
            if one.weight is Weight.REFUSED
            for key in self.users(one.target)
        }

    def in_the_way(self, changes: Iterable[FileChange]) -> dict[str, str]:
        """Targets whose file somebody else has a hand in, or that are on their way to another engine."""
        force = f"lockstep render --as {self.road.name} --force"
        words = {
            Fate.EDITED: ("was edited by hand", f"move it away, or take it over: {force}"),
            Fate.FOREIGN: ("is no file of ours", f"move it away, or take it over: {force}"),
            Fate.LEAVING: ("lets go for a hand-over", f"go on with lockstep eject; or take it back: {force}"),
        }
        return {
            key: f"{one.path}:1: it {words[one.fate][0]}, and is left as it is\n  fix: {words[one.fate][1]}"
            for one in changes
            if one.fate in words
            for key in self.users(one.owner)
        }

    def losses(self, losses: Iterable[Loss]) -> Iterator[str]:
        """Notes on what is declared of selected targets and cannot be expressed."""
        chosen = set(self.fleet.selected())
        told: dict[str, list[str]] = {}
        for one in losses:
            if one.weight is Weight.LOST and (users := chosen.intersection(self.users(one.target))):
                told.setdefault(f"{one.field}: {one.problem}; {one.instead}", []).extend(sorted(users))
        for words, keys in told.items():
            more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
            yield f"{', '.join(keys[:_NAMED])}{more}: {words}"

    def users(self, owner: str) -> list[str]:
        """The targets of this engine that a manifest is for."""
        return [key for key in users_of(owner, self.fleet) if self._engine(key) == self.traits.name]

    def is_mine(self, owner: str) -> bool:
        """Whether this engine writes a manifest; others are written by people, with ``render``."""
        names = environments_of(owner, self.project, self.fleet)
        return not names or any(self.project.environment(name).engine == self.traits.name for name in names)

    def label(self, owner: str) -> str:
        """The environments that a manifest is for: ``production+staging``."""
        users = [owner] if "/" in owner else self.users(owner) or self._own()
        return "+".join(sorted({key.partition("/")[0] for key in users}))

    def _of_two_engines(self, shared: Iterable[str]) -> Iterator[tuple[str, str]]:
        """One manifest for what two engines apply would undo what the other one does."""
        for owner in shared:
            engines = sorted({self._engine(key) for key in users_of(owner, self.fleet)})
            if self.traits.name in engines and len(engines) > 1:
                why = (
                    f"there is one manifest for all of {owner}, and environments of it are applied by "
                    f"{' and '.join(engines)}\n  fix: give all environments that share it one engine"
                )
                yield from ((key, f"{self._place(key)}: {why}") for key in self.users(owner))

    def _destroyed(self, shared: Iterable[str], live: Iterable[Target]) -> Iterator[tuple[str, str]]:
        """What a shared manifest leaves out is destroyed, whether the project gave it up or not."""
        for other in live:
            if is_prunable(self.project, other.environment):
                continue
            for owner in shared:
                if other.environment.partition("/")[0] in owner.split("+"):
                    why = (
                        f"{other.key} is not declared any more, and the manifest of {owner} without it would "
                        "destroy it\n  fix: declare it again, or allow that with prune: true"
                    )
                    yield from ((key, f"{self._place(key)}: {why}") for key in self.users(owner))

    def _of_two_roads(self, there: Files) -> Iterator[tuple[str, str]]:
        """A manifest of another road that still lies there: two would own one function."""
        for path, mark in marked_in(there, self.project.name, MANIFESTS.difference(self.road.files)):
            if mark.road != self.road.name:
                why = (
                    f"{path}:1: it still hands the function over by {mark.road}, and two would own one "
                    "function\n  fix: remove that file, in a way that the cluster keeps it, then sync"
                )
                yield from ((key, why) for key in self.users(mark.owner))

    def _place(self, key: str) -> str:
        """``file:line`` of a target's environment, or of the target where that is not listed."""
        return self.project.environment(environment_of(key)).place or self.fleet.targets[key].place

    def _engine(self, key: str) -> str:
        return self.project.environment(environment_of(key)).engine

    def _own(self) -> list[str]:
        targets: Mapping[str, Target] = self.fleet.targets
        return [key for key, one in targets.items() if one.function and self._engine(key) == self.traits.name]
