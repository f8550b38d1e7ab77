"""A layer that is built here: a service whose versions functions take by its name."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from lockstep.model.function import Function, Package
from lockstep.values import dataclass

__all__ = ["DEPLOYMENT", "LONGEST_NAMES", "BuiltLayer", "mark_of", "release_in", "with_layers"]

DEPLOYMENT = "layer"
"""The ``deploymentType`` of a layer."""

LONGEST_NAMES = 170  # characters of project, layer and version, beside which a mark finds room


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltLayer:
    """The version of a layer that an environment declares.

    What AWS publishes of it is known by ``arn``, which is known once the account is, and a number that AWS
    gives.
    """

    target: str  # that declares it: "staging/common"
    service: str
    version: str
    name: str  # in AWS
    runtimes: tuple[str, ...] = ()  # sorted; () is any
    architectures: tuple[str, ...] = ()  # sorted; () is any
    license: str | None = None
    package: Package | None = field(default=None, compare=False)
    arn: str = ""  # of the layer, without the number of a version
    place: str = field(default="", compare=False)  # file:line of the version

    @property
    def release(self) -> str:
        """``common@1.4.0``."""
        return f"{self.service}@{self.version}"

    @property
    def unpublished(self) -> str:
        """What stands among a function's layers until AWS has given the version a number."""
        return f"{self.arn}:{self.release}"


def mark_of(project: str, layer: BuiltLayer, sha256: str) -> str:
    """The description of a published version, by which it is found again: what it is, and whose.

    A description has 256 characters at most. Source: PublishLayerVersion.
    """
    return f"lockstep {project} {layer.release} sha256:{sha256}"


def release_in(mark: str, project: str) -> str | None:
    """The release that a mark of the project names; None for what is no such mark."""
    match mark.split(" "):
        case ["lockstep", whose, release, digest] if whose == project and digest.startswith("sha256:"):
            return release
        case _:
            return None


def with_layers(function: Function, published: Mapping[str, str]) -> Function:
    """The function with the ARNs of versions in place of layers that were not published before."""
    layers = function.settings.get("layers")
    if not isinstance(layers, tuple) or not _texts(layers) & published.keys():
        return function
    known = tuple(published.get(str(one), one) for one in layers)
    return replace(function, settings={**function.settings, "layers": known})


def _texts(values: Iterable[object]) -> frozenset[str]:
    return frozenset(map(str, values))
