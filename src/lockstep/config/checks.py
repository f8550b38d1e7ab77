"""What only all targets together can show: two owners of one thing."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from lockstep.config.preview_checks import check_previews
from lockstep.config.problems import Problems
from lockstep.model import FIELDS, Call, Project, Resource, Target, Value
from lockstep.model.alias import versioned
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.planning.notifications import find_overlaps
from lockstep.planning.policy import MOST_IN_TAG

__all__ = ["check_fleet"]

_RETENTION = "logRetentionDays"
_OF_FUNCTION = (
    *("role", "description", "reservedConcurrency", "codeSigningConfigArn"),
    *(row.name for row in FIELDS if row.call is Call.NEVER or row.is_born),
)
"""Settings that all targets of a function share; the retention of logs is one of their group."""


def check_fleet(project: Project, targets: Mapping[str, Target], problems: Problems) -> None:
    """Find functions, triggers and package keys that two targets claim; each error names both places."""
    lambdas = [target for target in targets.values() if target.function is not None]
    _check_function_names(project, lambdas, problems)
    _check_log_groups(project, lambdas, problems)
    _check_triggers(lambdas, problems)
    _check_sole(project, lambdas, problems)
    _check_groups(lambdas, problems)
    check_previews(project, lambdas, problems)
    if "{sha256}" not in project.package_key:
        _check_staged_keys(project, lambdas, problems)


def _check_function_names(project: Project, targets: Iterable[Target], problems: Problems) -> None:
    """A function has one target, or several that each call it by an alias of their own."""
    places: dict[str, tuple[str, str]] = {}
    seen: dict[tuple[str, str, str], list[Target]] = {}
    for target in targets:
        base = target.environment.partition("/")[0]
        place = places.get(base)
        if place is None:
            place = places[base] = project.environment(base).where
        assert target.function is not None  # noqa: S101 - the caller's choice
        family = seen.setdefault((*place, target.function.name), [])
        rival = next((one for one in family if not _may_share(project, target, one)), None)
        if rival is not None:
            problems.add(
                target.place,
                f"the function {target.function.name} of {target.key} is also declared by {rival.key} "
                f"({rival.place}) in the same account and Region{_by_one_alias(target, rival)}",
                "give each target its own functionName; {env} in it keeps environments apart"
                + (
                    ""
                    if _is_alone(project, target) or _is_alone(project, rival)
                    else ". Or give each a lambda.alias of its own"
                ),
            )
        elif family:
            _check_shared(target, family[0], problems)
        family.append(target)
    for family in seen.values():
        _check_tags(family, problems)
        _check_published(family, problems)


def _may_share(project: Project, one: Target, other: Target) -> bool:
    """Whether two targets may have one function."""
    has_both = one.alias is not None and other.alias is not None and one.alias != other.alias
    return has_both and not _is_alone(project, one) and not _is_alone(project, other)


def _is_alone(project: Project, target: Target) -> bool:
    """Whether a target's function is its own: a preview's goes with it, and Terraform's has one alias."""
    return target.is_preview or project.environment(target.environment).terraform is not None


def _by_one_alias(one: Target, other: Target) -> str:
    return f", by the same alias {one.alias}" if one.alias is not None and one.alias == other.alias else ""


def _check_tags(family: list[Target], problems: Problems) -> None:
    """The function's tags remember the targets that have it, and their aliases."""
    texts = ("targets", [one.key for one in family]), ("aliases", [one.qualifier for one in family])
    for what, names in texts if len(family) > 1 else ():
        if len(" ".join(names)) > MOST_IN_TAG:
            problems.add(
                family[-1].place,
                f"the {what} that have the function of {family[-1].key} find no room in one tag of it, which "
                f"takes {MOST_IN_TAG} characters: {', '.join(names)}",
                "give them shorter names, or some of them a functionName of their own",
            )


def _check_published(family: list[Target], problems: Problems) -> None:
    """What a published version has once, two aliases of it cannot both have.

    Source: Lambda developer guide, "Configuring provisioned concurrency for a function".
    """
    for number, target in enumerate(family):
        for mine in target.resources if target.alias is not None else ():
            kind = KINDS[mine.kind]
            for other in family[:number] if kind.published else ():
                theirs = next((one for one in other.resources if one.kind == mine.kind), None)
                if theirs is not None and _is_one_version(target, other):
                    problems.add(
                        mine.place or target.place,
                        f"{target.key} and {other.key} ({theirs.place or other.place}) have one function, "
                        f"and their aliases call the same version of it ({target.version}), which has "
                        f"{kind.title} once",
                        f"declare {kind.name} for one of them, or give each target its own functionName",
                    )


def _is_one_version(one: Target, other: Target) -> bool:
    """Whether two targets of one function are known to call the same published version of it."""
    if one.number is not None or other.number is not None:
        return one.number == other.number
    mine, theirs = one.function, other.function
    assert mine is not None  # noqa: S101 - they have one
    assert theirs is not None  # noqa: S101 - likewise
    if one.ignore or other.ignore:
        return False  # what others manage may be different
    code, others = (_code_of(each) for each in (one, other))
    return code is not None and code == others and versioned(mine.settings) == versioned(theirs.settings)


