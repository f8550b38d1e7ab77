"""``serve``."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser
from lockstep.cli.shell import Shell
from lockstep.cli.stopping import raising, stopping
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.delivery.places.forges import Credentials
    from lockstep.serve.controller import Controller
    from lockstep.serve.file import ServeFile

__all__ = ["declare_serve", "serve"]

_FILE = "lockstep-serve.yaml"
_DAYS = 90  # that a token is taken, unless somebody writes another day


def declare_serve(parser: Parser) -> None:
    """The arguments of ``serve``."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=f"what to follow, and what may be done by itself; default: {_FILE}",
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="follow the repository of the demo on a local AWS, which go when it ends",
    )
    parser.add_argument(
        "--role",
        choices=("all", "web", "worker"),
        default="all",
        help="of several on one database: show pages only, do what is due only, or both; default: all",
    )
    parser.add_argument(
        "--token",
        metavar="NAME",
        help="follow nothing: print a new token for a program, and what to write of it into the file",
    )


_Log = Callable[[str, str], None]


def json_line(project: str, message: str) -> str:
    """One line of a log for programs; nothing in it can act on a terminal, or be taken for another line."""
    import datetime
    import json

    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": at, "project": project or None, "message": message}) + "\n"


def _log(shell: Shell, form: str) -> _Log:
    """Tells what a project says; without the name of one it is the controller that speaks."""

    def tell(project: str, words: str) -> None:
        if form == "json":
            sys.stderr.write(json_line(project, words))
            sys.stderr.flush()
        else:
            shell.log(f"{project}: {words}" if project else words)

    return tell


@contextlib.contextmanager
def heard(log: _Log) -> Iterator[None]:
    """What the web server and OpenTelemetry warn of is told as all else is; of an exception its last line.

    Other libraries' logs may hold credentials.
    """
    import logging

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            log("", record.getMessage() + (f": {type(error).__name__}: {error}" if error else ""))

    handler = Heard(logging.WARNING)
    heard = [logging.getLogger(name) for name in ("uvicorn", "opentelemetry")]
    for one in heard:
        one.addHandler(handler)
        one.propagate = False
    try:
        yield
    finally:
        for one in heard:
            one.removeHandler(handler)


@contextlib.contextmanager
def _page(log: _Log, settings: "ServeFile", controller: "Controller") -> Iterator[None]:
    """Show what is followed, where an address is named."""
    if settings.listen is None:
        yield
        return
    from lockstep.serve.web.listening import listening

    access = settings.access
    with listening(
        settings.listen,
        controller.followers,
        controller.history,
        working=controller.working,
        access=lambda: controller.rereader.access,
        hook_secret=os.environ.get("LOCKSTEP_GITHUB_HOOK_SECRET") or None,
        login_secret=os.environ.get("LOCKSTEP_LOGIN_SECRET") or None,
    ) as url:
        if access.login is None:
            log("", f"{url} shows it, to this machine only: nobody logs in")
        else:
            log("", f"{url} shows it as {access.url} to who logs in at {access.login.provider}")
        yield


@contextlib.contextmanager
def _health(log: _Log, settings: "ServeFile", controller: "Controller") -> Iterator[None]:
    """Say whether a process without a page lives.

    Where nobody chose the address it is no mistake that another worker of this machine has it.
    """
    from lockstep.serve.web.listening import HEALTH, answering_health

    assert controller.history is not None  # noqa: S101 - workers have a database
    with contextlib.ExitStack() as stack:
        try:
            answering = answering_health(
                settings.health or HEALTH,
                lambda: controller.is_alive,
                controller.history,
                controller.working,
            )
            log("", f"{stack.enter_context(answering)}healthz says whether this worker lives")
        except BadInput as error:
            if settings.health is not None:
                raise
            log("", f"nobody can ask whether this worker lives: {error.problem}")
        yield


def serve(shell: Shell, *, config: Path | None, demo: bool, role: str, token: str | None) -> int:
    """Follow repositories, and keep AWS as they say until it is stopped."""
    from lockstep.serve.file import read_serve_file

    if token is not None:
        return _give_token(shell, token)

    for name, value in (("--repo", shell.repo), ("--rev", shell.rev)):
        if value is not None:
            raise BadInput("serve follows what its file names", where=name, fix=f"leave out {name}")
    if demo:
        return _demonstrate(shell, config)
    settings = read_serve_file(shell.directory / (config or Path(_FILE)).expanduser(), os.environ)
    log = _log(shell, settings.log)
    if role != "all" and settings.database is None:
        raise BadInput(
            "alone it has to do everything", where="--role", fix="name a database:, or leave it out"
        )
    if role == "web" and settings.listen is None:
        raise BadInput("it has no page to show", where="--role", fix="write listen:")
    _follow(log, settings, shell.credentials, role)
    log("", "stopped; whoever starts it again goes on from what Git and AWS say")
    return 0


def _give_token(shell: Shell, name: str) -> int:
    """Print a token, which nobody can find out from what the file says of it."""
    import datetime
    import json

    from lockstep.serve.access import digest_of, new_token

    token = new_token()
    expires = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=_DAYS)
    shell.log("it is shown this once; write below tokens: of the file, with the groups whose roles it has:")
    shell.log(f"  {json.dumps(name)}:")
    shell.log(f"    sha256: {digest_of(token)}")
    shell.log("    groups: []")
    shell.log(f'    expires: "{expires}"')
    shell.emit(f"{token}\n")
    return 0


def _demonstrate(shell: Shell, config: Path | None) -> int:
    """Follow the demo's repository."""
    from lockstep.delivery.places.forges import Credentials
    from lockstep.local.served import served
    from lockstep.serve.file import read_serve_file

    if config is not None:
        raise BadInput(
            "the demo follows what it makes", where="--config", fix="leave out --config, or --demo"
        )
    shell.log("starting a local AWS and the demo's repositories")
    with raising(), served() as ground:
        os.environ.clear()  # nothing of the user's account is known from here on
        os.environ.update(ground.environment)
        for words in ground.hints:
            shell.log(words)
        settings = read_serve_file(ground.config, {})
        _follow(_log(shell, settings.log), settings, Credentials(cache=settings.data))
        shell.log("stopped; the local AWS and the repositories go")
    return 0


def _follow(log: _Log, settings: "ServeFile", credentials: "Credentials", role: str = "all") -> None:
    """Follow until it is stopped."""
    from lockstep.serve.controller import Controller, Part, only_one
    from lockstep.tracing import begin

    told: list[Controller] = []
    line = {"line": lambda words: json_line("", words)} if settings.log == "json" else {}
    under_way = stopping(lambda: told[0].under_way() if told else [], **line)
    with only_one(settings.data), heard(log), begin(os.environ), under_way as stop:
        controller = Controller(
            settings,
            credentials=replace(credentials, cache=settings.data / "cache"),
            tell=log,
            stop=stop,
            environ=os.environ,
            part=Part(role),
        )
        told.append(controller)
        for project in settings.projects:
            log(project.name, f"following {project.shown}")
        with _health(log, settings, controller) if role == "worker" else _page(log, settings, controller):
            controller.run()
