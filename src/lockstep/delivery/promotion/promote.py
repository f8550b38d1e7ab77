"""``promote``: new versions into the declarations of an environment, as its policy allows."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from lockstep.config import rules
from lockstep.delivery.places.actor import find_actor
from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.proposal import Proposal, Proposed, propose
from lockstep.delivery.promotion import opened as open_promotions
from lockstep.delivery.promotion.drafts import Draft, make_draft
from lockstep.delivery.promotion.review import Review
from lockstep.delivery.promotion.standing import find_standings
from lockstep.delivery.sync.options import Options
from lockstep.errors import BadInput, NotAllowed
from lockstep.forge.base import Forge
from lockstep.model import Merge, Promotion, Target
from lockstep.model.image import image_tag, split_image
from lockstep.model.move import Move, Reached
from lockstep.model.source import Pinning
from lockstep.model.target import is_preview
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.gates import Candidate, Gate, Standing, gates_of, is_backwards, way_on
from lockstep.render.cells import hanging
from lockstep.render.promotion import gate_words, title_of
from lockstep.suggest import suggestion
from lockstep.values import dataclass

__all__ = ["Promoted", "Request", "Wish", "find_gates", "parse_wish", "promote"]

_COLUMNS = 80  # of an error, which does not know the terminal


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A service, or a glob of several, and the version that is wanted; None: the source's."""

    service: str
    version: str | None = None
    image: str | None = None  # SHA-256 of the image that is meant, where somebody says it


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What the user asked for."""

    wishes: tuple[Wish, ...]
    environment: str
    source: str | None = None  # environment; None: as the policy says
    override: str | None = None  # why gates do not count this time
    reason: str | None = None  # why, where no gate is overridden
    dry_run: bool = False

    @property
    def why(self) -> str | None:
        """What the commit and the pull request say of it."""
        return self.override or self.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Promoted:
    """What was moved, and how far it came."""

    moves: tuple[Move, ...]
    outcome: Proposed
    overridden: tuple[Gate, ...] = ()
    notes: tuple[str, ...] = ()
    merge: Merge = Merge.REVIEW


def parse_wish(text: str) -> Wish:
    """Read ``SERVICE[@VERSION]``; BadInput when one of the two is empty."""
    service, at, version = text.partition("@")
    if not service or (at and not version):
        raise BadInput(
            "this names no service and version", where=text, fix="write SERVICE or SERVICE@VERSION"
        )
    if at and (found := rules.deployed_version(version)):
        raise BadInput(found[0], where=text, fix=found[1])
    version, image = split_image(version)
    return Wish(service=service, version=version or None, image=image)


def promote(
    gitops: GitOps,
    request: Request,
    options: Options,
    *,
    now: datetime.datetime,
    watcher: Watcher = SILENT,
) -> Promoted:
    """Change the declarations of one environment in one commit, and bring it to the branch.

    Raises NotAllowed when a gate is in the way, BadInput for what is not declared, ArtifactError for
    a version whose package cannot be had. Nothing is written before all of that was looked at.
    """
    policy = _policy(gitops, request)
    forge = _Once(gitops.forge)
    wishes, images = _found(gitops, request, policy)
    opened: list[open_promotions.Open] = []
    if policy.merge is not Merge.DIRECT:
        watcher.progress("looking for open promotions")
        opened = open_promotions.find(gitops, forge(), request.environment, wishes)
        _check_newer(opened, wishes, request)
    targets = {key: target for key, target in gitops.workspace.fleet.targets.items() if key in wishes}
    done = {
        key for key, t in targets.items() if t.version == wishes[key] and images.get(key) in (None, t.image)
    }
    notes = [f"{key} declares {wishes[key]} already" for key in targets if key in done]
    wishes = {key: version for key, version in wishes.items() if key not in done}
    if not wishes:
        nothing = Proposed(reached=Reached.NOTHING, commit=gitops.workspace.tree.commit)
        return Promoted(moves=(), outcome=nothing, notes=tuple(notes), merge=policy.merge)
    watcher.progress("looking at the gates")
    gates = find_gates(gitops, wishes, policy, options, now, watcher)
    overridden = _pass(gates, request)
    carried = _carried(gitops, opened, wishes)
    # What else the open pull request brings passes its own gates: somebody may have put it there by hand.
    also = find_gates(gitops, carried, policy, options, now, watcher) if carried else []
    held = {gate.target for gate in also if not (request.override and gate.can_override)}
    if carried and not opened[0].is_ours:
        held |= carried.keys()
    overridden += tuple(gate for gate in also if gate.target not in held)
    notes += [
        f"{key} {version} is left out of pull request #{opened[0].pull.number}: "
        + ("its gates are closed" if opened[0].is_ours else "its commit was made by somebody else")
        for key, version in carried.items()
        if key in held
    ]
    wishes |= {key: version for key, version in carried.items() if key not in held}
    moves = _moves(gitops, wishes, images, policy)
    draft = make_draft(gitops, moves, options, words=lambda made: _message(made, request), watcher=watcher)
    if request.dry_run:
        nothing = Proposed(reached=Reached.NOTHING, commit=None)
        return Promoted(
            moves=draft.moves, outcome=nothing, overridden=overridden, notes=tuple(notes), merge=policy.merge
        )
    if policy.merge is not Merge.DIRECT and not request.override:
        open_promotions.check_not_closed(gitops, forge(), request.environment, draft.moves)
    proposal = _proposal(gitops, draft, request, opened, overridden, options, watcher)
    watcher.progress("writing")
    outcome = propose(gitops, proposal, policy.merge, forge)
    if outcome.pull is not None:
        open_promotions.supersede(gitops, forge(), opened, by=outcome.pull)
    return Promoted(
        moves=draft.moves,
        outcome=outcome,
        overridden=overridden,
        notes=tuple(notes),
        merge=policy.merge,
    )


class _Once:
    """Opens the forge when it is first needed."""

    def __init__(self, make: Callable[[], Forge]) -> None:
        self._make = make
        self._made: Forge | None = None

    def __call__(self) -> Forge:
        if self._made is None:
            self._made = self._make()
        return self._made


def _policy(gitops: GitOps, request: Request) -> Promotion:
    """The environment's policy with the source that was asked for. BadInput when it does not allow it."""
    fleet, environment = gitops.workspace.fleet, request.environment
    known = sorted({target.environment for target in fleet.targets.values()})
    own = [name for name in known if "/" not in name]
    if environment not in known or is_preview(environment):
        raise BadInput(
            f"there is no environment {environment} to promote to",
            where="--to",
            fix=suggestion(environment, own, f"there are: {', '.join(own)}"),
        )
    policy = gitops.workspace.project.environment(environment).promotion
    if request.source is None or request.source == policy.source:
        return policy
    if policy.source is not None:
        raise BadInput(
            f"{environment} takes versions from {policy.source} only",
            where=f"--from {request.source}",
            fix=f"leave out --from, or change {policy.place}",
        )
    if request.source not in known or request.source == environment:
        raise BadInput(
            f"there is no environment {request.source} to promote from",
            where="--from",
            fix=f"there are: {', '.join(name for name in known if name != environment)}",
        )
    return replace(policy, source=request.source)


