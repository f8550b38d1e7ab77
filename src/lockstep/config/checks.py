"""What only all targets together can show: two owners of one thing."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from lockstep.config.preview_checks import check_previews
from lockstep.config.problems import Problems
from lockstep.model import Project, Target
from lockstep.planning.notifications import find_overlaps

__all__ = ["check_fleet"]

_RETENTION = "logRetentionDays"


def check_fleet(project: Project, targets: Mapping[str, Target], problems: Problems) -> None:
    """Find functions, triggers and package keys that two targets claim; each error names both places."""
    lambdas = [target for target in targets.values() if target.function is not None]
    _check_function_names(project, lambdas, problems)
    _check_log_groups(project, lambdas, problems)
    _check_triggers(lambdas, problems)
    check_previews(project, lambdas, problems)
    if "{sha256}" not in project.package_key:
        _check_staged_keys(project, lambdas, problems)


def _check_function_names(project: Project, targets: Iterable[Target], problems: Problems) -> None:
    places: dict[str, tuple[str, str]] = {}
    seen: dict[tuple[str, str, str], Target] = {}
    for target in targets:
        base = target.environment.partition("/")[0]
        place = places.get(base)
        if place is None:
            place = places[base] = project.environment(base).where
        assert target.function is not None  # noqa: S101 - the caller's choice
        other = seen.setdefault((*place, target.function.name), target)
        if other is not target:
            problems.add(
                target.place,
                f"the function {target.function.name} of {target.key} is also declared by {other.key} "
                f"({other.place}) in the same account and Region",
                "give each target its own functionName; {env} in it keeps environments apart",
            )


def _check_log_groups(project: Project, targets: Iterable[Target], problems: Problems) -> None:
    """A group has one retention: functions that share it and declare others would take turns for ever."""
    seen: dict[tuple[str, str, str], Target] = {}
    for target in targets:
        function = target.function
        if function is None or any(fnmatchcase(_RETENTION, pattern) for pattern in target.ignore):
            continue
        group = str(function.settings.get("logging.group") or f"/aws/lambda/{function.name}")
        other = seen.setdefault((*project.environment(target.environment).where, group), target)
        if _retention(other) != _retention(target):
            problems.add(
                target.places.get(_RETENTION) or target.place,
                f"{target.key} keeps the logs of {group} {_kept(target)}, and {other.key} "
                f"({other.places.get(_RETENTION) or other.place}) {_kept(other)}; a group has one retention",
                f"give both the same {_RETENTION}, or let one leave it to the other: ignore: [{_RETENTION}]",
            )


def _retention(target: Target) -> object:
    return target.function.settings.get(_RETENTION) if target.function else None


def _kept(target: Target) -> str:
    days = _retention(target)
    return "for ever" if days is None else f"for {days} days"


def _check_triggers(targets: Iterable[Target], problems: Problems) -> None:
    triggers = [(target.key, trigger) for target in targets for trigger in target.triggers]
    for first, second in find_overlaps(triggers):
        (one_key, one), (other_key, other) = triggers[first], triggers[second]
        problems.add(
            other.place,
            f"the trigger of {other_key} on s3://{other.bucket}/{other.prefix}*{other.suffix} overlaps with "
            f"that of {one_key} ({one.place}) on {one.prefix}*{one.suffix}; S3 refuses both",
            "give them prefixes or suffixes of which neither contains the other, or different events",
        )


def _check_staged_keys(project: Project, targets: Iterable[Target], problems: Problems) -> None:
    """A fixed key holds one package: two different releases would overwrite each other."""
    seen: dict[tuple[str, str], Target] = {}
    for target in targets:
        release = target.release
        if release is None or _lies_there(project, target):
            continue
        packages = project.packages_for(target.environment)
        other = seen.setdefault((packages.name if packages else "", release.staged_key), target)
        if other.release is not None and (other.service, other.version) != (target.service, target.version):
            problems.add(
                target.place,
                f"the package of {target.key} is staged as {release.staged_key}, like that of "
                f"{other.key} ({other.place})",
                f"add {{service}} and {{env}}, or {{sha256}}, to packages.key in {project.file}",
            )


def _lies_there(project: Project, target: Target) -> bool:
    release, packages = target.release, project.packages_for(target.environment)
    if release is None or packages is None:
        return False
    return release.source == "s3" and release.options.get("bucket") == packages.name
