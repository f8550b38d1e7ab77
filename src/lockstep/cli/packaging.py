"""``package``."""

from dataclasses import replace
from pathlib import Path

from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Output, Shell
from lockstep.cli.stopping import ending

__all__ = ["declare_package", "package"]


def declare_package(parser: Parser) -> None:
    """The arguments of ``package``."""
    parser.add_argument("service", metavar="SERVICE", help="a service of lockstep.yaml")
    parser.add_argument(
        "--version",
        metavar="VERSION",
        dest="as_version",
        help="version that is built; goes into the file's name",
    )
    parser.add_argument(
        "--into",
        metavar="PATH",
        type=Path,
        help="file or folder to write; default: dist beside lockstep.yaml",
    )
    declare_output(parser, "form of the summary", Output)


def package(shell: Shell, *, service: str, as_version: str | None, into: Path | None, output: Output) -> int:
    """Build a service's package: the same bytes on every machine; deploys nothing."""
    from lockstep.config.rules import version as judge
    from lockstep.delivery.releases.building import package_service
    from lockstep.errors import BadInput

    if as_version is not None and (problem := judge(as_version)) is not None:
        raise BadInput(problem[0], where="--version", fix=problem[1])
    with ending() as stop:
        built = package_service(
            shell.where, service, version=as_version, into=into, stop=stop, watcher=shell.watcher
        )
    shell.end_progress()
    for warning in built.warnings:
        shell.log(f"warning: {warning}")

    from lockstep.render.package import package_markdown

    near = replace(built, path=_near(built.path))
    shell.summarise(lambda: package_markdown(near))
    match output:
        case Output.JSON:
            from lockstep.render.package import package_document

            shell.emit(package_document(built))
        case Output.MARKDOWN:
            shell.emit(package_markdown(near))
        case Output.TABLE:
            from lockstep.render.package import package_lines

            shell.emit(package_lines(near, palette=shell.palette, columns=shell.columns))
    return 0


def _near(path: Path) -> Path:
    """The path as it is short: below the working folder relative to that."""
    try:
        here = Path.cwd()
    except OSError:  # it has been removed
        return path
    return path.relative_to(here) if path.is_relative_to(here) else path
