"""Commands that are asked of a running ``lockstep serve`` (``--server``) instead of being done here."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from lockstep.cli.drifting import drift_code, show_drift
from lockstep.cli.parser import one_by_one
from lockstep.cli.promoting import show_history
from lockstep.cli.rolling import show_rollout
from lockstep.cli.shell import Output, Shell, WideOutput
from lockstep.cli.status import show_status
from lockstep.cli.stopping import ending
from lockstep.cli.trying import time_words
from lockstep.cli.versions import Form
from lockstep.delivery.asking.orders import chosen, follow, look_ahead, order, to_sync
from lockstep.delivery.asking.server import Asked, Server
from lockstep.errors import BadInput
from lockstep.model import StatusRow
from lockstep.render.answers import (
    audit_lines,
    event_from,
    history_from,
    listing_from,
    logs_from,
    run_from,
    run_lines,
    runs_lines,
    step_from,
    step_text,
)
from lockstep.render.wire import dump

__all__ = ["ASKED"]

_EACH = 2.0  # seconds between two looks at logs that are followed
_OVERLAP = 30  # seconds of logs that are looked at again: CloudWatch lets some come late
_KNOWN = 20_000  # lines of logs of which it is known that they were shown


def _server(shell: Shell, seconds: float | None = None) -> Server:
    assert shell.server is not None  # noqa: S101 - nobody comes here without one
    return Server(
        url=shell.server, token=shell.settings.token, seconds=seconds, may_be_plain=shell.may_be_plain
    )


def _refuse(**given: object) -> None:
    """BadInput for an option that only means something where the work is done."""
    for name, value in given.items():
        if value:
            option = f"--{name.replace('_', '-')}"
            raise BadInput(
                "a server does not do that",
                where=option,
                fix=f"leave out {option}, or run it without --server",
            )


def _row(server: Server, project: Asked, target: str) -> StatusRow:
    """One target. BadInput where a pattern names none, or several."""
    (row, *others) = chosen(server.rows(project)[0], [target])
    if others or row.target != target:
        raise BadInput("this is of one target", where=target, fix="write ENVIRONMENT/SERVICE")
    return row


def _status(
    shell: Shell,
    *,
    targets: list[str],
    output: WideOutput,
    watch: float | None,
    exit_code: bool,
    is_all: bool,
    full: bool,
    timeout: float | None,
) -> int:
    """Show what runs where, as the server has seen it last."""
    _refuse(full=full)
    server = _server(shell, timeout)

    def look() -> tuple[Sequence[StatusRow], Sequence[str]]:
        rows, notes = server.rows(server.project(shell.project))
        return chosen(rows, targets), notes

    return show_status(shell, look, targets, output, watch, exit_code=exit_code, is_all=is_all)


def _drift(
    shell: Shell, *, targets: list[str], issue: bool, exit_code: bool, output: Output, timeout: float | None
) -> int:
    """Show what is live otherwise than Git says, as the server has seen it last."""
    from lockstep.delivery.sync.drift import drift_of

    _refuse(issue=issue)
    server = _server(shell, timeout)
    rows, notes = server.rows(server.project(shell.project))
    found = drift_of([row for row in chosen(rows, targets) if row.is_ours], tuple(targets), notes)
    show_drift(shell, found, output)
    return drift_code(shell, found, exit_code=exit_code)


def _history(shell: Shell, *, target: str, output: Output) -> int:
    """Show which versions a target declared, as Git and the server's memory tell."""
    server = _server(shell)
    project = server.project(shell.project)
    _row(server, project, target)
    found = server.get("/history", "history", project=project.name, target=target)
    eras, deployed = server.reading(history_from, found)
    if output is Output.JSON:
        shell.emit(dump(found))
    else:
        show_history(shell, target, eras, deployed, output)
    return 0


def _logs(shell: Shell, *, target: str, follow: bool, since: int, output: Form) -> int:
    """Show what a target's function has logged, and with --follow what it goes on logging."""
    from lockstep.render.trying import log_text

    if follow and output is not Form.TABLE:
        raise BadInput("what has no end is no document", where="--follow", fix="leave out one of the two")
    server = _server(shell)
    project = server.project(shell.project)
    _row(server, project, target)

    def read(seconds: int) -> dict[str, Any]:
        return server.get("/logs", "logs", project=project.name, target=target, since=str(seconds))

    document = read(since)
    lines = server.reading(logs_from, document)
    if output is Form.JSON:
        shell.emit(dump(document))
        return 0
    for line in lines:
        shell.emit(log_text(line, shell.palette))
    if not follow:
        if not lines:
            shell.log(f"{target} has logged nothing in the last {time_words(since)}")
        return 0
    known = dict.fromkeys((line.at, line.text) for line in lines)
    with ending("") as stop:
        while not stop.wait(_EACH):
            for line in server.reading(logs_from, read(_OVERLAP)):
                if (line.at, line.text) not in known:
                    known[line.at, line.text] = None
                    shell.emit(log_text(line, shell.palette))
            while len(known) > _KNOWN:
                del known[next(iter(known))]
    return 130


