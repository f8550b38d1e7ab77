"""The road through ACK: AWS's own controllers, one resource for each thing in AWS.

Fields come from the rows of the model (``ack_fields``), so that a new one is rendered or told as a loss
without a line here. All defaults are written: what ACK is not told it leaves as it is, and a field that is
dropped from a manifest may be sent as 0.
"""

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from lockstep.errors import BadInput
from lockstep.model import (
    FIELDS,
    Function,
    Reference,
    Resource,
    Scope,
    Secret,
    Statement,
    Target,
)
from lockstep.model.alias import LATEST, described, qualified
from lockstep.model.fields import APART, exists, named_in
from lockstep.model.fleet import partition_of
from lockstep.model.kinds import KINDS
from lockstep.planning.diff import is_ignored
from lockstep.planning.notifications import entry_for
from lockstep.planning.policy import ownership_tags
from lockstep.roads import ack_stuck
from lockstep.roads.ack_fields import BESIDE, lacking
from lockstep.roads.ack_stuck import NEVER_EMPTY
from lockstep.roads.ack_values import put, rows, rows_of, wire, within
from lockstep.roads.base import (
    Ground,
    Loss,
    Manifest,
    Need,
    Object,
    Rendering,
    Weight,
    identity_of,
    note_of,
    place_of,
    place_of_secret,
)
from lockstep.roads.losses import always, loss, placed
from lockstep.roads.names import clashing, name_problem, namespace_of, namespace_problem
from lockstep.roads.writing import Said
from lockstep.values import dataclass

__all__ = ["ROAD", "AckRoad"]

_LAMBDA = "lambda.services.k8s.aws/v1alpha1"
_ADOPTION = "services.k8s.aws/adoption-"
_DELETION = "services.k8s.aws/deletion-policy"
_SOURCES = "eventSources"
_S3 = "s3.services.k8s.aws/v1alpha1"
_LACKING = frozenset(lacking())
_TOLD = tuple(row for row in FIELDS if row.name in _LACKING or row.name in NEVER_EMPTY or row.members)


@dataclass(frozen=True, kw_only=True, slots=True)
class AckRoad:
    """Function, Alias, Version, EventSourceMapping, FunctionURLConfig and Bucket."""

    name: str = "ack"
    title: str = "AWS Controllers for Kubernetes"
    files: tuple[str, ...] = ("function.yaml", "bucket.yaml")
    needs: frozenset[Need] = frozenset({Need.PACKAGES})

    def may_stick(self, there: str, text: str) -> bool:
        """Whether lists were emptied, or there is an event source."""
        return ack_stuck.may_stick(there, text)

    def stuck(self, there: Iterable[Object], wanted: Iterable[Object]) -> Iterable[tuple[str, str]]:
        """What ACK never sends."""
        return ack_stuck.stuck(there, wanted)

    def kept(self, gone: Iterable[Object]) -> Iterable[str]:
        """What its object says to retain; versions pile up in any case, which a row of their own tells."""
        for one in gone:
            if note_of(one, _DELETION) == "retain" and one.get("kind") != "Version":
                yield f"{one.get('kind')} {identity_of(one)[-1]}"

    def render(self, ground: Ground) -> Rendering:
        """A file for each target, and one for each bucket of which all notifications are ours."""
        losses: list[Loss] = []
        manifests: list[Manifest] = []
        for key, target in ground.targets.items():
            made = _Made(ground=ground, target=target)
            objects = made.objects()
            losses += made.losses
            if objects is not None:
                manifests.append(
                    Manifest(
                        path=place_of(ground, target, self.files[0]),
                        owner=key,
                        objects=tuple(objects),
                        origins=ground.files.get(key, ()),
                    )
                )
        for key in sorted(ground.settings.versions):
            named = ground.targets.get(key)
            if named is None or named.alias is None:
                losses.append(loss(self.name, "versions", key, ground.settings.place))
        clashes = clashing(manifests)
        losses += [
            loss(self.name, "namespace", key, ground.settings.place, why=why)
            for key, why in sorted(clashes.items())
        ]
        manifests = [one for one in manifests if one.owner not in clashes]
        held = {one.target for one in losses if one.weight is Weight.REFUSED}
        buckets, told = _buckets(ground, held, self.files[1])
        losses += told
        held |= {one.target for one in told if one.field == "triggers.bucket"}
        return Rendering(
            road=self.name,
            manifests=(*manifests, *buckets),
            losses=(*always(self.name), *placed(ground, losses)),
            held=frozenset(held),
        )


ROAD = AckRoad()


