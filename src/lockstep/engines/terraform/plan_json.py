"""What ``terraform show -json`` says of a plan, as changes of ours.

Source: "JSON Output Format" of Terraform's documentation, format 1.x.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any

from lockstep.engines.terraform.beside import Part, changes_beside, part_of
from lockstep.engines.terraform.owners import Owners
from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.state import (
    ALIAS,
    FUNCTION,
    OTHER_WORDS,
    function_of,
    hex_of,
    hidden_in,
    to_value,
)
from lockstep.errors import CloudError
from lockstep.model import Change, Function, ResourceChange, Secret, Target, Value
from lockstep.model.alias import release_of
from lockstep.model.blotting import blotted
from lockstep.model.foreign import read_json, shaped
from lockstep.planning.diff import diff_code, diff_settings
from lockstep.values import dataclass

__all__ = ["Planned", "read_plan"]

PERMISSION = "aws_lambda_permission"
NOTIFICATION = "aws_s3_bucket_notification"
_LONG = 8  # characters of a secret that stand in no other text by chance
_PAST = {"replace": "replaced", "forget": "let go", "import": "imported"}
_PLACE = ("s3_bucket", "s3_key", "s3_object_version")
_TAGS = {"lockstep:version": "version"}
_ACTIONS = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "forget",
    ("create", "forget"): "replace",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A plan of Terraform's, read. ``secrets`` are texts that no output may show."""

    resources: tuple[ResourceChange, ...] = ()
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)  # by target
    drifted: Mapping[str, Change] = field(default_factory=dict)  # targets that run another package
    adopted: frozenset[str] = frozenset()  # targets whose function is imported
    live: Mapping[str, Function] = field(default_factory=dict)  # functions of the state, by target
    versions: Mapping[str, str] = field(default_factory=dict)  # live ones by target, where known
    outputs: tuple[str, ...] = ()  # names of outputs that change
    callers: Mapping[str, frozenset[str]] = field(default_factory=dict)  # targets, by notification's address
    is_empty_state: bool = False  # the state manages nothing
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_empty(self) -> bool:
        """Nothing would be done."""
        return not self.resources and not self.outputs

    def shared_by(self, may_change: Callable[[str], bool]) -> list[str]:
        """Addresses of buckets' notifications that change for nobody but targets that may change."""
        return [
            address
            for address, callers in self.callers.items()
            if callers and all(may_change(key) for key in callers)
        ]


def read_plan(
    text: str,
    run: Run,
    targets: Mapping[str, Target],
    secrets: frozenset[str],
    credentials: frozenset[str] = frozenset(),
) -> Planned:
    """Read the output of ``show -json``.

    ``secrets`` are those that Lockstep passes itself; ``credentials`` those of Terraform's environment,
    which a file can read and write anew in any spelling. Raises CloudError when it is no plan, or one of
    another format.
    """
    no_plan = CloudError(
        "what Terraform shows of its plan is not JSON, or not that of a plan",
        fix="run `terraform show -json` on a plan and look",
    )
    with shaped(no_plan):
        return _read(read_json(text), run, targets, secrets, credentials)