def _code_of(target: Target) -> object:
    """What tells the declared code of a target from other code; None where nothing does."""
    release, function = target.release, target.function
    if release is not None:
        return (release.service, release.version, release.source, dict(release.options))
    return function.code.image if function is not None else None


def _check_shared(target: Target, other: Target, problems: Problems) -> None:
    """What AWS keeps for a function as a whole cannot be otherwise in one environment than in another.

    A version keeps its role; but AWS shifts no calls between versions of different roles.
    """
    one, two = target.function, other.function
    assert one is not None  # noqa: S101 - the caller's choice
    assert two is not None  # noqa: S101 - the caller's choice
    ignored = (*target.ignore, *other.ignore)
    values = {name: (one.settings.get(name), two.settings.get(name)) for name in _OF_FUNCTION}
    values["tags"] = (dict(one.tags), dict(two.tags))
    for name in sorted(name for name, kind in KINDS.items() if kind.unversioned):
        made = (_settings_of(target, name), _settings_of(other, name))
        if not (name in values and made[0] == made[1]):  # then the setting of the name tells
            values[name] = made
    for name, (mine, theirs) in values.items():
        if mine == theirs or any(fnmatchcase(name, pattern.partition(".")[0]) for pattern in ignored):
            continue
        problems.add(
            _place_of(target, name),
            f"{name} of {target.key} is another than that of {other.key} "
            f"({_place_of(other, name)}); both have the function {one.name}, and it has one "
            f"{name} for all its aliases",
            f"declare the same {name} for both, or give each target its own functionName",
        )


def _settings_of(target: Target, kind: str) -> Value:
    return next((one.settings for one in target.resources if one.kind == kind), None)


def _place_of(target: Target, name: str) -> str:
    """Where the target declares a setting or a resource; else where it is declared itself."""
    beside = next((one.place for one in target.resources if one.kind == name), "")
    return target.places.get(name) or beside or target.place


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


def _check_groups(targets: Iterable[Target], problems: Problems) -> None:
    """Rollouts that move as one have the same steps, and there are two of them at least.

    A preview has some of the services only, so one that is alone there moves alone.
    """
    groups: dict[tuple[str, str], list[Target]] = {}
    for target in targets:
        if target.group is not None:
            groups.setdefault(target.group, []).append(target)
    for (environment, name), members in groups.items():
        first, *others = members
        assert first.rollout is not None  # noqa: S101 - it names the group
        if not others and not first.is_preview:
            elsewhere = sorted(env for env, other in groups if other == name and env != environment)
            also = f"; that of {', '.join(elsewhere)} is another" if elsewhere else ""
            problems.add(
                first.rollout.group_place,
                f"{first.key} is the only one of the group {name} in {environment}{also}",
                f"write group: {name} for each target of {environment} that is to move with it, or remove it",
            )
        for other in others:
            rollout = other.rollout
            assert rollout is not None  # noqa: S101 - it names the group
            for what, mine, theirs in (
                ("steps", rollout.stages, first.rollout.stages),
                ("onFailure", rollout.rolls_back, first.rollout.rolls_back),
            ):
                if mine != theirs:
                    problems.add(
                        rollout.group_place,
                        f"{other.key} has other {what} than {first.key} ({first.rollout.group_place}), and "
                        f"the rollouts of the group {name} move as one",
                        f"declare the same {what} for both, or give them different groups",
                    )


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


def _check_sole(project: Project, targets: Iterable[Target], problems: Problems) -> None:
    """What AWS keeps one of, whichever function it calls: two targets would take it from one another.

    Where only AWS tells that two environments have one account, the plan holds them back (``contested``).
    """
    seen: dict[tuple[str, ...], tuple[Target, Resource]] = {}
    for target in targets:
        for one in target.resources:
            kind = KINDS[one.kind]
            if not kind.sole:
                continue
            account, region = project.environment(target.environment).where
            place = (account, "" if kind.is_global else region, one.kind, one.identity)
            other, theirs = seen.setdefault(place, (target, one))
            if other is not target:
                where = "account" if kind.is_global else "account and Region"
                theirs_at = f"{other.key} ({theirs.place})"
                problems.add(
                    one.place or target.place,
                    f"the {kind.title} {one.settings.get('name', one.identity)} of {target.key} is also "
                    f"declared by {theirs_at} in the same {where}, and AWS keeps one of them",
                    "give one of them another `name`, with {env} in it where environments share the line; "
                    "without `name` the function's own is in it"
                    if "name" in one.settings
                    else f"remove one of them, or give it another {_told_apart_by(kind)}",
                )


def _told_apart_by(kind: ResourceKind) -> str:
    """The rows that a declaration has to have, which are what AWS tells such resources by."""
    return " or ".join(f"`{row.name}`" for row in kind.rows if row.required)


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
