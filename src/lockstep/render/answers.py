"""What a server answers, read back into the values that the command line shows, and runs as tables."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from lockstep.model import Health, StatusRow, SyncStatus
from lockstep.model.era import Era, Said
from lockstep.model.preview import Listed, Preview
from lockstep.model.record import Done, Record
from lockstep.model.status import Cause, Condition
from lockstep.model.trying import LogLine
from lockstep.render.cells import hanging, printable, printable_lines
from lockstep.render.codec import progress_from
from lockstep.render.history import Deployed
from lockstep.render.step_codec import change_from
from lockstep.render.wire import Node

__all__ = [
    "audit_lines",
    "event_from",
    "history_from",
    "listing_from",
    "logs_from",
    "rows_from",
    "run_from",
    "run_lines",
    "runs_lines",
    "step_from",
    "step_text",
]


def rows_from(node: Node) -> tuple[StatusRow, ...]:
    """The targets of ``lockstep.status/1``."""
    return node.get("targets").many(_row)


def _row(node: Node) -> StatusRow:
    def maybe(name: str) -> str | None:
        return node.get(name).maybe(Node.text)

    return StatusRow(
        target=node.get("target").text(),
        service=node.get("service").text(),
        environment=node.get("environment").text(),
        deployment_type=node.get("deploymentType").text(),
        declared=maybe("declared"),
        live=maybe("live"),
        status=node.get("sync").choice(SyncStatus),
        health=node.get("health").choice(Health),
        changes=node.get("changes").many(change_from),
        problem=maybe("problem"),
        commit=maybe("commit"),
        author=maybe("author"),
        changed=maybe("changed"),
        alias=maybe("alias"),
        well=maybe("healthRead"),
        cause=node.get("cause").maybe(lambda one: one.choice(Cause)),
        progress=node.get("rollout").maybe(progress_from),
        cluster=node.get("cluster").many(_condition),
    )


def _condition(node: Node) -> Condition:
    return Condition(
        name=node.get("object").text(),
        health=node.get("health").choice(Health),
        message=node.get("message").text(),
        since=node.get("since").maybe(Node.text),
    )


def history_from(node: Node) -> tuple[tuple[Era, ...], Deployed]:
    """The versions of ``lockstep.history/1``, and what is written down of each."""
    found = node.get("versions").many(_era)
    return tuple(era for era, _ in found), {era.sha: record for era, record in found if record is not None}


def _era(node: Node) -> tuple[Era, Record | None]:
    version = node.get("version").maybe(Node.text)
    era = Era(
        version=version,
        said=Said(version=version),
        sha=node.get("commit").text(),
        author=node.get("author").text(),
        subject=node.get("subject").text(),
        since=_time(node.get("since")),
        until=node.get("until").maybe(_time),
        pull=node.get("pull").maybe(Node.integer),
        is_oldest_known=node.get("mayBeOlder").flag(),
        undone=node.get("takenBackWhy").maybe(Node.text),
    )
    return era, node.get("deployment").maybe(lambda one: _record(one, version))


def _record(node: Node, version: str | None) -> Record:
    return Record(
        at=_time(node.get("at")),
        done=node.get("done").choice(Done),
        version=version,
        by=node.get("by").text(),
        commit=node.get("commit").maybe(Node.text),
        run=node.get("run").maybe(Node.text),
    )


def logs_from(node: Node) -> tuple[LogLine, ...]:
    """The lines of ``lockstep.logs/1``."""

    def line(one: Node) -> LogLine:
        at = datetime.datetime.fromisoformat(_time(one.get("at")))
        return LogLine(id="", at=round(at.timestamp() * 1000), text=one.get("text").text())

    return node.get("lines").many(line)


def listing_from(node: Node) -> tuple[Listed, ...]:
    """The previews of ``lockstep.previews/1``, of whose pull requests nothing is said."""
    return node.get("previews").many(_listed)


def _listed(node: Node) -> Listed:
    def maybe(name: str) -> str | None:
        return node.get(name).maybe(_time)

    environment = node.get("environment").text()

    def service(one: Node) -> StatusRow:
        name = one.get("service").text()
        return StatusRow(
            target=f"{environment}/{name}",
            service=name,
            environment=environment,
            deployment_type=one.get("deploymentType").text(),
            declared=one.get("declared").maybe(Node.text),
            live=one.get("live").maybe(Node.text),
            status=one.get("sync").choice(SyncStatus),
            health=one.get("health").choice(Health),
        )

    preview = Preview(
        number=node.get("number").integer(),
        sha=node.get("commit").maybe(Node.text),
        created=maybe("created"),
        updated=maybe("updated"),
        warned=maybe("warned"),
    )
    return Listed(
        preview=preview,
        services=node.get("services").many(service),
        ends=maybe("ends"),
        is_recorded=node.get("recorded").flag(),
    )


def run_from(node: Node) -> Mapping[str, Any]:
    """A run of ``lockstep.runs/1`` or ``lockstep.run/1``, with its steps where they are told."""
    of = node.mapping()
    return {
        **{name: node.get(name).text() for name in ("id", "state", "targets", "why", "words", "actor")},
        "began": _time(node.get("began")),
        "pull": node.get("pull").maybe(Node.text) if "pull" in of else None,
        "steps": node.get("steps").many(step_from) if "steps" in of else (),
    }


def step_from(node: Node) -> Mapping[str, Any]:
    """A step of a run."""
    return {
        **{name: node.get(name).text() for name in ("outcome", "words", "error")},
        "seconds": node.get("seconds").number(),
    }


def event_from(node: Node) -> Mapping[str, Any]:
    """An event of ``lockstep.events/1``."""
    return {
        "at": _time(node.get("at")),
        **{name: node.get(name).text() for name in ("kind", "actor", "words")},
        "target": node.get("target").maybe(Node.text) or "",
    }


def runs_lines(runs: Sequence[Mapping[str, Any]], *, columns: int = 80) -> list[str]:
    """Each run with why it began, the newest first."""
    if not runs:
        return ["There are no such runs."]
    lines = []
    for one in runs:
        first = f"{one['id']}  {_moment(one['began'])}  {one['state']:<7}  {one['targets']}"
        lines += _two(first, one["why"], columns)
    return lines


def _two(first: str, second: str, columns: int) -> list[str]:
    """A line about one thing, and below it what is said of it."""
    said = [line for text in printable_lines(second) for line in hanging("    ", text.strip(), columns)]
    return [*hanging("", printable(first), columns, "    "), *said]


def run_lines(run: Mapping[str, Any], *, columns: int = 80) -> list[str]:
    """What became of one run: its state, what it came to, and the pull request that it made."""
    words = f"{run['state']}: {run['words']}" if run["words"] else run["state"]
    first, *more = printable_lines(words)
    lines = hanging("", first, columns, "  ")
    lines += [line for text in more for line in hanging("  ", text.strip(), columns, "    ")]
    pull = run["pull"]
    return [*lines, f"pull request: {printable(pull)}"] if pull and pull not in words else lines


def step_text(step: Mapping[str, Any], *, columns: int = 80) -> list[str]:
    """A step that has ended, and why it failed where it did."""
    said = f"{step['outcome']:<8}  {step['words']} ({step['seconds']:.1f} s)"
    return [
        *hanging("", printable(said), columns, " " * 10),
        *(
            line
            for text in printable_lines(step["error"])
            for line in hanging(" " * 10, text.strip(), columns)
        ),
    ]


def audit_lines(events: Sequence[Mapping[str, Any]], *, columns: int = 80) -> list[str]:
    """Each event with what is said of it, the newest first."""
    if not events:
        return ["There are no such events."]
    lines = []
    for one in events:
        by = f", by {one['actor']}" if one["actor"] else ""
        lines += _two(f"{_moment(one['at'])}  {one['kind']}  {one['target']}{by}", one["words"], columns)
    return lines


def _time(node: Node) -> str:
    """A time in ISO 8601."""
    text = node.text()
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        raise node.fail("expected a time") from None
    return text


def _moment(text: str) -> str:
    """A time as people read it, in UTC."""
    return f"{datetime.datetime.fromisoformat(text).astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S}"
