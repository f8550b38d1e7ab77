"""What every road is given, and what it gives."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol, TypeAlias

from lockstep.model import Fleet, Project, Reference, Secret, Target, Terraform, Value, select
from lockstep.model.kubernetes import Kubernetes
from lockstep.model.target import is_preview
from lockstep.planning.sharing import families
from lockstep.values import dataclass

__all__ = [
    "EVERY",
    "Fill",
    "Ground",
    "Loss",
    "Manifest",
    "Need",
    "Obedient",
    "Object",
    "Rendering",
    "Road",
    "State",
    "Weight",
    "identity_of",
    "is_chosen",
    "names_of",
    "note_of",
    "place_of",
    "place_of_secret",
]

Object: TypeAlias = Mapping[str, Any]
"""One object of Kubernetes, as data. A ``writing.Said`` among its values carries a comment."""

Fill: TypeAlias = Callable[[str, Mapping[str, str]], str]
"""Fills in a template. Raises BadInput for a name that is not known."""

EVERY = "*"
"""Stands for all targets of a road."""


class Weight(StrEnum):
    """How bad a loss is."""

    REFUSED = "refused"  # the target is not rendered: what would come of it is wrong or does harm
    LOST = "lost"  # declared, and not expressed
    DIFFERS = "differs"  # expressed, and works otherwise than with Lockstep's own engine


class Need(StrEnum):
    """What a road has to be told besides the fleet."""

    PACKAGES = "packages"  # by digest
    STATES = "states"  # of Terraform's
    HEADS = "heads"  # what the files of the tree say at their top


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """One thing that a road cannot express, for one target, and what happens instead."""

    target: str  # its key, a bucket's or a state's name; or ``EVERY``
    field: str
    weight: Weight
    problem: str
    instead: str
    place: str = ""  # file:line of what it is about; "" for what is so of the whole road


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Environments that share one state of Terraform's, with the variables that it is applied with."""

    name: str  # "production+staging"
    settings: Terraform
    keys: tuple[str, ...]  # of targets
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    folder: str = "."  # from the root of its repository
    backend: str = ""  # its type, as the folder declares it
    problem: tuple[str, str] | None = None  # why there are no variables, and the fix

    @property
    def is_of_previews(self) -> bool:
        """Whether nothing but previews is in it."""
        return self.name == "preview"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What is rendered, and where it will stand. Packages are known by digest, or are an obstacle."""

    project: Project
    fleet: Fleet
    fill: Fill
    folder: str = "."  # of the manifests, from the repository's root
    tree: str = "."  # of services/ and environments/, from there, too
    states: tuple[State, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # key -> what declares the target
    branch: str | None = None  # of the manifests alone; None: they lie beside the declarations
    heads: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # file of the tree -> its plain keys

    @property
    def settings(self) -> Kubernetes:
        """``kubernetes:`` of the project."""
        return self.project.kubernetes

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """Targets with a function, in the order of their keys."""
        return {key: one for key, one in sorted(self.fleet.targets.items()) if one.function is not None}

    @cached_property
    def families(self) -> Mapping[str, tuple[Target, ...]]:
        """The targets of each function that several share, by their keys."""
        return families(self.fleet, self.project)

    def place(self, owner: str) -> str:
        """``file:line`` of what declares a target, the state or the environment of several, or the rest."""
        target = self.fleet.targets.get(owner)
        if target is not None and target.place:
            return target.place
        state = next((one for one in self.states if one.name == owner), None)
        if state is not None and state.settings.place:
            return state.settings.place
        return self.settings.place or f"{self.project.file}:1"

    @cached_property
    def has_one_service(self) -> bool:
        """Whether the project has no other Lambda service than one."""
        return len({one.service for one in self.targets.values()}) == 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One file: its objects, whose they are, and where what they say comes from."""

    path: str  # below the folder of the manifests
    owner: str  # key of the target; of what several share its name
    objects: tuple[Object, ...]
    origins: tuple[str, ...] = ()  # files of the repository
    comment: tuple[str, ...] = ()  # lines for people
    lets_go: bool = False  # a hand-over to another engine is under way (``letting``)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendering:
    """What a road made of a fleet. ``held`` are owners that were refused: what they have stays."""

    road: str
    manifests: tuple[Manifest, ...] = ()
    losses: tuple[Loss, ...] = ()
    held: frozenset[str] = frozenset()

    @property
    def refused(self) -> tuple[Loss, ...]:
        """What was not rendered, each with its reason."""
        return tuple(one for one in self.losses if one.weight is Weight.REFUSED)


