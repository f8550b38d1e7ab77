"""``init``: a commented ``lockstep.yaml`` from the tree that is there, or for a new one."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from lockstep.delivery.places.writing import write_whole
from lockstep.errors import BadInput
from lockstep.values import dataclass

__all__ = ["write_project_file"]

FILE = "lockstep.yaml"
_DEEPEST = 3  # levels below the folder that are searched for a tree
_MOST_FILES = 5_000  # files that are looked into for keys that need a default
_SKIPPED = frozenset({"node_modules", "venv", "dist", "build"})

_NEW_FILES = {
    "services/hello/values.yaml": """\
# What the function is in every environment. An environment's own files override single values.
deploymentType: lambda
lambda:
  runtime: python3.13
  handler: app.handler
  role: hello # name or ARN of the execution role
  memorySize: 256
  timeout: 30
  environment:
    GREETING: hello
    # DATABASE_URL: {ssm: /hello/database-url} # a parameter, or {secret: name}
""",
    "environments/staging/hello/config.yaml": """\
# What runs in staging.
serviceName: hello
envName: staging
lambda:
  version: "0.1.0"
  functionName: hello-staging
""",
    "environments/production/hello/config.yaml": """\
# What runs in production.
serviceName: hello
envName: production
lambda:
  version: "0.1.0"
  functionName: hello
""",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tree:
    """What was found: a folder with services and environments, and what its files use."""

    folder: str  # relative to the repository's root, "." for the root itself
    services: tuple[str, ...]
    environments: tuple[str, ...]
    previews: int = 0
    has_trigger_prefix: bool = False
    is_new: bool = False


def write_project_file(folder: Path, *, force: bool = False) -> tuple[Path, str]:
    """Write ``lockstep.yaml`` and return its path and what was found, in words.

    Where there is no tree yet, a small example is written beside it; a file that exists is never
    touched. BadInput when ``lockstep.yaml`` is there already and ``force`` is not given.
    """
    path = folder / FILE
    if not force and (path.exists() or path.is_symlink()):
        raise BadInput("the file exists", where=str(path), fix="edit it, or write it anew with --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trees = [_describe(folder, found) for found in _find(folder)]
        tree = trees[0] if trees else _write_example(folder)
        write_whole(path, _text(folder, tree))
    except OSError as error:
        where = error.filename or str(folder)
        raise BadInput(
            f"cannot write: {error.strerror}",
            where=str(where),
            fix="check the folder, its permissions and the room on its disk",
        ) from None
    return path, _words(tree, trees)


def _find(folder: Path) -> list[str]:
    """Folders that hold ``services/`` and ``environments/``, the highest ones first."""
    found: list[str] = []
    level = [folder]
    for _ in range(_DEEPEST + 1):
        below: list[Path] = []
        for here in level:
            names = {entry.name for entry in _folders(here)}
            if {"services", "environments"} <= names:
                found.append(here.relative_to(folder).as_posix())
            else:
                below += [entry for entry in _folders(here) if entry.name not in _SKIPPED]
        level = below
    return found


def _folders(folder: Path) -> list[Path]:
    """Subfolders by name; hidden ones and symbolic links are not followed."""
    entries = sorted(folder.iterdir()) if os.access(folder, os.R_OK | os.X_OK) else []
    return [e for e in entries if not e.name.startswith(".") and not e.is_symlink() and e.is_dir()]


def _describe(root: Path, folder: str) -> _Tree:
    base = root / folder
    previews = [e for e in _folders(base / "environments") if e.name == "preview"]
    return _Tree(
        folder=folder,
        services=tuple(entry.name for entry in _folders(base / "services")),
        environments=tuple(entry.name for entry in _folders(base / "environments")),
        previews=sum((entry / "pr.yaml").is_file() for p in previews for entry in _folders(p)),
        has_trigger_prefix=any("s3TriggerPrefix:" in text for text in _texts(base)),
    )


def _texts(base: Path) -> Iterator[str]:
    count = 0
    for here, folders, names in os.walk(base):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(here) / name
            if name.endswith((".yaml", ".yml")) and not path.is_symlink():
                count += 1
                if count > _MOST_FILES:
                    return
                yield path.read_text(encoding="utf-8", errors="replace")


def _write_example(root: Path) -> _Tree:
    for name, text in _NEW_FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text, encoding="utf-8")
    return _Tree(
        folder=".", services=("hello",), environments=("production", "staging", "preview"), is_new=True
    )


def _text(root: Path, tree: _Tree) -> str:
    name = _project_name(root, tree.folder)
    environments = "".join(_environment(env) for env in tree.environments)
    return f"""\
