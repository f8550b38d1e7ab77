"""``serve``."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser
from lockstep.cli.shell import Shell
from lockstep.cli.stopping import stopping
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.serve.controller import Controller

__all__ = ["declare_serve", "serve"]


def declare_serve(parser: Parser) -> None:
    """The arguments of ``serve``."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=Path("lockstep-serve.yaml"),
        help="what to follow, and what may be done by itself; default: lockstep-serve.yaml",
    )


@contextlib.contextmanager
def _page(shell: Shell, address: tuple[str, int] | None, controller: "Controller") -> Iterator[None]:
    """Show what is followed, where an address is named."""
    if address is None:
        yield
        return
    from lockstep.serve.web.listening import listening

    secret = os.environ.get("LOCKSTEP_GITHUB_HOOK_SECRET")
    with listening(address, controller.followers, secret=secret) as url:
        shell.log(f"{url} shows it, to this machine only: nobody logs in")
        yield


def serve(shell: Shell, *, config: Path) -> int:
    """Follow repositories, and keep AWS as they say until it is stopped."""
    from lockstep.serve.controller import Controller, only_one
    from lockstep.serve.file import read_serve_file

    for name, value in (("--repo", shell.repo), ("--rev", shell.rev)):
        if value is not None:
            raise BadInput("serve follows what its file names", where=name, fix=f"leave out {name}")
    settings = read_serve_file(shell.directory / config.expanduser(), os.environ)
    credentials = replace(shell.credentials, cache=settings.data / "cache")
    told: list[Controller] = []
    with only_one(settings.data), stopping(lambda: told[0].under_way() if told else []) as stop:
        controller = Controller(
            settings,
            credentials=credentials,
            tell=lambda project, words: shell.log(f"{project}: {words}"),
            stop=stop,
        )
        told.append(controller)
        for project in settings.projects:
            shell.log(f"{project.name}: following {project.shown}")
        with _page(shell, settings.listen, controller):
            controller.run()
    shell.log("stopped; whoever starts it again goes on from what Git and AWS say")
    return 0
