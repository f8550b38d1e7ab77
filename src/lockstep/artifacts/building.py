"""From a service's source to its package: the same bytes wherever and whenever it is built."""

import contextlib
import os
import tempfile
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path

from lockstep.artifacts.builders.base import Job, Maker, Product, submodule_of
from lockstep.artifacts.builders.layer import as_layer, misplaced
from lockstep.artifacts.checks import check_zip, sha256_of
from lockstep.artifacts.contents import check_size, find_faults, parts_of, sizes_in
from lockstep.artifacts.package import make_zip_from
from lockstep.errors import ArtifactError, BadInput, Interrupted
from lockstep.model import Builder, Built, Source
from lockstep.model.watching import SILENT, Watcher

__all__ = ["build"]

_EPOCH = 315532800  # 1980-01-01, the first day that a zip can name


def build(
    source: Source,
    *,
    root: Path,
    into: Path,
    version: str | None = None,
    commit: str | None = None,
    epoch: int = _EPOCH,
    files: Iterable[str] | None = None,
    submodules: Iterable[str] = (),
    stop: threading.Event | None = None,
    watcher: Watcher = SILENT,
) -> Built:
    """Build a service from the tree below ``root`` and write its zip to ``into``, whole or not at all.

    ``root`` is what the paths of ``source`` are relative to, and no file outside it is packed.
    ``files`` are the paths below it that are source (those that Git does not ignore); None: all that
    lie there, as in an exported commit. ``submodules`` are the paths below it of other repositories, of
    which nothing is packed. ``epoch`` is the commit's time in seconds. Raises BadInput for what
    is declared wrongly, ArtifactError for a build that fails or a package that Lambda would not take,
    and Interrupted soon after ``stop`` is set.
    """
    if source.build is None:
        raise BadInput(
            f"nothing says how {source.service} is built",
            where=source.place,
            fix="add build: {builder: python, runtime: python3.13}, or another builder",
        )
    top = root.resolve()
    folder = _folder(source, top)
    with tempfile.TemporaryDirectory(prefix="lockstep-build-", ignore_cleanup_errors=True) as work:
        job = Job(
            service=source.service,
            build=source.build,
            root=top,
            folder=folder,
            work=Path(work).resolve(),
            files=None if files is None else frozenset(files),
            submodules=tuple(submodules),
            version=version,
            commit=commit,
            epoch=epoch,
            stop=stop or threading.Event(),
            watcher=watcher,
        )
        if (other := submodule_of(job, folder)) is not None:
            raise BadInput(
                f"the folder {source.build.path} lies in the submodule {other}, whose files are not here",
                where=source.build.place,
                fix="build it in its own repository, or copy what is needed into this one",
            )
        product = _builder(source.build.builder)(job)
        if source.build.is_layer:
            product = as_layer(product, source.build.builder)
        if job.stop.is_set():
            raise Interrupted("the build was stopped", fix="run the same command again")
        watcher.progress(f"{source.service}: packing")
        sha256, size = _pack(job, product, into)
    return _built(source, product, into, sha256, size, version=version, commit=commit)


def _folder(source: Source, top: Path) -> Path:
    assert source.build is not None  # noqa: S101 - asked by the caller
    folder = (top / source.build.path).resolve()
    if not folder.is_relative_to(top):
        raise BadInput(
            f"the folder {source.build.path} leads out of the repository",
            where=source.build.place,
            fix="name one that lies in it; a link may not lead out either",
        )
    if not folder.is_dir():
        raise BadInput(
            f"there is no folder {source.build.path}", where=source.build.place, fix="correct build.path"
        )
    return folder


def _builder(builder: Builder) -> Maker:
    match builder:
        case Builder.PYTHON:
            from lockstep.artifacts.builders.python import build_python

            return build_python
        case Builder.NODE:
            from lockstep.artifacts.builders.node import build_node

            return build_node
        case Builder.DOTNET:
            from lockstep.artifacts.builders.dotnet import build_dotnet

            return build_dotnet
        case Builder.COMMAND:
            from lockstep.artifacts.builders.command import build_command

            return build_command
        case Builder.PREBUILT:
            from lockstep.artifacts.builders.prebuilt import build_prebuilt

            return build_prebuilt


def _pack(job: Job, product: Product, into: Path) -> tuple[str, int]:
    """Write the zip, once it is known to be one that Lambda takes; its SHA-256 and size in bytes."""
    origin = f"the package of {job.service}"
    if product.zip is None:
        files = {name: path for name, path in product.files.items() if path != into.resolve()}
        if not files:
            raise BadInput(
                f"the package of {job.service} would be empty",
                where=job.build.place,
                fix="check path, output, include and exclude of its build",
            )
        check_size({name: path.stat().st_size for name, path in files.items()}, origin=origin)
        made = job.work / "made.zip"
        make_zip_from(files, made)
    else:
        made = product.zip
        with contextlib.suppress(zipfile.BadZipFile, OSError):  # check_zip says what is wrong with it
            check_size(sizes_in(made), origin=origin)
    check_zip(made, origin=origin)
    return sha256_of(made), _place(made, into)


def _place(made: Path, into: Path) -> int:
    """Copy a file to its place so that it appears whole; its size in bytes."""
    if made.resolve() == into.resolve():
        return made.stat().st_size
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{into.name}-", dir=into.parent)
        try:
            with made.open("rb") as source, os.fdopen(descriptor, "wb") as copy:
                while chunk := source.read(1 << 20):
                    copy.write(chunk)
            Path(name).chmod(0o644)
            Path(name).replace(into)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ArtifactError(
            f"{into} cannot be written: {error.strerror}", fix="name another place, or make room"
        ) from None
    return into.stat().st_size


def _built(
    source: Source,
    product: Product,
    path: Path,
    sha256: str,
    size: int,
    *,
    version: str | None,
    commit: str | None,
) -> Built:
    assert source.build is not None  # noqa: S101 - it has been built
    sizes = sizes_in(path)
    return Built(
        service=source.service,
        builder=source.build.builder.value,
        path=path,
        sha256=sha256,
        size=size,
        unpacked=sum(sizes.values()),
        files=len(sizes),
        parts=parts_of(sizes),
        version=version,
        commit=commit,
        runtime=source.build.runtime,
        architecture=source.build.architecture,
        tools=product.tools,
        dependencies=product.dependencies,
        warnings=(
            *product.warnings,
            *find_faults(path, source.build.architecture),
            *(misplaced(sizes) if source.build.is_layer else ()),
        ),
    )