@dataclass(slots=True, kw_only=True)
class _Made:
    """One target on its way, with what is lost of it."""

    ground: Ground
    target: Target
    losses: list[Loss] = field(default_factory=list)

    def _lose(self, name: str, place: str = "", **words: str) -> None:
        self.losses.append(loss(ROAD.name, name, self.target.key, place, **words))

    def objects(self) -> list[Object] | None:
        """The objects of the target; None when it is refused."""
        target, function = self.target, self.target.function
        assert function is not None  # noqa: S101 - only such targets are asked for
        scope = self._scope()
        self._check(function)
        if any(one.weight is Weight.REFUSED for one in self.losses) or scope is None:
            return None
        namespace = namespace_of(self.ground, target)
        found = [self._function(function, scope, namespace)]
        if target.alias is not None:
            found.append(self._alias(scope, namespace))
            if target.key in self.ground.settings.versions:
                found.insert(1, self._version(found[0]))
        found += [
            self._beside(one, function, namespace)
            for one in target.resources
            if one.kind in BESIDE and BESIDE[one.kind].resource
        ]
        self._tell(function)
        return found

    def _scope(self) -> Scope | None:
        """Account and Region, as they are declared; a loss when they are not."""
        environment = self.ground.project.environment(self.target.environment)
        missing = [name for name in ("account", "region") if getattr(environment, name) is None]
        if missing:
            self._lose(
                "account",
                environment.place,
                why=f"{self.target.environment} has no {' and no '.join(missing)}",
            )
            return None
        region = environment.region or ""
        return Scope(account=environment.account or "", region=region, partition=partition_of(region))

    def _check(self, function: Function) -> None:
        """What refuses the target."""
        target = self.target
        name = target.service if target.alias is None else f"{target.service}-{target.alias}"
        if (problem := name_problem(target.service) or name_problem(name)) is not None:
            self._lose("name", why=problem)
        if (problem := namespace_problem(self.ground, target)) is not None:
            self._lose("namespace (name)", self.ground.settings.place, why=problem)
        for one in target.resources:
            if one.kind == _SOURCES and (problem := name_problem(_name_of(target, one))) is not None:
                self._lose("name", one.place, why=problem)
        if target.obstacle is not None:
            self._lose("code", why=target.obstacle.text.partition("\n")[0])
        elif target.number is not None:
            self._lose("code", why=f"{target.number} is the number of a published version")
        elif function.code.image is None and function.code.package is None:
            self._lose("code", why="no package was found")
        if target.alias is not None:
            family = self.ground.families.get(target.key, ())
            if others := [one.key for one in family if one.key != target.key]:
                self._lose("functionName", others=", ".join(others))
        if target.triggers and target.alias is None:
            self._lose("triggers", target.triggers[0].place)
        variables = function.settings.get("environment")
        kept = variables if isinstance(variables, Mapping) else {}
        secret = sorted(name for name, value in kept.items() if isinstance(value, Secret | Reference))
        if secret:
            self._lose("environment", place_of_secret(kept), names=", ".join(secret))
        if named := named_in(function.settings.get("layers")):
            place = target.places.get("layers", "")
            self._lose("layers (named)", place, names=", ".join(named))
        for glob in target.ignore:
            if _is_part(glob):
                self._lose("ignore", glob=glob)
        for one in target.resources:
            if one.kind == "url" and one.settings.get("authType") != "AWS_IAM":
                self._lose("url.authType", one.place)
            if KINDS[one.kind].setting is not None:
                self._lose(f"{one.kind} (made)", one.place)

    def _tell(self, function: Function) -> None:
        """What is lost of the target, or works otherwise."""
        target = self.target
        for row in _TOLD:
            value = function.settings.get(row.name)
            if value is None or is_ignored(row.name, target.ignore):
                continue
            if row.name in _LACKING or row.name in NEVER_EMPTY:
                self._lose(row.name)
            gone = [name for name in row.members if f"{row.name}.{name}" in _LACKING]
            entries = value if isinstance(value, tuple) else ()
            for name in gone:
                if any(isinstance(one, Mapping) and name in one for one in entries):
                    self._lose(f"{row.name}.{name}")
        for one in target.resources:
            if one.kind in _LACKING:
                self._lose(one.kind, one.place)
                continue
            kind = KINDS[one.kind]
            for row in kind.rows:
                if row.name in one.settings and kind.path(row) in _LACKING:
                    self._lose(kind.path(row), one.place)
        if any(one.kind == _SOURCES for one in target.resources):
            self._lose(_SOURCES, next(one.place for one in target.resources if one.kind == _SOURCES))
        if target.key in self.ground.settings.versions:
            number = self.ground.settings.versions[target.key]
            self._lose("version", self.ground.settings.place, number=number, alias=str(target.alias))
        elif target.alias is not None:
            self._lose("alias")
        if target.alias is not None:
            self._lose("policy", alias=target.alias)
        if target.rollout is not None:
            self._lose("rollout")

    def _function(self, function: Function, scope: Scope, namespace: str) -> Object:
        code = function.code
        spec: dict[str, Any] = {"name": function.name}
        if code.image is not None:
            spec |= {"packageType": "Image", "code": {"imageURI": code.image}}
        elif code.package is not None:
            package = code.package
            digest = base64.b64encode(bytes.fromhex(package.sha256)).decode()
            spec["packageType"] = Said("Zip", "without it the digest is not compared")
            spec["code"] = {
                "s3Bucket": package.bucket,
                "s3Key": package.key,
                "sha256": Said(digest, "a changed key alone deploys nothing"),
            }
            if package.object_version:
                spec["code"]["s3ObjectVersion"] = package.object_version
        settings, ignore = function.settings, self.target.ignore
        for row, path in rows("Image" if code.image is not None else "Zip"):
            if not (ignore and is_ignored(row.name, ignore)) and exists(row, settings):
                put(spec, path, wire(row, settings.get(row.name), function.name))
        if self.target.alias is None:
            within(spec, self.target.resources)
        spec["tags"] = self._tags(function)
        meta = self._meta(self.target.service, namespace, 0, {"name": function.name}, scope)
        return {"apiVersion": _LAMBDA, "kind": "Function", "metadata": meta, "spec": spec}

    def _tags(self, function: Function) -> dict[str, str]:
        buckets = {trigger.bucket for trigger in self.target.triggers}
        made = {one.word for one in self.target.resources if one.kind in BESIDE}
        words = made | (APART & function.settings.keys())
        own = ownership_tags(self.ground.project.name, self.target, buckets, words)
        tags = {**function.tags, **own}
        return {key: value for key, value in sorted(tags.items()) if value is not None}

    def _version(self, function: Object) -> Object:
        """One for each state of the function: its name tells which, so that another one is another object."""
        target, spec = self.target, function["spec"]
        said = {name: value for name, value in spec.items() if name != "tags"}
        digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=_plain).encode()).hexdigest()
        made: dict[str, Any] = {"functionRef": {"from": {"name": target.service}}}
        if "sha256" in spec["code"]:
            made["codeSHA256"] = Said(
                spec["code"]["sha256"].value, "nothing is published before the function has it"
            )
        project, release = self.ground.project.name, target.version or ""
        made["description"] = described(project, target.key, release, target.commit)
        meta = {**function["metadata"], "name": f"{target.service}-{digest[:8]}"}
        unadopted = {k: v for k, v in meta["annotations"].items() if not k.startswith(_ADOPTION)}
        wave = str(self.ground.settings.wave + 1)
        meta["annotations"] = {**unadopted, "argocd.argoproj.io/sync-wave": wave}
        return {"apiVersion": _LAMBDA, "kind": "Version", "metadata": meta, "spec": made}

    def _alias(self, scope: Scope, namespace: str) -> Object:
        target = self.target
        release = target.version or ""
        spec: dict[str, Any] = {
            "name": target.alias,
            "functionRef": {"from": {"name": target.service}},
            "functionVersion": self.ground.settings.versions.get(target.key, LATEST),
            "description": described(self.ground.project.name, target.key, release, target.commit),
        }
        within(spec, target.resources)
        sources = sorted({scope.bucket_arn(trigger.bucket) for trigger in target.triggers})
        if sources:
            statements = [
                Statement(source_arn=one, source_account=scope.account, qualifier=target.qualifier)
                for one in sources
            ]
            spec["permissions"] = Said(
                [
                    {
                        "statementID": one.content_id,
                        "action": one.action,
                        "principal": one.principal,
                        "sourceARN": one.source_arn,
                        "sourceAccount": one.source_account,
                    }
                    for one in statements
                ],
                "all that there are: ACK removes every other",
            )
        meta = self._meta(f"{target.service}-{target.alias}", namespace, 1, {}, scope)
        return {"apiVersion": _LAMBDA, "kind": "Alias", "metadata": meta, "spec": spec}

    def _beside(self, resource: Resource, function: Function, namespace: str) -> Object:
        target, kind = self.target, BESIDE[resource.kind].resource
        spec: dict[str, Any] = {"functionRef": {"from": {"name": target.service}}}
        if resource.kind == _SOURCES:
            if target.alias is not None:  # what is referred to is the function, and none of its aliases
                spec = {"functionName": qualified(function.name, target.alias)}
            spec |= KINDS[resource.kind].filled(resource.settings)  # which ACK calls as we do
        elif target.alias is not None:
            spec["qualifier"] = target.alias
        rows_of(spec, resource)
        meta = self._meta(_name_of(target, resource), namespace, 2, {}, self._scope())
        return {"apiVersion": _LAMBDA, "kind": kind, "metadata": meta, "spec": spec}

    def _meta(
        self, name: str, namespace: str, wave: int, identity: Mapping[str, str], scope: Scope | None
    ) -> dict[str, Any]:
        return _meta(self.ground, name, namespace, wave, identity, scope, is_kept=not self.target.is_preview)


