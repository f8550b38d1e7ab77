"""Resources beside a function, from a merged ``lambda`` block."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.config.context import Context
from lockstep.config.layers import Path
from lockstep.config.newest import check_since
from lockstep.model import Resource
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.model.kinds.base import NAME
from lockstep.model.paths import value_at
from lockstep.model.terraform import CARRIES_KINDS

__all__ = ["is_taken", "read_resources"]

_REGION = 3  # of arn:aws:SERVICE:REGION:ACCOUNT:...


def read_resources(context: Context, block: Mapping[str, Any]) -> tuple[Resource, ...]:
    """The resources that the block declares. Problems are noted in the context.

    One of a kind that does not stand alone and has nothing but defaults is none. A preview has none of what
    would call it with what is meant for others.
    """
    found: list[Resource] = []
    for name in [name for name in KINDS if block.get(name) is not None]:
        kind, declared = KINDS[name], block[name]
        whole = {kind.bare: declared} if kind.bare else declared
        if kind.setting is not None and not isinstance(declared, Mapping):
            continue  # the setting of this name
        is_named = kind.is_many and kind.has_names
        several = [*_of_several(context, kind, declared)] if is_named else [("", whole)]
        if several:
            _check_engine(context, kind)
        places: dict[str, str] = {}
        for label, values in several:
            one = _read(context, kind, label, values, block)
            if one is None:
                continue
            if is_named and (other := places.setdefault(one.identity, label)) != label:
                context.wrong(
                    _path(kind, label),
                    f"{one.path} and {kind.name}.{other} are the same to AWS, which keeps one of them",
                    "remove one of them",
                )
            _check_rival(context, one, found)
            _check_provider(context, kind, one)
            found.append(one)
    return tuple(found)


def _check_rival(context: Context, one: Resource, found: list[Resource]) -> None:
    """Two that people would take for one another, and that would both call."""
    kind = KINDS[one.kind]
    for other in found:
        if other.kind == kind.rival and other.settings.get("name") == one.settings.get("name"):
            what = f"a {kind.title} and a {KINDS[other.kind].title} of one name"
            context.wrong(
                _path(kind, one.name),
                f"{one.path} and {other.path} are {what}, {one.settings.get('name')}",
                "remove one of them: both would call the function; or give one another name",
            )


def _read(
    context: Context, kind: ResourceKind, label: str, values: Mapping[str, Any], block: Mapping[str, Any]
) -> Resource | None:
    path = _path(kind, label)
    alias, function = block.get("alias") or "", block.get("functionName") or ""
    one = kind.declared(dict(_leaves(values)), alias, label, context.place(*path), function)
    for row in kind.rows:
        if row.required and row.name not in one.settings:
            context.wrong(path, f"lambda.{one.path} needs {row.name}", f"add {one.path}.{row.name}")
        if row.since and row.name in one.settings:
            check_since(context, row, (*path, *row.name.split(".")))
    if (problem := kind.check(one.settings)) is not None:
        row_name, what, fix = problem
        context.wrong((*path, *(row_name.split(".") if row_name else ())), what, fix)
    if (far := _far(context, kind, one)) is not None:
        context.wrong((*path, kind.near), *far)
    if kind.published and not alias:
        context.wrong(
            path,
            f"lambda.{kind.name} is about published versions, and Lockstep publishes them for an alias",
            f"add lambda.alias, or remove {kind.name}",
        )
    elif (unsuited := kind.suits(one.settings, block)) is not None:
        context.wrong(path, *unsuited)
    return one if one.settings or kind.stands_alone else None


def _far(context: Context, kind: ResourceKind, one: Resource) -> tuple[str, str] | None:
    """What AWS refuses of something in another Region than the function's, where that is known."""
    region = context.file.project.environment(context.candidate.environment).region
    parts = str(one.settings.get(kind.near, "")).split(":")
    there = parts[3] if len(parts) > _REGION and parts[0] == "arn" else ""
    if not region or not there or there == region:
        return None
    return (
        f"{':'.join(parts)} is in {there}, and the function in {region}: AWS joins what is in one Region",
        f"name one in {region}, or give the environment the region {there}",
    )


def _of_several(
    context: Context, kind: ResourceKind, declared: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Those with a name that tags can hold; in a preview, those with a source of the preview's own."""
    for label, values in declared.items():
        if values is None:
            continue
        if not re.fullmatch(NAME, label):
            context.wrong(
                _path(kind, label),
                f"{label!r} is no name for {kind.title}: at most 32 letters, digits, - and _",
                "give it another name; it means nothing to AWS",
            )
        elif is_taken(context, kind, label):
            yield label, values


def is_taken(context: Context, kind: ResourceKind, label: str) -> bool:
    """Whether the target has what it declares under a name: a preview takes nothing that others share."""
    return context.candidate.pr is None or not kind.sources or _is_own(context, kind, label)


def _is_own(context: Context, kind: ResourceKind, label: str) -> bool:
    """Whether what calls is the preview's own: declared for it alone, or with its number in it.

    What several share would be taken from one another, or come to each of them.
    """
    rows = {row.name: row for row in kind.rows}
    for name_of_row in kind.sources:
        path: Path = (*_path(kind, label), *name_of_row.split("."))
        given = ((layer.name, value_at(layer.values, path)) for layer in reversed(context.stack.layers))
        name, value = next(((name, value) for name, value in given if value is not None), ("", None))
        row = rows[name_of_row]
        may_be_filled = not (row.is_literal or row.is_path)
        is_filled = may_be_filled and any(part in str(value) for part in ("{pr}", "{env}"))
        if name == "pull request" or is_filled:
            return True
    return False


def _check_engine(context: Context, kind: ResourceKind) -> None:
    run = context.file.project.environment(context.candidate.environment).terraform
    if run is None or (run.mapping == CARRIES_KINDS and kind.terraform):
        return
    path = ("lambda", kind.name)
    if not kind.terraform:
        context.wrong(
            path,
            f"lambda.{kind.name} is declared, and the module lambda-fleet has no {kind.title}",
            f"keep it in your Terraform code and {kind.instead or f'write {kind.name}: null here'}, or use "
            "`engine: aws`",
        )
    else:
        context.wrong(
            path,
            f"lambda.{kind.name} is declared, and the mapping of this environment does not carry it to "
            "Terraform",
            f"keep it in your Terraform code and write {kind.name}: null here, or use `mapping: "
            f"{CARRIES_KINDS}` with the module lambda-fleet, or `engine: aws`",
        )


def _check_provider(context: Context, kind: ResourceKind, one: Resource) -> None:
    """What Terraform's provider does not take of a kind that the module has."""
    there = kind.terraform
    if there is None or context.file.project.environment(context.candidate.environment).terraform is None:
        return
    for name in there.lacking(one.settings):
        taken = " or ".join(there.only[name])
        context.wrong(
            (*_path(kind, one.name), *name.split(".")),
            f"lambda.{one.path}.{name} is declared, and Terraform's AWS provider 5.100, from which on the "
            f"module lambda-fleet works, takes {taken or 'none'}",
            f"{f'write {taken}' if taken else f'remove {name}'}, or use `engine: aws`",
        )


def _path(kind: ResourceKind, label: str) -> tuple[str, ...]:
    return ("lambda", kind.name, *([label] if label else []))


def _leaves(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Values by the dotted names of rows."""
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
