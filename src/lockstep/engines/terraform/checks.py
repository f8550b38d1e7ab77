"""What ``doctor`` asks of Terraform: the program, the folder, the state, and functions that two masters
claim.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from lockstep.engines.terraform.base import Cloud
from lockstep.engines.terraform.runs import Run, runs_of
from lockstep.engines.terraform.state import State
from lockstep.errors import LockstepError
from lockstep.model import Check, Code, Fleet, Package, Project, Target, Verdict
from lockstep.planning.policy import Rules

__all__ = ["Looking", "checks_of", "dual_owners"]


class Looking(Protocol):
    """The engine, as far as it is asked."""

    @property
    def rules(self) -> Rules:
        """Of the project."""
        ...

    def look(self, run: Run) -> State:
        """What the state of a run manages."""
        ...

    def blind(self, targets: Mapping[str, Target]) -> Mapping[str, str]:
        """Targets of which Terraform would not notice another package, and what mends that."""
        ...


def checks_of(engine: Looking, cloud: Cloud, fleet: Fleet) -> Iterator[Check]:
    """One check for each run's program, folder and state, and one for functions with two masters.

    Initialises folders in Lockstep's cache where that was not done before; changes nothing else.
    """
    project = engine.rules.project
    states: dict[str, State] = {}
    for run in runs_of(project):
        try:
            state = engine.look(run)
        except LockstepError as error:
            yield Check.failure(f"terraform ({run.name})", error)
            continue
        states[run.name] = state
        yield Check(
            name=f"terraform ({run.name})",
            verdict=Verdict.OK,
            detail=f"{run.settings.binary} {state.version}, {run.settings.folder}: {state.resources} "
            f"resources, {len(state.functions)} functions",
        )
        if not run.targets(fleet):
            continue
        yield from _blind(run, engine.blind(_with_keys(run.targets(fleet))))
        try:
            owned = cloud.owned(run.environments[0].name)
        except LockstepError as error:
            yield Check.failure(f"ownership ({run.name})", error)
            continue
        yield from dual_owners(project, fleet, run, state, owned)
    yield from _in_two_states(states)


def dual_owners(
    project: Project, fleet: Fleet, run: Run, state: State, owned: Mapping[str, Mapping[str, str]]
) -> Iterator[Check]:
    """Functions of a state that the tags give to somebody else. ``owned`` are tags by ARN."""
    name = f"ownership ({run.name})"
    claims = {
        target.function.name: key
        for key, target in fleet.targets.items()
        if target.function is not None and not run.has(key)
    }
    runs = runs_of(project)
    quarrels = 0
    for arn, address in sorted(state.functions.items()):
        function = arn.rpartition(":")[2]
        owner = owned.get(arn, {}).get("lockstep:project")
        target = owned.get(arn, {}).get("lockstep:target", "")
        other = None
        if owner is not None and owner != project.name:
            other = f"its tags give it to the Lockstep project {owner} ({target})"
        elif owner is not None and not any(one.has(target) for one in runs):
            other = f"its tags give it to {target}, which the aws engine applies"
        elif function in claims:
            other = f"{claims[function]} declares it, which this run does not apply"
        if other is not None:
            quarrels += 1
            yield Check(
                name=name,
                verdict=Verdict.FAILED,
                detail=f"{function} is {address} in the state, and {other}",
                fix=f"let one of them go: `{run.settings.binary} state rm '{address}'` or a removed block, "
                "or take the declaration out of Git",
            )
    if not quarrels:
        yield Check(name=name, verdict=Verdict.OK, detail=f"{len(state.functions)} functions have one master")


def _with_keys(targets: Mapping[str, Target]) -> dict[str, Target]:
    """The targets with a package under the key that they declare, whatever it holds."""
    found: dict[str, Target] = {}
    for key, target in targets.items():
        release, function = target.release, target.function
        if release is not None and function is not None:
            place = release.options.get("key") if release.source == "s3" else release.staged_key
            digest = "00" * 32
            package = Package(
                sha256=digest,
                size=0,
                bucket=release.options.get("bucket", ""),
                key=(place or "").replace("{sha256}", digest),
                origin="",
            )
            code = Code(sha256=digest, package=package)
            found[key] = replace(target, function=replace(function, code=code))
    return found


def _blind(run: Run, fixes: Mapping[str, str]) -> Iterator[Check]:
    """A warning for targets whose next package Terraform would not notice."""
    for fix in dict.fromkeys(fixes.values()):
        keys = [key for key, one in fixes.items() if one == fix]
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        yield Check(
            name=f"packages ({run.name})",
            verdict=Verdict.WARNING,
            detail=f"Terraform gets no hash of the package of {', '.join(keys[:3])}{more}, whose key stays "
            "the same: the next one is held back",
            fix=fix,
        )


def _in_two_states(states: Mapping[str, State]) -> Iterator[Check]:
    places: dict[str, str] = {}
    for run, state in states.items():
        for arn in state.functions:
            other = places.setdefault(arn, run)
            if other != run:
                yield Check(
                    name="ownership",
                    verdict=Verdict.FAILED,
                    detail=f"{arn.rpartition(':')[2]} is in the states of {other} and of {run}",
                    fix="remove it from one of them: terraform state rm, or a removed block",
                )
