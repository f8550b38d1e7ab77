"""``promote``, ``rollback``, ``hold``, ``release-hold`` and ``history``: versions that travel through Git."""

import threading
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser, declare_output, declare_wait, one_by_one
from lockstep.cli.shell import Output, Shell
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockstep.delivery.places.gitops import GitOps
    from lockstep.delivery.places.proposal import Proposed
    from lockstep.delivery.promotion.rollback import RolledBack
    from lockstep.delivery.sync.options import Options
    from lockstep.model.era import Era
    from lockstep.model.move import Move
    from lockstep.model.record import Record

__all__ = [
    "declare_history",
    "declare_hold",
    "declare_promote",
    "declare_release_hold",
    "declare_rollback",
    "history",
    "hold",
    "promote",
    "release_hold",
    "rollback",
    "show_history",
]


def declare_promote(parser: Parser) -> None:
    """The arguments of ``promote``."""
    parser.add_argument(
        "services",
        nargs="+",
        metavar="SERVICE[@VERSION]",
        help="services or globs, also with commas between them; without a version the one of the "
        "environment that it comes from",
    )
    parser.add_argument("--to", metavar="ENV", required=True, help="environment to promote to")
    parser.add_argument("--from", metavar="ENV", dest="source", help="environment that versions come from")
    parser.add_argument("--override", metavar="REASON", help="pass freezes and soaks, and say why")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    declare_wait(parser, "merged and live")
    declare_output(parser, "form of the result", Output)


def declare_rollback(parser: Parser) -> None:
    """The arguments of ``rollback``."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")
    parser.add_argument("--to", metavar="VERSION", help="version to go back to; default: the last good one")
    parser.add_argument("--reason", metavar="TEXT", help="why, for those who come after you")
    parser.add_argument(
        "--now", action="store_true", help="commit at once, whatever the policy says, and sync the target"
    )
    declare_wait(parser, "merged and live")
    declare_output(parser, "form of the result", Output)


def declare_hold(parser: Parser) -> None:
    """The arguments of ``hold``."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")
    parser.add_argument("--reason", metavar="TEXT", help="why, for those who come after you")
    declare_output(parser, "form of the result", Output)


def declare_release_hold(parser: Parser) -> None:
    """The arguments of ``release-hold``."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")
    parser.add_argument("--reason", metavar="TEXT", help="why it may move again")
    parser.add_argument("--now", action="store_true", help="commit at once, whatever the policy says")
    declare_output(parser, "form of the result", Output)


def declare_history(parser: Parser) -> None:
    """The arguments of ``history``."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")
    declare_output(parser, "form of the result", Output)


def promote(
    shell: Shell,
    *,
    services: list[str],
    to: str,
    source: str | None,
    override: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float,
    output: Output,
) -> int:
    """Bring versions of services to an environment, by commit or pull request."""
    import datetime

    from lockstep.cli.stopping import stopping
    from lockstep.delivery.promotion.promote import Request, parse_wish
    from lockstep.delivery.promotion.promote import promote as run

    if override is not None and not override.strip():
        raise BadInput("the reason is empty", where="--override", fix="say why the gates do not count")
    request = Request(
        wishes=tuple(parse_wish(text) for text in one_by_one(services)),
        environment=to,
        source=source,
        override=override,
        dry_run=dry_run,
    )
    gitops = _open(shell)
    options = _options(shell)
    now = datetime.datetime.now(datetime.UTC)
    with stopping(lambda: ["the promotion"]) as stop:
        promoted = run(gitops, request, options, now=now, watcher=shell.watcher)
        shell.end_progress()
        for note in promoted.notes:
            shell.log(note)
        _show(shell, promoted.moves, promoted.outcome, output, is_dry=dry_run)
        if wait and not dry_run and promoted.moves:
            return _wait(shell, gitops, promoted.outcome, promoted.moves, options, stop, timeout)
    return _code(promoted.outcome)


def rollback(
    shell: Shell,
    *,
    target: str,
    to: str | None,
    reason: str | None,
    now: bool,
    wait: bool,
    timeout: float,
    output: Output,
) -> int:
    """Go back to the last good version of a target, and hold it there."""
    import datetime

    from lockstep.cli.stopping import stopping
    from lockstep.delivery.promotion.rollback import roll_back

    gitops = _open(shell)
    options = _options(shell)
    moment = datetime.datetime.now(datetime.UTC)
    with stopping(lambda: ["the rollback"]) as stop:
        done = roll_back(
            gitops,
            target,
            options,
            to=to,
            reason=reason,
            is_urgent=now,
            now=moment,
            watcher=shell.watcher,
            stop=stop,
        )
        shell.end_progress()
        for note in done.notes:
            shell.log(note)
        _show(shell, (done.move,), done.outcome, output)
        shell.log(f"held until: lockstep release-hold {target}")
        if not now:
            if wait:
                return _wait(shell, gitops, done.outcome, (done.move,), options, stop, timeout)
            return _code(done.outcome)
    return _sync(shell, gitops, done, stop)


def hold(shell: Shell, *, target: str, reason: str | None, output: Output) -> int:
    """Keep a target at what it declares: nothing is promoted to it until the hold is released."""
    import datetime

    from lockstep.cli.stopping import stopping
    from lockstep.delivery.promotion.rollback import hold as run

    gitops = _open(shell)
    with stopping(lambda: ["the commit"]):
        outcome = run(gitops, target, reason=reason, now=datetime.datetime.now(datetime.UTC))
    shell.end_progress()
    _show(shell, (), outcome, output)
    shell.log(f"held until: lockstep release-hold {target}")
    return _code(outcome)


