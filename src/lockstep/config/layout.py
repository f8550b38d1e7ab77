"""Which files of the tree are layers of which target. Looks at paths only, reads nothing.

{folder}/global.values.yaml
{folder}/services/{svc}/config.yaml, values.yaml
{folder}/layers/{svc}/config.yaml, values.yaml                      in its place, for a layer of functions
{folder}/environments/{env}/{env}.values.yaml
{folder}/environments/{env}/{svc}/values.yaml, config.yaml          config.yaml declares the target
{folder}/environments/preview/preview.values.yaml
{folder}/environments/preview/services/{svc}/config.yaml, values.yaml
{folder}/environments/preview/pr-{N}/pr.yaml                        declares the preview
{folder}/environments/preview/pr-{N}/services/{svc}.values.yaml     declares a target of it
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import field
from operator import attrgetter
from typing import NamedTuple

from lockstep.config import rules
from lockstep.config.case import clashes
from lockstep.config.near_misses import near_misses
from lockstep.errors import BadInput
from lockstep.model.tree import Tree
from lockstep.regexes import regex
from lockstep.suggest import nearest
from lockstep.values import dataclass

__all__ = ["Base", "Candidate", "Layout", "Slot", "arrange"]

Slot = tuple[str, str]
"""Name of a layer and path of its file."""

_PR = regex(r"pr-([1-9][0-9]{0,9})\Z")


class Base(NamedTuple):
    """The layers that all targets of one service share in one environment, or in all previews."""

    service: str
    environment: str  # "preview" for all previews
    slots: tuple[Slot, ...]  # lowest first, files that exist only
    stamp: str  # of the slots' contents
    lost: str | None = None  # folder of services/ that nobody uses and that may be this service's
    is_layer: bool = False  # its folder lies below layers/


class Candidate(NamedTuple):
    """What may be a target: decided when its files have been read."""

    key: str
    environment: str
    service: str
    base: Base
    own: tuple[Slot, ...]
    stamp: str  # of all contents, for the cache
    pr: str | None = None  # number
    pr_file: str | None = None  # pr.yaml, which is no layer

    @property
    def layers(self) -> tuple[str, ...]:
        """Paths of all layers, lowest first."""
        return tuple([path for _, path in self.base.slots + self.own])

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of everything whose change may change the target, its own declaration last."""
        own = tuple([path for _, path in self.own])
        above = (self.pr_file,) if self.pr_file else ()
        return (*[path for _, path in self.base.slots], *above, *own)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """All candidates of a tree in the order of their keys, and what looks wrong about the paths."""

    candidates: tuple[Candidate, ...]
    environments: frozenset[str]  # folders that hold candidates; "preview" for previews
    warnings: tuple[str, ...] = ()
    doubts: Mapping[str, str] = field(default_factory=dict)  # pattern of targets -> what may declare them


@dataclass(slots=True)
class _Found:
    """Paths of one pass over the tree, sorted by what they are."""

    shared: dict[str, str] = field(default_factory=dict)  # "global", "environment:{env}"
    services: dict[str, dict[str, str]] = field(default_factory=dict)
    layers: dict[str, dict[str, str]] = field(default_factory=dict)  # in place of services, of layers
    environments: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    preview_services: dict[str, dict[str, str]] = field(default_factory=dict)
    previews: dict[str, dict[str, str]] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)  # pr-N with a pr.yaml
    folders: set[str] = field(default_factory=set)  # below environments/
    odd: list[str] = field(default_factory=list)


def arrange(tree: Tree, folder: str, *, file: str = "lockstep.yaml", has_all: bool = False) -> Layout:
    """Find all candidates under a folder of the tree ("." is the root).

    ``has_all``: every service with a ``services/{svc}/config.yaml`` is in every preview, not only those
    that have one below ``environments/preview/services``.

    Raises BadInput, at ``file`` where the folder is named, when the folder or its ``environments`` are
    missing; when a symbolic link stands where a layer is expected; for folder names that cannot name a
    service.
    """
    prefix = "" if folder == "." else f"{folder}/"
    _refuse_links(tree.links, prefix)
    blobs = tree.blobs
    found = _sort(blobs, prefix)
    if not found.folders:
        raise _nothing(blobs, prefix, file)
    for name in sorted(found.services.keys() & found.layers.keys()):
        raise BadInput(
            f"{prefix}services/{name} and {prefix}layers/{name} are one service twice",
            where=next(iter(found.layers[name].values())),
            fix="keep the one below layers/ if it is a layer of functions, else the other",
        )
    bases = _Bases(blobs, found, prefix, has_all=has_all)
    candidates = [
        _candidate(blobs, bases.of(service, env), service, files)
        for env, services in found.environments.items()
        for service, files in services.items()
        if "config" in files
    ]
    for preview in found.declared:
        own = found.previews.get(preview, {})
        for service in own.keys() | bases.in_every_preview:
            base = bases.of_preview(service)
            candidates.append(_preview_candidate(blobs, base, preview, service, own.get(service), prefix))
    environments = {env for env, services in found.environments.items() if services}
    near = near_misses(blobs, prefix, blobs)
    return Layout(
        candidates=tuple(sorted(candidates, key=attrgetter("key"))),
        environments=frozenset(environments | ({"preview"} if found.declared else set())),
        warnings=(
            *_warnings(found, prefix, {one.path for one in near}),
            *(one.words for one in near),
            *(
                f"{one} and {other} differ in case only: on macOS and Windows one hides the other"
                for one, other in clashes(blobs, prefix)
            ),
        ),
        doubts={one.pattern: one.words for one in near if one.is_missing},
    )


