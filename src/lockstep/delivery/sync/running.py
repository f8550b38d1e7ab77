"""Which versions live functions run: those whose package the live digest is, whatever a tag says."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from lockstep.config import templates
from lockstep.delivery.sync.session import Session
from lockstep.model import Function, Project, Release
from lockstep.model.target import environment_of, service_of
from lockstep.planning.diff import diff_code

__all__ = ["running_versions"]

_WORKERS = 8


def running_versions(session: Session) -> Mapping[str, str | None]:
    """The versions of what the session's last plan found live, by target; None where nothing proves one.

    The tag names a version. It counts when the live code is that version's: as a declaration of it says,
    or as what was staged says of the package with the live digest.
    """
    if session.look is None:
        return {}
    named = {key: version for key, version in session.look.versions.items() if version is not None}
    live = session.look.live
    released: dict[str, set[str]] = {}
    for target in session.desired.targets.values():
        if target.release is not None and target.function is not None and target.function.code.sha256:
            released.setdefault(target.release.name, set()).add(target.function.code.sha256)

    def prove(key: str) -> str | None:
        version, function = named[key], live.get(key)
        if function is None:
            return None
        target = session.desired.targets.get(key)
        if target is not None and target.number is not None:
            return version  # the number that was read
        wanted = target.function if target is not None and target.version == version else None
        if wanted is not None and (wanted.code.image or wanted.code.sha256):
            return None if diff_code(wanted, function) else version
        if function.code.image or function.code.sha256 is None:
            return None
        if function.code.sha256 in released.get(f"{service_of(key)}@{version}", ()):
            return version
        return version if _is_staged(session, key, version, function) else None

    if not named:
        return {}
    with ThreadPoolExecutor(min(_WORKERS, len(named))) as pool:
        return dict(zip(named, pool.map(prove, named), strict=True))


def _is_staged(session: Session, key: str, version: str, function: Function) -> bool:
    """Whether the package that runs lies in the package bucket and was staged as this version."""
    project = session.workspace.project
    bucket = project.packages_for(environment_of(key))
    staged_key = _staged_key(project, key, version)
    if bucket is None or staged_key is None:
        return False
    release = Release(
        service=service_of(key),
        version=version,
        source="s3",
        sha256=function.code.sha256,
        staged_key=staged_key,
    )
    return session.catalog.is_staged(release, bucket.name)


def _staged_key(project: Project, key: str, version: str) -> str | None:
    """Where a version's package is staged, with ``{sha256}`` still to be filled in."""
    _, _, environment = environment_of(key).rpartition("/")
    names = {"service": service_of(key), "env": environment, "version": version, "sha256": "{sha256}"}
    if environment.startswith("pr-"):
        names["pr"] = environment.removeprefix("pr-")
    try:
        return templates.fill(project.package_key, names)
    except templates.TemplateError:
        return None
