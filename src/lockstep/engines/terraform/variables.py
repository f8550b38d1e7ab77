"""What Git declares, as the variables that a folder takes.

Three mappings. ``functions`` carries everything in one map, in the shape of our module lambda-fleet.
``syrf`` is the set of variables of a fleet with one service. Templates of ``lockstep.yaml`` make any
other: ``NAME`` is one value, ``NAME.KEY`` an entry of a map, ``NAME[]`` an item of a list.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.shape import function_value
from lockstep.errors import BadInput
from lockstep.model import Code, Secret, Target, Value

__all__ = ["Fill", "source_code_hash", "variables_for"]

Fill: TypeAlias = Callable[[str, Mapping[str, str]], str]
"""Fills in a template. Raises BadInput for a name that is not known."""

_OPTIONAL = ("project", "environments", "secret_environment")


def variables_for(
    run: Run, targets: Mapping[str, Target], declared: frozenset[str], project: str, fill: Fill
) -> dict[str, Any]:
    """Variables of the run by name, as JSON takes them; secrets are in them.

    ``targets`` are all that Git declares in the run's environments, ``declared`` the variables that
    the folder has. Raises BadInput when what is declared does not fit the mapping or the folder.
    """
    place = run.settings.place
    passed: dict[str, Any] = {}
    match run.settings.mapping:
        case "functions":
            passed = _functions(run, targets, declared, project)
        case "syrf":
            passed = {
                name: value
                for name, value in _syrf(run, targets).items()
                if name in declared or name in _SYRF_NEEDED
            }
        case _:
            pass
    for environment in run.environments:
        settings = environment.terraform
        if settings is not None:
            mine = [t for t in targets.values() if t.environment.partition("/")[0] == environment.name]
            _merge(passed, _templates(settings.variables, mine, settings.place, fill), settings.place)
    unknown = sorted(passed.keys() - declared)
    if unknown:
        raise BadInput(
            f"the folder {run.settings.folder} declares no variable {unknown[0]!r}, which would carry "
            "what Git declares",
            where=place,
            fix=f'add variable "{unknown[0]}" {{}} there, or change `mapping:` or `variables:`',
        )
    return passed


def source_code_hash(code: Code) -> str | None:
    """What Lambda calls CodeSha256: the package's SHA-256 in base64."""
    return base64.b64encode(bytes.fromhex(code.sha256)).decode() if code.sha256 else None


def _functions(
    run: Run, targets: Mapping[str, Target], declared: frozenset[str], project: str
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    secrets: dict[str, dict[str, str]] = {}
    for key, target in sorted(targets.items()):
        values[key], hidden = function_value(target)
        if hidden:
            secrets[key] = hidden
    optional = {
        "project": project,
        "environments": sorted(environment.name for environment in run.environments),
        "secret_environment": secrets,
    }
    if secrets and "secret_environment" not in declared:
        key = next(iter(secrets))
        raise BadInput(
            f"{key} has secret variables ({', '.join(sorted(secrets[key]))}), and the folder "
            f"{run.settings.folder} declares no variable 'secret_environment' to carry them",
            where=targets[key].place,
            fix='add variable "secret_environment" with `sensitive = true`, as lambda-fleet has it',
        )
    given = {name: optional[name] for name in _OPTIONAL if name in declared}
    return {"functions": values, **given}


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


def _syrf(run: Run, targets: Mapping[str, Target]) -> dict[str, Any]:
    """The variables of a fleet with one service in production, staging and previews."""
    services = sorted({target.service for target in targets.values()})
    if len(services) > 1:
        raise BadInput(
            f"the mapping syrf carries one service, and Git declares {' and '.join(services[:3])}",
            where=run.settings.place,
            fix="use mapping: functions",
        )
    passed: dict[str, Any] = {}
    names = [environment.name for environment in run.environments]
    by_environment = {target.environment: target for target in targets.values()}
    for name in ("production", "staging"):
        target = by_environment.get(name)
        if name in names and target is not None:
            for suffix, value in _single(target).items():
                passed[f"{name}_{suffix}"] = value
    if "preview" in names:
        previews = {
            environment.rpartition("pr-")[2]: target
            for environment, target in sorted(by_environment.items())
            if environment.startswith("preview/")
        }
        each = {number: _single(target) for number, target in previews.items()}
        passed["preview_prs"] = list(previews)
        for suffix, plural in _PREVIEW_MAPS.items():
            passed[f"preview_{plural}"] = {
                number: values[suffix] for number, values in each.items() if suffix in values
            }
    return passed


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
    host = variables.get("RabbitMqHost") if isinstance(variables, Mapping) else None
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


def _templates(
    variables: Mapping[str, str], targets: Iterable[Target], place: str, fill: Fill
) -> dict[str, Any]:
    passed: dict[str, Any] = {}
    wanted = list(targets)
    for name, template in variables.items():
        base = name.partition(".")[0]
        if name.endswith("[]"):
            passed.setdefault(name.removesuffix("[]"), [])  # no preview is an empty list, not an absent one
        elif "." in name and "{" not in base:
            passed.setdefault(base, {})
        if "{" not in name + template:
            _merge(passed, _one(name, template), place)
            continue
        for target in wanted:
            names = _names(target)
            _merge(passed, _one(fill(name, names), fill(template, names)), f"{place} ({target.key})")
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
