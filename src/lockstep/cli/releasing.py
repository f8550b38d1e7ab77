"""``release``."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Output, Shell
from lockstep.cli.versions import decided_on, declare_decided
from lockstep.errors import BadInput, Interrupted, LockstepError, Several

if TYPE_CHECKING:
    from lockstep.delivery.releases.release import Monorepo
    from lockstep.model.released import Released

__all__ = ["declare_release", "release"]


def declare_release(parser: Parser) -> None:
    """The arguments of ``release``."""
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="services of lockstep.yaml")
    parser.add_argument(
        "--since", metavar="REV", help="the services that changed since this commit, as `changed` tells them"
    )
    declare_decided(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what would be released; nothing is built"
    )
    declare_output(parser, "form of the result", Output)


def release(
    shell: Shell,
    *,
    services: list[str],
    since: str | None,
    given: str | None,
    pr: int | None,
    gitversion: str | None,
    dry_run: bool,
    output: Output,
) -> int:
    """Tag a version and publish its package with digest and build facts; deploys nothing."""
    from lockstep.cli.stopping import stopping
    from lockstep.delivery.releases.release import Request, open_monorepo
    from lockstep.delivery.releases.release import release as run
    from lockstep.render.release import release_document, release_lines, release_markdown

    request = Request(decided=decided_on(given, gitversion, pr), pr=pr, dry_run=dry_run)
    monorepo = open_monorepo(shell.where, shell.credentials)
    names = _names(monorepo, services, since)
    if not names:
        shell.log(f"no service changed since {since}; nothing to release")
    done: list[Released] = []
    failed: dict[str, LockstepError] = {}
    under_way: list[str] = []
    with stopping(lambda: under_way) as stop:
        for name in names:
            under_way[:] = [f"the release of {name}"]
            try:
                made = run(monorepo, name, request, stop=stop, tell=shell.progress, note=_noting(shell, name))
            except Interrupted:
                raise
            except LockstepError as error:
                failed[name] = error
                continue
            finally:
                shell.end_progress()
            done.append(made)
            if output is Output.TABLE:
                shell.emit(release_lines(made, is_dry=dry_run, palette=shell.palette, columns=shell.columns))
            if stop.is_set() and name != names[-1]:
                raise Interrupted(
                    "the services after it were not released", where=name, fix="run the same command again"
                )
    told = {name: str(error) for name, error in failed.items()}
    match output:
        case Output.JSON:
            shell.emit(release_document(done, told))
        case Output.MARKDOWN:
            shell.emit(release_markdown(done, told, is_dry=dry_run))
        case Output.TABLE:
            pass
    shell.summarise(lambda: release_markdown(done, told, is_dry=dry_run))
    if not dry_run:
        shell.hand_on("released", ",".join(f"{made.service}@{made.version}" for made in done))
    if failed:
        raise _failure(list(failed.values()), is_partial=bool(done))
    return 0


def _names(monorepo: "Monorepo", services: list[str], since: str | None) -> list[str]:
    """The services that are meant, each once; BadInput before anything is done when one is not there."""
    from lockstep.delivery.releases.versions import changed_services

    if not services and since is None:
        raise BadInput(
            "no service is named", fix="name services, or give --since REV for those that changed since then"
        )
    for name in services:
        monorepo.tree.source(name)
    names = list(dict.fromkeys(services))
    if since is None:
        return names
    changed = changed_services(monorepo.where, since).services
    return [name for name in names if name in changed] if names else list(changed)


def _noting(shell: Shell, name: str) -> Callable[[str], None]:
    def note(words: str) -> None:
        shell.end_progress()
        shell.log(f"{name}: {words}")

    return note


def _failure(errors: list[LockstepError], *, is_partial: bool) -> LockstepError:
    """One error, or several; bad input only where nothing was released."""
    failure = errors[0] if len(errors) == 1 else Several(errors)
    if is_partial:
        failure.exit_code = 1
    return failure
