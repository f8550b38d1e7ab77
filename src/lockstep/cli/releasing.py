"""``release``."""

from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Output, Shell
from lockstep.cli.versions import decided_on, declare_decided
from lockstep.errors import LockstepError, Several

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
    from lockstep.delivery.releases.several import NotReleased, names_of, release_each
    from lockstep.model.released import Released
    from lockstep.render.release import release_document, release_lines, release_markdown

    request = Request(decided=decided_on(given, gitversion, pr), pr=pr, dry_run=dry_run)
    monorepo = open_monorepo(shell.where, shell.credentials)
    names = names_of(monorepo, services, since)
    if not names:
        shell.log(f"no service changed since {since}; nothing to release")
    ended: list[Released | NotReleased] = []
    with stopping(lambda: [f"the release of {name}" for name in names[len(ended) :][:1]]) as stop:
        for one in release_each(monorepo, names, request, stop=stop, watcher=shell.watcher):
            shell.end_progress()
            ended.append(one)
            if isinstance(one, Released) and output is Output.TABLE:
                shell.emit(release_lines(one, is_dry=dry_run, palette=shell.palette, columns=shell.columns))
    done = [one for one in ended if isinstance(one, Released)]
    failed = {one.service: one.error for one in ended if isinstance(one, NotReleased)}
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
        if done:
            wishes = " ".join(f"{made.service}@{made.version}" for made in done)
            shell.suggested.append(f"lockstep promote {wishes} --to ENVIRONMENT")
        shell.hand_on("released", ",".join(f"{made.service}@{made.version}" for made in done))
    if failed:
        raise _failure(list(failed.values()), is_partial=bool(done))
    return 0


def _failure(errors: list[LockstepError], *, is_partial: bool) -> LockstepError:
    """One error, or several; bad input only where nothing was released."""
    failure = errors[0] if len(errors) == 1 else Several(errors)
    if is_partial:
        failure.exit_code = 1
    return failure
