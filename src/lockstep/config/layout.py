"""Which files of the tree are layers of which target. Looks at paths only, reads nothing.

{folder}/global.values.yaml
{folder}/services/{svc}/config.yaml, values.yaml
{folder}/environments/{env}/{env}.values.yaml
{folder}/environments/{env}/{svc}/values.yaml, config.yaml          config.yaml declares the target
{folder}/environments/preview/preview.values.yaml
{folder}/environments/preview/services/{svc}/config.yaml, values.yaml
{folder}/environments/preview/pr-{N}/pr.yaml                        declares the preview
{folder}/environments/preview/pr-{N}/services/{svc}.values.yaml     declares a target of it
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lockstep.config import rules
from lockstep.errors import BadInput
from lockstep.model.tree import Tree

__all__ = ["Base", "Candidate", "Layout", "Slot", "arrange"]

Slot = tuple[str, str]
"""Name of a layer and path of its file."""

_PR = re.compile(r"pr-([1-9][0-9]{0,9})\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """The layers that all targets of one service share in one environment, or in all previews."""

    service: str
    environment: str  # "preview" for all previews
    slots: tuple[Slot, ...]  # lowest first, files that exist only
    stamp: str  # of the slots' contents
    declares: str | None = None  # preview: services/{svc}/config.yaml, which asks for every preview


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """What may be a target: decided when its files have been read."""

    key: str
    environment: str
    service: str
    base: Base
    own: tuple[Slot, ...]
    stamp: str  # of all contents, for the cache
    pr: str | None = None  # number

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all layers, lowest first."""
        return tuple(path for _, path in self.base.slots + self.own)

    @property
    def declaration(self) -> str:
        """The file that declares the target."""
        return self.own[-1][1] if self.own else self.base.declares or self.base.slots[-1][1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """All candidates of a tree in the order of their keys, and what looks wrong about the paths."""

    candidates: tuple[Candidate, ...]
    environments: frozenset[str]  # folders that hold candidates; "preview" for previews
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    """Paths of one pass over the tree, sorted by what they are."""

    shared: dict[str, str] = field(default_factory=dict)  # "global", "environment:{env}"
    services: dict[str, dict[str, str]] = field(default_factory=dict)
    environments: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    preview_services: dict[str, dict[str, str]] = field(default_factory=dict)
    previews: dict[str, dict[str, str]] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)  # pr-N with a pr.yaml
    folders: set[str] = field(default_factory=set)  # below environments/
    odd: list[str] = field(default_factory=list)


def arrange(tree: Tree, folder: str) -> Layout:
    """Find all candidates under a folder of the tree ("." is the root).

    Raises BadInput when the folder or its ``environments`` are missing, when a symbolic link stands
    where a layer is expected, and for folder names that cannot name a service.
    """
    prefix = "" if folder == "." else f"{folder}/"
    _refuse_links(tree.links, prefix)
    found = _sort(tree.blobs, prefix)
    if not found.folders:
        raise _nothing(tree.blobs, prefix)
    bases = _Bases(tree.blobs, found, prefix)
    candidates = [
        _candidate(tree.blobs, bases.of(service, env), env, service, files)
        for env, services in found.environments.items()
        for service, files in services.items()
        if "config" in files
    ]
    for preview in sorted(found.declared, key=lambda name: int(name[3:])):
        files = found.previews.get(preview, {})
        for service in sorted(files.keys() | bases.in_every_preview):
            base = bases.of_preview(service)
            own = {"pull request": files[service]} if service in files else {}
            environment = f"preview/{preview}"
            candidates.append(_candidate(tree.blobs, base, environment, service, own, preview[3:]))
    for candidate in candidates:
        _check_names(candidate)
    environments = {env for env, services in found.environments.items() if services}
    return Layout(
        candidates=tuple(sorted(candidates, key=lambda candidate: candidate.key)),
        environments=frozenset(environments | ({"preview"} if found.declared else set())),
        warnings=tuple(_warnings(found, prefix)),
    )


def _sort(paths: Iterable[str], prefix: str) -> _Found:
    found = _Found()
    start = len(prefix)
    for path in paths:
        if not path.startswith(prefix):
            continue
        match path[start:].split("/"):
            case ["global.values.yaml"]:
                found.shared["global"] = path
            case ["services", service, ("config.yaml" | "values.yaml") as name]:
                found.services.setdefault(service, {})[name[:-5]] = path
            case ["environments", env, *rest] if rest:
                found.folders.add(env)
                if env == "preview":
                    _sort_preview(found, path, rest)
                else:
                    _sort_environment(found, path, env, rest)
            case ["services", *_] | ["global.values.yml"] if path.endswith((".yml", "/Config.yaml")):
                found.odd.append(path)
            case _:
                pass
    return found


