"""Manifests that let go: a cluster that has applied them writes nothing to AWS any more, and keeps what is
there when they are taken away.

Sources: ACK's documentation of ``deletion-policy`` and ``read-only``; tofu-controller's of ``suspend`` and
``destroyResourcesOnDeletion``; Argo CD's of hooks, which live as long as they stand in Git.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from lockstep.roads import ack, argocd_job, flux
from lockstep.roads.base import Manifest, Object
from lockstep.roads.writing import Said

__all__ = ["AFTER", "LETTING", "letting_go"]


def letting_go(road: str, manifest: Manifest) -> Manifest:
    """The manifest in the form in which it lets go of what it stands for."""
    return replace(manifest, objects=tuple(LETTING[road](manifest.objects)), lets_go=True)


def _ack(objects: Iterable[Object]) -> Iterator[Object]:
    for one in objects:
        notes = {
            **one["metadata"]["annotations"],
            "services.k8s.aws/deletion-policy": Said("retain", "what is in AWS stays there"),
            "services.k8s.aws/read-only": Said("true", "and is not changed any more"),
        }
        yield {**one, "metadata": {**one["metadata"], "annotations": notes}}


def _flux(objects: Iterable[Object]) -> Iterator[Object]:
    for one in objects:
        if one["kind"] != "Terraform":
            yield one
            continue
        notes = one["metadata"]["annotations"]
        kept = {key: value for key, value in notes.items() if key != "kustomize.toolkit.fluxcd.io/prune"}
        spec = {
            "suspend": Said(value=True, comment="nothing is planned and nothing applied"),
            **one["spec"],
            "destroyResourcesOnDeletion": Said(value=False, comment="what is in AWS stays there"),
        }
        yield {**one, "metadata": {**one["metadata"], "annotations": kept}, "spec": spec}


def _argocd_job(objects: Iterable[Object]) -> Iterator[Object]:
    """Without hooks: nothing is deployed by a sync, and nothing removed with the Application."""
    yield from (one for one in objects if one["kind"] != "Job")


LETTING: Mapping[str, Callable[[Iterable[Object]], Iterable[Object]]] = {
    ack.ROAD.name: _ack,
    flux.ROAD.name: _flux,
    argocd_job.ROAD.name: _argocd_job,
}
"""Roads that own functions, each with what its objects look like when they let go."""

AFTER: Mapping[str, str] = {
    ack.ROAD.name: "kubectl get functions.lambda.services.k8s.aws -A shows whether its objects are gone",
    flux.ROAD.name: "a Terraform object that is suspended stays in deletion until it is resumed, and is not "
    'applied then: kubectl patch terraform NAME -n NAMESPACE --type merge -p \'{"spec":{"suspend":false}}\'',
    argocd_job.ROAD.name: "a Job that is running ends first; it and a sync wait for each other",
}
"""What is to be known of a road whose manifests are taken away."""