def release_hold(shell: Shell, *, target: str, reason: str | None, now: bool, output: Output) -> int:
    """Let versions be promoted to a target again after a rollback."""
    from lockstep.cli.stopping import stopping
    from lockstep.delivery.promotion.rollback import release_hold as run

    gitops = _open(shell)
    with stopping(lambda: ["the commit"]):
        outcome = run(gitops, target, is_urgent=now, reason=reason)
    shell.end_progress()
    _show(shell, (), outcome, output)
    return _code(outcome)


def history(shell: Shell, *, target: str, output: Output) -> int:
    """Show which versions a target declared over time, who brought them, and when each was deployed."""
    from lockstep.delivery.places.selection import check_patterns
    from lockstep.delivery.places.timeline import read_timeline
    from lockstep.delivery.sync.records import read_records
    from lockstep.planning.eras import deployments_of, in_order

    workspace = shell.open_workspace()
    if target not in workspace.fleet.targets:
        check_patterns(workspace, [target])
        raise BadInput("history is of one target", where=target, fix="write ENVIRONMENT/SERVICE")
    found = read_timeline(workspace, workspace.fleet.targets[target])
    records, problem = read_records(workspace, [target], shell.credentials)
    deployed = deployments_of(found.eras, in_order(records[target]))
    show_history(shell, target, found.eras, deployed, output)
    if problem is not None:
        shell.log(f"note: {problem}")
    if found.is_cut:
        shell.log("this clone holds only the newest commits: git fetch --unshallow shows the rest")
    return 0


def show_history(
    shell: Shell, target: str, eras: "Sequence[Era]", deployed: "Mapping[str, Record]", output: Output
) -> None:
    """Show versions with what is written down of each."""
    import datetime

    from lockstep.render.history import history_document, history_lines, history_markdown

    match output:
        case Output.JSON:
            now = datetime.datetime.now(datetime.UTC)
            shell.emit(history_document(target, eras, deployed, now))
        case Output.MARKDOWN:
            shell.emit(history_markdown(target, eras, deployed))
        case Output.TABLE:
            shell.emit(history_lines(eras, deployed, columns=shell.columns))


def _open(shell: Shell) -> "GitOps":
    from lockstep.delivery.places.gitops import open_gitops

    shell.progress("fetching the branch")
    gitops = open_gitops(shell.where, shell.credentials)
    for warning in gitops.workspace.warnings:
        shell.log(f"warning: {warning}")
    return gitops


def _options(shell: Shell) -> "Options":
    from lockstep.delivery.sync.options import Options

    return Options(github_token=shell.settings.github_token)


def _show(
    shell: Shell, moves: "tuple[Move, ...]", outcome: "Proposed", output: Output, *, is_dry: bool = False
) -> None:
    from lockstep.cli.next_step import quoted
    from lockstep.model.layer import DEPLOYMENT
    from lockstep.model.move import Reached
    from lockstep.render.outcome import outcome_document, outcome_lines, outcome_markdown

    arrival = outcome.arrival
    match output:
        case Output.JSON:
            shell.emit(outcome_document(moves, arrival))
        case Output.MARKDOWN:
            shell.emit(outcome_markdown(moves, arrival, is_dry=is_dry))
        case Output.TABLE:
            shell.emit(outcome_lines(moves, arrival, is_dry=is_dry, columns=shell.columns))
    shell.summarise(lambda: outcome_markdown(moves, arrival, is_dry=is_dry))
    if arrival.number is not None and arrival.reached in (Reached.OPEN, Reached.WAITING, Reached.BLOCKED):
        shell.suggested.append(f"lockstep pulls show {arrival.number}")
    elif moves and arrival.reached in (Reached.MERGED, Reached.COMMITTED) and not is_dry:
        named = {"lambda": lambda move: move.target, DEPLOYMENT: lambda move: move.environment}
        places = [named[move.deployment_type](move) for move in moves if move.deployment_type in named]
        targets = quoted(list(dict.fromkeys(places))[:3])
        shell.suggested.append(f"git pull, then lockstep sync {targets}".rstrip())


def _code(outcome: "Proposed") -> int:
    from lockstep.model.move import Reached

    return 1 if outcome.reached is Reached.BLOCKED else 0


def _wait(
    shell: Shell,
    gitops: "GitOps",
    outcome: "Proposed",
    moves: "tuple[Move, ...]",
    options: "Options",
    stop: threading.Event,
    timeout: float,
) -> int:
    from lockstep.delivery.promotion.waiting import wait

    wait(gitops, outcome, moves, options, stop=stop, seconds=timeout, watcher=shell.watcher)
    shell.end_progress()
    return 0


def _sync(shell: Shell, gitops: "GitOps", done: "RolledBack", stop: threading.Event) -> int:
    from lockstep.cli.syncing import follow
    from lockstep.delivery.promotion.waiting import sync_move
    from lockstep.model.layer import DEPLOYMENT
    from lockstep.planning.takers import concerned

    move = done.move
    if not concerned(gitops.workspace.fleet.targets, [move]):
        is_layer = move.deployment_type == DEPLOYMENT
        why = "is a layer that no function takes" if is_layer else "is deployed by another tool"
        shell.log(f"{move.target} {why}; Lockstep has changed what Git says")
        return 0
    options = _options(shell)
    return follow(
        shell,
        Output.TABLE,
        lambda watcher, stop: sync_move(
            gitops, done.outcome, move, options, begun=done.begun, watcher=watcher, stop=stop
        ),
        stop=stop,
    )
