"""What keeps previews apart from each other and from the environments that people rely on.

Stricter than AWS: S3 lets two triggers share a prefix when their suffixes or events differ, and then one
preview's objects would lie among another's, or among production's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lockstep.config.problems import Problems
from lockstep.model import Environment, Project, Target, Trigger
from lockstep.planning.notifications import overlap

__all__ = ["check_previews"]


def check_previews(project: Project, lambdas: Iterable[Target], problems: Problems) -> None:
    """Find previews that reach another environment's prefix, function or package; each is an error."""
    targets = list(lambdas)
    if not any(_is_preview(target) for target in targets):
        return
    _check_prefixes(targets, problems)
    _check_names(project, targets, problems)
    if "{sha256}" not in project.package_key:
        _check_packages(project, targets, problems)


def _is_preview(target: Target) -> bool:
    return target.is_preview


def _check_prefixes(targets: Iterable[Target], problems: Problems) -> None:
    buckets: dict[str, list[tuple[str, Target, Trigger]]] = {}
    for target in targets:
        for trigger in target.every_trigger:
            buckets.setdefault(trigger.bucket, []).append((trigger.prefix, target, trigger))
    for bucket, entries in buckets.items():
        entries.sort(key=lambda entry: (entry[0], _is_preview(entry[1]), entry[1].key))
        for outer, inner in _nested(entries):
            (_, one, first), (_, other, second) = outer, inner
            is_told = first in one.triggers and second in other.triggers
            if is_told and overlap(
                first.events, first.prefix, first.suffix, second.events, second.prefix, second.suffix
            ):
                continue  # S3 refuses them, which is told for all environments alike
            # The preview is what has to change; of two, the one that is there later.
            mine, theirs = (other, one) if _is_preview(other) else (one, other)
            trigger, rival = (second, first) if mine is other else (first, second)
            problems.add(
                trigger.place or mine.place,
                f"the preview {mine.environment} would reach {theirs.environment}: its trigger on "
                f"s3://{bucket}/{trigger.prefix} shares keys with s3://{bucket}/{rival.prefix} of "
                f"{theirs.key} ({rival.place or theirs.place})",
                'give each preview a prefix of its own that ends in "/", such as "preview/{env}/"',
            )


def _nested(
    entries: Iterable[tuple[str, Target, Trigger]],
) -> Iterator[tuple[tuple[str, Target, Trigger], tuple[str, Target, Trigger]]]:
    """Pairs of environments of which one is a preview, where one prefix begins with the other; for each
    prefix the nearest one.

    ``entries`` are sorted by prefix, so that what begins with one follows it.
    """
    above: list[tuple[str, Target, Trigger]] = []
    for entry in entries:
        while above and not entry[0].startswith(above[-1][0]):
            above.pop()
        for outer in reversed(above):
            one, other = outer[1], entry[1]
            if one.environment != other.environment and (_is_preview(one) or _is_preview(other)):
                yield outer, entry
                break
        above.append(entry)


def _check_names(project: Project, targets: Iterable[Target], problems: Problems) -> None:
    """A name that could be another environment's function, as far as accounts are known."""
    found: dict[str, list[Target]] = {}
    for target in targets:
        if target.function is not None:
            found.setdefault(target.function.name, []).append(target)
    for name, owners in found.items():
        previews = [target for target in owners if _is_preview(target)]
        others = [target for target in owners if not _is_preview(target)]
        for target in previews:
            for other in others:
                here, there = project.environment(target.environment), project.environment(other.environment)
                # Where both places are known and the same, that is told for all environments alike.
                if _may_be_same(here, there) and not _is_told(here, there):
                    problems.add(
                        target.place,
                        f"the preview {target.environment} has the function name {name} of {other.key} "
                        f"({other.place}), and nothing says that they are in different accounts",
                        "put {env} into the preview's functionName, or name both accounts and Regions",
                    )


def _account(environment: Environment) -> str | None:
    if environment.account is None and environment.role is not None:
        return environment.role.split(":")[4]
    return environment.account


def _may_be_same(one: Environment, other: Environment) -> bool:
    accounts = {_account(one), _account(other)}
    regions = {one.region, other.region}
    return (len(accounts) == 1 or None in accounts) and (len(regions) == 1 or None in regions)


def _is_told(one: Environment, other: Environment) -> bool:
    """Whether ``checks`` takes both for one place already."""

    def place(environment: Environment) -> tuple[str, str]:
        account = _account(environment)
        return account or f"profile {environment.profile}", environment.region or ""

    return place(one) == place(other)


def _check_packages(project: Project, targets: Sequence[Target], problems: Problems) -> None:
    """A preview must not stage its package over the one that another environment runs."""
    staged: Mapping[tuple[str, str], Target] = {
        (packages.name, target.release.staged_key): target
        for target in reversed(targets)  # of several with one key, the first is named
        if not _is_preview(target) and target.release is not None
        for packages in [project.packages_for(target.environment)]
        if packages is not None
    }
    for target in targets:
        release, packages = target.release, project.packages_for(target.environment)
        if not _is_preview(target) or release is None or packages is None:
            continue
        other = staged.get((packages.name, release.staged_key))
        if other is None or other.release is None or _lies_there(target, packages.name):
            continue
        same = (release.version, release.source, release.options) == (
            other.release.version,
            other.release.source,
            other.release.options,
        )
        pins = {release.sha256, other.release.sha256} - {None}
        # Another version is told for all environments alike.
        if release.version == other.version and (not same or len(pins) > 1):
            problems.add(
                target.place,
                f"the preview {target.environment} would stage its package over that of {other.key} "
                f"({other.place}): s3://{packages.name}/{release.staged_key}",
                f"add {{env}}, or {{sha256}}, to packages.key in {project.file}",
            )


def _lies_there(target: Target, bucket: str) -> bool:
    release = target.release
    return release is not None and release.source == "s3" and release.options.get("bucket") == bucket