def _read(
    document: Mapping[str, Any],
    run: Run,
    targets: Mapping[str, Target],
    secrets: frozenset[str],
    credentials: frozenset[str],
) -> Planned:
    version = str(document["format_version"])
    if not version.startswith("1."):
        raise CloudError(
            f"this Terraform writes plans in format {version}, and Lockstep reads format 1",
            fix="use a version of Terraform that this version of Lockstep knows",
        )
    raw = [one for one in document.get("resource_changes", ()) if one.get("mode") == "managed"]
    _check_names(
        [*(str(one["address"]) for one in raw), *(document.get("output_changes") or {})], secrets, credentials
    )
    state = list(_in_state(document.get("prior_state", {}).get("values", {}).get("root_module", {})))
    owners = Owners(run, targets, [*raw, *state])
    resources: list[ResourceChange] = []
    changes: dict[str, list[Change]] = {}
    parts: dict[str, list[Part]] = {}
    adopted: set[str] = set()
    callers: dict[str, frozenset[str]] = {}
    hidden = {*secrets, *credentials}
    for one in raw:
        change = one.get("change", {})
        hidden |= hidden_in(change.get("before"), change.get("before_sensitive"))
        hidden |= hidden_in(change.get("after"), change.get("after_sensitive"))
        action = _action(change)
        if action is None:
            continue
        key = owners.of(one)
        part = part_of(one, key)
        resources.append(
            ResourceChange(
                address=str(one["address"]),
                kind=str(one["type"]),
                action=action,
                target=key,
                is_beside=part is not None and not (action == "delete" and _is_declared(part, key, targets)),
            )
        )
        if key is not None and part is not None:
            parts.setdefault(key, []).append(_valued(part, change, action))
        elif key is not None:
            changes.setdefault(key, []).extend(_changes(one, action))
        if one["type"] == NOTIFICATION:
            triggers = _triggers(change, owners)
            callers[str(one["address"])] = frozenset(triggers)
            for owner, found in triggers.items():
                changes.setdefault(owner, []).extend(found)
        if key is not None and one["type"] == FUNCTION and change.get("importing"):
            adopted.add(key)
    for key, some in parts.items():
        changes.setdefault(key, []).extend(changes_beside(some, owners.function_of(key)))
    live: dict[str, Function] = {}
    drifted: dict[str, Change] = {}
    for one in state:
        if one.get("type") == FUNCTION and (key := owners.of(one)):
            live[key] = function_of(one.get("values", {}), one.get("sensitive_values"))
            if key in targets and key not in changes and (drift := _drift(one["values"], targets[key])):
                drifted[key] = drift
    return Planned(
        resources=tuple(resources),
        changes={key: _masked(found, hidden, credentials) for key, found in changes.items()},
        drifted=drifted,
        adopted=frozenset(adopted),
        live=live,
        versions=_versions(document.get("output_changes") or {}, live),
        outputs=tuple(
            sorted(
                name
                for name, change in (document.get("output_changes") or {}).items()
                if change.get("actions") not in (["no-op"], ["read"])
            )
        ),
        callers=callers,
        is_empty_state=not state,
        secrets=frozenset(hidden),
    )


def _check_names(names: list[str], secrets: frozenset[str], credentials: frozenset[str]) -> None:
    """Refuse a plan that names something after a secret: names are shown, and nobody can mask them."""
    text = "\n".join(names)
    long = [one for one in credentials if len(one) >= 2 * _LONG]
    if any(len(one) >= 2 * _LONG and one in text for one in secrets) or blotted(text, long) != text:
        raise CloudError(
            "Terraform's plan names a resource or an output after a secret value",
            fix="take the secret out of the keys of for_each; who wrote it may be after the credentials",
        )


def _drift(values: Mapping[str, Any], target: Target) -> Change | None:
    """What AWS runs, where it is not what is declared. Terraform compares what it was given last instead."""
    running = hex_of(values.get("code_sha256"))
    wanted = target.function.code.sha256 if target.function else None
    if running is None or wanted is None or running == wanted:
        return None
    return Change(path="code", old=running, new=wanted)


def _versions(outputs: Mapping[str, Any], live: Mapping[str, Function]) -> dict[str, str]:
    """Live versions: from the tag that our module sets, else from an output that maps targets to them."""
    versions: dict[str, str] = {}
    for name, output in outputs.items():
        value = output.get("before")
        if output.get("before_sensitive") or not isinstance(value, dict):
            continue
        for key, item in value.items():
            version = item.get("version") if isinstance(item, dict) else item
            if "/" in key and isinstance(version, str) and (name == "versions" or isinstance(item, dict)):
                versions[key] = version
    tagged = {key: function.tags.get("lockstep:version") for key, function in live.items()}
    return versions | {key: version for key, version in tagged.items() if version}


def _action(change: Mapping[str, Any]) -> str | None:
    actions = tuple(change.get("actions", ()))
    if actions == ("no-op",):
        return "import" if change.get("importing") else None
    return _ACTIONS.get(actions)


