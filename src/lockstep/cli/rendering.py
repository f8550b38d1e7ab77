"""``render``."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser, declare_targets, one_of
from lockstep.cli.shell import Output, Shell
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.delivery.sync.manifests import FileChange

__all__ = ["declare_render", "render"]


def declare_render(parser: Parser) -> None:
    """The arguments of ``render``."""
    from lockstep.roads.table import ROADS

    declare_targets(parser)
    parser.add_argument(
        "--as",
        metavar="ROAD",
        dest="road",
        required=True,
        type=_road,
        help=f"what the manifests are for: {', '.join(ROADS)}",
    )
    parser.add_argument(
        *("-o", "--output"),
        metavar="DIR",
        dest="into",
        help="folder that they are written to, or - for stdout; default: kubernetes.branch, or the project's "
        "own tree",
    )
    parser.add_argument(
        "--branch",
        metavar="NAME",
        help="commit them to a branch of their own, of what the deployed branch declares",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; 2 when files are not what the declarations give"
    )
    parser.add_argument(
        "--force", action="store_true", help="also overwrite files that were edited, and those of others"
    )
    parser.add_argument(
        "--strict", action="store_true", help="2 when something declared is refused or cannot be expressed"
    )
    parser.add_argument(
        "--report",
        metavar="FORM",
        type=one_of(Output),
        default=Output.TABLE,
        help="form of the report of what the road cannot express: table, json, markdown; default: table",
    )
    parser.add_argument(
        "--crds",
        metavar="DIR",
        type=Path,
        help="folder with the cluster's definitions of custom resources, to judge every object by",
    )


def render(
    shell: Shell,
    *,
    targets: list[str],
    road: str,
    into: str | None,
    branch: str | None,
    check: bool,
    force: bool,
    strict: bool,
    report: Output,
    crds: Path | None,
) -> int:
    """Write the desired state as manifests for ACK, Flux or Argo CD, and say what they cannot express."""
    from lockstep.delivery.sync.rendering import render as render_into
    from lockstep.delivery.sync.rendering import rendered_text
    from lockstep.render.losses import losses_document, losses_lines, losses_markdown
    from lockstep.roads.base import Weight, is_chosen
    from lockstep.roads.table import ROADS

    if into == "-" and check:
        raise BadInput("there are no files to compare with", where="--check", fix="name a folder with -o")
    if into == "":
        raise BadInput("the value is empty", where="-o", fix="name a folder, or - for stdout")
    if branch is not None and into is not None:
        raise BadInput(
            "-o names a folder, and --branch a branch", where="--branch", fix="leave one of them out"
        )
    way, patterns = ROADS[road], tuple(targets)
    token = shell.settings.github_token
    text, written = "", None
    workspace = None
    if into is None and branch is None:
        workspace = shell.open_workspace()
        branch = workspace.project.kubernetes.branch
    if branch is not None:
        from lockstep.delivery.places.gitops import open_gitops
        from lockstep.delivery.sync.rendering_apart import render_to_branch

        done, written = render_to_branch(
            open_gitops(shell.where, shell.credentials),
            way,
            patterns,
            branch,
            is_check=check,
            force=force,
            crds=crds,
            token=token,
            watcher=shell.watcher,
        )
    elif into == "-":
        workspace = shell.open_workspace()
        done, text = rendered_text(workspace, way, patterns, crds=crds, token=token, watcher=shell.watcher)
    else:
        workspace = workspace or shell.open_workspace()
        folder = Path(into).expanduser() if into is not None else None
        done = render_into(
            workspace,
            way,
            patterns,
            folder,
            is_check=check,
            force=force,
            crds=crds,
            token=token,
            watcher=shell.watcher,
        )
    shell.end_progress()
    rows = [
        (one.target, one.field, one.weight.value, one.problem, one.instead, one.place)
        for one in done.rendering.losses
        if is_chosen(one.target, patterns)
    ]
    shell.summarise(lambda: losses_markdown(rows))
    match report:
        case Output.TABLE:
            told = "".join(
                f"{line}\n" for line in losses_lines(rows, palette=shell.palette, columns=shell.columns)
            )
        case Output.MARKDOWN:
            told = losses_markdown(rows)
        case Output.JSON:
            files = [{"path": one.path, "owner": one.owner, "fate": one.fate} for one in done.changes]
            told = losses_document(road, rows, files)
    if into == "-":
        shell.emit(text)
        shell.log(told)
    else:
        shell.emit(told)
        _tell(shell, done.changes, is_check=check)
        if written is not None and written.is_new:
            shell.log(f"committed to {branch} as {written.commit[:12]}")
    weights = {row[2] for row in rows}
    if strict and weights - {Weight.DIFFERS}:
        return 2
    if Weight.REFUSED in weights or (done.left_alone and not check):
        return 1
    return 2 if check and done.differing else 0


def _tell(shell: Shell, changes: Sequence["FileChange"], *, is_check: bool) -> None:
    """What became of the files: those that were left alone by their names, the others by their number."""
    from lockstep.delivery.sync.manifests import Fate

    fates = Counter(one.fate for one in changes)
    for one in changes:
        if one.fate in (Fate.EDITED, Fate.FOREIGN):
            what = "was edited by hand" if one.fate is Fate.EDITED else "is no file of ours"
            shell.log(f"error: {one.path} {what}, and is left as it is\n  fix: move it away, or add --force")
        elif is_check and one.fate in (Fate.WRITTEN, Fate.REMOVED):
            shell.log(f"{one.path} {'is to be written' if one.fate is Fate.WRITTEN else 'is to go'}")
    words = [f"{count:,} {fate}" for fate in Fate if (count := fates[fate])]
    shell.log(f"files: {', '.join(words) or 'none'}{'; nothing was written' if is_check else ''}")


def _road(text: str) -> str:
    from lockstep.roads.table import ROADS

    if text not in ROADS:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(ROADS)}")
    return text