def _found(gitops: GitOps, request: Request, policy: Promotion) -> tuple[dict[str, str], Mapping[str, str]]:
    """Targets and the versions that are wanted there, and the images that somebody named or that the
    environment they come from pins. BadInput for what nobody declares.
    """
    targets = gitops.workspace.fleet.targets
    images: dict[str, str] = {}
    services = [t.service for t in targets.values() if t.environment == request.environment]
    found: dict[str, str] = {}
    for wish in request.wishes:
        names = [name for name in services if fnmatchcase(name, wish.service)]
        if not names:
            raise _unknown(wish.service, services, request.environment)
        for name in names:
            version = wish.version or _source_version(targets, name, policy, is_glob=name != wish.service)
            if version is None:
                continue
            key = f"{request.environment}/{name}"
            _check_number(gitops, key, targets.get(f"{policy.source}/{name}"), version)
            if targets[key].deployment_type == "lambda":
                written = image_tag(version, wish.image) if wish.image is not None else version
                if wrong := rules.version(written):
                    raise BadInput(wrong[0], where=key, fix=wrong[1])
            elif image := wish.image or _pinned(gitops, f"{policy.source}/{name}", version):
                images[key] = image
            if found.get(key, version) != version:
                raise BadInput(
                    f"{found[key]} and {version} are both asked for", where=key, fix="name one version"
                )
            found[key] = version
    if not found:
        raise BadInput(
            f"none of these services is declared in {policy.source}",
            where=", ".join(wish.service for wish in request.wishes),
            fix="name versions: SERVICE@VERSION",
        )
    return found, images


