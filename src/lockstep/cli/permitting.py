"""``iam-policy``."""

import json

from lockstep.cli.parser import Parser
from lockstep.cli.shell import Shell
from lockstep.errors import BadInput

__all__ = ["declare_iam_policy", "iam_policy"]


def declare_iam_policy(parser: Parser) -> None:
    """The arguments of ``iam-policy``."""
    from lockstep.engines.aws.actions import Feature

    parser.add_argument(
        "features", nargs="*", metavar="FEATURE", help=f"what the role is for: {', '.join(Feature)}"
    )
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="TARGET",
        dest="targets",
        help="targets, environments or globs that it is for; can be repeated; default: all",
    )
    parser.add_argument(
        "--oidc",
        metavar="OWNER/NAME[:ENVIRONMENT]",
        help="print who may take the role instead: the workflows of a repository, or of one environment; "
        "OWNER@ID/NAME@ID where GitHub's tokens carry ids",
    )
    parser.add_argument(
        "--branch", metavar="BRANCH", default="main", help="with --oidc: branch that may; default: main"
    )
    parser.add_argument(
        "--no-pulls", action="store_true", help="with --oidc: only that branch, and no pull requests"
    )


def iam_policy(
    shell: Shell, *, features: list[str], targets: list[str], oidc: str | None, branch: str, no_pulls: bool
) -> int:
    """Print the least IAM policy of a role, or with --oidc who may take it."""
    from lockstep.delivery.setup.iam_policy import parse_subject, policy_of, trust_of
    from lockstep.engines.aws.actions import Feature

    if oidc is None and not features:
        raise BadInput("nothing says what the role is for", fix=f"name some of: {', '.join(Feature)}")
    if oidc is not None and features:
        raise BadInput("a trust policy has no features", where="--oidc", fix="print the policy by itself")
    for name in features:
        if name not in list(Feature):
            raise BadInput(
                f"{name!r} is no feature", where="iam-policy", fix=f"there are: {', '.join(Feature)}"
            )
    workspace = shell.open_workspace()
    if oidc is not None:
        subject = parse_subject(oidc)
        made = trust_of(workspace, subject, branch, pulls=not no_pulls)
        if not subject.has_ids:
            shell.log(
                f"note: if {subject.repository} was made or renamed since July 2026, its tokens carry ids: "
                "write --oidc OWNER@ID/NAME@ID; "
                f"gh api repos/{subject.repository} --jq "
                "'\"\\(.owner.login)@\\(.owner.id)/\\(.name)@\\(.id)\"' prints it"
            )
    else:
        made = policy_of(workspace, [Feature(name) for name in features], tuple(targets))
    text = json.dumps(made, indent=2, ensure_ascii=False)
    if "::ACCOUNT:" in text or ":*:" in text:
        shell.log("note: lockstep.yaml names no account or no Region; with them the policy is narrower")
    shell.emit(text + "\n")
    return 0
