"""``version`` and ``changed``, which run where services are built."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser, at_least, declare_output
from lockstep.cli.shell import Shell
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.delivery.releases.versions import Decided

__all__ = ["changed", "decided_on", "declare_changed", "declare_decided", "declare_version", "version"]

_MAX_CHARACTERS = 1_000_000  # of GitVersion's output, which has some 2,000


class Form(StrEnum):
    """Forms of a result that has no Markdown."""

    TABLE = "table"
    JSON = "json"


def declare_version(parser: Parser) -> None:
    """The arguments of ``version``."""
    parser.add_argument("service", metavar="SERVICE", help="a service of lockstep.yaml: s3-notifier")
    declare_decided(parser)
    parser.add_argument(
        "--explain", action="store_true", help="show the base, what each commit asks for, and the result"
    )
    declare_output(parser, "form of the result", Form)


def declare_decided(parser: Parser) -> None:
    """The arguments that say what the version is; without them it follows from tags and commits."""
    parser.add_argument(
        "--version",
        metavar="V",
        dest="given",
        help="take this one, if it is free and above the last release: 1.0.0",
    )
    parser.add_argument(
        "--pr",
        metavar="N",
        type=at_least(1, int),
        help="a pre-release for pull request N: 0.1.6-prN.COUNT, with the commits since the last release",
    )
    parser.add_argument(
        "--from-gitversion",
        metavar="FILE",
        dest="gitversion",
        help="take the one in GitVersion's JSON output; - reads stdin",
    )


def declare_changed(parser: Parser) -> None:
    """The arguments of ``changed``."""
    parser.add_argument(
        "--since",
        metavar="REV",
        required=True,
        help="a commit, such as a push event's before, or the branch that a pull request goes to",
    )
    declare_output(parser, "form of the result, json being a list for a CI matrix", Form)


def version(
    shell: Shell,
    *,
    service: str,
    given: str | None,
    pr: int | None,
    gitversion: str | None,
    explain: bool,
    output: Form,
) -> int:
    """Tell the next version of a service, from its tags and the commits since."""
    from lockstep.delivery.releases.versions import find_version

    found = find_version(shell.where, service, decided=decided_on(given, gitversion, pr), pr=pr)
    for warning in found.warnings:
        shell.log(f"warning: {warning}")
    match output:
        case Form.JSON:
            from lockstep.render.versions import version_document

            shell.emit(version_document(found))
        case Form.TABLE if explain:
            from lockstep.render.versions import version_lines

            shell.emit(version_lines(found, palette=shell.palette, columns=shell.columns))
        case Form.TABLE:
            shell.emit([str(found.version)])
    return 0


def changed(shell: Shell, *, since: str, output: Form) -> int:
    """Tell which services the commits since a revision touch."""
    from lockstep.delivery.releases.versions import changed_services

    found = changed_services(shell.where, since)
    if shell.verbosity:
        if found.every is not None:
            shell.log(f"all services: {found.every}")
        for name, path in found.reasons.items():
            shell.log(f"{name}: {path} changed")
    match output:
        case Form.JSON:
            from lockstep.render.versions import changed_document

            shell.emit(changed_document(found.services))
        case Form.TABLE:
            from lockstep.render.versions import changed_lines

            shell.emit(changed_lines(found.services))
    return 0


def decided_on(given: str | None, gitversion: str | None, pr: int | None) -> "Decided | None":
    """The version that was decided on elsewhere; BadInput when two say which."""
    from lockstep.delivery.releases.versions import Decided, read_gitversion
    from lockstep.model.version import NotAVersion, Version

    named = {"--version": given, "--from-gitversion": gitversion, "--pr": pr}
    options = [option for option, value in named.items() if value is not None]
    if len(options) > 1:
        raise BadInput(
            f"{' and '.join(options)} each say what the version is", where=options[0], fix="give one of them"
        )
    if given is not None:
        try:
            return Decided(version=Version.parse(given))
        except NotAVersion as error:
            raise BadInput(
                f"{given!r} is no semantic version: it {error}",
                where="--version",
                fix="write MAJOR.MINOR.PATCH, such as 1.0.0 or 1.0.0-rc.1",
            ) from None
    if gitversion is not None:
        return read_gitversion(_read(gitversion), "stdin" if gitversion == "-" else gitversion)
    return None


def _read(name: str) -> str:
    """A file's text, or what stands on stdin."""
    try:
        if name == "-":
            text = sys.stdin.buffer.read(_MAX_CHARACTERS).decode("utf-8-sig")
        else:
            with Path(name).open(encoding="utf-8-sig") as file:
                text = file.read(_MAX_CHARACTERS)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise BadInput(
            f"cannot be read: {reason}",
            where=name,
            fix="name the file that GitVersion's output was written to",
        ) from None
    return text
