"""``lockstep.yaml``: what a project is, apart from its targets."""

import posixpath
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from lockstep.config import templates
from lockstep.config.kubernetes_schema import read_kubernetes
from lockstep.config.layers import Layer, check_block
from lockstep.config.policies import read_promotion, read_sources_of
from lockstep.config.preview_schema import read_preview_policy
from lockstep.config.schema import ARTIFACT_OPTIONS, PROJECT
from lockstep.config.shapes import Checker
from lockstep.config.terraform_schema import TERRAFORM, needs_block, read_terraform
from lockstep.config.yaml_reader import Document, Lines, parse
from lockstep.errors import BadInput, BadInputs
from lockstep.model import Environment, PackageBucket, Project
from lockstep.values import dataclass

__all__ = ["DEFAULTS_LAYER", "ProjectFile", "read_project"]

DEFAULTS_LAYER = "project defaults"
_PACKAGE_NAMES = {"service": "s", "env": "e", "version": "v", "pr": "1", "sha256": "{sha256}"}
_DEFAULT_EVENTS = ("s3:ObjectCreated:*",)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectFile:
    """The project, and the defaults that only the reading of targets needs."""

    project: Project
    document: Document
    defaults: Layer  # functionDefaults as the lowest layer
    trigger_bucket: str | None = None
    trigger_events: tuple[str, ...] = _DEFAULT_EVENTS
    listed: frozenset[str] | None = None  # names under environments:; None when it is absent
    blob: str = ""  # id of the content
    place_defaults: Mapping[str, Any] = field(default_factory=dict)  # region, account, ... for all

    def place(self, *path: str | int) -> str:
        """``file:line`` of a key."""
        return f"{self.document.file}:{self.document.line(path)}"

    def environment(self, name: str) -> Environment:
        """An environment that is not listed, with the defaults for all."""
        return Environment(name=name, **self.place_defaults)


def read_project(data: bytes, file: str, *, needs_name: bool = True) -> ProjectFile:
    """Read the project file. BadInput or BadInputs name every line that is wrong.

    A repository that only builds services deploys nothing, so its project needs no name.
    """
    document = parse(data, file)
    if document.value is None:
        raise BadInput(
            "the project file is empty", where=f"{file}:1", fix="run 'lockstep init' for a new one"
        )
    if not isinstance(document.value, dict):
        raise BadInput("the project file holds one map", where=f"{file}:1", fix="write key: value lines")
    errors = [
        BadInput(
            f"the key {text} is not a string: without quotes YAML reads it as another type",
            where=f"{file}:{line}",
            fix=f'write "{text}":',
        )
        for _, line, text in document.odd_keys
    ]
    checker = Checker(file, templates=False)
    values = dict(document.value)
    block = values.pop("functionDefaults", None)
    # Options are templates: their form is judged when a target fills them in.
    free = Checker(file, templates=True)
    below = document.lines[1]
    artifacts = _checked(free, "artifacts", values, below)
    packages = _checked(free, "packages", values, below)
    checked = checker.check(PROJECT, values, document.lines, "") or {}
    errors += checker.errors + free.errors
    defaults, default_errors = _defaults(file, block, below.get("functionDefaults", 1))
    errors += default_errors
    problems = _Problems(document, errors)
    folder = _folder(problems, checked)
    is_written = "project" in values or not needs_name
    name = checked.get("project") or _name(problems, folder, is_written)
    options = _artifacts(problems, artifacts)
    key = packages.get("key") or Project(name="x").package_key
    _check_template(problems, key, ("packages", "key"))
    places = {k: checked[k] for k in _PLACES if checked.get(k)}
    if boundary := places.pop("roleBoundary", None):
        places["role_boundary"] = boundary
    given_environments = checked.get("environments") or {}
    environments = {
        env: Environment(
            name=env,
            **{**places, **_settings(given or {})},
            place=f"{file}:{document.line(('environments', env))}",
        )
        for env, given in given_environments.items()
    }
    names = frozenset(environments)
    environments |= {
        env: replace(environments[env], promotion=read_promotion(document, env, policy, names, problems.add))
        for env, given in given_environments.items()
        if (policy := (given or {}).get("promotion"))
    }
    environments |= {
        env: replace(environments[env], terraform=read_terraform(document, env, given, problems.add))
        for env, given in given_environments.items()
        if given and (given.get(TERRAFORM.name) or needs_block(given))
    }
    sources = read_sources_of(document, checked, problems.add)
    preview = read_preview_policy(document, checked.get("preview") or {}, environments, problems.add)
    kubernetes = read_kubernetes(document, checked.get("kubernetes") or {}, problems.add)
    triggers = checked.get("triggers") or {}
    if errors:
        raise errors[0] if len(errors) == 1 else BadInputs(errors)
    return ProjectFile(
        project=Project(
            name=name,
            folder=folder,
            environments=environments,
            packages=_bucket(packages),
            package_key=key,
            lock_bucket=triggers.get("lockBucket"),
            artifacts=options,
            sources=sources,
            preview=preview,
            kubernetes=kubernetes,
            file=file,
        ),
        document=document,
        defaults=defaults,
        trigger_bucket=triggers.get("bucket"),
        trigger_events=tuple(sorted(set(triggers.get("events") or _DEFAULT_EVENTS))),
        listed=frozenset(environments) if checked.get("environments") is not None else None,
        place_defaults=places,
    )