class Road(Protocol):
    """One way to AWS. Its manifests are found again by the names of their files."""

    @property
    def name(self) -> str:
        """As ``--as`` takes it."""
        ...

    @property
    def title(self) -> str:
        """For people."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files."""
        ...

    @property
    def needs(self) -> frozenset["Need"]:
        """What has to be found out before it renders."""
        ...

    def may_stick(self, there: str, text: str) -> bool:
        """Whether a file that is to become a text is worth reading for what ``stuck`` finds."""
        ...

    def stuck(self, there: Iterable[Object], wanted: Iterable[Object]) -> Iterable[tuple[str, str]]:
        """Changes of objects that it never carries out: the row in the table of losses, and the member."""
        ...

    def kept(self, gone: Iterable[Object]) -> Iterable[str]:
        """What of it stays in AWS when objects are taken out of the manifests, in words."""
        ...

    def render(self, ground: Ground) -> Rendering:
        """The manifests of the whole fleet, with all losses. Raises BadInput for what is wrong with all."""
        ...


class Obedient:
    """A road that does to AWS whatever its manifests say."""

    __slots__ = ()

    def may_stick(self, _there: str, _text: str) -> bool:
        """Nothing does."""
        return False

    def stuck(self, _there: Iterable[Object], _wanted: Iterable[Object]) -> Iterable[tuple[str, str]]:
        """Nothing."""
        return ()


def identity_of(one: Object) -> tuple[object, ...]:
    """What Kubernetes tells an object from all others by."""
    meta = one.get("metadata")
    names = meta if isinstance(meta, Mapping) else {}
    return one.get("apiVersion"), one.get("kind"), names.get("namespace"), names.get("name")


def note_of(one: Object, name: str) -> object:
    """An annotation of an object, whoever wrote it; None where there is none."""
    meta = one.get("metadata")
    notes = meta.get("annotations") if isinstance(meta, Mapping) else None
    return notes.get(name) if isinstance(notes, Mapping) else None


def names_of(target: Target) -> dict[str, str]:
    """What templates may use of a target."""
    names = {"service": target.service, "env": target.environment.rpartition("/")[2]}
    number = target.environment.partition("/pr-")[2]
    return names | ({"pr": number} if number else {})


def is_chosen(owner: str, patterns: tuple[str, ...]) -> bool:
    """Whether patterns select an owner; none select all, and what several targets share always counts."""
    return not patterns or "/" not in owner or bool(select([owner], patterns))


def place_of(ground: Ground, target: Target, file: str) -> str:
    """Where a target's manifest lies: beside its ``config.yaml``, and in a preview in the folder ``lambda``.

    A project with one Lambda service needs no folder for each of them there.
    """
    if not is_preview(target.key):
        return f"environments/{target.environment}/{target.service}/{file}"
    below = "" if ground.has_one_service else f"{target.service}/"
    return f"environments/{target.environment}/lambda/{below}{file}"


def place_of_secret(variables: Mapping[str, Value]) -> str:
    """Where the first secret among variables is written, as far as that is known; "" when it is not."""
    found = (one.reference if isinstance(one, Secret) else one for one in variables.values())
    return next((one.place for one in found if isinstance(one, Reference) and one.place), "")