def _sort(paths: Iterable[str], prefix: str) -> _Found:
    found = _Found()
    start = len(prefix)
    for path in paths:
        if not path.startswith(prefix):
            continue
        parts = path[start:].split("/")
        if parts[0] == "environments" and len(parts) > 2:
            env = parts[1]
            found.folders.add(env)
            if env == "preview":
                _sort_preview(found, path, parts)
            else:
                _sort_environment(found, path, env, parts)
        elif parts[0] == "services" and len(parts) == 3:
            _put(found.services, path, parts[1], parts[2], found)
        elif parts[0] == "layers" and len(parts) == 3:
            _put(found.layers, path, parts[1], parts[2], found)
        elif parts == ["global.values.yaml"]:
            found.shared["global"] = path
    return found


def _put(services: dict[str, dict[str, str]], path: str, service: str, name: str, found: _Found) -> None:
    """Note the config or values file of a service."""
    if name == "config.yaml":
        services.setdefault(service, {})["config"] = path
    elif name == "values.yaml":
        services.setdefault(service, {})["values"] = path
    elif name in ("config.yml", "values.yml"):
        found.odd.append(path)


def _sort_environment(found: _Found, path: str, env: str, parts: list[str]) -> None:
    if len(parts) == 4:
        _put(found.environments.setdefault(env, {}), path, parts[2], parts[3], found)
    elif len(parts) == 3 and parts[2] == f"{env}.values.yaml":
        found.shared[f"environment:{env}"] = path
    elif len(parts) == 3 and parts[2] == f"{env}.values.yml":
        found.odd.append(path)


def _sort_preview(found: _Found, path: str, parts: list[str]) -> None:
    count, folder, name = len(parts), parts[2], parts[-1]
    if count == 5 and folder == "services":
        _put(found.preview_services, path, parts[3], name, found)
    elif count == 5 and parts[3] == "services":
        if name.endswith(".values.yaml") and _PR.match(folder):
            found.previews.setdefault(folder, {})[name[: -len(".values.yaml")]] = path
        else:
            found.odd.append(path)
    elif count == 4 and name in ("pr.yaml", "pr.yml"):
        if name == "pr.yaml" and _PR.match(folder):
            found.declared.add(folder)
        else:
            found.odd.append(path)
    elif count == 3 and name == "preview.values.yaml":
        found.shared["environment:preview"] = path


class _Bases:
    """The shared layers of each service, made once."""

    def __init__(
        self, blobs: Mapping[str, str], found: _Found, prefix: str, *, has_all: bool = False
    ) -> None:
        self.blobs = blobs
        self.found = found
        self.prefix = prefix
        self.known: dict[tuple[str, str], Base] = {}
        self.checked: set[str] = set()
        self.unused: list[str] | None = None
        listed = [found.preview_services, *([found.services, found.layers] if has_all else [])]
        self.in_every_preview = {
            service for services in listed for service, files in services.items() if "config" in files
        }

    def of(self, service: str, env: str) -> Base:
        """Layers below ``environments/{env}/{svc}``."""
        base = self.known.get((service, env))
        if base is None:
            slots = [*self._service(service), ("environment", self.found.shared.get(f"environment:{env}"))]
            base = self.known[service, env] = self._make(service, env, slots)
        return base

    def of_preview(self, service: str) -> Base:
        """Layers below ``environments/preview/pr-{N}``."""
        base = self.known.get((service, "preview"))
        if base is None:
            files = self.found.preview_services.get(service, {})
            slots = [
                *self._service(service),
                ("preview", self.found.shared.get("environment:preview")),
                ("preview service config", files.get("config")),
                ("preview service", files.get("values")),
            ]
            base = self._make(service, "preview", slots)
            self.known[service, "preview"] = base
        return base

    def _service(self, service: str) -> list[tuple[str, str | None]]:
        files = self.found.layers.get(service) or self.found.services.get(service, {})
        return [
            ("global", self.found.shared.get("global")),
            ("service config", files.get("config")),
            ("service", files.get("values")),
        ]

    def _make(self, service: str, env: str, slots: Sequence[tuple[str, str | None]]) -> Base:
        lost = self._lost(service)
        present = tuple([(name, path) for name, path in slots if path is not None])
        stamp = ",".join([name + self.blobs[path] for name, path in present])
        for name in (service, env):
            if name not in self.checked:
                self._check_name(name, f"{self.prefix}environments/{env}/{service}")
        return Base(
            service=service,
            environment=env,
            slots=present,
            stamp=hashlib.sha1(f"{stamp},{lost}".encode(), usedforsecurity=False).hexdigest(),
            lost=lost,
            is_layer=service in self.found.layers,
        )

    def _lost(self, service: str) -> str | None:
        """The folder that a service without one had before one of the two was renamed, most likely."""
        if service in self.found.services or service in self.found.layers:
            return None
        if self.unused is None:
            used = {one for services in self.found.environments.values() for one in services}
            used |= {one for own in self.found.previews.values() for one in own}
            self.unused = sorted(self.found.services.keys() - used - self.found.preview_services.keys())
        near = nearest(service, self.unused)
        if near is None and len(self.unused) == 1:
            (near,) = self.unused
        return f"{self.prefix}services/{near}" if near is not None else None

    def _check_name(self, name: str, where: str) -> None:
        found = rules.service_name(name)
        if found is not None:
            raise BadInput(found[0], where=where, fix=found[1])
        self.checked.add(name)


