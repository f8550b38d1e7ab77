"""``plan`` and ``sync``."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.cli.parser import (
    Parser,
    at_least,
    declare_full,
    declare_output,
    declare_targets,
    declare_timeout,
)
from lockstep.cli.shell import Output, Shell, save
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.delivery.places.workspace import Workspace
    from lockstep.delivery.sync.options import Options
    from lockstep.delivery.sync.run import Synced
    from lockstep.model import Plan

__all__ = ["declare_plan", "declare_sync", "plan", "sync"]


def declare_plan(parser: Parser) -> None:
    """The arguments of ``plan``."""
    declare_targets(parser)
    parser.add_argument(
        *("-o", "--output"),
        metavar="FORM",
        default="table",
        help="table, json, markdown, or a FILE.json to save it; default: table",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit 2 when there are differences")
    parser.add_argument(
        "--comment",
        metavar="NUMBER",
        type=at_least(1, int),
        help="keep the plan as one comment on this pull request",
    )
    parser.add_argument(
        "--no-values",
        action="store_true",
        help="read no environment variables and no secrets, for a role that may not: they show as not read",
    )
    _declare_scope(parser)


def declare_sync(parser: Parser) -> None:
    """The arguments of ``sync``."""
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET|PLAN.json",
        help="targets, environments or globs, or a saved plan; default: all",
    )
    declare_output(parser, "form of the report", Output)
    parser.add_argument("--dry-run", action="store_true", help="only show the plan")
    parser.add_argument(
        *("-y", "--yes"), action="store_true", help="do not ask; only a terminal outside CI is asked"
    )
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="take the steps of rollouts that are due, and do not wait for the next ones",
    )
    parser.add_argument(
        "--wait",
        metavar="MINUTES",
        type=at_least(0, float),
        help="wait until AWS is what a cluster was given manifests for; 1 when that takes longer",
    )
    parser.add_argument(
        "--in-cluster",
        action="store_true",
        help="this runs in the cluster: apply what its engine leaves to a Job",
    )
    _declare_scope(parser)


def _declare_scope(parser: Parser) -> None:
    parser.add_argument("--since", metavar="REV", help="only targets that changed since this commit")
    parser.add_argument("--adopt", action="store_true", help="take over live functions that have no owner")
    parser.add_argument(
        "--allow-deletes", metavar="N", type=at_least(0, int), help="delete up to N targets in this run"
    )
    parser.add_argument(
        "--refresh", action="store_true", help="run Terraform even when the same was applied last"
    )
    declare_full(parser)
    declare_timeout(parser)


def plan(
    shell: Shell,
    *,
    targets: list[str],
    output: str,
    exit_code: bool,
    comment: int | None,
    since: str | None,
    adopt: bool,
    allow_deletes: int | None,
    refresh: bool,
    full: bool,
    timeout: float | None,
    no_values: bool,
) -> int:
    """Show what sync would do. Changes nothing."""
    from lockstep.cli.commenting import commenting
    from lockstep.delivery.sync.run import make_plan
    from lockstep.render.markdown import plan_markdown

    form, file = _form(output)
    if no_values and file is not None:
        raise BadInput(
            "a saved plan says all that a sync does, and without values it cannot",
            where="--no-values",
            fix="leave it out, or show the plan instead of saving it",
        )
    with commenting(shell, comment) as say:
        workspace = shell.open_workspace(timeout=timeout)
        options = _options(
            shell,
            targets,
            since=since,
            adopt=adopt,
            allow_deletes=allow_deletes,
            refresh=refresh,
            full=full,
            timeout=timeout,
            values=not no_values,
        )
        made = make_plan(workspace, options, watcher=shell.watcher)
    shell.end_progress()
    if comment is not None:
        say(plan_markdown(made))
    return _plan(shell, made, form, file, exit_code)


def sync(
    shell: Shell,
    *,
    targets: list[str],
    output: Output,
    dry_run: bool,
    yes: bool,
    no_wait: bool,
    wait: float | None,
    in_cluster: bool,
    since: str | None,
    adopt: bool,
    allow_deletes: int | None,
    refresh: bool,
    full: bool,
    timeout: float | None,
) -> int:
    """Make AWS what the repository says."""
    saved = _saved(targets)
    workspace = shell.open_workspace(timeout=timeout)
    if in_cluster:
        from lockstep.delivery.sync.engines import applied_here

        workspace = applied_here(workspace)
    options = _options(
        shell,
        list(saved.selection) if saved else targets,
        since=since,
        adopt=adopt,
        allow_deletes=allow_deletes,
        refresh=refresh,
        full=full,
        timeout=timeout,
    )
    if dry_run:
        from lockstep.delivery.sync.run import make_plan

        made = saved or make_plan(workspace, options, watcher=shell.watcher)
        return _plan(shell, made, output, None, exit_code=False)
    from lockstep.cli.syncing import follow
    from lockstep.delivery.sync.run import sync as run

    asks = shell.can_ask and not yes
    return follow(
        shell,
        output,
        lambda follower, stop: run(
            workspace,
            options,
            shell.credentials,
            saved=saved,
            watcher=follower,
            agree=partial(follower.agree, workspace) if asks else None,
            follows=not no_wait,
            waits=None if wait is None else wait * 60,
            stop=stop,
        ),
        partial(_roll_back, shell, workspace, options),
    )


def _roll_back(shell: Shell, workspace: "Workspace", options: "Options", done: "Synced") -> None:
    """Say in Git what a gate has done to traffic, for targets whose rollout asks for it."""
    asked = {
        key: why
        for key, why in done.aborted.items()
        if (target := workspace.fleet.targets.get(key)) and target.rollout and target.rollout.rolls_back
    }
    if not asked:
        return
    import datetime

    from lockstep.delivery.places.gitops import open_gitops
    from lockstep.delivery.promotion.rollback import roll_back
    from lockstep.errors import LockstepError
    from lockstep.render.outcome import outcome_lines

    for key, why in asked.items():
        try:
            shell.progress(f"rolling back {key} in Git")
            gitops = open_gitops(shell.where, shell.credentials)
            now = datetime.datetime.now(datetime.UTC)
            back = roll_back(gitops, key, options, reason=why, now=now, watcher=shell.watcher)
        except LockstepError as error:
            shell.end_progress()
            shell.warn(f"{key} was not rolled back in Git: {error}")
            continue
        shell.end_progress()
        shell.log("\n".join(outcome_lines((back.move,), back.outcome.arrival)))


def _plan(shell: Shell, made: "Plan", form: Output, file: Path | None, exit_code: bool) -> int:
    from lockstep.cli.next_step import quoted
    from lockstep.model import Verb
    from lockstep.render.markdown import plan_markdown

    shell.end_progress()
    match form:
        case Output.JSON:
            from lockstep.render.codec import plan_pieces

            shell.emit_pieces(plan_pieces(made))
        case Output.MARKDOWN:
            shell.emit(plan_markdown(made))
        case Output.TABLE:
            from lockstep.render.text import plan_lines

            shell.emit(plan_lines(made, palette=shell.palette, columns=shell.columns))
    if file is not None:
        from lockstep.render.codec import plan_pieces

        save(file, plan_pieces(made))
        shell.log(f"saved to {file}; apply it with: lockstep sync {file}")
    shell.summarise(lambda: plan_markdown(made))
    if made.steps and not made.problems:
        options = " --adopt" if any(one.verb is Verb.ADOPT for one in made.targets) else ""
        what = f" {quoted(made.selection)}" if made.selection else ""
        shell.suggested.append(f"lockstep sync{what}{options}" if file is None else f"lockstep sync {file}")
    if made.problems or made.blocked:
        return 1
    return 2 if exit_code and not made.is_empty else 0


def _options(
    shell: Shell,
    targets: list[str],
    *,
    since: str | None,
    adopt: bool,
    allow_deletes: int | None,
    refresh: bool,
    full: bool,
    timeout: float | None,
    values: bool = True,
) -> "Options":
    from lockstep.delivery.sync.options import Options

    return Options(
        patterns=tuple(targets),
        since=since,
        adopt=adopt,
        allow_deletes=allow_deletes,
        refresh=refresh,
        full=full,
        timeout=timeout,
        values=values,
        github_token=shell.settings.github_token,
    )


def _form(output: str) -> tuple[Output, Path | None]:
    """The form that ``-o`` names; a name ending in .json is a file that the plan is saved to."""
    if output.endswith(".json"):
        return Output.TABLE, Path(output).expanduser()
    try:
        return Output(output), None
    except ValueError:
        raise BadInput(
            f"{output!r} is not a form of output",
            where="-o",
            fix="write table, json, markdown, or the name of a file that ends in .json",
        ) from None


def _saved(targets: list[str]) -> "Plan | None":
    """The saved plan when the arguments name one."""
    files = [name for name in targets if name.endswith(".json")]
    if not files:
        return None
    if len(targets) > 1:
        raise BadInput("a saved plan stands alone", where=files[0], fix="leave out the other arguments")
    from lockstep.render.codec import decode_plan

    try:
        text = Path(files[0]).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(
            f"cannot read the saved plan: {reason}",
            where=files[0],
            fix="make one with: lockstep plan -o plan.json",
        ) from None
    return decode_plan(text, files[0])