def _previews(shell: Shell, *, output: Output) -> int:
    """List the previews as the server has seen them; of their pull requests it says nothing."""
    from lockstep.render.previews import listing_lines, listing_markdown

    server = _server(shell)
    document = server.get("/previews", "previews", project=server.project(shell.project).name)
    found = server.reading(listing_from, document)
    now = datetime.datetime.now(datetime.UTC)
    match output:
        case Output.JSON:
            shell.emit(dump(document))
        case Output.MARKDOWN:
            shell.emit(listing_markdown(found, now=now))
        case Output.TABLE:
            shell.emit(listing_lines(found, now=now, palette=shell.palette, columns=shell.columns))
    return 0


def _runs(shell: Shell, *, run: str | None, follow: bool, query: str, output: Form) -> int:
    """List what was synced and asked for, or show one run with its steps."""
    server = _server(shell)
    if run is not None:
        if follow:
            return _followed(shell, server, [_id(run)], output)
        document = server.get(f"/runs/{_id(run)}", "run")
        one = server.reading(lambda node: run_from(node.get("run")), document)
        if output is Form.JSON:
            shell.emit(dump(document))
        else:
            for step in document["run"]["steps"]:
                _show_step(shell, server, step)
            shell.emit(run_lines(one, columns=shell.columns))
        return _code([document["run"]])
    if follow:
        raise BadInput("one run is followed", where="--follow", fix="name it: lockstep runs RUN --follow")
    document = server.get("/runs", "runs", q=query, project=shell.project or "")
    found = server.reading(lambda node: node.get("runs").many(run_from), document)
    shell.emit(dump(document) if output is Form.JSON else runs_lines(found, columns=shell.columns))
    return 0


def _id(text: str) -> str:
    if not text.isascii() or not text.isalnum():
        raise BadInput("it is no id of a run", where=text, fix="`lockstep runs` lists them")
    return text


def _audit(shell: Shell, *, target: str | None, query: str, output: Form) -> int:
    """Show what happened, the newest first."""
    server = _server(shell)
    named = {"project": shell.project or "", "target": target or "", "q": query}
    document = server.get("/events", "events", **named)
    found = server.reading(lambda node: node.get("events").many(event_from), document)
    shell.emit(dump(document) if output is Form.JSON else audit_lines(found, columns=shell.columns))
    return 0