def _candidate(blobs: Mapping[str, str], base: Base, service: str, files: Mapping[str, str]) -> Candidate:
    """A target of staging, production or another named environment."""
    values, config = files.get("values"), files["config"]
    own: tuple[Slot, ...] = (("environment config", config),)
    if values is not None:
        own = (("environment service", values), *own)
    return Candidate(
        key=f"{base.environment}/{service}",
        environment=base.environment,
        service=service,
        base=base,
        own=own,
        stamp=f"{base.stamp},{blobs[values] if values else ''},{blobs[config]}",
    )


def _preview_candidate(
    blobs: Mapping[str, str], base: Base, preview: str, service: str, path: str | None, prefix: str
) -> Candidate:
    """A target of one preview."""
    environment = f"preview/{preview}"
    return Candidate(
        key=f"{environment}/{service}",
        environment=environment,
        service=service,
        base=base,
        own=(("pull request", path),) if path else (),
        stamp=f"{base.stamp},{blobs[path] if path else ''}",
        pr=preview[3:],
        pr_file=f"{prefix}environments/{environment}/pr.yaml",
    )


def _refuse_links(links: Mapping[str, str], prefix: str) -> None:
    """A link where a layer or one of its folders is expected would be silently not read."""
    for link, text in links.items():
        rest = link[len(prefix) :].split("/") if link.startswith(prefix) else []
        is_above = prefix.startswith(f"{link}/")
        if not is_above and not (rest and _may_be_layer(rest)):
            continue
        leaves = text.startswith("/") or _climbs(link, text)
        raise BadInput(
            f"a symbolic link to {text!r}{', outside the repository,' if leaves else ''} stands where a "
            "declaration is expected; links are not followed",
            where=link,
            fix="replace the link by a real file or folder",
        )


def _may_be_layer(rest: Sequence[str]) -> bool:
    match rest:
        case ["global.values.yaml" | "services" | "layers" | "environments"]:
            return True
        case ["services" | "layers" | "environments", _]:
            return True
        case ["services" | "layers" | "environments", _, name]:
            return name in ("config.yaml", "values.yaml") or "." not in name or name.endswith(".values.yaml")
        case ["environments", "preview", _, name]:
            return name in ("pr.yaml", "services") or rest[2] == "services"
        case ["environments", _, _, name]:
            return name in ("config.yaml", "values.yaml")
        case ["environments", "preview", _, "services", _]:
            return True
        case ["environments", "preview", "services", _, name]:
            return name in ("config.yaml", "values.yaml")
        case _:
            return False


def _climbs(link: str, text: str) -> bool:
    depth = link.count("/")
    for part in text.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return True
    return False


def _nothing(blobs: Mapping[str, str], prefix: str, file: str) -> BadInput:
    if not any(path.startswith(prefix) for path in blobs):
        others = sorted({path.split("/")[0] for path in blobs if path.count("/") >= 3})
        hint = f" (folders with files: {', '.join(others[:5])})" if others else ""
        return BadInput(
            f"the folder {prefix.rstrip('/')!r} does not exist in the repository{hint}",
            where=file,
            fix="set folder: to the folder that holds services/ and environments/",
        )
    inside = sorted(
        {path.split("/")[0] for path in blobs if "/environments/" in f"/{path}"} - {"environments"}
    )
    fix = "set folder: to the folder that holds services/ and environments/"
    if not prefix and len(inside) == 1:
        fix = f"set folder: {inside[0]}"
    return BadInput(
        f"there is no {prefix}environments/ with files in it, so nothing is declared",
        where=file,
        fix=f"{fix}; an empty tree never removes functions",
    )


def _warnings(found: _Found, prefix: str, told: Set[str]) -> Iterable[str]:
    root = f"{prefix}environments"
    for preview in sorted(found.previews.keys() - found.declared):
        yield f"{root}/preview/{preview}: no pr.yaml, so this is no preview and its services are not deployed"
    for env, services in sorted(found.environments.items()):
        for service, files in sorted(services.items()):
            if "config" not in files:
                yield f"{root}/{env}/{service}: values.yaml without config.yaml declares no target"
    for path in sorted({*found.odd} - told):
        yield f"{path}: not read; the layout wants names such as config.yaml, values.yaml and pr-123"
