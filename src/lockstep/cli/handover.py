"""``adopt`` and ``eject``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.cli.parser import Parser
from lockstep.cli.shell import Shell
from lockstep.errors import BadInput

if TYPE_CHECKING:
    from lockstep.delivery.adoption.terraform import Adopted

__all__ = ["adopt", "declare_adopt", "declare_eject", "eject"]


def declare_adopt(parser: Parser) -> None:
    """The arguments of ``adopt``."""
    from lockstep.model.engines import AWS, ENGINES

    parser.add_argument(
        "environments",
        metavar="ENVIRONMENT",
        nargs="+",
        help="where the functions belong; those that share a bucket at once",
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="ENGINE",
        choices=tuple(name for name in ENGINES if name != AWS.name),
        help="terraform: by its state; or an engine that lets go, such as flux",
    )
    parser.add_argument(
        "--function",
        dest="names",
        metavar="NAME",
        nargs="+",
        default=[],
        help="live functions, by name or glob",
    )
    parser.add_argument("--tag", metavar="KEY=VALUE", help="live functions with this tag")
    parser.add_argument("--stack", metavar="NAME", help="live functions of this CloudFormation stack")
    parser.add_argument(
        "--state",
        metavar="FILE",
        help="a state, or what `terraform show -json` prints (- for stdin); "
        "default: that of the environment's terraform: block",
    )
    parser.add_argument("--version", metavar="VERSION", help="version that runs, where no tag says it")
    _declare_hand_over(parser)


def declare_eject(parser: Parser) -> None:
    """The arguments of ``eject``."""
    from lockstep.model.engines import ENGINES

    parser.add_argument(
        "targets", nargs="+", metavar="TARGET", help="environments; with --into targets or globs, too"
    )
    parser.add_argument(
        "--to",
        dest="heir",
        metavar="ENGINE",
        choices=tuple(ENGINES),
        required=True,
        help=f"the engine that is to apply them: {', '.join(ENGINES)}",
    )
    parser.add_argument(
        "--into",
        metavar="DIR",
        type=Path,
        help="with --to terraform: folder of a root module of your own to write into, and leave the engine",
    )
    parser.add_argument(
        "--module",
        metavar="ADDRESS",
        default="module.fleet",
        help="address of the module lambda-fleet there; default: module.fleet",
    )
    _declare_hand_over(parser)


def _declare_hand_over(parser: Parser) -> None:
    parser.add_argument(
        "--applied",
        action="store_true",
        help="the cluster has applied the manifests that let go: take them away, and name the new engine",
    )
    parser.add_argument(
        "--allow-changes",
        action="store_true",
        help="go on though something in AWS would change, which is named",
    )


def adopt(
    shell: Shell,
    *,
    environments: list[str],
    source: str | None,
    names: list[str],
    tag: str | None,
    stack: str | None,
    state: str | None,
    version: str | None,
    applied: bool,
    allow_changes: bool,
) -> int:
    """Take functions over, live ones or an engine's: files to commit, and proof that nothing changes."""
    from lockstep.model.engines import AWS

    is_live = bool(names or tag or stack)
    if is_live == (source is not None):
        raise BadInput(
            "nothing says which functions" if not is_live else "--from takes Terraform's functions",
            where="adopt",
            fix="name live ones with --function, --tag or --stack, or Terraform's with --from terraform",
        )
    if source is not None and _is_engine(shell, source, environments, state):
        return _hand_over(
            shell,
            environments,
            AWS.name,
            leaver=source,
            is_applied=applied,
            allow_changes=allow_changes,
        )
    if is_live:
        return _adopt_live(shell, environments, names, tag, stack, version)
    return _adopt_from_terraform(shell, environments, state, version)


def _adopt_live(
    shell: Shell,
    environments: list[str],
    names: list[str],
    tag: str | None,
    stack: str | None,
    version: str | None,
) -> int:
    from lockstep.delivery.adoption.live import Wanted, adopt_live
    from lockstep.delivery.sync.options import Options

    if len(environments) != 1:
        raise BadInput(
            "live functions are adopted into one environment", where="adopt", fix="run it once for each"
        )
    adopted = adopt_live(
        shell.open_workspace(),
        environments[0],
        Wanted(names=tuple(names), tag=tag, stack=stack),
        version=version,
        options=Options(github_token=shell.settings.github_token),
        watcher=shell.watcher,
    )
    _tell(shell, adopted)
    if adopted.differences:
        return 1
    shell.log("nothing but marks of ownership would change; commit what was written, then sync")
    if stack:
        shell.log(f"the stack {stack} still owns them: set DeletionPolicy: Retain there before they leave it")
    return 0


