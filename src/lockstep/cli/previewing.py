"""``preview up``, ``down``, ``list``, ``gc``, ``compact``: previews of pull requests, written to Git."""

import re
from functools import partial
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser, at_least, declare_output, declare_wait, one_by_one
from lockstep.cli.shell import Output, Shell
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.delivery.previews.bring import Brought
    from lockstep.delivery.previews.ground import Ground
    from lockstep.delivery.sync.options import Options

__all__ = [
    "compact",
    "declare_compact",
    "declare_down",
    "declare_gc",
    "declare_list",
    "declare_up",
    "down",
    "gc",
    "listing",
    "up",
]

_MOST = 2_147_483_647


def declare_up(parser: Parser) -> None:
    """The arguments of ``preview up``."""
    _declare_number(parser)
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="SERVICE@VERSION",
        dest="services",
        help="a service that the pull request changes, and its version; can be repeated, or hold several "
        "with commas between them, or none",
    )
    parser.add_argument(
        "--sha",
        metavar="COMMIT",
        help="head commit of the versions, its whole id; nothing is done when it is not any more",
    )
    parser.add_argument("--ttl", metavar="TIME", help="how long it lives after its last change: 12h, 14d")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be written")
    declare_wait(parser, "live")
    declare_output(parser, "form of the result", Output)


def declare_down(parser: Parser) -> None:
    """The arguments of ``preview down``."""
    _declare_number(parser)
    _declare_objects(parser, "delete what lies below the prefixes of its triggers")
    declare_output(parser, "form of the result", Output)


def declare_gc(parser: Parser) -> None:
    """The arguments of ``preview gc``."""
    parser.add_argument(
        "--apply", action="store_true", help="remove what was found; without it, only show it"
    )
    parser.add_argument(
        "--allow-deletes",
        metavar="NUMBER",
        type=at_least(0, int),
        help="previews that may be removed at once; default: 5, or 20 %% of them",
    )
    parser.add_argument(
        "--package-days",
        metavar="DAYS",
        type=at_least(1, int),
        default=90,
        help="age at which a staged package that nobody declares goes; default: 90",
    )
    _declare_objects(parser, "delete what lies below the prefixes of previews that are gone, too")
    declare_output(parser, "form of the result", Output)


def declare_list(parser: Parser) -> None:
    """The arguments of ``preview list``."""
    declare_output(parser, "form of the result", Output)


def declare_compact(parser: Parser) -> None:
    """The arguments of ``preview compact``."""
    declare_output(parser, "form of the result", Output)


def _declare_objects(parser: Parser, words: str) -> None:
    parser.add_argument("--delete-objects", action="store_true", help=words)
    parser.add_argument(
        "--most",
        metavar="NUMBER",
        type=at_least(0, int),
        default=1000,
        help="objects that may be deleted; default: 1000",
    )


def _declare_number(parser: Parser) -> None:
    parser.add_argument("--pr", metavar="NUMBER", required=True, dest="number", help="the pull request")


def up(
    shell: Shell,
    *,
    number: str,
    services: list[str],
    sha: str | None,
    ttl: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float,
    output: Output,
) -> int:
    """Write a pull request's preview: its services at its versions, all others as in staging."""
    from lockstep.cli.following import Follower
    from lockstep.cli.stopping import stopping
    from lockstep.delivery.previews.bring import Request, bring_up
    from lockstep.delivery.previews.services import parse_wish

    request = Request(
        number=_number(number),
        wishes=tuple(parse_wish(text) for text in one_by_one(filter(None, services))),
        sha=_sha(sha),
        ttl=_ttl(ttl),
        dry_run=dry_run,
    )
    ground, options = _open(shell), _options(shell)
    follower = Follower(shell, lambda lines: shell.log("\n".join(lines)))
    with stopping(lambda: follower.under_way() or ["the commit"]) as stop, follower.ending():
        brought = bring_up(ground, request, options, now=_now(), stop=stop, watcher=follower)
        shell.end_progress()
        _show(shell, brought, output, is_dry=dry_run)
        is_declared = brought.commit is not None  # else it was deployed by this run, and nothing else comes
        if wait and not dry_run and is_declared and brought.is_up and brought.moves:
            from lockstep.delivery.promotion.waiting import wait_until_live

            rows = wait_until_live(
                ground.gitops, brought.moves, options, stop=stop, seconds=timeout, watcher=shell.watcher
            )
            shell.end_progress()
            if not rows and any(move.deployment_type == "lambda" for move in brought.moves):
                shell.log(f"preview/pr-{brought.number} was taken down meanwhile")
    return 0


def down(shell: Shell, *, number: str, delete_objects: bool, most: int, output: Output) -> int:
    """Remove a pull request's preview, from AWS too unless Git declares it: the next sync does that then."""
    from lockstep.cli.following import Follower
    from lockstep.cli.stopping import stopping
    from lockstep.delivery.previews.bring import bring_down

    wanted = _number(number)
    ground = _open(shell)
    objects = None
    if delete_objects:
        from lockstep.delivery.previews.objects import find_objects

        # Listed while the folder still says where they are; nothing is removed when there are too many.
        objects = find_objects(ground, wanted, most=most, watcher=shell.watcher)
    follower = Follower(shell, lambda lines: shell.log("\n".join(lines)))
    with stopping(lambda: follower.under_way() or ["the commit"]) as stop, follower.ending():
        brought = bring_down(ground, wanted, _options(shell), watcher=follower, stop=stop)
    shell.end_progress()
    _show(shell, brought, output)
    if objects is not None:
        from lockstep.delivery.previews.objects import delete_objects as delete

        delete(ground, objects)
        where = ", ".join(objects.places) or "no prefix: it declares no trigger (any more)"
        shell.log(f"deleted {len(objects.objects)} objects, {objects.size:,} bytes, below {where}")
    return 0


