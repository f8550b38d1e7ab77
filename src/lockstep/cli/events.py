"""``preview event``: one command for every event of a pull request."""

import os
from pathlib import Path

from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Output, Shell
from lockstep.errors import BadInput

__all__ = ["declare_event", "event"]

_MOST = 25_000_000  # bytes, GitHub's own limit
_KIND = "pull_request"


def declare_event(parser: Parser) -> None:
    """The arguments of ``preview event``."""
    parser.add_argument(
        "--label", metavar="NAME", default="preview", help="that gives a preview; default: preview"
    )
    parser.add_argument(
        "--gitops", metavar="URL", help="repository that previews are written to; default: this one"
    )
    declare_output(parser, "form of the result", Output)


def event(shell: Shell, *, label: str, gitops: str | None, output: Output) -> int:
    """Bring a pull request's preview up or down, as the event of a workflow asks for."""
    import datetime
    from dataclasses import replace

    from lockstep.cli.stopping import stopping
    from lockstep.delivery.events.handling import Place, handle_event
    from lockstep.delivery.events.reading import read_event
    from lockstep.delivery.sync.options import Options
    from lockstep.render.previews import brought_document, brought_lines, brought_markdown

    for option, value in (("--label", label), ("--gitops", gitops)):
        if value == "":  # an unset variable of a workflow
            raise BadInput("the value is empty", where=option, fix=f"give a value, or leave out {option}")
    happened = read_event(*_payload())
    here = shell.where
    place = Place(
        sources=here,
        gitops=replace(here, repo=gitops or here.repo, rev=None),
        credentials=shell.credentials,
    )
    with stopping(lambda: ["the preview"]) as stop:
        handled = handle_event(
            place,
            happened,
            label=label,
            now=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            options=Options(github_token=shell.settings.github_token),
            stop=stop,
            watcher=shell.watcher,
        )
    shell.end_progress()
    for one in handled.released:
        shell.log(f"{'released' if one.is_new else 'was released:'} {one.service} {one.version}")
    brought = handled.brought
    for words in (*handled.notes, *(brought.notes if brought else ())):
        shell.log(words)
    if brought is None:
        return 0
    is_up = brought.is_up
    said = (brought.number, brought.moves, brought.reached, brought.commit)
    match output:
        case Output.JSON:
            shell.emit(brought_document(*said, is_up=is_up))
        case Output.MARKDOWN:
            shell.emit(brought_markdown(*said, is_up=is_up, is_dry=False))
        case Output.TABLE:
            shell.emit(brought_lines(*said, is_up=is_up, is_dry=False, columns=shell.columns))
    shell.summarise(lambda: brought_markdown(*said, is_up=is_up, is_dry=False))
    return 0


def _payload() -> tuple[str, str]:
    """The event's document and where it is."""
    kind = os.environ.get("GITHUB_EVENT_NAME") or _KIND
    if kind != _KIND:
        # pull_request_target runs with secrets for forks, and this command runs what it builds.
        raise BadInput(
            f"this command is for the event {_KIND}, not {kind}",
            where="GITHUB_EVENT_NAME",
            fix=f"start the workflow on: {_KIND}",
        )
    name = os.environ.get("GITHUB_EVENT_PATH")
    if not name:
        raise BadInput(
            "no event is named", where="GITHUB_EVENT_PATH", fix="run it in a workflow of GitHub Actions"
        )
    try:
        with Path(name).open("rb") as file:
            data = file.read(_MOST + 1)
        if len(data) > _MOST:
            raise BadInput("the event is longer than GitHub's are", where=name, fix="name another file")
        return data.decode("utf-8"), name
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(
            f"cannot read the event: {reason}", where=name, fix="name the file in GITHUB_EVENT_PATH"
        ) from None