def _tell(shell: Shell, adopted: "Adopted") -> None:
    """The files, the notes, the plan that proves it, and what it would change."""
    from lockstep.render.text import plan_lines

    shell.end_progress()
    for file in adopted.files:
        shell.log(f"wrote {file}")
    for note in adopted.notes:
        shell.log(f"note: {note}")
    shell.log("\n".join(plan_lines(adopted.plan, columns=shell.columns)))
    for difference in adopted.differences:
        shell.log(f"differs: {difference}")
    if adopted.differences:
        shell.log("mend the declarations until the plan only marks the functions as Lockstep's")


def _adopt_from_terraform(
    shell: Shell, environments: list[str], state: str | None, version: str | None
) -> int:
    from lockstep.delivery.adoption.terraform import adopt_from_terraform, state_of
    from lockstep.delivery.sync.options import Options

    workspace = shell.open_workspace()
    text = _read(state) if state else state_of(workspace, environments, watcher=shell.watcher)
    adopted = adopt_from_terraform(
        workspace,
        environments,
        text,
        source=state or f"the state of {', '.join(environments)}",
        version=version,
        options=Options(github_token=shell.settings.github_token),
    )
    _tell(shell, adopted)
    if adopted.differences:
        return 1
    shell.log("nothing but marks of ownership would change; sync, then apply this in Terraform:")
    shell.emit(adopted.removed.splitlines())
    return 0


def _is_engine(shell: Shell, source: str, environments: list[str], state: str | None) -> bool:
    """Whether functions are an engine's of this project, and not those of somebody's Terraform."""
    from lockstep.model.engines import TERRAFORM

    if source != TERRAFORM.name:
        return True
    project = shell.open_workspace().project
    return state is None and any(project.environment(name).engine == source for name in environments)


def _hand_over(
    shell: Shell,
    environments: list[str],
    heir: str,
    *,
    leaver: str | None = None,
    is_applied: bool,
    allow_changes: bool,
    module: str = "module.fleet",
) -> int:
    """Write the next step of a hand-over, and tell what is to be done with it."""
    from lockstep.delivery.adoption.hand_over import hand_over
    from lockstep.delivery.sync.options import Options
    from lockstep.render.text import plan_lines

    done = hand_over(
        shell.open_workspace(),
        environments,
        heir,
        leaver=leaver,
        is_applied=is_applied,
        allow_changes=allow_changes,
        module=module,
        options=Options(github_token=shell.settings.github_token),
        credentials=shell.credentials,
        watcher=shell.watcher,
    )
    shell.end_progress()
    if done.plan is not None:
        shell.log("\n".join(plan_lines(done.plan, columns=shell.columns)))
    for difference in done.differences:
        shell.log(f"would change: {difference}")
    if done.plan is not None and not done.differences:
        shell.log("nothing in AWS would change")
    shell.emit([f"{'removed' if path in done.removed else 'wrote'} {path}" for path in done.files])
    shell.emit(done.brought)
    shell.emit([f"mind: {done.moment}"])
    shell.emit([f"{number}. {step}" for number, step in enumerate(done.steps, 1)])
    return 0


def eject(
    shell: Shell,
    *,
    targets: list[str],
    heir: str,
    into: Path | None,
    module: str,
    applied: bool,
    allow_changes: bool,
) -> int:
    """Hand environments over to another engine, or functions to a Terraform of your own."""
    from lockstep.delivery.adoption.eject import eject_to_terraform
    from lockstep.delivery.places.selection import check_patterns
    from lockstep.delivery.sync.options import Options
    from lockstep.model.engines import TERRAFORM

    if into is None:
        return _hand_over(
            shell, targets, heir, is_applied=applied, allow_changes=allow_changes, module=module
        )
    if heir != TERRAFORM.name:
        raise BadInput(
            f"{heir} has no root module", where="--into", fix="leave it out, or name --to terraform"
        )
    workspace = shell.open_workspace()
    check_patterns(workspace, targets)
    ejected = eject_to_terraform(
        workspace,
        tuple(targets),
        into.expanduser(),
        module=module,
        options=Options(github_token=shell.settings.github_token),
    )
    shell.end_progress()
    for note in ejected.notes:
        shell.log(f"note: {note}")
    shell.emit([f"wrote {file}" for file in ejected.files])
    names = ", ".join(sorted({target.partition("/")[0] for target in ejected.targets}))
    shell.log(
        f"next: `terraform plan` there imports {len(ejected.targets)} functions and changes no setting; then "
        f"set `engine: terraform` for {names}, or take them out of Git"
    )
    return 0


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(
            f"cannot read the state: {reason}", where=name, fix="write it with `terraform state pull`"
        ) from None