def _check_number(gitops: GitOps, key: str, source: Target | None, version: str) -> None:
    """A published number goes only where the same function runs, by an alias: elsewhere it means another."""
    if source is None or source.number != version or source.function is None:
        return
    target = gitops.workspace.fleet.targets[key]
    project, name = gitops.workspace.project, source.function.name
    here, there = (project.environment(one.environment).where for one in (target, source))
    is_same = target.function is not None and target.function.name == name and here == there
    if is_same and target.alias is not None:
        return
    raise BadInput(
        f"{version} is the number of a published version of {name}"
        + (", and this target has no alias" if is_same else ", and this target has another function"),
        where=target.place or key,
        fix="name the release instead: SERVICE@VERSION" + (", or add lambda.alias" if is_same else ""),
    )


def _pinned(gitops: GitOps, source: str, version: str) -> str | None:
    """The image that the environment which versions come from pins for a version, where that is written."""
    target = gitops.workspace.fleet.targets.get(source)
    if target is None or target.version != version:
        return None
    service = gitops.workspace.project.sources.services.get(target.service)
    image = service.image if service is not None else None
    return None if image is not None and image.pin is Pinning.NONE else target.image


def _unknown(service: str, services: Iterable[str], environment: str) -> BadInput:
    known = sorted(services)
    hint = suggestion(service, known, f"there are: {', '.join(known[:8]) or 'none'}")
    return BadInput(
        f"{environment} declares no service {service}",
        where=service,
        fix=f"{hint} A new service begins with its own config.yaml below environments/{environment}/",
    )


def _source_version(
    targets: Mapping[str, Target], service: str, policy: Promotion, *, is_glob: bool
) -> str | None:
    if policy.source is None:
        raise BadInput(
            "no version is named, and the environment takes versions from nowhere",
            where=service,
            fix=f"write {service}@VERSION, give --from, or set promotion.from in lockstep.yaml",
        )
    source = targets.get(f"{policy.source}/{service}")
    if source is not None and source.version is not None:
        return source.version
    if is_glob:
        return None
    raise BadInput(
        f"{policy.source} declares no version of {service}",
        where=f"{policy.source}/{service}",
        fix=f"write {service}@VERSION, or declare it in {policy.source} first",
    )


def _moves(
    gitops: GitOps, wishes: Mapping[str, str], images: Mapping[str, str], policy: Promotion
) -> tuple[Move, ...]:
    targets = gitops.workspace.fleet.targets
    moves = []
    for key, version in sorted(wishes.items()):
        target = targets[key]
        source = targets.get(f"{policy.source}/{target.service}") if policy.source else None
        is_same = source is not None and source.version == version
        release = source.release if source is not None and is_same else None
        moves.append(
            Move(
                target=key,
                old=target.version,
                new=version,
                deployment_type=target.deployment_type,
                old_commit=target.commit,
                commit=source.commit if source is not None and is_same else None,
                sha256=release.sha256 if release is not None else images.get(key),
            )
        )
    return tuple(moves)


