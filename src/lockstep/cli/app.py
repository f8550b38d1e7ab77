"""The commands and the global options."""

from pathlib import Path
from typing import Annotated

import typer

from lockstep._version import __version__
from lockstep.cli.explaining import doctor, explain, validate
from lockstep.cli.planning import plan, sync
from lockstep.cli.shell import Shell
from lockstep.cli.starting import demo, init
from lockstep.cli.status import status
from lockstep.settings import read_settings

__all__ = ["app"]

EPILOG = "Global options (-C, --repo, --rev, --no-color, -v) may stand before or after the command."

app = typer.Typer(
    name="lockstep",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done or nothing to do, 1 failed, 2 differences (with --exit-code), 3 bad input.",
)

for command in (init, validate, plan, sync, status, explain, doctor, demo):
    app.command(epilog=EPILOG)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lockstep {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Option("-C", "--directory", help="Work in this folder.", metavar="DIR")
    ] = Path(),
    repo: Annotated[
        str | None, typer.Option("--repo", help="Read this repository instead of DIR.", metavar="URL")
    ] = None,
    rev: Annotated[
        str | None,
        typer.Option("--rev", help="Read this commit, branch or tag; no checkout.", metavar="REV"),
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help="Log what is done; -vv says more.")
    ] = 0,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep AWS Lambda functions in lockstep with a GitOps repository."""
    del version  # answered by its callback
    settings = read_settings()
    level = ("debug" if verbose > 1 else "info") if verbose else settings.log_level
    if level != "warning":
        _log_to_stderr(level)
    ctx.obj = Shell(
        settings=settings,
        directory=directory.expanduser(),
        repo=repo,
        rev=rev,
        no_color=no_color,
        verbosity=verbose,
    )


def _log_to_stderr(level: str) -> None:
    """Show Lockstep's own log. Other libraries' logs stay off: theirs may hold credentials."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("lockstep")
    log.addHandler(handler)
    log.setLevel(level.upper())
    log.propagate = False
