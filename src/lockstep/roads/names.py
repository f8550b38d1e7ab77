"""Names as Kubernetes takes them. A name that it refuses is told before anything is written.

Source: Kubernetes documentation, "Object Names and IDs". Names are never bent into shape: two targets could
come to one object.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from lockstep.errors import BadInput
from lockstep.model import Target
from lockstep.roads.base import Ground, Manifest, names_of

__all__ = [
    "clashing",
    "label_problem",
    "name_problem",
    "namespace_of",
    "namespace_problem",
    "namespace_template",
]

_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")


def name_problem(name: str) -> str | None:
    """Why a text cannot name an object, or None when it can."""
    if len(name) > 253:
        return f"{name[:40]}... has {len(name)} characters, and Kubernetes allows 253"
    if not _SUBDOMAIN.match(name):
        return f"{name!r} is no name for Kubernetes: lowercase letters, digits, hyphens and dots only"
    return None


def label_problem(name: str) -> str | None:
    """Why a text cannot name a namespace or a Job, or None when it can."""
    if len(name) > 63:
        return f"{name!r} has {len(name)} characters, and Kubernetes allows 63"
    if not _LABEL.match(name):
        return f"{name!r} is no name for Kubernetes: lowercase letters, digits and hyphens only"
    return None


def namespace_template(ground: Ground) -> str:
    """The template of namespaces. Raises BadInput when nobody declared one."""
    template = ground.settings.namespace
    if template is None:
        raise BadInput(
            "nothing says in which namespace the objects belong",
            where=ground.settings.place or ground.project.file,
            fix='add kubernetes: {namespace: "..."}; {service}, {env} and {pr} are filled in',
        )
    return template


def namespace_of(ground: Ground, target: Target) -> str:
    """The namespace of a target's objects. Raises BadInput when nobody declared one, or it cannot be."""
    if (problem := namespace_problem(ground, target)) is not None:
        raise BadInput(problem, where=ground.settings.place, fix="write another kubernetes.namespace")
    return ground.fill(namespace_template(ground), names_of(target))


def namespace_problem(ground: Ground, target: Target) -> str | None:
    """Why a target's objects have no namespace, or None when they have. BadInput when nobody declared one."""
    try:
        problem = label_problem(ground.fill(namespace_template(ground), names_of(target)))
    except BadInput as error:
        if error.where is not None:
            raise
        problem = error.problem
    return f"the namespace of {target.key}: {problem}" if problem is not None else None


def clashing(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Owners of which an object has the name of another owner's, and what the two share."""
    places: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for manifest in manifests:
        for one in manifest.objects:
            meta = one.get("metadata", {})
            name = (str(meta.get("namespace")), str(meta.get("name")))
            places[(str(one.get("apiVersion")), str(one.get("kind")), *name)].append(manifest.owner)
    return {
        owner: f"{kind} {namespace}/{name} would be the object of {' and '.join(owners)}"
        for (_, kind, namespace, name), owners in places.items()
        if len(owners) > 1
        for owner in owners
    }
