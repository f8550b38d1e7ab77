"""Python functions: their source, and their dependencies for the runtime and machine they run on."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from lockstep.artifacts.builders.base import Job, Product, own_files, without
from lockstep.artifacts.builders.python_install import PythonRuntime, export_lock, install
from lockstep.artifacts.builders.python_site import fixed_names, installed, tidy, unfit
from lockstep.artifacts.builders.requirements import Requirements, find_requirements, pinned_names
from lockstep.artifacts.package import files_below
from lockstep.errors import ArtifactError, BadInput

__all__ = ["build_python"]


def build_python(job: Job) -> Product:
    """The source's files with the dependencies beside them.

    Raises BadInput for a runtime or requirements that cannot be packed and ArtifactError when a
    dependency cannot be had for the function's runtime and architecture.
    """
    runtime = _runtime(job)
    own = own_files(job)
    wanted = find_requirements(job)
    if wanted is None:
        return Product(files=own)
    site = job.work / "site"
    site.mkdir()
    listing, tools = wanted.file, dict[str, str]()
    if wanted.is_lock:
        listing, tools = export_lock(job, wanted)
    tools |= install(job, runtime, wanted, listing, site)
    _check_fit(job, wanted, runtime, site)
    fixed = fixed_names(site)
    tidy(site)
    dependencies = installed(site)
    packed = without(job, files_below(site))
    return Product(
        files={**packed, **own},
        tools=tools,
        dependencies=tuple(f"{name} {version}" for name, version in dependencies),
        warnings=(*_unpinned(wanted, pinned_names(listing) | fixed, dependencies), *_shadowed(packed, own)),
    )


def _runtime(job: Job) -> PythonRuntime:
    match = re.fullmatch(r"python(3\.\d+)", job.build.runtime or "")
    if match is None:
        raise BadInput(
            f"the runtime {job.build.runtime!r} is no Python",
            where=job.build.place,
            fix="write for example runtime: python3.13, or choose another builder",
        )
    return PythonRuntime(version=match[1], architecture=job.build.architecture)


def _check_fit(job: Job, wanted: Requirements, runtime: PythonRuntime, site: Path) -> None:
    found = unfit(site, runtime.version, runtime.platforms)
    if found:
        names = ", ".join(f"{name} {version}" for name, version in found)
        raise ArtifactError(
            f"{names} was compiled on this machine, not for {job.build.runtime} on {job.build.architecture}",
            where=wanted.name,
            fix="take a version that has wheels, and no --no-binary; or use builder: command in an image "
            "of the runtime",
        )


def _unpinned(
    wanted: Requirements, pinned: Collection[str], dependencies: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    loose = [f"{name} {version}" for name, version in dependencies if name not in pinned]
    if not loose:
        return ()
    more = f" and {len(loose) - 3} more" if len(loose) > 3 else ""
    return (
        f"{wanted.name} does not say which version of {', '.join(loose[:3])}{more}: another day gives "
        "another package; list all with == (pip-compile, uv pip compile, or uv.lock)",
    )


def _shadowed(packed: Mapping[str, Path], own: Mapping[str, Path]) -> tuple[str, ...]:
    both = sorted(packed.keys() & own.keys())
    if not both:
        return ()
    more = f" and {len(both) - 1} more" if len(both) > 1 else ""
    return (f"{both[0]}{more} is in a dependency too; the source's own is packed",)
