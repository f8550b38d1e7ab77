"""Keys of ``environments.NAME.terraform:`` and how they are read.

Variables are templates of the kind that ``templates`` fills in, judged here with made-up values; what
they come to is the terraform engine's business.
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from lockstep.config import templates
from lockstep.config.rows import text
from lockstep.config.shapes import Key, Shape
from lockstep.config.yaml_reader import Document
from lockstep.model import Secret, Terraform, looks_secret
from lockstep.model.engines import ENGINES
from lockstep.regexes import regex

__all__ = ["TERRAFORM", "needs_block", "read_terraform"]

Add = Callable[[tuple[str | int, ...], str, str], None]

_NAME = regex(r"[A-Za-z_][A-Za-z0-9_-]*(\[\]|\..+)?")
_NAMES = ("service", "env", "version", "pr", "commit", "sha256", "hash", "function", "bucket", "key")
_HARMLESS = regex(r"^(skip|use|disable|enable)_|_(files?|path|uri|url|endpoint)$")
_SAMPLE = dict.fromkeys(_NAMES, "x")
_SYRF = ("production", "staging", "preview")

TERRAFORM = Key(
    name="terraform",
    shape=Shape.MAP,
    about="engine: terraform. Environments with the same folder, workspace and backend share one run.",
    members=(
        Key(
            name="folder",
            shape=Shape.STRING,
            about="Folder of the root module, relative to that of lockstep.yaml or to repository.",
            required=True,
            example="terraform",
        ),
        text("repository", "Path or URL of the Git repository, where it is another one; with revision."),
        text("revision", "Commit, tag or branch of repository.", example="v1.2.0"),
        Key(
            name="binary",
            shape=Shape.STRING,
            about="Program that is run.",
            enum=("terraform", "tofu"),
        ),
        Key(
            name="backend",
            shape=Shape.ENVIRONMENT,
            about="Arguments of the backend (-backend-config): bucket, key, region, use_lockfile.",
        ),
        Key(
            name="workspace",
            shape=Shape.STRING,
            about="Workspace; it has to exist.",
            pattern=r"^[A-Za-z0-9_.~%-]{1,90}$",
            says="use letters, digits, hyphens, dots and underscores",
        ),
        Key(
            name="mapping",
            shape=Shape.STRING,
            about="Variables that Terraform gets: functions (one map, the default), syrf, or none.",
            enum=("functions", "syrf", "none"),
        ),
        Key(
            name="variables",
            shape=Shape.OPEN,
            about="Further variables: a NAME, a NAME.KEY of a map or a NAME[] of a list, each a template.",
            item=text("variable", "", example='"{version}"', lines=True),
        ),
        Key(
            name="lockTimeout",
            shape=Shape.INTEGER,
            about="Seconds to wait while another run holds the state's lock; 300 when absent.",
            minimum=0,
            maximum=86400,
        ),
    ),
)
"""``environments.NAME.terraform``."""


def needs_block(given: Mapping[str, Any]) -> bool:
    """Whether an environment names an engine that this block drives."""
    engine = ENGINES.get(str(given.get("engine")))
    return engine is not None and engine.block == TERRAFORM.name


def read_terraform(document: Document, env: str, given: Mapping[str, Any], add: Add) -> Terraform | None:
    """The block of one environment, checked already for its shape. ``add`` takes what is wrong with it."""
    at: tuple[str | int, ...] = ("environments", env)
    block = given.get(TERRAFORM.name)
    if block is None:
        if needs_block(given):
            add(
                (*at, "engine"),
                f"engine: {given.get('engine')} does not say what it runs",
                "add terraform: {folder: ...}",
            )
        return None
    at = (*at, TERRAFORM.name)
    said = {key: value for key, value in block.items() if value is not None}
    folder = said.get("folder") or "."
    clean = posixpath.normpath(folder)
    if clean.startswith("/") or "\\" in folder:
        add((*at, "folder"), f"the folder {folder!r} is no path in a repository", "write a relative path")
    repository, revision = said.get("repository"), said.get("revision")
    if repository and not revision:
        add((*at, "repository"), "another repository needs a revision to stay at", "add revision: v1.2.0")
    if revision and not repository:
        add(
            (*at, "revision"),
            "the project's own folder is read at the commit that is synced, not at a revision",
            "remove revision, or add repository",
        )
    if repository and re.match(r"^[a-z]+://[^/]*:[^/]*@", repository):
        add(
            (*at, "repository"), "the URL holds a password", "remove it; git gets it from a credential helper"
        )
    mapping = said.get("mapping", "none" if "variables" in said else "functions")
    if mapping == "syrf" and env not in _SYRF:
        add((*at, "mapping"), f"the mapping syrf has no variables for {env}", "use mapping: functions")
    return Terraform(
        folder=clean,
        repository=repository,
        revision=revision,
        binary=said.get("binary", "terraform"),
        backend=_backend(said.get("backend") or {}, (*at, "backend"), add),
        workspace=said.get("workspace", "default"),
        mapping=None if mapping == "none" else mapping,
        variables=_variables(said.get("variables") or {}, (*at, "variables"), add),
        lock_seconds=said.get("lockTimeout", 300),
        place=f"{document.file}:{document.line(at)}",
    )


def _backend(given: Mapping[str, Any], at: tuple[str | int, ...], add: Add) -> dict[str, str]:
    backend: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, Secret) and value.value is not None and not _is_secret(name, value.value):
            backend[name] = value.value
        elif isinstance(value, Secret) or (value is not None and not isinstance(value, str)):
            add((*at, name), f"{name} is a secret, which no repository should hold", "give it by environment")
        elif value is not None:
            backend[name] = value
    return backend


def _is_secret(name: str, text: str) -> bool:
    """Whether an argument of a backend holds a secret: a switch and the path of a file do not."""
    if looks_secret("", text):
        return True
    is_harmless = text in ("true", "false") or _HARMLESS.search(name) is not None
    return not is_harmless and looks_secret(name.replace("credentials", ""))


def _variables(given: Mapping[str, Any], at: tuple[str | int, ...], add: Add) -> dict[str, str]:
    variables: dict[str, str] = {}
    for name, value in given.items():
        try:
            filled = templates.fill(name, _SAMPLE)
            templates.fill(value or "", _SAMPLE)
        except templates.TemplateError as error:
            add((*at, name), error.problem, error.fix)
            continue
        if not _NAME.fullmatch(filled):
            add((*at, name), f"{name!r} is no variable", "write NAME, NAME.KEY or NAME[]")
        elif value is not None:
            variables[name] = value
    return variables