def _meta(
    ground: Ground,
    name: str,
    namespace: str,
    wave: int,
    identity: Mapping[str, str],
    scope: Scope | None,
    *,
    is_kept: bool,
) -> dict[str, Any]:
    """What every object says of where it is, and of what becomes of the resource without it."""
    notes: dict[str, Any] = {}
    if scope is not None:
        notes["services.k8s.aws/region"] = scope.region
        notes["services.k8s.aws/owner-account-id"] = scope.account
    if identity:
        notes["services.k8s.aws/adoption-policy"] = "adopt-or-create"
        notes["services.k8s.aws/adoption-fields"] = _json(identity)
    policy = "retain" if is_kept else "delete"
    why = "ACK deletes by default what loses its manifest" if is_kept else "a preview goes with its folder"
    notes[_DELETION] = Said(policy, why)
    notes["argocd.argoproj.io/sync-wave"] = str(ground.settings.wave + wave)
    return {"name": name, "namespace": namespace, "annotations": notes}


def _plain(value: object) -> object:
    return value.value if isinstance(value, Said) else str(value)


def _json(identity: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'"{key}": "{value}"' for key, value in identity.items()) + "}"


def _is_part(glob: str) -> bool:
    """Whether a glob leaves to others a part of what ACK takes for a whole."""
    group, dot, _ = glob.partition(".")
    return bool(dot) and group in ("environment", "tags")


