"""The road through a Job of Argo CD's: a sync hook in which Lockstep deploys the target.

A hook is no part of what Argo CD compares, so a ConfigMap beside it holds what is declared: when that
changes the Application is out of sync, and its hooks run.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

from lockstep.errors import BadInput
from lockstep.model import Target
from lockstep.model.engines import ENGINES
from lockstep.roads.base import (
    Ground,
    Loss,
    Manifest,
    Need,
    Obedient,
    Object,
    Rendering,
    Weight,
    identity_of,
    note_of,
    place_of,
)
from lockstep.roads.losses import always, loss, placed
from lockstep.roads.names import clashing, label_problem, namespace_of, namespace_problem
from lockstep.roads.writing import Said
from lockstep.values import dataclass

__all__ = ["ROAD", "JobRoad"]

_LONGEST = 52  # of a Job's name: Kubernetes makes Pods of it, and their label has 63
_HOOK = "argocd.argoproj.io/hook"
_USER = 65532  # nobody in particular: the container writes to its own folders only


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRoad(Obedient):
    """A ConfigMap and a Job for each target."""

    name: str = "argocd-job"
    title: str = "a Job as Argo CD's sync hook"
    files: tuple[str, ...] = ("deploy-job.yaml",)
    needs: frozenset[Need] = frozenset()

    def kept(self, gone: Iterable[Object]) -> Iterable[str]:
        """The function of a target without a Job that removes it."""
        jobs = [one for one in gone if one.get("kind") == "Job"]
        if all(note_of(one, _HOOK) != "PreDelete" for one in jobs):
            yield from (f"Job {identity_of(one)[-1]}" for one in jobs)

    def render(self, ground: Ground) -> Rendering:
        """A file for each target."""
        losses: list[Loss] = []
        manifests: list[Manifest] = []
        for key, target in ground.targets.items():
            told = list(_problems(ground, target))
            losses += told
            if not any(one.weight is Weight.REFUSED for one in told):
                manifests.append(
                    Manifest(
                        path=place_of(ground, target, self.files[0]),
                        owner=key,
                        objects=tuple(_objects(ground, target)),
                        origins=ground.files.get(key, ()),
                    )
                )
        clashes = clashing(manifests)
        losses += [
            loss(self.name, "namespace", key, ground.settings.place, why=why)
            for key, why in sorted(clashes.items())
        ]
        return Rendering(
            road=self.name,
            manifests=tuple(one for one in manifests if one.owner not in clashes),
            losses=(*always(self.name, revision=ground.settings.revision), *placed(ground, losses)),
            held=frozenset(one.target for one in losses if one.weight is Weight.REFUSED),
        )


ROAD = JobRoad()


def _problems(ground: Ground, target: Target) -> Iterator[Loss]:
    name = f"lockstep-{target.service}"
    problem = label_problem(name)
    if problem is None and len(name) > _LONGEST:
        problem = (
            f"{name!r} has {len(name)} characters, and a Job's name {_LONGEST}: its Pods get longer ones"
        )
    if problem is not None:
        yield loss(ROAD.name, "name", target.key, why=problem)
    if (problem := namespace_problem(ground, target)) is not None:
        yield loss(ROAD.name, "namespace (name)", target.key, ground.settings.place, why=problem)
    job = ground.settings.job
    if job.image is None:
        yield loss(ROAD.name, "job", target.key, ground.settings.place, what="image", key="image")
    if job.service_account is None:
        words = {"what": "service account", "key": "serviceAccount"}
        yield loss(ROAD.name, "job", target.key, ground.settings.place, **words)
    if ground.settings.repository is None:
        yield loss(
            ROAD.name,
            "repository",
            target.key,
            ground.settings.place,
            why="nothing says by which URL the Job reaches this repository",
        )
    traits = ground.project.environment(target.environment).traits
    applied = traits.runs or traits.name
    if target.triggers and ENGINES[applied].whole_buckets:
        yield loss(ROAD.name, "bucket", target.key, engine=applied)
    if target.obstacle is not None and not target.obstacle.is_unread:
        yield loss(ROAD.name, "code", target.key, why=target.obstacle.text.partition("\n")[0])


def _objects(ground: Ground, target: Target) -> Iterator[Object]:
    namespace = namespace_of(ground, target)
    name, wave = f"lockstep-{target.service}", ground.settings.wave
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {"argocd.argoproj.io/sync-wave": str(wave - 1)},
        },
        "data": _desired(target),
    }
    yield _job(ground, target, name, namespace, {_HOOK: "Sync"})
    if target.is_preview:
        yield _job(ground, target, f"{name}-remove", namespace, {_HOOK: "PreDelete"})


def _desired(target: Target) -> dict[str, Any]:
    """What is declared, in a few words and one digest of all of it."""
    function = target.function
    code = function.code if function is not None else None
    said = {
        "target": target.key,
        "version": target.version,
        "commit": target.commit,
        "sha256": code.sha256 if code is not None else None,
        "image": code.image if code is not None else None,
    }
    data: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
    data["declared"] = Said(_digest(target), "changes with everything that is declared")
    return data


def _digest(target: Target) -> str:
    """Of all that two declarations are compared by, whatever a declaration may say one day.

    What is as it is without being declared is left out: a field that a newer Lockstep adds makes no Job run.
    """
    return hashlib.sha256(json.dumps(target, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        found = ((name, getattr(value, name), usual) for name, usual in _members(type(value)))
        return {name: said for name, said, usual in found if said != usual}
    return dict(value) if isinstance(value, Mapping) else str(value)


@cache
def _members(kind: type) -> tuple[tuple[str, object], ...]:
    """What two of a class are compared by, each with what it is when nobody says anything."""
    return tuple(
        (one.name, one.default if one.default_factory is MISSING else one.default_factory())
        for one in fields(kind)
        if one.compare
    )


def _job(ground: Ground, target: Target, name: str, namespace: str, hook: Mapping[str, str]) -> Object:
    settings = ground.settings
    job = settings.job
    repository = settings.repository
    if repository is None:
        raise BadInput("nothing says where this repository is", where=ground.project.file)
    container: dict[str, Any] = {
        "name": "lockstep",
        "image": job.image,
        "command": ["lockstep"],
        "args": [
            "--repo",
            repository,
            "--rev",
            settings.revision,
            "sync",
            target.key,
            "--yes",
            "--in-cluster",
        ],
        "env": [
            {"name": "CI", "value": "true"},
            {"name": "HOME", "value": "/work"},
            {"name": "LOCKSTEP_CACHE", "value": "/work/cache"},
        ],
        "volumeMounts": [
            {"name": "work", "mountPath": "/work"},
            {"name": "work", "mountPath": "/tmp", "subPath": "tmp"},  # noqa: S108 - the container's own
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if job.secret is not None:
        container["envFrom"] = [{"secretRef": {"name": job.secret}}]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {
                **hook,
                "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
                "argocd.argoproj.io/sync-wave": str(settings.wave),
            },
        },
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": 1800,
            "ttlSecondsAfterFinished": Said(86400, "a Job that is gone too soon leaves the sync waiting"),
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": job.service_account,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": _USER,
                        "fsGroup": _USER,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "volumes": [{"name": "work", "emptyDir": {}}],
                    "containers": [container],
                },
            },
        },
    }
