"""Fleets on the roads through Kubernetes: what is rendered of them, without files and without AWS."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from lockstep.delivery.sync.folders import fill
from lockstep.model import (
    Code,
    Environment,
    Fleet,
    Function,
    Package,
    PackageBucket,
    Project,
    Resource,
    Target,
    Terraform,
    Trigger,
    Value,
)
from lockstep.model.kubernetes import Job, Kubernetes
from lockstep.roads.base import Ground, Manifest, Rendering, State
from lockstep.roads.marks import as_file

__all__ = ["SETTINGS", "documents", "files_of", "ground", "judged", "project", "target"]

SETTINGS = Kubernetes(
    namespace="shop-{env}",
    shared_namespace="shop-shared",
    own_buckets=("shop-uploads",),
    repository="https://git.example.com/acme/gitops",
    job=Job(image="registry.example.com/lockstep:1", service_account="deployer"),
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where there is one: many times as quick
_USUAL: Mapping[str, Value] = {
    "runtime": "python3.13",
    "handler": "app.handler",
    "role": "arn:aws:iam::123456789012:role/runs",
}


def project(**changes: Any) -> Project:
    """A project whose environments say where they are."""
    environments = {
        name: Environment(name=name, account="123456789012", region="eu-west-1")
        for name in ("staging", "production", "preview")
    }
    usual = Project(
        name="shop",
        environments=environments,
        packages=PackageBucket(name="shop-packages"),
        kubernetes=SETTINGS,
    )
    return replace(usual, **changes)


def target(
    key: str = "staging/api",
    settings: Mapping[str, Value] | None = None,
    *,
    prefix: str | None = None,
    resources: Iterable[Resource] = (),
    **changes: Any,
) -> Target:
    """A target with a package; with ``prefix`` it has a trigger."""
    environment, _, service = key.rpartition("/")
    digest = hashlib.sha256(key.encode()).hexdigest()
    package = Package(
        sha256=digest, size=1, bucket="shop-packages", key=f"lockstep/packages/{digest}.zip", origin="x"
    )
    triggers = () if prefix is None else (Trigger(bucket="shop-uploads", prefix=prefix),)
    made = Target(
        environment=environment,
        service=service,
        version="1.0.0",
        function=Function(
            name=key.replace("/", "-"),
            settings={**_USUAL, **(settings or {})},
            code=Code(sha256=digest, package=package),
        ),
        triggers=triggers,
        resources=tuple(resources),
    )
    return replace(made, **changes)


def ground(*targets: Target, state: Mapping[str, Any] | None = None, **changes: Any) -> Ground:
    """What a road is given: these targets, all in one state of Terraform's."""
    own = changes.pop("project", project())
    settings = Terraform(folder="terraform", backend={"bucket": "states", "key": "shop"})
    states = State(
        name="staging+production",
        settings=settings,
        keys=tuple(sorted(one.key for one in targets)),
        folder="terraform",
        backend="s3",
        variables={"functions": {}},
    )
    fleet = Fleet(project=own.name, targets={one.key: one for one in targets})
    usual = Ground(project=own, fleet=fleet, fill=fill, states=(replace(states, **(state or {})),))
    return replace(usual, **changes)


def files_of(rendering: Rendering) -> dict[str, str]:
    """Texts by path."""
    return {one.path: as_file(one, rendering.road, "shop") for one in rendering.manifests}


def documents(manifest: Manifest, road: str = "ack") -> list[dict[str, Any]]:
    """The objects of a file, as anybody reads them back."""
    text = as_file(manifest, road, "shop")
    return [one for one in yaml.load_all(text, Loader=_LOADER) if one is not None]


def judged(script: str, one: Mapping[str, Any]) -> str:
    """How well an object is by a health script of Argo CD's, which it runs by LuaJIT's Lua."""
    from lupa.luajit21 import LuaRuntime

    runtime = LuaRuntime(unpack_returned_tuples=True)
    check = runtime.execute(f"return function(obj)\n{script}\nend")
    return str(check(runtime.table_from(one, recursive=True))["status"])