def _sort_environment(found: _Found, path: str, env: str, rest: list[str]) -> None:
    match rest:
        case [service, ("config.yaml" | "values.yaml") as name]:
            found.environments.setdefault(env, {}).setdefault(service, {})[name[:-5]] = path
        case [name] if name == f"{env}.values.yaml":
            found.shared[f"environment:{env}"] = path
        case [*_, ("config.yml" | "values.yml")] | [_] if path.endswith(".yml"):
            found.odd.append(path)
        case _:
            pass


def _sort_preview(found: _Found, path: str, rest: list[str]) -> None:
    match rest:
        case ["preview.values.yaml"]:
            found.shared["environment:preview"] = path
        case ["services", service, ("config.yaml" | "values.yaml") as name]:
            found.preview_services.setdefault(service, {})[name[:-5]] = path
        case [preview, "pr.yaml"] if _PR.match(preview):
            found.declared.add(preview)
        case [preview, "services", name] if _PR.match(preview) and name.endswith(".values.yaml"):
            found.previews.setdefault(preview, {})[name.removesuffix(".values.yaml")] = path
        case [_, "pr.yml"] | [_, "services", _] if path.endswith(".yml"):
            found.odd.append(path)
        case [preview, "pr.yaml"] | [preview, "services", _]:
            found.odd.append(path)
        case _:
            pass


class _Bases:
    """The shared layers of each service, made once."""

    def __init__(self, blobs: Mapping[str, str], found: _Found, prefix: str) -> None:
        self.blobs = blobs
        self.found = found
        self.known: dict[tuple[str, str], Base] = {}
        self.in_every_preview = {
            service for service, files in found.preview_services.items() if "config" in files
        }

    def of(self, service: str, env: str) -> Base:
        """Layers below ``environments/{env}/{svc}``."""
        base = self.known.get((service, env))
        if base is None:
            slots = [*self._service(service), ("environment", self.found.shared.get(f"environment:{env}"))]
            base = self.known[service, env] = self._make(service, env, slots, None)
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
            base = self._make(service, "preview", slots, files.get("config"))
            self.known[service, "preview"] = base
        return base

    def _service(self, service: str) -> list[tuple[str, str | None]]:
        files = self.found.services.get(service, {})
        return [
            ("global", self.found.shared.get("global")),
            ("service config", files.get("config")),
            ("service", files.get("values")),
        ]

    def _make(
        self, service: str, env: str, slots: Sequence[tuple[str, str | None]], declares: str | None
    ) -> Base:
        return Base(
            service=service,
            environment=env,
            slots=tuple((name, path) for name, path in slots if path is not None),
            stamp=",".join("" if path is None else self.blobs[path] for _, path in slots),
            declares=declares,
        )


def _candidate(
    blobs: Mapping[str, str],
    base: Base,
    environment: str,
    service: str,
    files: Mapping[str, str],
    pr: str | None = None,
) -> Candidate:
    if pr is None:
        names = (("environment service", files.get("values")), ("environment config", files.get("config")))
        own = tuple((name, path) for name, path in names if path is not None)
    else:
        own = tuple(files.items())
    return Candidate(
        key=f"{environment}/{service}",
        environment=environment,
        service=service,
        base=base,
        own=own,
        stamp=",".join([base.stamp, *(name[-3:] + blobs[path] for name, path in own)]),
        pr=pr,
    )


def _check_names(candidate: Candidate) -> None:
    for name in (candidate.service, candidate.environment.partition("/")[0]):
        found = rules.service_name(name)
        if found is not None:
            raise BadInput(found[0], where=candidate.declaration, fix=found[1])


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
        case ["global.values.yaml" | "services" | "environments"]:
            return True
        case ["services", _] | ["environments", _]:
            return True
        case ["services", _, name] | ["environments", _, name]:
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


def _nothing(blobs: Mapping[str, str], prefix: str) -> BadInput:
    if not any(path.startswith(prefix) for path in blobs):
        others = sorted({path.split("/")[0] for path in blobs if path.count("/") >= 3})
        hint = f" (folders with files: {', '.join(others[:5])})" if others else ""
        return BadInput(
            f"the folder {prefix.rstrip('/')!r} does not exist in the repository{hint}",
            where="lockstep.yaml",
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
        where="lockstep.yaml",
        fix=f"{fix}; an empty tree never removes functions",
    )


def _warnings(found: _Found, prefix: str) -> Iterable[str]:
    root = f"{prefix}environments"
    for preview in sorted(found.previews.keys() - found.declared):
        yield f"{root}/preview/{preview}: no pr.yaml, so this is no preview and its services are not deployed"
    for env, services in sorted(found.environments.items()):
        for service, files in sorted(services.items()):
            if "config" not in files:
                yield f"{root}/{env}/{service}: values.yaml without config.yaml declares no target"
    for path in sorted(found.odd):
        yield f"{path}: not read; the layout wants names such as config.yaml, values.yaml and pr-123"