def _name_of(target: Target, resource: Resource) -> str:
    """The name of the object of a resource: of one of several, with its own."""
    return f"{target.service}-{resource.name}" if resource.name else target.service


def _buckets(ground: Ground, held: set[str], file: str) -> tuple[list[Manifest], list[Loss]]:
    """One object for each bucket, whatever environments share it: its notifications are the whole of them."""
    callers: defaultdict[str, list[Target]] = defaultdict(list)
    for target in ground.targets.values():
        for bucket in sorted({trigger.bucket for trigger in target.triggers}):
            callers[bucket].append(target)
    manifests: list[Manifest] = []
    losses: list[Loss] = []
    for bucket, targets in sorted(callers.items()):
        is_whole = not any(target.key in held for target in targets)
        if bucket not in ground.settings.own_buckets or not is_whole:
            losses.append(loss(ROAD.name, "triggers.bucket", bucket, bucket=bucket))
            continue
        losses.append(loss(ROAD.name, "bucket", bucket, bucket=bucket))
        manifests.append(
            Manifest(
                path=f"buckets/{bucket}/{file}",
                owner=bucket,
                objects=(_bucket(ground, bucket, targets),),
                origins=tuple(sorted({file for one in targets for file in ground.files.get(one.key, ())})),
            )
        )
    return manifests, losses


def _bucket(ground: Ground, bucket: str, targets: Sequence[Target]) -> Object:
    namespace = ground.settings.shared_namespace
    if namespace is None:
        raise BadInput(
            f"nothing says in which namespace the object of the bucket {bucket} belongs",
            where=ground.settings.place,
            fix="add kubernetes: {sharedNamespace: ...}",
        )
    entries: list[dict[str, Any]] = []
    scopes = [_Made(ground=ground, target=target)._scope() for target in targets]
    for target, scope in zip(targets, scopes, strict=True):
        assert scope is not None and target.function is not None  # noqa: PT018, S101 - refused else
        arn = qualified(scope.function_arn(target.function.name), target.alias)
        for trigger in target.triggers:
            if trigger.bucket == bucket:
                entries.append(_entry(entry_for(ground.project.name, target.key, arn, trigger)))
    spec = {"name": bucket, "notification": {"lambdaFunctionConfigurations": entries}}
    scope = scopes[0] if len({one and (one.account, one.region) for one in scopes}) == 1 else None
    meta = _meta(ground, bucket, namespace, 3, {"name": bucket}, scope, is_kept=True)
    return {"apiVersion": _S3, "kind": "Bucket", "metadata": meta, "spec": spec}


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as S3's API takes it, in ACK's names."""
    made: dict[str, Any] = {
        "id": entry["Id"],
        "lambdaFunctionARN": entry["LambdaFunctionArn"],
        "events": list(entry["Events"]),
    }
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    if rules:
        made["filter"] = {
            "key": {"filterRules": [{"name": rule["Name"], "value": rule["Value"]} for rule in rules]}
        }
    return made