# A Lockstep project. Keys that are commented out show their default or an example.

project: {name} # goes into ownership tags; do not change it once functions exist
folder: {_plain(tree.folder)} # holds services/ and environments/

# Where the functions live. Without these, the Region and account of the credentials in use.
# region: eu-west-1
# account: "123456789012" # in quotes; credentials for another account are refused
# role: arn:aws:iam::123456789012:role/deploy # to assume

# One entry for each folder of environments/; each may override region, account, profile and role.
environments:
{environments or "  staging: {}" + chr(10)}
# Bucket that packages are staged in, for Lambda to read.
packages:
  bucket: change-me-packages
  # key: "lockstep/packages/{{service}}/{{sha256}}.zip"

# Where releases come from.
{_artifacts(tree)}
{_triggers(tree)}
# Lowest layer of lambda: for every function.
# functionDefaults:
#   runtime: python3.13
#   memorySize: 256
#   tags: {{team: platform}}
"""


def _environment(name: str) -> str:
    if name == "preview":
        return "  preview: {} # functions of a preview go when its folder goes\n"
    return (
        f"  {_plain(name)}:\n"
        "    prune: false # true: functions that are no longer declared are deleted\n"
        "    adopt: false # true: live functions without an owner are taken over\n"
    )


def _artifacts(tree: _Tree) -> str:
    if tree.is_new:
        return """\
artifacts:
  source: directory
  path: "packages/{service}-{version}.zip"
# artifacts:
#   source: github-release
#   repository: owner/name
#   tag: "{service}-v{version}"
#   asset: "*.zip"
"""
    return """\
artifacts:
  source: github-release
  repository: change-me/change-me
  tag: "{service}-v{version}"
  asset: "*.zip"
# artifacts: {source: s3, bucket: my-releases, key: "{service}/{version}.zip"}
# artifacts: {source: https, url: "https://example.com/{service}-{version}.zip"}
# artifacts: {source: directory, path: "packages/{service}-{version}.zip"}
"""


def _triggers(tree: _Tree) -> str:
    if tree.has_trigger_prefix:
        return """\
# Bucket of every s3TriggerPrefix.
triggers:
  bucket: change-me-uploads
  # events: ["s3:ObjectCreated:*"]
"""
    return """\
# Defaults of S3 triggers.
# triggers:
#   bucket: my-uploads
#   events: ["s3:ObjectCreated:*"]
"""


def _project_name(root: Path, folder: str) -> str:
    name = (root / folder).resolve().name.lower()
    clean = re.sub(r"[^a-z0-9-]+", "-", name).strip("-")[:63]
    return _plain(clean) if clean else "my-project"


def _plain(text: str) -> str:
    """Text as a YAML scalar, in quotes where it could be read as something else."""
    is_word = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*|\.", text)
    is_taken = text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return text if is_word and not is_taken else json.dumps(text)


def _words(tree: _Tree, trees: list[_Tree]) -> str:
    if tree.is_new:
        return (
            "Found no services/ and environments/; wrote an example with one service, hello.\n"
            "Fill in: packages.bucket, and put its package at packages/hello-0.1.0.zip."
        )
    where = "the repository's root" if tree.folder == "." else f"{tree.folder}/"
    lines = [f"Found {where} with {_count(tree.services, 'service')} and"]
    lines[0] += f" {_count(tree.environments, 'environment')}."
    if tree.previews:
        lines.append(f"Found {tree.previews} {'preview' if tree.previews == 1 else 'previews'}.")
    if len(trees) > 1:
        others = ", ".join(f"{other.folder}/" for other in trees[1:])
        lines.append(f"There are other trees, which need a lockstep.yaml of their own: {others}.")
    wanted = ["packages.bucket", "artifacts.repository"]
    if tree.has_trigger_prefix:
        wanted.append("triggers.bucket")
    lines.append(f"Fill in: {', '.join(wanted)}.")
    return "\n".join(lines)


def _count(names: tuple[str, ...], noun: str) -> str:
    if not names:
        return f"no {noun}s"
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'} ({shown})"
