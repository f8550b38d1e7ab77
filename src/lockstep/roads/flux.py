"""The road through Flux and tofu-controller: one Terraform object for each state.

All environments and previews of a state are variables of the one object: an object for each preview would
destroy the others'. Plain objects, so that Argo CD applies them as well (Flamingo, which joined the two, has
rested since 2024).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.model import Reference, Secret, Target
from lockstep.model.fields import named_in
from lockstep.model.kinds import KINDS
from lockstep.model.terraform import CARRIES_KINDS
from lockstep.roads.base import (
    Ground,
    Loss,
    Manifest,
    Need,
    Obedient,
    Object,
    Rendering,
    State,
    Weight,
    identity_of,
    note_of,
    place_of_secret,
)
from lockstep.roads.losses import always, loss, placed
from lockstep.roads.names import clashing, label_problem
from lockstep.roads.writing import Said
from lockstep.values import dataclass

__all__ = ["ROAD", "FluxRoad"]

_SOURCE = "source.toolkit.fluxcd.io/v1"
_TERRAFORM = "infra.contrib.fluxcd.io/v1alpha2"
_PRUNED = "kustomize.toolkit.fluxcd.io/prune"
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_TAG = re.compile(r"(refs/tags/|v?\d+\.\d)")
_SCP = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?P<path>[^/\s]\S*)\Z")
_URL = re.compile(r"(https?|ssh)://\S+\Z")
_NOWHERE = ("", "local", "cloud", "remote")  # backends that no block of ours reaches in a cluster


@dataclass(frozen=True, kw_only=True, slots=True)
class FluxRoad(Obedient):
    """A GitRepository and a Terraform object for each state."""

    name: str = "flux"
    title: str = "Flux with tofu-controller"
    files: tuple[str, ...] = ("terraform.yaml",)
    needs: frozenset[Need] = frozenset({Need.PACKAGES, Need.STATES})

    def kept(self, gone: Iterable[Object]) -> Iterable[str]:
        """All of a state that is not for previews alone."""
        for one in gone:
            if one.get("kind") == "Terraform" and note_of(one, _PRUNED) == "disabled":
                yield f"Terraform {identity_of(one)[-1]}"

    def render(self, ground: Ground) -> Rendering:
        """A file for each state. One that a target holds back is left out whole: it stands for all of it."""
        losses: list[Loss] = []
        manifests: list[Manifest] = []
        stated = {key for state in ground.states for key in state.keys}
        losses += [
            loss(self.name, "terraform", key, ground.project.environment(target.environment).place)
            for key, target in ground.targets.items()
            if key not in stated
        ]
        for state in ground.states:
            told = list(_problems(ground, state))
            losses += told
            if not any(one.weight is Weight.REFUSED for one in told):
                manifests.append(_manifest(ground, state, self.files[0]))
        clashes = clashing(manifests)
        losses += [loss(self.name, "state (name)", name, why=why) for name, why in sorted(clashes.items())]
        manifests = [one for one in manifests if one.owner not in clashes]
        held = {one.target for one in losses if one.weight is Weight.REFUSED}
        return Rendering(
            road=self.name,
            manifests=tuple(manifests),
            losses=(*always(self.name), *placed(ground, losses)),
            held=frozenset(
                held | {state.name for state in ground.states if held & {state.name, *state.keys}}
            ),
        )


ROAD = FluxRoad()


def _problems(ground: Ground, state: State) -> Iterator[Loss]:
    """What refuses a state, by target where it is a target's; and what is lost of it."""
    name = ROAD.name
    if (problem := label_problem(_name(ground, state))) is not None:
        yield loss(name, "name", state.name, why=problem)
    address, why = _address(ground, state)
    if address is None:
        yield loss(name, "repository", state.name, why=why)
    if state.backend in _NOWHERE and state.problem is None:  # else the folder could not be read
        yield loss(name, "backend", state.name, backend=state.backend or "none")
    if not state.keys:
        yield loss(
            name, "state", state.name, why="nothing is declared in it, so all of it would be destroyed"
        )
    refused = False
    for key in state.keys:
        target = ground.targets[key]
        for one in _target_problems(target, state):
            refused |= one.weight is Weight.REFUSED
            yield one
    if state.problem is not None and not refused:
        problem, fix = state.problem
        told = loss(name, "state", state.name, why=problem)
        yield replace(told, instead=f"{fix}; {told.instead}" if fix else told.instead)