def find_gates(
    gitops: GitOps,
    wishes: Mapping[str, str],
    policy: Promotion,
    options: Options,
    now: datetime.datetime,
    watcher: Watcher,
) -> list[Gate]:
    """What holds versions back from the targets of one environment that they are wanted for."""
    targets = gitops.workspace.fleet.targets
    standings: Mapping[str, Standing] = {}
    wanted: dict[str, str] = {}
    if policy.source is not None:
        wanted = {f"{policy.source}/{targets[key].service}": version for key, version in wishes.items()}
        declared = {key: version for key, version in wanted.items() if key in targets}
        standings = find_standings(gitops.workspace, declared, options, watcher=watcher)
    gates: list[Gate] = []
    for key, version in sorted(wishes.items()):
        source = f"{policy.source}/{targets[key].service}"
        candidate = Candidate(
            target=key,
            old=targets[key].version,
            new=version,
            hold=targets[key].hold,
            standing=standings.get(source, Standing(target=source)) if policy.source else None,
        )
        gates += gates_of(policy, candidate, now=now, zone=ZoneInfo)
    return gates


def _pass(gates: list[Gate], request: Request) -> tuple[Gate, ...]:
    """The gates that were overridden. NotAllowed for those that stand."""
    closed = [gate for gate in gates if not (request.override and gate.can_override)]
    if closed:
        raise NotAllowed(
            "\n".join(["held back:", *(line for gate in closed for line in _indented(gate))]),
            doing=f"promoting to {request.environment}",
            fix=way_on(closed),
        )
    return tuple(gates)


def _indented(gate: Gate) -> list[str]:
    first, *others = gate_words(gate).splitlines()
    return [
        *hanging("  ", first, _COLUMNS, "    "),
        *(line for text in others for line in hanging("    ", text.strip(), _COLUMNS)),
    ]


def _check_newer(opened: list[open_promotions.Open], wishes: Mapping[str, str], request: Request) -> None:
    for one in opened:
        for key, version in one.versions.items():
            if key in wishes and is_backwards(version, wishes[key]) and not request.override:
                raise NotAllowed(
                    f"pull request #{one.pull.number} brings {key} to {version}, newer than {wishes[key]}",
                    where=one.pull.url,
                    fix="close that one first, or say why: --override REASON",
                )


def _carried(gitops: GitOps, opened: list[open_promotions.Open], wishes: Mapping[str, str]) -> dict[str, str]:
    """What the pull request that is updated brings besides."""
    if not opened:
        return {}
    targets = gitops.workspace.fleet.targets
    return {
        key: version
        for key, version in opened[0].versions.items()
        if key in targets and key not in wishes and targets[key].version != version
    }


def _proposal(
    gitops: GitOps,
    draft: Draft,
    request: Request,
    opened: list[open_promotions.Open],
    overridden: tuple[Gate, ...],
    options: Options,
    watcher: Watcher,
) -> Proposal:
    actor = find_actor(gitops.remote.repository)
    title = title_of(draft.moves)
    review = Review(gitops=gitops, draft=draft, actor=actor, reason=request.why, overridden=overridden)
    return Proposal(
        branch=opened[0].pull.head if opened else open_promotions.branch_name(draft.moves),
        edit=draft.edit,
        title=title,
        message=draft.message,
        body=lambda: review.body(options, watcher),
        made=draft.made,
    )


def _message(moves: Sequence[Move], request: Request) -> str:
    lines = [f"{open_promotions.TRAILER}: {move.target}@{move.new}" for move in moves]
    reason = f"{request.why}\n\n" if request.why else ""
    return f"{title_of(moves)}\n\n{reason}" + "\n".join(lines)
