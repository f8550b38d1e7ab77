"""What Git declares, as the variables that a folder takes.

Three mappings. ``functions`` carries everything in one map, in the shape of our module lambda-fleet.
``syrf`` is the set of variables of a fleet with one service. Templates of ``lockstep.yaml`` make any
other: ``NAME`` is one value, ``NAME.KEY`` an entry of a map, ``NAME[]`` an item of a list.

Each target has its share of the variables, and the variables are all shares joined: so the share of a
target that is not to change can be the one that was applied last.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, TypeAlias

from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.shape import function_value
from lockstep.errors import BadInput
from lockstep.model import Code, Environment, Secret, Target, Value
from lockstep.model.target import service_of
from lockstep.values import dataclass

__all__ = ["Fill", "Share", "lacking", "share_of", "source_code_hash", "variables_for"]

Fill: TypeAlias = Callable[[str, Mapping[str, str]], str]
"""Fills in a template. Raises BadInput for a name that is not known."""

_OPTIONAL = ("project", "environments", "secret_environment")


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What one target gives to the variables.

    ``environment`` says where in ``values`` the values of its function's environment variables stand, and
    what those are called: they may be secrets.
    """

    values: Mapping[str, Any] = field(repr=False)
    environment: Mapping[tuple[str, ...], str] = field(default_factory=dict)


def share_of(run: Run, target: Target, declared: frozenset[str], fill: Fill) -> Share:
    """The share of one target. ``declared`` are the variables that the folder has.

    Raises BadInput when what is declared does not fit the mapping or the folder.
    """
    share = Share(values={})
    match run.settings.mapping:
        case "functions":
            share = _function(run, target, declared)
        case "syrf":
            share = _syrf(target, declared)
        case _:
            pass
    values = dict(share.values)
    settings = _environment_of(run, target.key)
    if settings is not None and settings.terraform is not None:
        place = f"{settings.terraform.place} ({target.key})"
        for name, template in settings.terraform.variables.items():
            if "{" in name + template:
                names = _names(target)
                _merge(values, _one(fill(name, names), fill(template, names)), place)
    return Share(values=values, environment=share.environment)


def variables_for(
    run: Run, shares: Mapping[str, Share], declared: frozenset[str], project: str
) -> dict[str, Any]:
    """Variables of the run by name, as JSON takes them; secrets are in them. ``shares`` are by target.

    Raises BadInput when what is declared does not fit the mapping or the folder.
    """
    place = run.settings.place
    passed: dict[str, Any] = {}
    match run.settings.mapping:
        case "functions":
            names = {environment.name for environment in run.environments}
            optional: dict[str, Any] = {
                "project": project,
                "environments": sorted(names | {key.partition("/")[0] for key in shares}),
                "secret_environment": {},
            }
            passed = {"functions": {}} | {name: optional[name] for name in _OPTIONAL if name in declared}
        case "syrf":
            _check_one_service(run, shares)
            if _environment_of(run, "preview") is not None:
                empty: dict[str, Any] = {"preview_prs": []} | {
                    f"preview_{plural}": {} for plural in _PREVIEW_MAPS.values()
                }
                passed = _taken(empty, declared)
        case _:
            pass
    for environment in run.environments:
        settings = environment.terraform
        if settings is not None:
            _merge(passed, _constants(settings.variables, settings.place), settings.place)
    for key, share in sorted(shares.items()):
        own = _environment_of(run, key)
        at = own.terraform.place if own is not None and own.terraform is not None else place
        _merge(passed, share.values, f"{at} ({key})")
    unknown = sorted(passed.keys() - declared)
    if unknown:
        raise BadInput(
            f"the folder {run.settings.folder} declares no variable {unknown[0]!r}, which would carry "
            "what Git declares",
            where=place,
            fix=f'add variable "{unknown[0]}" {{}} there, or change `mapping:` or `variables:`',
        )
    return passed


def lacking(run: Run, shares: Mapping[str, Share], declared: frozenset[str]) -> bool:
    """Whether the mapping has variables of the folder that no share gives: of an environment elsewhere."""
    if run.settings.mapping != "syrf":
        return False
    given = {name for share in shares.values() for name in share.values}
    wanted = {name for name in _SYRF_NEEDED & declared if not name.startswith("preview_")}
    return bool(wanted - given)


def source_code_hash(code: Code) -> str | None:
    """What Lambda calls CodeSha256: the package's SHA-256 in base64."""
    return base64.b64encode(bytes.fromhex(code.sha256)).decode() if code.sha256 else None


def _environment_of(run: Run, key: str) -> Environment | None:
    name = key.partition("/")[0]
    return next((one for one in run.environments if one.name == name), None)


