"""``rollout``: how far a release is on its way to its calls, and what people say of it."""

from typing import TYPE_CHECKING

from lockstep.cli.next_step import quoted
from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Shell
from lockstep.cli.versions import Form

if TYPE_CHECKING:
    from lockstep.model import TargetPlan

__all__ = [
    "abort",
    "approve",
    "declare_bare",
    "declare_reasoned",
    "declare_seen",
    "pause",
    "resume",
    "retry",
    "seen",
    "show_rollout",
]


def declare_bare(parser: Parser) -> None:
    """The arguments of what needs no reason."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")


def declare_reasoned(parser: Parser) -> None:
    """The arguments of what is written down with a reason."""
    declare_bare(parser)
    parser.add_argument("--reason", metavar="TEXT", help="why, for those who come after you")


def declare_seen(parser: Parser) -> None:
    """The arguments of ``rollout status``."""
    declare_bare(parser)
    declare_output(parser, "form of the result", Form)


def seen(shell: Shell, *, target: str, output: Form) -> int:
    """Show how far a rollout is, and what its gates say."""
    from lockstep.delivery.sync.options import Options
    from lockstep.delivery.sync.rollouts import see

    options = Options(github_token=shell.settings.github_token)
    one = see(shell.open_workspace(), target, options, watcher=shell.watcher)
    shell.end_progress()
    return show_rollout(shell, one, output)


def show_rollout(shell: Shell, one: "TargetPlan", output: Form) -> int:
    """Show how far the rollout of one target is, as it was read."""
    from lockstep.model import SyncStatus
    from lockstep.render.cells import hanging
    from lockstep.render.documents import rollout_document
    from lockstep.render.rollout import progress_lines

    target = one.target
    if output is Form.JSON:
        shell.emit(rollout_document(one).splitlines())
        return 0
    progress = one.progress
    if progress is None:
        is_whole = one.status is SyncStatus.SYNCED
        words = f"{one.version} has all calls" if is_whole else "no rollout is under way"
        shell.emit([f"{target}: {words}"])
        if one.problem is not None:
            shell.log(one.problem)
        if not is_whole:
            shell.suggested.append(f"lockstep plan {quoted([target])}")
        return 1 if one.problem is not None else 0
    lines = [target]
    for text in progress_lines(progress):
        indent = "      " if text.startswith(" ") else "    "
        lines += hanging(indent, text.strip(), shell.columns, rest="        ")
    shell.emit(lines)
    if progress.is_asked:
        shell.suggested.append(f"lockstep rollout approve {quoted([target])}")
    return 0


def approve(shell: Shell, *, target: str) -> int:
    """Let a rollout that waits for somebody take its next step."""
    return _say(shell, target, "approve", None)


def pause(shell: Shell, *, target: str, reason: str | None) -> int:
    """Keep a rollout where it is until it is resumed; gates go on taking it back."""
    return _say(shell, target, "pause", reason)


def resume(shell: Shell, *, target: str) -> int:
    """Let a rollout that was paused go on, from the beginning of its step."""
    return _say(shell, target, "resume", None)


def abort(shell: Shell, *, target: str, reason: str | None) -> int:
    """Give all calls back to the stable version, and do not try the release again."""
    return _say(shell, target, "abort", reason)


def retry(shell: Shell, *, target: str) -> int:
    """Forget that a release was taken back, so that the next sync begins with it anew."""
    return _say(shell, target, "retry", None)


def _say(shell: Shell, target: str, said: str, reason: str | None) -> int:
    from lockstep.cli.following import Follower
    from lockstep.cli.stopping import stopping
    from lockstep.delivery.sync.options import Options
    from lockstep.delivery.sync.rollouts import say
    from lockstep.model.rollout import Word

    word, workspace = Word(said), shell.open_workspace()
    options = Options(github_token=shell.settings.github_token)
    follower = Follower(shell, shell.emit)
    with stopping(follower.under_way) as stop, follower.ending():
        say(
            workspace,
            target,
            word,
            options,
            shell.credentials,
            reason=reason,
            watcher=follower,
            stop=stop,
        )
    shell.end_progress()
    if word in (Word.APPROVE, Word.RESUME, Word.RETRY):
        shell.suggested.append(f"lockstep sync {quoted([target])} follows it")
    else:
        shell.suggested.append(f"lockstep rollout status {quoted([target])}")
    return 0