def _in_state(module: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [one for one in module.get("resources", ()) if one.get("mode") == "managed"]
    for child in module.get("child_modules", ()):
        address = child.get("address")
        found += [{"module_address": address, **one} for one in _in_state(child)]
    return found


def _changes(resource: Mapping[str, Any], action: str) -> list[Change]:
    change = resource["change"]
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown")
    marks_before, marks_after = change.get("before_sensitive"), change.get("after_sensitive")
    address, kind = str(resource["address"]), str(resource["type"])
    if kind == PERMISSION:
        return _permission(before, after, action)
    if kind == ALIAS:
        return _alias(before, {**after, **dict.fromkeys(_unknown_names(unknown))}, action)
    if kind == NOTIFICATION:
        return []  # told as triggers of those that are called
    if kind != FUNCTION:
        marks = (marks_before, marks_after)
        return _of_other(address, action, {**after, **_kept(before, unknown)}, before, marks)
    if action == "delete":
        return []
    known = {**after, **_kept(before, unknown)}
    old, new = function_of(before, marks_before), function_of(known, marks_after)
    found = [*diff_code(new, old), *diff_settings(new, old)]
    found += [
        Change(path=_TAGS.get(key, f"tags.{key}"), old=old.tags.get(key), new=new.tags.get(key))
        for key in sorted({*old.tags, *new.tags})
        if old.tags.get(key) != new.tags.get(key) and (key in _TAGS or not key.startswith("lockstep:"))
    ]
    places = _place_of(before), _place_of(known)
    if None not in places and places[0] != places[1] and not diff_code(new, old):
        found.append(Change(path="code", old=places[0], new=places[1]))
    if action == "replace":
        names = (before.get("function_name"), after.get("function_name"))
        found.append(Change(path="function", old=names[0], new=f"{names[1]} (replaced)"))
    if action == "forget":
        found.append(Change(path="function", old=old.name, new="(let go: Terraform looks after it no more)"))
    if before:
        found += [
            Change(
                path=name,
                old=to_value(before.get(name), _mark(marks_before, name)),
                new=to_value(known.get(name), _mark(marks_after, name)),
            )
            for name in sorted({*before, *known} - OTHER_WORDS)
            if (before.get(name) or None) != (known.get(name) or None)
        ]
    return found


def _is_declared(part: Part, key: str | None, targets: Mapping[str, Target]) -> bool:
    """Whether the repository still has what the part is of."""
    target = targets.get(key) if key is not None else None
    return target is not None and any(
        (one.kind, one.name) == (part.kind.name, part.name) for one in target.resources
    )


def _valued(part: Part, change: Mapping[str, Any], action: str) -> Part:
    """The part with what it is and what it becomes."""
    before, after = change.get("before") or {}, change.get("after") or {}
    if after:
        after = {**after, **_kept(before, change.get("after_unknown"))}
    old, new = (
        to_value(values, change.get(f"{side}_sensitive"))
        for side, values in (("before", before), ("after", after))
    )
    assert isinstance(old, Mapping)  # noqa: S101 - as they were given
    assert isinstance(new, Mapping)  # noqa: S101
    return replace(part, action=action, before=old, after=new)


def _place_of(values: Mapping[str, Any]) -> str | None:
    """Where a package lies: another place deploys it, whatever its hash is. An import does not know it."""
    place, key, version = (values.get(one) for one in _PLACE)
    return f"s3://{place}/{key}{f' (version {version})' if version else ''}" if key else None


def _kept(before: Mapping[str, Any], unknown: Any) -> dict[str, Any]:
    """What is not known before the apply counts as it is: Terraform cannot say that it differs."""
    return {name: before.get(name) for name in _unknown_names(unknown)}


def _unknown_names(unknown: Any) -> list[str]:
    return [name for name, mark in unknown.items() if mark is True] if isinstance(unknown, dict) else []


def _mark(marks: Any, name: str) -> Any:
    return True if marks is True else marks.get(name) if isinstance(marks, dict) else None


def _permission(before: Mapping[str, Any], after: Mapping[str, Any], action: str) -> list[Change]:
    def who(values: Mapping[str, Any]) -> str | None:
        return values.get("source_arn") or values.get("principal")

    if action in ("forget", "import"):
        return []
    old = who(before) if action in ("delete", "replace", "update") else None
    new = who(after) if action in ("create", "replace", "update") else None
    return [Change(path="permission", old=old, new=new)]


def _alias(before: Mapping[str, Any], after: Mapping[str, Any], action: str) -> list[Change]:
    """What the alias points at. The number of a version that is still to be published is not known."""
    if action in ("forget", "import"):
        return []
    releases = [release_of(str(values.get("description") or "")) for values in (before, after)]

    def words(values: Mapping[str, Any], release: str | None) -> str | None:
        if not values.get("name"):
            return None
        number = values.get("function_version")
        if number is None:
            return f"{values['name']}: version of {release or 'what is published'}, by Terraform"
        shares = [
            f"version {other}: {float(share) * 100:g} %"
            for routing in values.get("routing_config") or ()
            for other, share in (routing.get("additional_version_weights") or {}).items()
        ]
        return f"{values['name']}: {', '.join([f'version {number}', *shares])}"

    old, new = words(before, releases[0]), words(after if action != "delete" else {}, releases[1])
    found = [Change(path="alias", old=old, new=new)] if old != new else []
    if None not in releases and releases[0] != releases[1]:
        found.insert(0, Change(path="version", old=releases[0], new=releases[1]))
    return found


def _triggers(change: Mapping[str, Any], owners: Owners) -> dict[str, list[Change]]:
    """Entries of a bucket's notifications that come and go, by the target that they call."""
    before, after = (_entries(change.get(side) or {}, owners) for side in ("before", "after"))
    found: dict[str, list[Change]] = {}
    for key, words in before:
        if (key, words) not in after:
            found.setdefault(key, []).append(Change(path="trigger", old=words))
    for key, words in after:
        if (key, words) not in before:
            found.setdefault(key, []).append(Change(path="trigger", new=words))
    return found


def _entries(values: Mapping[str, Any], owners: Owners) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in values.get("lambda_function") or ():
        key = owners.of_arn(str(entry.get("lambda_function_arn") or ""))
        if key is not None:
            objects = f"{entry.get('filter_prefix') or ''}*{entry.get('filter_suffix') or ''}"
            events = ", ".join(sorted(entry.get("events") or ()))
            found.append((key, f"s3://{values.get('bucket')}/{objects} [{events}]"))
    return found


def _of_other(
    address: str, action: str, after: Mapping[str, Any], before: Mapping[str, Any], marks: tuple[Any, Any]
) -> list[Change]:
    """What happens to a resource that is no function: an update attribute by attribute."""
    match action:
        case "create":
            return [Change(path=address, new="(new)")]
        case "delete":
            return [Change(path=address, old="(exists)")]
        case "update":
            return _differing(address, to_value(before, marks[0]), to_value(after, marks[1]))
        case _:
            return [Change(path=address, old="(exists)", new=f"({_PAST[action]})")]


def _differing(path: str, old: Value, new: Value) -> list[Change]:
    """Changes of what lies below a path; maps are compared key by key."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [
            change
            for key in sorted({*old, *new})
            for change in _differing(f"{path}.{key}", old.get(key), new.get(key))
        ]
    return [] if old == new else [Change(path=path, old=old, new=new)]


def _masked(changes: list[Change], hidden: set[str], credentials: frozenset[str]) -> tuple[Change, ...]:
    """The changes with every text as Secret that is, or holds, what is secret anywhere in the plan."""
    long = [one for one in hidden if len(one) >= _LONG]
    spelled = [one for one in credentials if len(one) >= _LONG]

    def is_secret(text: str) -> bool:
        if text in hidden or any(one in text for one in long):
            return True
        return blotted(text, spelled) != text

    def mask(value: Value) -> Value:
        match value:
            case str() if value and is_secret(value):
                return Secret(value)  # whole: what stands around a secret may be of the same file
            case Mapping():
                return {key: mask(item) for key, item in value.items()}
            case tuple():
                return tuple(mask(item) for item in value)
            case _:
                return value

    return tuple(replace(change, old=mask(change.old), new=mask(change.new)) for change in changes)
