"""What differs between a desired and a live function, value by value."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, TypeGuard

from lockstep.model import (
    FIELDS,
    NOT_ASKED,
    Call,
    Change,
    Code,
    Field,
    Function,
    Kind,
    Reference,
    Secret,
    Unread,
    Value,
)
from lockstep.model.fields import BY_NAME, existing
from lockstep.model.kinds import KINDS

__all__ = [
    "call_of",
    "diff_code",
    "diff_settings",
    "diff_tags",
    "is_ignored",
    "is_named_by_tag",
    "row_of",
    "unread_in",
    "with_ignored",
    "without_unknown",
]


def with_ignored(desired: Function, live: Function | None, ignore: Sequence[str]) -> Function:
    """The desired function with the live values of everything that others manage.

    Lambda replaces a whole structure or map at once, so what is ignored has to be sent as it is. A
    function that is not there yet is created with what is declared; what would take a call of its own
    is left to those others, since a run that was killed before it could not tell its work from theirs.
    """
    if not ignore:
        return desired
    settings = dict(desired.settings)
    if live is None:
        own = [row.name for row in FIELDS if not row.api and is_ignored(row.name, ignore)]
        return replace(desired, settings={key: v for key, v in settings.items() if key not in own})
    for row in FIELDS:
        if row.kind is Kind.MAP:
            merged = {
                key: value
                for key, value in _mapping(settings.get(row.name)).items()
                if not is_ignored(f"{row.name}.{key}", ignore)
            }
            for key, value in _mapping(live.settings.get(row.name)).items():
                if is_ignored(f"{row.name}.{key}", ignore):
                    merged[key] = value
            settings[row.name] = dict(sorted(merged.items()))
            if not merged:
                del settings[row.name]
        if is_ignored(row.name, ignore):
            settings.pop(row.name, None)
            if row.name in live.settings:
                settings[row.name] = live.settings[row.name]
    tags = {key: v for key, v in desired.tags.items() if not is_ignored(f"tags.{key}", ignore)}
    code = live.code if is_ignored("code", ignore) else desired.code
    return replace(desired, settings=existing(settings), tags=tags, code=code)


def without_unknown(desired: Function, live: Function | None) -> Function:
    """The desired function with the live values of references whose own values nobody knows.

    What is not known differs from nothing.
    """
    variables = _mapping(desired.settings.get("environment"))
    unknown = {key for key, value in variables.items() if isinstance(value, Reference)}
    if not unknown:
        return desired
    now = _mapping(live.settings.get("environment")) if live else {}
    kept = {key: value for key, value in variables.items() if key not in unknown}
    kept |= {key: now[key] for key in unknown if key in now}
    return replace(
        desired, settings=existing({**desired.settings, "environment": dict(sorted(kept.items()))})
    )


def diff_settings(desired: Function, live: Function) -> tuple[Change, ...]:
    """Changes of settings, in the table's order; maps are compared key by key.

    Fields that nobody asked for are left out. What AWS would not show is a change from ``Unread``: it
    may or may not differ.
    """
    if desired.settings == live.settings:
        return ()
    changes: list[Change] = []
    unread = live.unread - KINDS.keys()  # of which one may be declared under the name of a setting
    for row in FIELDS:
        old, new = live.settings.get(row.name), desired.settings.get(row.name)
        if old == new or row.name in unread or (old is None and _is_for_nothing(row, desired)):
            continue
        if row.kind is Kind.MAP and not isinstance(old, Unread):
            changes.extend(_diff_map(row.name, _mapping(old), _mapping(new)))
        else:
            changes.append(
                Change(
                    path=row.name,
                    old=row.default if old is None else old,
                    new=row.default if new is None else new,
                )
            )
    return tuple(changes)


def _is_for_nothing(row: Field, desired: Function) -> bool:
    """Whether AWS does not keep the field of this function, which has nothing that it serves."""
    has = {*desired.settings, *(["image"] if desired.code.image else [])}
    return bool(row.serves) and has.isdisjoint(row.serves)


def is_named_by_tag(code: Code) -> bool:
    """Whether the code is an image whose tag may be moved to another one."""
    return bool(code.image) and "@sha256:" not in str(code.image)


def diff_code(desired: Function, live: Function) -> tuple[Change, ...]:
    """The change of what runs: a package's SHA-256 (hex) or an image.

    None as long as the desired one is not known, because its package cannot be had.
    """
    one, other = desired.code, live.code
    if one.image:
        _, _, digest = one.image.partition("@sha256:")
        if is_named_by_tag(one) and one.sha256 and other.sha256:
            if one.sha256 == other.sha256:
                return ()
            if one.image == other.image:  # a tag that was moved: only the digests differ
                old, new = (f"{one.image}@sha256:{code.sha256}" for code in (other, one))
                return (Change(path="code", old=old, new=new),)
        elif one.image == other.image or (digest and digest == other.sha256):
            return ()
    elif one.sha256 is None or one.sha256 == other.sha256:
        return ()
    return (Change(path="code", old=other.image or other.sha256, new=one.image or one.sha256),)


def diff_tags(desired: Mapping[str, str | None], live: Mapping[str, str | None]) -> tuple[Change, ...]:
    """Changes of the tags that are declared; None removes one, and tags of others are left alone."""
    differing = [key for key, value in desired.items() if live.get(key) != value]
    return tuple(Change(path=f"tags.{key}", old=live.get(key), new=desired[key]) for key in sorted(differing))


def call_of(path: str) -> Call | None:
    """The API call that makes a change; None for tags, permissions and triggers, which are no fields."""
    row = row_of(path)
    return row.call if row else Call.CODE if path == "code" else None


def row_of(path: str) -> Field | None:
    """The table's row for a change's path; None for code, tags and triggers."""
    return BY_NAME.get(path) or (BY_NAME["environment"] if path.startswith("environment.") else None)


def unread_in(live: Function, changes: Sequence[Change]) -> tuple[str, str] | None:
    """What of the changes, or of what goes along with one, AWS would not show and why, and what to do.

    None when all was read.

    Source: Lambda developer guide, "Securing Lambda environment variables": who reads the variables of
    a function with a key of its own needs kms:Decrypt on it.
    """
    rows = [
        row
        for change in changes
        for row in FIELDS
        if row is row_of(change.path) or (change.path == "code" and row.call is Call.CODE)
    ]
    touched = dict.fromkeys(name for row in rows for name in (row.name, *row.along))
    hidden = [(n, v.why) for n in touched if _is_kept(v := live.settings.get(n))]
    if not hidden:
        return None
    key, why = live.settings.get("kmsKeyArn") or "its key", hidden[0][1]
    may = f"allow kms:Decrypt on {key} to the role that runs Lockstep"
    return (
        f"{', '.join(path for path, _ in hidden)} of {live.name} could not be read: {why}",
        may if "AccessDenied" in why else f"see that {key} can be used, and {may}",
    )


def _is_kept(value: Value) -> TypeGuard[Unread]:
    """Whether AWS would not show it. What nobody asked for is in nobody's way: only a plan leaves it out."""
    return isinstance(value, Unread) and value != NOT_ASKED


def _diff_map(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    return [
        _masked(Change(path=f"{name}.{key}", old=old.get(key), new=new.get(key)))
        for key in sorted({*old, *new})
        if _plain(old.get(key)) != _plain(new.get(key))
    ]


def _plain(value: Value) -> Value:
    """The value itself: what comes from a secret store is live in AWS as any other variable."""
    return value.value if isinstance(value, Secret) else value


def _masked(change: Change) -> Change:
    """What is secret on one side is secret on the other."""
    if not isinstance(change.old, Secret) and not isinstance(change.new, Secret):
        return change
    old, new = (
        Secret(side) if isinstance(side, str) else side  # None stays None: the variable is not there
        for side in (change.old, change.new)
    )
    return replace(change, old=old, new=new)


def _mapping(value: Value) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def is_ignored(path: str, ignore: Collection[str]) -> bool:
    """Whether others manage what a change's path names."""
    return any(fnmatchcase(path, pattern) or path.startswith(f"{pattern}.") for pattern in ignore)
