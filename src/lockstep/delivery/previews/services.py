"""Which services a preview has, and which version of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lockstep.config import rules
from lockstep.config.declaration import Declaration, read_declarations
from lockstep.config.preview_tree import has_lambda, previewable, with_services
from lockstep.delivery.places.workspace import Workspace
from lockstep.errors import BadInput
from lockstep.model import Target
from lockstep.model.image import image_tag, split_image
from lockstep.model.layer import DEPLOYMENT
from lockstep.model.move import Move
from lockstep.model.tree import Tree
from lockstep.suggest import suggestion
from lockstep.values import dataclass

__all__ = ["ChangedService", "Chosen", "choose", "parse_wish"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedService:
    """A service that the pull request changes, and the version that was built of it."""

    service: str
    version: str
    image: str | None = None  # SHA-256 of the image that is meant, where somebody says it


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The services of a preview. ``places``: where the other environment keeps the version of each."""

    moves: tuple[Move, ...]
    places: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()


def parse_wish(text: str) -> ChangedService:
    """Read ``SERVICE@VERSION``; BadInput when one of the two is missing or cannot be one."""
    service, _, version = text.partition("@")
    if not service or not version:
        raise BadInput("this names no service and version", where=text, fix="write SERVICE@VERSION")
    if found := rules.deployed_version(version):
        raise BadInput(found[0], where=text, fix=found[1])
    version, image = split_image(version)
    return ChangedService(service=service, version=version, image=image)


def choose(
    workspace: Workspace, tree: Tree, number: int, wishes: Sequence[ChangedService], sha: str
) -> Chosen:
    """The services of a preview: those that are named at their versions, and all others that previews
    have at the version of ``preview.from``.

    ``tree`` holds the project with all its previews. BadInput for a service that is not known, that
    previews cannot have, or that is named twice.
    """
    project = workspace.project
    named = _named(wishes)
    allowed = previewable(tree, project, number)
    for service in named:
        if service not in allowed:
            raise _not_previewable(service, workspace, allowed)
    names = sorted({*named, *allowed})
    _check_source(workspace, names, named)
    environment = f"preview/pr-{number}"
    there = with_services(tree, project.folder, number, names)
    declarations = read_declarations(there, [f"{environment}/{name}" for name in names])
    sources = {name: workspace.fleet.targets.get(f"{project.preview.source}/{name}") for name in names}
    places = _places(workspace, there, [target for target in sources.values() if target is not None])
    moves: list[Move] = []
    notes: list[str] = []
    for name in names:
        declaration, source = declarations[f"{environment}/{name}"], sources[name]
        if not _is_enabled(declaration):
            if name in named:
                raise BadInput(
                    "the service is left out of previews (enabled: false)",
                    where=declaration.stack.place(("enabled",)),
                    fix=f"remove that line, or leave {name} out",
                )
            continue
        wish = named.get(name)
        version = wish.version if wish is not None else source.version if source is not None else None
        if version is None:
            if declaration.version is None and allowed[name]:
                notes.append(
                    f"{name} is left out: it is not named, and {project.preview.source} declares no version"
                )
            continue
        if wish is None and source is not None and source.number is not None:
            raise BadInput(
                f"{source.key} declares version {version} of its function by its number, and a preview has a "
                "function of its own",
                where=source.place or source.key,
                fix=f"name the release: --service {name}@VERSION",
            )
        move = _move(declaration, source, version, sha if wish is not None else None)
        if move.deployment_type != "lambda":
            pinned = source.image if source is not None and source.version == version else None
            move = replace(move, sha256=wish.image if wish is not None else pinned)
        if move.deployment_type == "lambda" and wish is not None:
            written = version if wish.image is None else image_tag(version, wish.image)
            if wrong := rules.version(written):
                raise BadInput(wrong[0], where=move.target, fix=wrong[1])
        moves.append(move)
    if not moves:
        raise BadInput(
            "; ".join(["the preview would have no services", *notes]),
            where=environment,
            fix="name one with its version: --service SERVICE@VERSION",
        )
    return Chosen(moves=tuple(moves), places=places, notes=tuple(notes))


def _check_source(workspace: Workspace, names: Sequence[str], named: Mapping[str, ChangedService]) -> None:
    """BadInput when a service takes the version of an environment that does not exist."""
    source, policy = workspace.project.preview.source, workspace.project.preview
    environments = {target.environment for target in workspace.fleet.targets.values()}
    known = {*workspace.project.environments, *(one for one in environments if "/" not in one)} - {"preview"}
    if source in known or all(name in named for name in names):
        return
    raise BadInput(
        f"services that are not named take the version of {source}, which is no environment",
        where=policy.place or workspace.project.file,
        fix=f"write preview: {{from: ENVIRONMENT}}, one of: {', '.join(sorted(known)) or 'none is declared'}",
    )


def _named(wishes: Iterable[ChangedService]) -> dict[str, ChangedService]:
    named: dict[str, ChangedService] = {}
    for wish in wishes:
        if named.setdefault(wish.service, wish) != wish:
            raise BadInput(
                f"{named[wish.service].version} and {wish.version} are both asked for",
                where=wish.service,
                fix="name one version",
            )
    return named


def _not_previewable(service: str, workspace: Workspace, allowed: Iterable[str]) -> BadInput:
    targets = workspace.fleet.targets.values()
    known = {target.service for target in targets} | {*workspace.project.sources.services, *allowed}
    if service in known:
        place = f"environments/preview/services/{service}/config.yaml"
        return BadInput(
            f"nothing says how {service} runs in a preview",
            where=service,
            fix=f"add {place} (every preview has it then), or leave the service out; with preview.services: "
            "all every preview has every service",
        )
    hint = suggestion(service, known, f"there are: {', '.join(sorted(known)[:8]) or 'none'}")
    return BadInput(f"there is no service {service}", where=service, fix=hint)


def _places(workspace: Workspace, tree: Tree, sources: Iterable[Target]) -> dict[str, tuple[str, ...]]:
    """Where the versions of services stand that other tools deploy."""
    others = [target.key for target in sources if target.deployment_type != "lambda"]
    found = {}
    for declaration in read_declarations(tree, others).values() if others else ():
        if path := declaration.stated.path:
            found[declaration.service] = tuple(map(str, path))
    return found


def _is_enabled(declaration: Declaration) -> bool:
    values = declaration.stack.values
    block = values.get("lambda")
    return values.get("enabled") is not False and not (
        isinstance(block, dict) and block.get("enabled") is False
    )


def _move(declaration: Declaration, source: Target | None, version: str, sha: str | None) -> Move:
    """``sha`` is the pull request's commit when the version is built from it."""
    kind = DEPLOYMENT if declaration.is_layer else declaration.stack.values.get("deploymentType")
    if kind is None:
        kind = source.deployment_type if source is not None else None
    if kind is None:
        kind = "lambda" if has_lambda(declaration.stack) else "kubernetes"
    is_same = source is not None and source.version == version
    release = source.release if source is not None and is_same else None
    commit = sha or (source.commit if source is not None else None)
    return Move(
        target=declaration.target,
        old=declaration.version if declaration.values else None,
        new=version,
        deployment_type=str(kind),
        commit=commit,
        sha256=release.sha256 if release is not None and sha is None else None,
    )
