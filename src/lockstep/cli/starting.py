"""``init`` and ``demo``."""

from typing import Annotated

import typer

from lockstep.cli.shell import Shell
from lockstep.cli.stopping import raising

__all__ = ["demo", "init"]


def init(
    ctx: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Write over a lockstep.yaml that exists.")] = False,
) -> int:
    """Write a commented lockstep.yaml, from the tree that exists or for a new one."""
    from lockstep.delivery.init import write_project_file

    shell: Shell = ctx.obj
    path, found = write_project_file(shell.directory, force=force)
    shell.emit([*found.splitlines(), f"Wrote {path}. Next: lockstep validate"])
    return 0


def demo(
    ctx: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running, and say how to use it.")] = False,
) -> int:
    """Tell the whole story against a local AWS, in under a minute."""
    from lockstep.local.story import run_demo

    del ctx
    with raising():
        return run_demo(keep=keep)
