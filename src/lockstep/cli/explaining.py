"""``validate``, ``explain`` and ``doctor``: what is declared, where it comes from, what is missing."""

import argparse
import contextlib
import datetime

from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Output, Shell
from lockstep.cli.versions import Form
from lockstep.errors import BadInput, BadInputs

__all__ = [
    "declare_diff",
    "declare_explain",
    "declare_form",
    "declare_validate",
    "diff",
    "doctor",
    "explain",
    "validate",
]


def declare_form(parser: Parser) -> None:
    """The arguments of ``doctor``."""
    declare_output(parser, "form of the result", Output)


def declare_validate(parser: Parser) -> None:
    """The arguments of ``validate``."""
    parser.add_argument(
        "--on",
        metavar="DATE",
        type=_day,
        help="judge as of another day, such as 2027-08-31: which runtimes AWS refuses then; default: today",
    )
    declare_form(parser)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2027-08-31") from None


def declare_explain(parser: Parser) -> None:
    """The arguments of ``explain``."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")
    parser.add_argument(
        "key", metavar="KEY", nargs="?", help="a value: lambda.memorySize; default: all of them"
    )
    declare_output(parser, "form of the result", Output)


def validate(shell: Shell, *, output: Output, on: datetime.date | None) -> int:
    """Check the repository, offline."""
    from lockstep.delivery.places.sources import built_here
    from lockstep.delivery.places.workspace import open_workspace
    from lockstep.delivery.sync.packages import absent_packages

    problem: BadInput | None = None
    warnings: tuple[str, ...] = ()
    count, environments = 0, 0
    try:
        workspace = open_workspace(shell.where, today=on)
        warnings = workspace.warnings
        count = len(workspace.fleet.targets)
        environments = len({target.environment for target in workspace.fleet.targets.values()})
        if absent := absent_packages(workspace):
            problem = BadInputs(absent)
    except BadInput as error:
        problem = error
        with contextlib.suppress(BadInput):  # what is wrong has been told better
            built = built_here(shell.where)
            if built.services:
                return _valid_sources(shell, output, built.services, built.warnings)
    errors = problem.errors if isinstance(problem, BadInputs) else (problem,) if problem else ()
    texts = [str(error) for error in errors]

    from lockstep.render.markdown import validate_markdown

    shell.summarise(lambda: validate_markdown(texts, count, warnings))
    match output:
        case Output.JSON:
            from lockstep.render.documents import validate_document

            shell.emit(validate_document(problem, count, warnings))
        case Output.MARKDOWN:
            shell.emit(validate_markdown(texts, count, warnings))
        case Output.TABLE if problem is not None:
            raise problem
        case Output.TABLE:
            for warning in warnings:
                shell.log(f"warning: {warning}")
            where = f"{environments} {'environment' if environments == 1 else 'environments'}"
            shell.emit([f"Valid: {count} {'target' if count == 1 else 'targets'} in {where}."])
    return problem.exit_code if problem else 0


def _valid_sources(shell: Shell, output: Output, services: tuple[str, ...], warnings: tuple[str, ...]) -> int:
    """A repository that only builds: nothing is deployed from it, so there is nothing more to check."""
    from lockstep.render.documents import validate_document
    from lockstep.render.markdown import validate_markdown

    names = f"{len(services)} {'service' if len(services) == 1 else 'services'}"
    match output:
        case Output.JSON:
            shell.emit(validate_document(None, 0, warnings))
        case Output.MARKDOWN:
            shell.emit(validate_markdown([], 0, warnings))
        case Output.TABLE:
            for warning in warnings:
                shell.log(f"warning: {warning}")
            shell.emit([f"Valid: {names} built here; no environments are declared."])
    return 0


def explain(shell: Shell, *, target: str, key: str | None, output: Output) -> int:
    """Show where each value of a target comes from, and of its role what it has to allow."""
    from lockstep.delivery.setup.explain import explain_target
    from lockstep.delivery.setup.role import role_policy

    workspace = shell.open_workspace()
    values = explain_target(workspace, target, key)
    is_role = key is not None and key.removeprefix("lambda.") == "role"
    needs = role_policy(workspace, target) if is_role else None
    match output:
        case Output.JSON:
            from lockstep.render.documents import explain_document

            shell.emit(explain_document(target, values, needs))
        case Output.MARKDOWN:
            from lockstep.render.markdown import explain_markdown

            shell.emit(explain_markdown(target, values, needs))
        case Output.TABLE:
            from lockstep.render.explain import explain_lines

            shell.emit(explain_lines(target, values, needs, palette=shell.palette, columns=shell.columns))
    return 0


def declare_diff(parser: Parser) -> None:
    """The arguments of ``diff``."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")
    parser.add_argument(
        "sides",
        metavar="SIDE",
        nargs="*",
        help="two of: git, live, an environment, a version; default: live git; one is compared with git",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit 2 when something differs")
    declare_output(parser, "form of the result", Form)


def diff(shell: Shell, *, target: str, sides: list[str], exit_code: bool, output: Form) -> int:
    """Show how two versions, two environments, or Git and AWS differ: values, and files of packages."""
    from lockstep.delivery.sync.options import Options
    from lockstep.delivery.trying.diff import compare
    from lockstep.render.differing import difference_document, difference_lines

    if len(sides) > 2:
        raise BadInput("there are more than two sides", where=target, fix="name two, or none")
    first, second = (*sides, "git") if len(sides) == 1 else sides or ("live", "git")
    options = Options(github_token=shell.settings.github_token)
    found = compare(shell.open_workspace(), target, (first, second), options, watcher=shell.watcher)
    shell.end_progress()
    if output is Form.JSON:
        shell.emit(difference_document(found))
    else:
        shell.emit(difference_lines(found, palette=shell.palette, columns=shell.columns))
    if found.notes:
        return 1
    return 2 if exit_code and not found.is_empty else 0


def doctor(shell: Shell, *, output: Output) -> int:
    """Check credentials, permissions, buckets and tools, and say how to mend what is wrong."""
    from lockstep.delivery.setup.doctor import run_checks
    from lockstep.model import Check, Verdict
    from lockstep.render.doctor import check_lines, doctor_summary
    from lockstep.render.markdown import doctor_markdown

    def on_check(check: Check) -> None:
        if output is Output.TABLE:
            shell.emit(check_lines(check, palette=shell.palette, columns=shell.columns))

    checks = run_checks(shell.where, on_check=on_check)
    match output:
        case Output.JSON:
            from lockstep.render.documents import doctor_document

            shell.emit(doctor_document(checks))
        case Output.MARKDOWN:
            shell.emit(doctor_markdown(checks))
        case Output.TABLE:
            shell.emit(["", doctor_summary(checks)])
    shell.summarise(lambda: doctor_markdown(checks))
    return 1 if any(check.verdict is Verdict.FAILED for check in checks) else 0
