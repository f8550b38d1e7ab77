"""``init`` and ``demo``."""

from lockstep.cli.parser import Parser
from lockstep.cli.shell import Shell
from lockstep.cli.stopping import raising

__all__ = ["declare_demo", "declare_init", "demo", "init"]


def declare_init(parser: Parser) -> None:
    """The arguments of ``init``."""
    parser.add_argument("--force", action="store_true", help="write over a lockstep.yaml that exists")


def declare_demo(parser: Parser) -> None:
    """The arguments of ``demo``."""
    parser.add_argument("--keep", action="store_true", help="leave it running, and say how to use it")


def init(shell: Shell, *, force: bool) -> int:
    """Write a commented lockstep.yaml, from the tree that exists or for a new one."""
    from lockstep.delivery.init import write_project_file

    path, found = write_project_file(shell.directory, force=force)
    shell.emit([*found.splitlines(), f"Wrote {path}. Next: lockstep validate"])
    return 0


def demo(shell: Shell, *, keep: bool) -> int:
    """Tell the whole story against a local AWS, in under a minute."""
    from lockstep.local.story import run_demo

    del shell
    with raising():
        return run_demo(keep=keep)
