"""What a cluster says of the objects that roads make: the same reading as the health scripts give Argo CD.

Sources: see ``roads.health``; Kubernetes API reference, Job ``status.conditions``; Argo CD's API, Application
``status.sync``, ``status.health`` and ``status.operationState``.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lockstep.model import Health, Target
from lockstep.model.status import Condition
from lockstep.roads.base import Ground
from lockstep.roads.names import namespace_of
from lockstep.values import dataclass

__all__ = ["WATCHED", "Watched", "condition_of"]

_AGREED = ("Ready", "ACK.ResourceSynced")


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """One object that stands for a target, as ``kubectl get`` names it."""

    resource: str  # "functions.lambda.services.k8s.aws"
    kind: str
    namespace: str
    name: str
    spec: Mapping[str, str]  # members by which it is known to be about this target

    @property
    def words(self) -> str:
        """``Function syrf-staging/api``."""
        return f"{self.kind} {self.namespace}/{self.name}"


def _ack(ground: Ground, target: Target) -> Iterator[Watched]:
    group, namespace = "lambda.services.k8s.aws", namespace_of(ground, target)
    function = target.function.name if target.function is not None else ""
    yield Watched(
        resource=f"functions.{group}",
        kind="Function",
        namespace=namespace,
        name=target.service,
        spec={"name": function},
    )
    if target.alias is not None:
        yield Watched(
            resource=f"aliases.{group}",
            kind="Alias",
            namespace=namespace,
            name=f"{target.service}-{target.alias}",
            spec={"name": target.alias},
        )


def _flux(ground: Ground, target: Target) -> Iterator[Watched]:
    for state in ground.states:
        if target.key in state.keys:
            yield Watched(
                resource="terraforms.infra.contrib.fluxcd.io",
                kind="Terraform",
                namespace=ground.settings.flux.namespace,
                name=f"{ground.project.name}-{state.name.replace('+', '-')}",
                spec={},
            )


def _job(ground: Ground, target: Target) -> Iterator[Watched]:
    yield Watched(
        resource="jobs.batch",
        kind="Job",
        namespace=namespace_of(ground, target),
        name=f"lockstep-{target.service}",
        spec={},
    )
    settings, environment = ground.settings.argocd, target.environment.rpartition("/")[2]
    yield Watched(
        resource="applications.argoproj.io",
        kind="Application",
        namespace=settings.namespace,
        name=f"{ground.project.name}-{environment}-{target.service}",
        spec={},
    )


WATCHED: Mapping[str, Callable[[Ground, Target], Iterator[Watched]]] = {
    "ack": _ack,
    "flux": _flux,
    "argocd-job": _job,
}
"""The objects of a target, by the road of its engine."""


def condition_of(watched: Watched, found: Mapping[str, Any] | None) -> Condition:
    """What an object says; Unknown for one that is not there, or that is about something else."""
    if found is None:
        return Condition(
            name=watched.words, health=Health.UNKNOWN, message="the cluster has none of that name"
        )
    spec, status = _map(found.get("spec")), _map(found.get("status"))
    for member, wanted in watched.spec.items():
        if spec.get(member) != wanted:
            said = (
                f"it is about {spec.get(member)}, and not about {wanted}: another cluster, or another project"
            )
            return Condition(name=watched.words, health=Health.UNKNOWN, message=said)
    match watched.kind:
        case "Application":
            health, message, since = _application(status)
        case "Job":
            health, message, since = _one_of(status, {"Failed": Health.DEGRADED, "Complete": Health.HEALTHY})
        case _:
            fails = Health.DEGRADED if watched.kind == "Terraform" else Health.PROGRESSING
            health, message, since = _controlled(found, spec, status, fails)
    return Condition(name=watched.words, health=health, message=message, since=since)


def _controlled(
    found: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any], fails: Health
) -> tuple[Health, str, str | None]:
    """An object of ACK's or of tofu-controller's; ``fails`` is what a condition that is False means there."""
    generation = _map(found.get("metadata")).get("generation")
    observed = status.get("observedGeneration")
    if spec.get("suspend") is True:
        return Health.SUSPENDED, "suspended", None
    if isinstance(observed, int) and observed != generation:
        return Health.PROGRESSING, "not looked at yet since it was changed", None
    pending = _map(status.get("plan")).get("pending")
    if pending and spec.get("approvePlan") != "auto":
        return Health.SUSPENDED, f"{pending} waits for its approval", None
    health, message, since = _one_of(
        status, {"ACK.Terminal": Health.DEGRADED, "ACK.Recoverable": Health.PROGRESSING}
    )
    if since is not None or message:
        return health, message, since
    said = {str(one.get("type")): one for one in reversed(_conditions(status))}
    agreed = next((said[kind] for kind in _AGREED if kind in said), None)
    if agreed is not None:
        states = {"True": Health.HEALTHY, "False": fails}
        return states.get(str(agreed.get("status")), Health.PROGRESSING), *_said(agreed)
    return Health.PROGRESSING, "its controller has said nothing yet", None


def _one_of(status: Mapping[str, Any], states: Mapping[str, Health]) -> tuple[Health, str, str | None]:
    for kind, health in states.items():
        for one in _conditions(status):
            if one.get("type") == kind and one.get("status") == "True":
                message, since = _said(one)
                return health, message or kind, since
    return Health.PROGRESSING, "", None


def _application(status: Mapping[str, Any]) -> tuple[Health, str, str | None]:
    run, sync = _map(status.get("operationState")), str(_map(status.get("sync")).get("status", "Unknown"))
    health = str(_map(status.get("health")).get("status", "Unknown"))
    phase = str(run.get("phase", ""))
    since = str(run.get("finishedAt") or run.get("startedAt") or "") or None
    message = f"{sync}, {health}" + (f"; last sync {phase}: {run.get('message', '')}" if phase else "")
    if phase in ("Error", "Failed"):
        return Health.DEGRADED, message, since
    if phase == "Running" or (sync == "OutOfSync" and health == "Healthy"):
        return Health.PROGRESSING, message, since
    return Health(health) if health in {*Health} else Health.UNKNOWN, message, since


def _said(one: Mapping[str, Any]) -> tuple[str, str | None]:
    message = str(one.get("message") or one.get("reason") or "")
    return message, str(one["lastTransitionTime"]) if one.get("lastTransitionTime") else None


def _conditions(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = status.get("conditions")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
