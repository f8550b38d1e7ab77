"""``init`` and ``demo``."""

from enum import StrEnum

from lockstep.cli.parser import Parser, one_of
from lockstep.cli.shell import Shell
from lockstep.cli.stopping import raising

__all__ = ["RepositoryKind", "declare_demo", "declare_init", "demo", "init"]


class RepositoryKind(StrEnum):
    """What a repository holds that workflows are written for."""

    MONOREPO = "monorepo"
    GITOPS = "gitops"
    INFRASTRUCTURE = "infrastructure"
    COMBINED = "combined"


def declare_init(parser: Parser) -> None:
    """The arguments of ``init``."""
    parser.add_argument("--force", action="store_true", help="write over files that exist")
    parser.add_argument(
        "--github",
        metavar="KIND",
        type=one_of(RepositoryKind),
        help=f"also write workflows of GitHub Actions, for a repository that is: {', '.join(RepositoryKind)}",
    )


def declare_demo(parser: Parser) -> None:
    """The arguments of ``demo``."""
    parser.add_argument("--keep", action="store_true", help="leave it running, and say how to use it")


def init(shell: Shell, *, force: bool, github: RepositoryKind | None) -> int:
    """Write a commented lockstep.yaml, from the tree that exists or for a new one."""
    from lockstep.delivery.setup.init import FILE, write_project_file

    folder = shell.directory
    # A monorepo has no tree of environments, and what it builds nobody else knows.
    has_tree = github is not RepositoryKind.MONOREPO
    if github is None or (has_tree and not (folder / FILE).exists()):
        path, found = write_project_file(folder, force=force)
        shell.emit([*found.splitlines(), f"Wrote {path}. Next: lockstep validate"])
    if github is not None:
        _write_workflows(shell, github, force=force)
    return 0


def _write_workflows(shell: Shell, github: RepositoryKind, *, force: bool) -> None:
    from lockstep.delivery.setup.init_github import Kind, what_to_set_up, write_workflows

    kind = Kind(github)
    for path in write_workflows(shell.directory, kind, force=force):
        shell.emit([f"Wrote {shell.directory / path}"])
    shell.emit(["", "To set up on GitHub and in AWS:", *(f"- {line}" for line in what_to_set_up(kind))])


def demo(shell: Shell, *, keep: bool) -> int:
    """Tell the whole story against a local AWS, in about a minute."""
    from lockstep.local.story import run_demo

    del shell
    with raising():
        return run_demo(keep=keep)
