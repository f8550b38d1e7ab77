"""Desired fleets as tests declare them: targets with settings, triggers and packages made from source.

Everything is what ``config`` and ``artifacts`` would give the engine for the same declaration.
"""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockstep.model import (
    Code,
    Environment,
    Fleet,
    Function,
    Package,
    PackageBucket,
    Project,
    Target,
    Trigger,
    Value,
)
from lockstep.model.fields import BY_NAME, normalise
from tests.support.clouds import HANDLER, REGION, make_zip

__all__ = [
    "PACKAGES",
    "UPLOADS",
    "fetch_into",
    "make_fleet",
    "make_package",
    "make_project",
    "make_target",
    "trigger",
    "without_lines",
]

PACKAGES = "shop-packages"
UPLOADS = "shop-uploads"

_ZIPS: dict[str, bytes] = {}  # digest -> bytes of every package that was declared
_USUAL: Mapping[str, Value] = {"runtime": "python3.12", "handler": "app.handler", "role": "lambda-role"}


def make_project(
    name: str = "shop", *environments: Environment, package_bucket: str | None = PACKAGES
) -> Project:
    """Return a project with staging, production and previews in one Region, or the environments given."""
    places = environments or tuple(
        Environment(name=one, region=REGION) for one in ("staging", "production", "preview")
    )
    packages = PackageBucket(name=package_bucket) if package_bucket else None
    return Project(name=name, environments={one.name: one for one in places}, packages=packages)


def make_package(source: str = HANDLER, *, key: str | None = None, **fields: Any) -> Package:
    """Return the package of a Python source, staged by content unless a key is given."""
    data = make_zip(source)
    digest = hashlib.sha256(data).hexdigest()
    _ZIPS[digest] = data
    return Package(
        **{
            "sha256": digest,
            "size": len(data),
            "bucket": PACKAGES,
            "key": key or f"lockstep/packages/{digest}.zip",
            "origin": f"directory:{digest[:8]}.zip",
            **fields,
        }
    )


def fetch_into(folder: Path, package: Package) -> Path:
    """Write a package's bytes into a folder, as an artifact source does, and return the file."""
    path = folder / f"{package.sha256}.zip"
    if not path.exists():
        part = folder / f"{package.sha256}.{threading.get_ident()}.part"
        part.write_bytes(_ZIPS[package.sha256])
        part.replace(path)  # several runs may share the folder
    return path


def trigger(prefix: str, suffix: str = "", *, bucket: str = UPLOADS, events: Iterable[str] = ()) -> Trigger:
    """Return a trigger for created objects, or for the events given."""
    wanted = tuple(sorted(events)) or ("s3:ObjectCreated:*",)
    return Trigger(bucket=bucket, prefix=prefix, suffix=suffix, events=wanted, place="values.yaml:7")


def make_target(
    key: str = "staging/notifier",
    *triggers: Trigger,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    source: str = HANDLER,
    package: Package | None = None,
    image: str | None = None,
    version: str = "1.0.0",
    tags: Mapping[str, str | None] | None = None,
    **fields: Any,
) -> Target:
    """Return a declared target. ``settings`` are written as in the repository; None is an absent line."""
    environment, _, service = key.rpartition("/")
    usual = {"role": _USUAL["role"]} if image else _USUAL
    declared = {
        path: normalise(BY_NAME[path], value) for path, value in {**usual, **(settings or {})}.items()
    }
    if image:
        code = Code(image=image)
    else:
        package = package or make_package(source)
        code = Code(sha256=package.sha256, package=package)
    function = Function(
        name=name or f"{service}-{environment.replace('/', '-')}",
        settings={path: value for path, value in declared.items() if value is not None},
        code=code,
        tags=dict(tags or {}),
    )
    return Target(
        **{
            "environment": environment,
            "service": service,
            "version": version,
            "function": function,
            "triggers": triggers,
            "place": f"{key}/config.yaml:4",
            **fields,
        }
    )


def without_lines(target: Target, *paths: str) -> Target:
    """Return the target with some settings' lines removed from the repository."""
    function = target.function
    assert function is not None
    left = {path: value for path, value in function.settings.items() if path not in paths}
    return replace(target, function=replace(function, settings=left))


def make_fleet(*targets: Target, project: str = "shop", selection: tuple[str, ...] = ()) -> Fleet:
    """Return the desired fleet of a project."""
    return Fleet(project=project, targets={one.key: one for one in targets}, selection=selection)