_PLACES = ("region", "account", "profile", "role", "roleBoundary")


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """What an environment says, without what it leaves to the defaults."""
    others = ("promotion", "terraform")  # they have readers of their own
    said = {key: value for key, value in given.items() if value is not None and key not in others}
    if "packages" in said:
        said["packages"] = _bucket(said["packages"])
    if "roleBoundary" in said:
        said["role_boundary"] = said.pop("roleBoundary")
    return said


def _bucket(packages: Mapping[str, Any]) -> PackageBucket | None:
    name = packages.get("bucket")
    return PackageBucket(name=name, account=packages.get("account")) if name else None


def _checked(checker: Checker, name: str, values: dict[str, Any], below: dict[str, Lines]) -> dict[str, Any]:
    """Take a section out of ``values`` and check it on its own."""
    section = values.pop(name, None)
    if section is None:
        return {}
    result = checker.check(PROJECT.by_name[name], section, below[name], name) or {}
    return {key: value for key, value in result.items() if value is not None}


@dataclass(slots=True)
class _Problems:
    document: Document
    errors: list[BadInput]

    def add(self, path: tuple[str | int, ...], problem: str, fix: str) -> None:
        where = f"{self.document.file}:{self.document.line(path)}"
        self.errors.append(BadInput(problem, where=where, fix=fix))


def _folder(problems: _Problems, values: Mapping[str, Any]) -> str:
    folder = values.get("folder") or "."
    clean = posixpath.normpath(folder)
    if clean.startswith(("/", "..")) or "\\" in folder:
        problems.add(
            ("folder",),
            f"the folder {folder!r} is outside the repository",
            "write a path below the repository's root",
        )
        return "."
    return clean


def _name(problems: _Problems, folder: str, is_written: bool) -> str:
    name = posixpath.basename(folder)
    found = PROJECT.by_name["project"]
    checker = Checker("", templates=False)
    if name != "." and checker.check(found, name, 1, "project") and not checker.errors:
        return name
    if not is_written:
        why = "the folder is the root" if name == "." else f"the folder's name {name!r} cannot be it"
        problems.add((), f"the project has no name, and {why}", "add project: my-project")
    return "unnamed"


def _defaults(file: str, block: Any, lines: Lines) -> tuple[Layer, list[BadInput]]:
    """``functionDefaults`` as a layer with a ``lambda`` block."""
    key = PROJECT.by_name["functionDefaults"]
    if block is None:
        return Layer(name=DEFAULTS_LAYER, file=file, values={}, lines=1), []
    checked, lines, checker = check_block(file, key, block, lines)
    layer = Layer(
        name=DEFAULTS_LAYER,
        file=file,
        values={"lambda": checked or {}},
        lines=(1, {"lambda": lines}),
        has_templates=checker.has_templates,
    )
    return layer, checker.errors


def _artifacts(problems: _Problems, options: dict[str, Any]) -> Mapping[str, Any]:
    """Check that the options are the source's; a service may add what is missing."""
    if not options:
        return {}
    source = options.get("source")
    if source is None:
        given = problems.document.value.get("artifacts")
        if isinstance(given, dict) and given.get("source") is not None:
            return {}  # what is wrong with it has been said
        problems.add(
            ("artifacts",),
            "artifacts has no source",
            f"add source: one of {', '.join(ARTIFACT_OPTIONS)}",
        )
        return {}
    if source not in ARTIFACT_OPTIONS:  # a template, which only the other options may be
        problems.add(
            ("artifacts", "source"),
            f"the source {source} is none that there is",
            f"write one of: {', '.join(ARTIFACT_OPTIONS)}",
        )
        return {}
    needed, allowed = ARTIFACT_OPTIONS[source]
    for name, value in options.items():
        if name != "source" and name not in needed | allowed:
            known = ", ".join(sorted(needed | allowed))
            problems.add(
                ("artifacts", name),
                f"the source {source} has no option {name}",
                f"remove it; its options are: {known}",
            )
        elif isinstance(value, str):
            _check_template(problems, value, ("artifacts", name))
    return options


def _check_template(problems: _Problems, text: str, path: tuple[str, ...]) -> None:
    """Find names that no target could fill in."""
    names = dict(_PACKAGE_NAMES)
    if path[0] != "packages":
        del names["sha256"]
    try:
        templates.fill(text, names)
    except templates.TemplateError as error:
        problems.add(path, error.problem, error.fix)
    if path == ("packages", "key"):
        _check_place(problems, text, path)


def _check_place(problems: _Problems, key: str, path: tuple[str, ...]) -> None:
    """A package never lies where Lockstep keeps something else, whatever fills in the template."""
    parts = key.split("/")
    if {"", ".", ".."} & {*parts}:
        problems.add(path, f"{key!r} has an empty part, or . or ..", "write the parts of the key alone")
    elif any(_may_lie_in(parts, place) for place in _TAKEN):
        problems.add(
            path,
            f"{key!r} may lie below {', '.join(_TAKEN)}, where Lockstep keeps its own objects",
            "write another prefix, such as packages/{service}/{sha256}.zip",
        )


def _may_lie_in(parts: list[str], place: str) -> bool:
    """Whether a key that begins as a folder does can lie in it; a name to fill in can be any."""
    first, *rest = place.rstrip("/").split("/")
    return parts[0] == first and all(
        "{" in part or part == name for part, name in zip(parts[1:], rest, strict=False)
    )


_TAKEN = ("lockstep/leases/", "lockstep/policies/", "lockstep/terraform/")
"""Folders of the package bucket that hold leases, remembered policies and markers."""