def gc(
    shell: Shell,
    *,
    apply: bool,
    allow_deletes: int | None,
    package_days: int,
    delete_objects: bool,
    most: int,
    output: Output,
) -> int:
    """Find what previews have left behind; with --apply, remove it."""
    import datetime
    from dataclasses import replace

    from lockstep.cli.following import Follower
    from lockstep.cli.stopping import stopping
    from lockstep.delivery.previews.waste import clear, collect
    from lockstep.render.preview_gc import Left, gc_document, gc_lines

    found = collect(
        _open(shell),
        replace(_options(shell), allow_deletes=allow_deletes),
        is_applied=apply,
        now=datetime.datetime.now(datetime.UTC),
        days=package_days,
        most=most if delete_objects else None,
        watcher=shell.watcher,
    )
    shell.end_progress()
    waste = found.waste
    packages = (*waste.packages.objects, *waste.remains.packages)
    left = Left(
        plan=waste.plan,
        packages=packages,
        logs=waste.remains.logs,
        prereleases=found.prereleases.tags,
        objects=waste.remains.objects,
        deletes_objects=delete_objects,
    )
    said = (found.folders.judged, left, found.notes, found.problems)
    if output is Output.JSON:
        shell.emit(gc_document(*said, is_applied=apply, commit=found.commit))
    else:
        shell.emit(gc_lines(*said, is_applied=apply, commit=found.commit, columns=shell.columns))
    if not apply:
        return 0
    follower = Follower(shell, lambda lines: shell.log("\n".join(lines)))
    with stopping(follower.under_way) as stop, follower.ending():
        report = clear(found, watcher=follower, stop=stop)
    shell.end_progress()
    return 0 if report.is_success and found.folders.problem is None else 1


def listing(shell: Shell, *, output: Output) -> int:
    """List the previews: age, services, versions, status and pull request of each."""
    import datetime

    from lockstep.delivery.previews.listing import list_previews
    from lockstep.render.previews import listing_document, listing_lines, listing_markdown

    found = list_previews(_open(shell), _options(shell), watcher=shell.watcher)
    shell.end_progress()
    now = datetime.datetime.now(datetime.UTC)
    match output:
        case Output.JSON:
            shell.emit(listing_document(found.previews, found.notes))
        case Output.MARKDOWN:
            shell.emit(listing_markdown(found.previews, found.notes, now=now))
        case Output.TABLE:
            shell.emit(
                listing_lines(
                    found.previews, found.notes, now=now, palette=shell.palette, columns=shell.columns
                )
            )
    return 0


def compact(shell: Shell, *, output: Output) -> int:
    """Drop the history of the branch that holds previews; begin that branch when it is not there."""
    from lockstep.delivery.previews.compact import compact as run
    from lockstep.render.previews import compacted_document, compacted_lines

    done = run(shell.where, shell.credentials)
    shell.end_progress()
    said = (done.branch, done.before, done.commit)
    match output:
        case Output.JSON:
            shell.emit(compacted_document(*said, is_new=done.is_new))
        case Output.MARKDOWN | Output.TABLE:
            shell.emit(compacted_lines(*said, is_new=done.is_new))
    return 0


def _open(shell: Shell) -> "Ground":
    from lockstep.delivery.places.gitops import open_gitops
    from lockstep.delivery.previews.ground import open_ground

    shell.progress("fetching the branch")
    ground = open_ground(open_gitops(shell.where, shell.credentials))
    for warning in ground.gitops.workspace.warnings:
        shell.log(f"warning: {warning}")
    return ground


def _options(shell: Shell) -> "Options":
    from lockstep.delivery.sync.options import Options

    return Options(github_token=shell.settings.github_token)


def _show(shell: Shell, brought: "Brought", output: Output, *, is_dry: bool = False) -> None:
    from lockstep.render.previews import brought_document, brought_lines, brought_markdown

    for note in brought.notes:
        shell.log(note)
    said = (brought.number, brought.moves, brought.reached, brought.commit)
    is_up, is_deployed = brought.is_up, brought.is_deployed
    came = partial(brought_markdown, *said, is_up=is_up, is_deployed=is_deployed, is_dry=is_dry)
    match output:
        case Output.JSON:
            shell.emit(brought_document(*said, is_up=is_up, is_deployed=is_deployed))
        case Output.MARKDOWN:
            shell.emit(came())
        case Output.TABLE:
            columns = shell.columns
            shell.emit(
                brought_lines(*said, is_up=is_up, is_deployed=is_deployed, is_dry=is_dry, columns=columns)
            )
    shell.summarise(came)


def _now() -> str:
    import datetime

    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _number(text: str) -> int:
    """The number of a pull request. BadInput for anything else."""
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text) or int(text) > _MOST:
        raise BadInput(
            f"{text!r} is no number of a pull request", where="--pr", fix="write the number alone: --pr 123"
        )
    return int(text)


def _sha(text: str | None) -> str | None:
    """The whole id of a commit: whoever writes commits can make another one that begins alike."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9a-fA-F]{40}([0-9a-fA-F]{24})?", text):
        raise BadInput(
            f"{text!r} is not the whole id of a commit",
            where="--sha",
            fix="write all its digits: git rev-parse HEAD, or github.event.pull_request.head.sha",
        )
    return text.lower()


def _ttl(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"0*[1-9][0-9]{0,4}[smhd]", text):
        raise BadInput(
            f"{text!r} is no time to live", where="--ttl", fix="write a number and s, m, h or d: 12h, 14d"
        )
    return text