def _target_problems(target: Target, state: State) -> Iterator[Loss]:
    function = target.function
    if function is None:
        return
    code = function.code
    carries_all = state.settings.mapping == CARRIES_KINDS
    if target.obstacle is not None:
        yield loss(ROAD.name, "code", target.key, why=target.obstacle.text.partition("\n")[0])
    elif code.image is None and code.package is None:
        yield loss(ROAD.name, "code", target.key, why="no package was found")
    variables = function.settings.get("environment")
    kept = variables if isinstance(variables, Mapping) else {}
    secret = sorted(name for name, value in kept.items() if isinstance(value, Secret | Reference))
    if secret and (carries_all or _HOST in secret):
        yield loss(ROAD.name, "environment", target.key, place_of_secret(kept), names=", ".join(secret))
    if named := named_in(function.settings.get("layers")):
        yield loss(
            ROAD.name, "layers (named)", target.key, target.places.get("layers", ""), names=", ".join(named)
        )
    if target.is_rolled and target.rollout is not None:
        yield loss(ROAD.name, "rollout", target.key, target.rollout.place)
    if not carries_all:
        told = sorted({*function.settings, *(one.kind for one in target.resources)})
        if told:
            mapping = state.settings.mapping or "of variables"
            yield loss(ROAD.name, "mapping", target.key, mapping=mapping, fields=", ".join(told))
    place_of = {one.kind: one.place for one in target.resources if not KINDS[one.kind].terraform}
    for name in sorted(place_of):
        yield loss(ROAD.name, name, target.key, place_of[name])
    if target.ignore:
        yield loss(ROAD.name, "ignore", target.key, glob=", ".join(target.ignore))


_HOST = "RabbitMqHost"  # that the mapping syrf carries by its value


def _name(ground: Ground, state: State) -> str:
    return f"{ground.project.name}-{state.name.replace('+', '-')}"


def _address(ground: Ground, state: State) -> tuple[str | None, str]:
    """The URL of the state's repository as Flux takes it; None, and why, where there is none."""
    named = state.settings.repository
    if named is None:
        url = ground.settings.repository
        return url, "nothing says by which URL the cluster reaches this repository"
    found = _SCP.match(named)
    if found is not None:
        return f"ssh://{found['user']}@{found['host']}/{found['path']}", ""
    if _URL.match(named):
        return named, ""
    return None, f"{named} is no URL, and the cluster does not see this machine"


def _manifest(ground: Ground, state: State, file: str) -> Manifest:
    url, _ = _address(ground, state)
    origins = {path for key in state.keys for path in ground.files.get(key, ())} - {ground.project.file}
    return Manifest(
        path=f"states/{state.name.replace('+', '-')}/{file}",
        owner=state.name,
        objects=(_source(ground, state, str(url)), _terraform(ground, state)),
        origins=(ground.project.file, *sorted(origins)),
    )


def _source(ground: Ground, state: State, url: str) -> Object:
    flux = ground.settings.flux
    spec: dict[str, Any] = {"interval": flux.interval, "url": url, "ref": _ref(ground, state)}
    if flux.secret is not None:
        spec["secretRef"] = {"name": flux.secret}
    meta = {"name": _name(ground, state), "namespace": flux.namespace}
    return {"apiVersion": _SOURCE, "kind": "GitRepository", "metadata": meta, "spec": spec}


def _ref(ground: Ground, state: State) -> dict[str, Any]:
    """What is followed: a branch for our own folder, and what was named for another repository."""
    revision = state.settings.revision
    if revision is None:
        return {"branch": ground.settings.revision}
    if _COMMIT.match(revision):
        return {"commit": Said(revision, "pinned: what was reviewed")}
    if _TAG.match(revision):
        return {"tag": revision.removeprefix("refs/tags/")}
    return {"branch": revision.removeprefix("refs/heads/")}


def _terraform(ground: Ground, state: State) -> Object:
    settings, flux = state.settings, ground.settings.flux
    spec: dict[str, Any] = {
        "interval": flux.interval,
        "retryInterval": "1m",
        "retryStrategy": "ExponentialBackoff",
        "maxRetryInterval": "10m",
        "approvePlan": Said("auto", "a plan's name tells the commit alone, so no approval would be for it"),
        "path": f"./{state.folder}",
        "sourceRef": {"kind": "GitRepository", "name": _name(ground, state)},
        "serviceAccountName": flux.service_account,
        "workspace": settings.workspace,
        "tfstate": {"lockTimeout": f"{settings.lock_seconds}s"},
        "destroyResourcesOnDeletion": Said(
            state.is_of_previews,
            "nothing but previews is in this state"
            if state.is_of_previews
            else "more than previews is in it",
        ),
        "backendConfig": {"customConfiguration": _backend(state)},
        "vars": [{"name": name, "value": value} for name, value in sorted(state.variables.items())],
    }
    notes = {"argocd.argoproj.io/sync-wave": str(ground.settings.wave)}
    if not state.is_of_previews:
        notes[_PRUNED] = "disabled"
    meta = {"name": _name(ground, state), "namespace": flux.namespace, "annotations": notes}
    return {"apiVersion": _TERRAFORM, "kind": "Terraform", "metadata": meta, "spec": spec}


def _backend(state: State) -> str:
    """The block that the folder has, with the arguments that the project gives."""
    lines = [f"  {name} = {_hcl(value)}" for name, value in sorted(state.settings.backend.items())]
    return "\n".join([f'backend "{state.backend}" {{', *lines, "}"]) + "\n"


def _hcl(value: str) -> str:
    if value in ("true", "false") or re.fullmatch(r"\d{1,9}", value):
        return value
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    return f'"{text}"'
