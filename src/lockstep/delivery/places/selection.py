"""Which targets a command is about: patterns, and what changed since a commit."""

import posixpath
import re
from collections.abc import Collection, Iterable

from lockstep.delivery.places.workspace import PROJECT_FILE, Workspace
from lockstep.errors import BadInput
from lockstep.git.command import Repository
from lockstep.git.history import changed_paths
from lockstep.model import select
from lockstep.regexes import regex
from lockstep.suggest import suggestion

__all__ = ["changed_since", "check_patterns"]

_CONFIGURATION = (".tf", ".tf.json", ".tofu", ".tfvars", ".hcl")
_PREVIEW = regex(r"preview(/\*|/[^/*?\[]+(/[^/]*)?)?/?")


def check_patterns(workspace: Workspace, patterns: Iterable[str]) -> None:
    """Raise BadInput for a pattern that no target matches, with what is close to it.

    A preview that is named outright may be gone from the repository, and so may all of them: syncing them
    removes what they run.
    """
    keys = list(workspace.fleet.targets)
    for pattern in patterns:
        if select(keys, [pattern]) or _PREVIEW.fullmatch(pattern):
            continue
        known = sorted({*keys, *(target.environment for target in workspace.fleet.targets.values())})
        otherwise = suggestion(pattern, known, f"there are: {', '.join(known[:8])}", most=3)
        meant = _meant(workspace, pattern, known)
        hint = f"did you mean {meant}?" if meant else otherwise
        raise BadInput(
            "no target matches", where=pattern, fix=f"{hint} (`lockstep status` lists all targets)"
        )


def _meant(workspace: Workspace, pattern: str, known: Collection[str]) -> str | None:
    """The target that something else names: a path, a function, a service, its parts exchanged."""
    if pattern.endswith((".json", ".yaml", ".yml")):
        return None
    targets = workspace.fleet.targets.values()
    parts = re.split(r"[/:.]", pattern.removeprefix("./").strip("/"))
    spellings = ["/".join(parts), "/".join(reversed(parts))]
    spellings += ["/".join(parts[start:]) for start in range(1, len(parts))]
    found = next((one for one in spellings if one in known and one != pattern), None)
    if found is not None:
        return found
    named = [one.key for one in targets if one.function is not None and one.function.name == pattern]
    if named:
        return named[0]
    same = [one.key for one in targets if one.service == pattern]
    return f"{' or '.join(sorted(same)[-3:])} (all of them: '*/{pattern}')" if same else None


def changed_since(workspace: Workspace, since: str) -> tuple[str, ...] | None:
    """Keys and patterns of targets whose files changed since a commit; None means: take everything.

    A target whose files are gone is among them, so that it is removed.
    """
    if workspace.repository is None:
        raise BadInput(
            "--since needs a Git repository", where=str(workspace.where.folder), fix="run git init"
        )
    changed = _changed_paths(workspace, workspace.repository, since)
    if changed is None:
        return None
    prefix = workspace.prefix
    driven = _driven_by(changed, workspace)
    changed = {path.removeprefix(prefix) for path in changed if path.startswith(prefix)}
    if PROJECT_FILE in changed:
        return None
    keys = {key for key, files in workspace.files.items() if not changed.isdisjoint(files)}
    folder = workspace.project.folder.strip("./")
    base = f"{folder}/environments/" if folder else "environments/"
    for path in changed:
        if path.startswith(base):
            keys.update(_vanished(path.removeprefix(base).split("/"), workspace))
    return tuple(sorted(keys | driven))


def _changed_paths(workspace: Workspace, repository: Repository, since: str) -> set[str] | None:
    """Paths that differ, on the branch that ``since`` is a commit of: the previews' holds no project file."""
    previews = workspace.previews
    if previews is not None:
        probe = repository.attempt("cat-file", "-t", f"{since}^{{commit}}", doing="looking up a revision")
        file = f"{since}:{workspace.prefix}{PROJECT_FILE}"
        if not probe.code and repository.attempt("cat-file", "-e", file, doing="looking for a file").code:
            return changed_paths(previews.repository, since, previews.commit)
    is_commit = workspace.where.rev is not None or workspace.where.repo is not None
    return changed_paths(repository, since, workspace.tree.commit if is_commit else None)


def _driven_by(changed: set[str], workspace: Workspace) -> set[str]:
    """Environments whose Terraform changed: its folder, or configuration anywhere, which it may call."""
    if all(one.terraform is None for one in workspace.project.environments.values()):
        return set()
    configuration = any(path.endswith(_CONFIGURATION) for path in changed)
    found: set[str] = set()
    for environment in workspace.project.environments.values():
        settings = environment.terraform
        if environment.traits.block is None or settings is None or settings.repository is not None:
            continue
        folder = posixpath.normpath(workspace.prefix + settings.folder)
        if configuration or any(path.startswith(f"{folder}/") for path in changed):
            found.add(f"{environment.name}/*")
    return found


def _vanished(parts: list[str], workspace: Workspace) -> list[str]:
    """The target or preview that a changed path belonged to, when it is not declared any more."""
    match parts:
        case ["preview", preview, *_] if preview.startswith("pr-"):
            environment = f"preview/{preview}"
            alive = any(t.environment == environment for t in workspace.fleet.targets.values())
            if not alive:
                return [f"{environment}/*"]
            if len(parts) == 4 and parts[2] == "services":
                return [f"{environment}/{parts[3].removesuffix('.values.yaml')}"]
            return []
        case [environment, service, _, *_] if environment != "preview":
            return [f"{environment}/{service}"]
        case _:
            return []
