"""What a state holds of functions, as targets: what those have that are not to change, or that somebody
else declares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstep.engines.terraform.beside import Part, part_of, resources_of
from lockstep.engines.terraform.handover import Managed, managed_in, triggers_of
from lockstep.engines.terraform.owners import Owners
from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.state import ALIAS, FUNCTION, ROLLED, function_of, hex_of, to_value
from lockstep.errors import BadInput
from lockstep.model import Code, Function, Package, Secret, Target, Value
from lockstep.model.alias import release_of, target_of
from lockstep.model.fields import existing
from lockstep.model.foreign import read_json, shaped
from lockstep.model.rollout import Rollout, Smoke

__all__ = ["live_targets", "live_variables"]

_LOG_GROUP = "aws_cloudwatch_log_group"


def live_targets(text: str, run: Run, declared: Mapping[str, Target], *, hides: bool) -> dict[str, Target]:
    """The functions of a state (``state pull``) by target, as far as it can be told whose they are.

    ``declared`` are the run's targets. ``hides``: environment variables that are not declared in the
    open are Secret. Raises BadInput when the text is no state.
    """
    if not text.strip():
        return {}
    no_state = BadInput(
        "this is no state of Terraform's that functions can be read from",
        where=run.settings.place,
        fix="look at what `terraform state pull` prints in the folder",
    )
    with shaped(no_state):
        return _read(text, run, declared, hides=hides)


def _read(text: str, run: Run, declared: Mapping[str, Target], *, hides: bool) -> dict[str, Target]:
    managed = managed_in(text, run.settings.place)
    resources = [_resource(one) for one in managed]
    owners = Owners(run, declared, resources)
    told = _told(read_json(text).get("outputs") or {})
    parts = _parts(resources)
    found: dict[str, Target] = {}
    for one, resource in zip(managed, resources, strict=True):
        key = owners.of(resource) if one.kind == FUNCTION else None
        if key is not None:
            target = _target(key, one, managed, declared.get(key), told.get(key, {}), hides=hides)
            beside = resources_of(parts.get(key, ()), str(one.function), target.alias or "")
            found[key] = replace(target, resources=beside)
    return found


def _parts(resources: Sequence[Mapping[str, Any]]) -> dict[str, list[Part]]:
    """What the module has in the state beside functions, by target."""
    found: dict[str, list[Part]] = {}
    for one in resources:
        key = str(one.get("index", "")).partition(":")[0]
        part = part_of(one, key)
        if part is not None and isinstance(values := to_value(one["values"], None), Mapping):
            found.setdefault(key, []).append(replace(part, after=values))
    return found


def live_variables(target: Target) -> dict[str, str]:
    """The environment variables of a target by name, secrets included."""
    variables = target.function.settings.get("environment") if target.function else None
    found: dict[str, str] = {}
    for name, value in variables.items() if isinstance(variables, Mapping) else ():
        match value:
            case Secret(value=str() as text) | (str() as text):
                found[name] = text
            case bool() | int() | float():
                found[name] = str(value)
            case _:
                pass  # a reference that nobody resolved
    return found


def _target(
    key: str,
    one: Managed,
    managed: Sequence[Managed],
    declared: Target | None,
    told: Mapping[str, str],
    *,
    hides: bool,
) -> Target:
    values = one.values
    function = function_of(values, None)
    tags = function.tags
    settings = dict(function.settings)
    if "environment" in settings:
        settings["environment"] = _environment(settings["environment"], declared, hides=hides)
    group = str(settings.get("logging.group") or f"/aws/lambda/{function.name}")
    for other in managed:
        if other.kind == _LOG_GROUP and other.values.get("name") == group:
            settings["logRetentionDays"] = other.values.get("retention_in_days")
    alias = _alias(key, function.name, managed)
    environment, _, service = key.rpartition("/")
    return Target(
        environment=environment,
        service=service,
        version=alias.get("release")
        or tags.get("lockstep:version")
        or told.get("version")
        or tags.get("version")
        or None,
        commit=told.get("commit") or tags.get("commit") or None,
        function=replace(
            function,
            settings=existing(settings),
            code=_code(function, values),
            tags={name: text for name, text in tags.items() if not name.startswith("lockstep:")},
        ),
        triggers=triggers_of(function.name, managed),
        alias=alias.get("name"),
        rollout=_rollout(alias, declared),
        place=declared.place if declared else "",
    )


def _alias(key: str, function: str, managed: Sequence[Managed]) -> dict[str, str]:
    """The alias that the module made for a target; those of others have other descriptions."""
    for one in managed:
        description = str(one.values.get("description") or "")
        if one.kind == ALIAS and one.function == function and target_of(description) == key:
            return {
                "name": str(one.values.get("name")),
                "release": release_of(description) or "",
                "resource": one.name,
            }
    return {}


def _rollout(alias: Mapping[str, str], declared: Target | None) -> Rollout | None:
    """The rollout that moves an alias which Terraform leaves alone, as far as Git tells it."""
    if alias.get("resource") != ROLLED:
        return None
    is_known = declared is not None and declared.is_rolled
    return declared.rollout if declared is not None and is_known else Rollout(smoke=Smoke())


def _code(function: Function, values: Mapping[str, Any]) -> Code:
    """The code as Terraform was given it: with a hash only where the folder takes one."""
    if function.code.image:
        return Code(image=function.code.image)
    digest = hex_of(values.get("source_code_hash"))
    bucket, key = values.get("s3_bucket"), values.get("s3_key")
    if not (digest and bucket and key):
        return Code(sha256=digest)
    return Code(
        sha256=digest,
        package=Package(
            bucket=str(bucket),
            key=str(key),
            sha256=digest,
            size=0,
            origin="the state",
            object_version=values.get("s3_object_version") or None,
            is_staged=True,
        ),
    )


def _environment(live: Value, declared: Target | None, *, hides: bool) -> Value:
    """The live variables, each as secret as it is declared."""
    if not isinstance(live, Mapping):
        return live
    known = declared.function.settings.get("environment") if declared and declared.function else None
    names = known if isinstance(known, Mapping) else {}

    def is_open(name: str) -> bool:
        return name in names and not isinstance(names[name], Secret)

    return {name: value if not hides or is_open(name) else Secret(str(value)) for name, value in live.items()}


def _told(outputs: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Versions and commits of outputs that map targets to them."""
    found: dict[str, dict[str, str]] = {}
    for output in outputs.values():
        value = output.get("value")
        for key, item in value.items() if isinstance(value, dict) else ():
            if "/" not in key:
                continue
            said = item if isinstance(item, dict) else {"version": item}
            for name in ("version", "commit"):
                if isinstance(said.get(name), str) and said[name]:
                    found.setdefault(key, {})[name] = said[name]
    return found


def _resource(one: Managed) -> dict[str, Any]:
    """In the form that plans have, which tells owners apart."""
    resource = {
        "type": one.kind,
        "name": one.name,
        "address": one.address,
        "module_address": one.resource.rpartition(f"{one.kind}.{one.name}")[0].rstrip("."),
        "values": one.values,
    }
    return resource if one.index is None else {**resource, "index": one.index}
