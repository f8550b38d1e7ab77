"""A sync as it happens: its plan, the question, its steps, its report and its exit code."""

import contextlib
import threading
from collections.abc import Callable

from lockstep.cli.following import Follower
from lockstep.cli.next_step import quoted
from lockstep.cli.shell import Output, Shell
from lockstep.cli.stopping import raising, stopping
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.run import Declined, Synced
from lockstep.delivery.sync.standing import standing
from lockstep.model import Plan, Report, StepResult, Verb
from lockstep.planning.asking import question
from lockstep.render.codec import encode_report
from lockstep.render.markdown import plan_markdown, report_markdown
from lockstep.render.report import report_lines
from lockstep.render.text import plan_lines

__all__ = ["SyncFollower", "follow"]


class SyncFollower(Follower):
    """A sync: the plan, each step as it happens, then the report, in the form that is asked for."""

    def __init__(self, shell: Shell, form: Output) -> None:
        self._form = form
        self.stop = threading.Event()  # set by Ctrl-C
        self._is_agreed = False
        is_table = form is Output.TABLE
        super().__init__(shell, shell.emit if is_table else lambda lines: shell.log("\n".join(lines)))

    def planned(self, plan: Plan) -> None:
        """Show the plan, and live rows from then on."""
        shell = self._shell
        shell.end_progress()
        super().planned(plan)
        self._plan = plan
        if self._form is Output.TABLE:
            lines = plan_lines(plan, palette=shell.palette, columns=shell.columns)
            shell.emit([*lines, ""] if plan.steps else lines)

    def stepped(self, result: StepResult) -> None:
        """Show one result, among live rows from the first one on."""
        with self._lock:
            self.begin()
        super().stepped(result)

    def agree(self, workspace: Workspace, plan: Plan) -> bool:
        """Whether a person wants it applied; nobody is asked where only previews change.

        Warned of what is easily overlooked before. A plan that is asked about later, because targets changed
        meanwhile, is shown first. Raises KeyboardInterrupt as long as nothing was changed.
        """
        asked = question(plan)
        is_again = self._is_agreed
        self._is_agreed = True
        if asked is None:
            return True
        shell = self._shell
        self.end()
        if is_again or self._form is not Output.TABLE:
            shell.log("\n".join(plan_lines(plan, columns=shell.columns)))
        with contextlib.suppress(KeyboardInterrupt) if is_again else contextlib.nullcontext(), raising():
            if self.stop.is_set():  # it was the answer to a question that was still to come
                raise KeyboardInterrupt
            shell.progress("comparing with the deployed branch")
            warnings = standing(workspace, plan, shell.credentials)
            shell.end_progress()
            for warning in warnings:
                shell.warn(warning)
            return shell.ask(asked)
        return False

    def reported(self, report: Report) -> None:
        """Show the report in place of the rows."""
        self.end()
        shell, words = self._shell, dict(self.words)
        shell.end_progress()
        match self._form:
            case Output.JSON:
                shell.emit(encode_report(report))
            case Output.MARKDOWN:
                shell.emit(report_markdown(report, words))
            case Output.TABLE if self._plan.steps or not report.is_success:
                lines = report_lines(report, words, palette=shell.palette, columns=shell.columns)
                shell.emit(["", *lines] if report.results else lines)
            case Output.TABLE:
                pass
        shell.summarise(lambda: f"{plan_markdown(self._plan)}\n{report_markdown(report, words)}")


def follow(
    shell: Shell,
    form: Output,
    run: Callable[[SyncFollower, threading.Event], Synced],
    after: Callable[[Synced], None] | None = None,
    *,
    stop: threading.Event | None = None,
) -> int:
    """Show a sync as it happens, Ctrl-C ending it after what is under way; returns the exit code.

    ``after`` is called when it has come to its end; ``stop`` is what Ctrl-C has set before, if any.
    """
    follower = SyncFollower(shell, form)
    try:
        with stopping(follower.under_way, stop) as stop, follower.ending():
            follower.stop = stop
            done = run(follower, stop)
    except Declined:
        shell.log("Nothing was changed.")
        shell.suggested.append("lockstep plan shows it again")
        return 1
    except KeyboardInterrupt:  # at the question; while steps run it is an event
        shell.log("interrupted; nothing was changed")
        return 130
    shell.end_progress()
    if done.report.interrupted:
        return 130
    if after is not None:
        after(done)
    blocked = done.plan.blocked
    unknown = sum(one.verb is Verb.UNKNOWN for one in blocked)
    for count, word in ((len(blocked) - unknown, "blocked"), (unknown, "unknown")):
        if count:
            shell.log(
                f"{count} {'target is' if count == 1 else 'targets are'} {word}; the plan above says why"
            )
    for key, why in done.late.items():
        shell.log(f"{key}: the cluster has not applied it yet ({why})")
    for one in done.taken_back:
        if one.progress is not None and one.problem is None:
            shell.log(f"{one.target}: {one.progress.words}")
    waiting = [one for one in done.rolled if one.progress is not None and one.progress.is_asked]
    if waiting:
        shell.suggested.append(f"lockstep rollout approve {quoted([waiting[0].target])}")
    elif done.is_success and done.plan.steps:
        shell.suggested.append(f"lockstep status {quoted(done.plan.selection)}".rstrip())
    return 0 if done.is_success else 1
