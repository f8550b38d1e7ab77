"""The role of a function: one that is there, or one that is made for it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lockstep.config.context import Context
from lockstep.model.fleet import partition_of
from lockstep.model.kinds import KINDS
from lockstep.model.policies import MOST_MANAGED, allows_all, is_made, path_of
from lockstep.planning.diff import is_ignored

__all__ = ["with_own_role"]

_KIND, _SETTING = next((kind, kind.setting) for kind in KINDS.values() if kind.setting is not None)
_PATH = ("lambda", _KIND.name)
_ALL = "AdministratorAccess"


def with_own_role(context: Context, block: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The block with the place of a role that is made for the function, and with what names that role.

    Both are the block itself where none is made. Problems are noted in the context.
    """
    declared = block.get(_KIND.name)
    _check_pull_request(context, declared)
    if not isinstance(declared, dict):
        return block, block
    environment = context.candidate.environment
    own = {**declared, "path": declared.get("path") or path_of(context.file.project.name, environment)}
    own["name"] = own.get("name") or _KIND.usual(own, block.get("functionName") or "", "")["name"]
    _check_boundary(context, own.get("boundary"), block.get("ignore") or ())
    for path, arn in _arns(own):
        _check_place(context, path, arn)
    policies = own.get("policies") or ()
    if len(policies) > MOST_MANAGED:
        context.note(
            (*_PATH, "policies"),
            f"{len(policies)} managed policies: AWS allows a role {MOST_MANAGED} until it is asked for more",
        )
    if not own.get("boundary") and (_ALL in map(_name, policies) or allows_all(own.get("statements") or ())):
        context.note(_PATH, "the function may do everything in the account, and no boundary holds it")
    return {**block, _KIND.name: own}, {**block, _KIND.name: _SETTING(own)}


def _check_boundary(context: Context, boundary: str | None, ignore: Collection[str]) -> None:
    """A role has the boundary that the project demands of each, and keeps it."""
    project = context.file.project
    demanded = project.environment(context.candidate.environment).role_boundary
    if demanded is None:
        return
    if is_ignored(f"{_KIND.name}.boundary", ignore):
        context.wrong(
            ("lambda", "ignore"),
            f"the boundary of lambda.role is left to others, and {project.file} demands {demanded}",
            "leave role and role.boundary out of ignore",
        )
    if boundary == demanded:
        return
    has = "no boundary" if boundary is None else f"the boundary {boundary}"
    context.wrong(
        (*_PATH, "boundary") if boundary else _PATH,
        f"lambda.role has {has}, and {project.file} demands {demanded}",
        f"write boundary: {demanded}",
    )


def _check_pull_request(context: Context, declared: Any) -> None:
    """Whoever may open a pull request would say what its function may do: only below a boundary they may.

    Nor do they have a role that was made for another function.
    """
    place = context.of_pull_request(*_PATH)
    if place is None:
        return
    file = context.file.project.file
    if isinstance(declared, str) and is_made(declared):
        context.wrong_at(
            place,
            f"a pull request's own file gives its function {declared}, which is made for another",
            "say what the role is to allow, or name one that no function has to itself",
        )
    elif isinstance(declared, Mapping):
        if context.file.project.environment(context.candidate.environment).role_boundary is None:
            context.wrong_at(
                place,
                "a pull request says what the role of its own function may do, and nothing bounds it",
                f"declare the role below environments/preview, or demand a roleBoundary of preview in {file}",
            )
        for row in ("path", "name"):
            if there := context.of_pull_request(*_PATH, row):
                context.wrong_at(
                    there,
                    f"a pull request's own file says the {row} of a role, which may be another function's",
                    f"remove {row}: the role is in the preview's own path; or declare it below "
                    "environments/preview, with {pr} in it",
                )


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _arns(own: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for number, arn in enumerate(own.get("policies") or ()):
        yield ("policies", number), arn
    if own.get("boundary"):
        yield ("boundary",), own["boundary"]


def _check_place(context: Context, path: tuple[str | int, ...], arn: str) -> None:
    """Managed policies are AWS's or the account's own, and of the partition that the Region is in."""
    environment = context.file.project.environment(context.candidate.environment)
    _, partition, _, _, account, *_ = f"{arn}:::::".split(":")
    if environment.region is not None and partition != (ours := partition_of(environment.region)):
        context.wrong(
            (*_PATH, *path),
            f"{arn} is of the partition {partition}, and {environment.name} of {ours}",
            f"name a policy that begins with arn:{ours}:iam::",
        )
    elif environment.account is not None and account.isdecimal() and account != environment.account:
        context.wrong(
            (*_PATH, *path),
            f"{arn} lies in the account {account}, and {environment.name} in {environment.account}",
            "name a policy of that account, or one of AWS's",
        )