def _sync(
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
    """Have the server sync what is not as Git says, and what is named outright."""
    _refuse(no_wait=no_wait, wait=wait, in_cluster=in_cluster, since=since, adopt=adopt)
    _refuse(allow_deletes=allow_deletes, refresh=refresh, full=full)
    if any(name.endswith(".json") for name in targets):
        raise BadInput("a server applies no saved plan", where="--server", fix="name targets")
    server = _server(shell, timeout)
    project = server.project(shell.project)
    wanted = to_sync(server.rows(project)[0], targets)
    if not wanted:
        words = f"Nothing to do: everything was as Git says when AWS was read last ({project.looked})."
        shell.emit(_document([]) if output is Output.JSON else [words])
        return 0
    is_asked = shell.can_ask and not yes and output is Output.TABLE
    if dry_run or is_asked:
        for name in wanted:
            shell.emit(look_ahead(server, project.name, name, "sync"))
    if dry_run:
        return 0
    if is_asked and not shell.ask(f"Let {shell.server} sync {len(wanted)} of them?"):
        shell.log("nothing was changed")
        return 1
    return _ordered(shell, server, project, [(name, {}) for name in wanted], "sync", output)


def _promote(
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
    """Have the server bring versions to an environment, by commit or pull request."""
    del timeout  # of --wait
    _refuse(**{"from": source, "override": override, "wait": wait})
    server = _server(shell)
    project = server.project(shell.project)
    there = [row for row in server.rows(project)[0] if row.environment == to]
    orders: list[tuple[str, Mapping[str, str]]] = []
    for text in one_by_one(services):
        name, at, version = text.partition("@")
        found = [row.target for row in there if fnmatchcase(row.service, name)]
        if not found or (at and not version):
            known = sorted({row.service for row in there})
            raise BadInput(
                f"{to} declares no such service",
                where=text,
                fix=f"there are: {', '.join(known[:8]) or 'none'}",
            )
        orders += [(target, {"version": version}) for target in found]
    if dry_run:
        for target, more in orders:
            shell.emit(look_ahead(server, project.name, target, "promote", **more))
        return 0
    return _ordered(shell, server, project, orders, "promote", output)


def _rollback(
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
    """Have the server go back to the last good version of a target, and hold it there."""
    del timeout  # of --wait
    _refuse(now=now, wait=wait)
    more = {"version": to or "", "reason": reason or ""}
    return _one(shell, target, "rollback", output, more)


def _hold(shell: Shell, *, target: str, reason: str | None, output: Output) -> int:
    """Have the server keep a target at what it declares."""
    return _one(shell, target, "hold", output, {"reason": reason or ""})


def _release_hold(shell: Shell, *, target: str, reason: str | None, now: bool, output: Output) -> int:
    """Have the server let versions be promoted to a target again."""
    _refuse(now=now)
    return _one(shell, target, "release-hold", output, {"reason": reason or ""})


def _rollout(verb: str) -> Callable[..., int]:
    def say(shell: Shell, *, target: str, reason: str | None = None) -> int:
        return _one(shell, target, verb, Output.TABLE, {"reason": reason or ""})

    return say


def _rollout_status(shell: Shell, *, target: str, output: Form) -> int:
    """Show how far a rollout is, as the server has seen it last."""
    from lockstep.model import TargetPlan, Verb

    server = _server(shell)
    row = _row(server, server.project(shell.project), target)
    one = TargetPlan(
        target=row.target,
        verb=Verb.NOTHING,
        version=row.declared,
        status=row.status,
        health=row.health,
        problem=row.problem,
        progress=row.progress,
    )
    return show_rollout(shell, one, output)


def _one(shell: Shell, target: str, verb: str, output: Output, more: Mapping[str, str]) -> int:
    server = _server(shell)
    project = server.project(shell.project)
    _row(server, project, target)
    return _ordered(shell, server, project, [(target, more)], verb, output)


def _ordered(
    shell: Shell,
    server: Server,
    project: Asked,
    orders: Sequence[tuple[str, Mapping[str, str]]],
    verb: str,
    output: Output,
) -> int:
    """Order it all, and follow until it is done."""
    if not shell.is_server_named:
        shell.log(f"asking {shell.server} (LOCKSTEP_SERVER)")
    runs = [order(server, project.name, target, verb, **more) for target, more in orders]
    return _followed(shell, server, runs, output)


def _followed(shell: Shell, server: Server, runs: Sequence[str], output: Output | Form) -> int:
    """Show runs step by step, to their ends; what came of them is the code."""
    is_json = output == Output.JSON
    found: list[dict[str, Any]] = []

    def tell(step: Mapping[str, Any]) -> None:
        if not is_json:
            _show_step(shell, server, step)

    with ending("what was asked for goes on at the server") as stop:
        for run in runs:
            raw = follow(server, run, tell, stop=stop)
            found.append(raw)
            if not is_json:
                one = server.reading(run_from, raw)
                shell.emit(run_lines(one, columns=shell.columns))
            if stop.is_set():
                shell.log(f"lockstep runs {run} --follow goes on looking")
                return 130
    if is_json:
        shell.emit(_document(found))
    return _code(found)


def _show_step(shell: Shell, server: Server, step: Mapping[str, Any]) -> None:
    shell.emit(step_text(server.reading(step_from, step), columns=shell.columns))


def _document(runs: Sequence[Mapping[str, Any]]) -> str:
    """``lockstep.orders/1``: the runs that came of it, each with its steps."""
    return dump({"format": "lockstep.orders/1", "runs": list(runs)})


def _code(runs: Sequence[Mapping[str, Any]]) -> int:
    return 1 if any(run["state"] not in ("done", "running") for run in runs) else 0


ASKED: Mapping[str, Callable[..., int]] = {
    "status": _status,
    "drift": _drift,
    "history": _history,
    "logs": _logs,
    "preview list": _previews,
    "runs": _runs,
    "audit": _audit,
    "sync": _sync,
    "promote": _promote,
    "rollback": _rollback,
    "hold": _hold,
    "release-hold": _release_hold,
    "rollout status": _rollout_status,
    **{f"rollout {verb}": _rollout(verb) for verb in ("approve", "pause", "resume", "abort")},
}
"""What a server can be asked for, by the command's name."""