def _function(run: Run, target: Target, declared: frozenset[str]) -> Share:
    value, secrets = function_value(target)
    if secrets and "secret_environment" not in declared:
        raise BadInput(
            f"{target.key} has secret variables ({', '.join(sorted(secrets))}), and the folder "
            f"{run.settings.folder} declares no variable 'secret_environment' to carry them",
            where=target.place,
            fix='add variable "secret_environment" with `sensitive = true`, as lambda-fleet has it',
        )
    values: dict[str, Any] = {"functions": {target.key: value}}
    if secrets:
        values["secret_environment"] = {target.key: secrets}
    return Share(
        values=values,
        environment={
            ("functions", target.key, "environment", name): name for name in value.get("environment", ())
        }
        | {("secret_environment", target.key, name): name for name in secrets},
    )


_SYRF_NEEDED = frozenset(
    {
        "production_commit_sha",
        "production_source_code_hash",
        "staging_version",
        "staging_commit_sha",
        "staging_source_code_hash",
        "preview_prs",
        "preview_commit_shas",
        "preview_versions",
    }
)
"""Without one of these a folder would not deploy what Git declares; others are passed when it has them."""


def _check_one_service(run: Run, keys: Mapping[str, Share]) -> None:
    services = sorted({service_of(key) for key in keys})
    if len(services) > 1:
        raise BadInput(
            f"the mapping syrf carries one service, and Git declares {' and '.join(services[:3])}",
            where=run.settings.place,
            fix="use mapping: functions",
        )


def _syrf(target: Target, declared: frozenset[str]) -> Share:
    """The share of a target in production, staging or a preview; others have none."""
    single = _single(target)
    values: dict[str, Any] = {}
    environment: dict[tuple[str, ...], str] = {}
    if target.is_preview:
        number = target.environment.rpartition("pr-")[2]
        values = {f"preview_{_PREVIEW_MAPS[suffix]}": {number: value} for suffix, value in single.items()}
        values["preview_prs"] = [number]
        environment = {("preview_rabbitmq_hosts", number): _HOST}
    elif target.environment in ("production", "staging"):
        values = {f"{target.environment}_{suffix}": value for suffix, value in single.items()}
        environment = {(f"{target.environment}_rabbitmq_host",): _HOST}
    values = _taken(values, declared)
    return Share(
        values=values, environment={path: name for path, name in environment.items() if path[0] in values}
    )


def _taken(values: Mapping[str, Any], declared: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in declared or name in _SYRF_NEEDED}


_HOST = "RabbitMqHost"
_PREVIEW_MAPS = {
    "commit_sha": "commit_shas",
    "version": "versions",
    "source_code_hash": "source_code_hashes",
    "rabbitmq_host": "rabbitmq_hosts",
}


def _single(target: Target) -> dict[str, str]:
    function = target.function
    assert function is not None  # noqa: S101 - only such targets are passed
    variables = function.settings.get("environment")
    host = variables.get(_HOST) if isinstance(variables, Mapping) else None
    values = {
        "version": target.version,
        "commit_sha": target.commit,
        "source_code_hash": source_code_hash(function.code),
        "rabbitmq_host": _text(host),
    }
    return {name: value for name, value in values.items() if value is not None}


def _text(value: Value) -> str | None:
    if isinstance(value, Secret):
        return value.value
    return None if value is None else str(value)


def _constants(variables: Mapping[str, str], place: str) -> dict[str, Any]:
    """What templates come to without any target."""
    passed: dict[str, Any] = {}
    for name, template in variables.items():
        base = name.partition(".")[0]
        if name.endswith("[]"):
            passed.setdefault(name.removesuffix("[]"), [])  # no preview is an empty list, not an absent one
        elif "." in name and "{" not in base:
            passed.setdefault(base, {})
        if "{" not in name + template:
            _merge(passed, _one(name, template), place)
    return passed


def _one(name: str, value: str) -> dict[str, Any]:
    if name.endswith("[]"):
        return {name.removesuffix("[]"): [value]}
    base, dot, key = name.partition(".")
    return {base: {key: value}} if dot else {base: value}


def _merge(passed: dict[str, Any], more: Mapping[str, Any], place: str) -> None:
    for name, value in more.items():
        before = passed.get(name)
        match before, value:
            case list(), list():
                passed[name] = [*before, *(item for item in value if item not in before)]
            case dict(), dict():
                merged = dict(before)
                _merge(merged, value, place)
                passed[name] = merged
            case _ if before is not None and before != value:
                raise BadInput(
                    f"the variable {name} would get two values, or two forms",
                    where=place,
                    fix="let its name tell the targets apart: NAME.{service}, NAME.{pr}",
                )
            case _:
                passed[name] = value


def _names(target: Target) -> dict[str, str]:
    """What templates may use of a target; what it does not have is absent."""
    function = target.function
    assert function is not None  # noqa: S101 - only such targets are passed
    package = function.code.package
    names = {
        "service": target.service,
        "env": target.environment.rpartition("/")[2],
        "version": target.version,
        "pr": target.environment.rpartition("/pr-")[2] if "/" in target.environment else None,
        "commit": target.commit,
        "sha256": function.code.sha256,
        "hash": source_code_hash(function.code),
        "function": function.name,
        "bucket": package.bucket if package else None,
        "key": package.key if package else None,
    }
    return {name: value for name, value in names.items() if value is not None}
