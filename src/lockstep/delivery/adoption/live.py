"""``adopt --function``: live functions become declared ones, as they are."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockstep.delivery.adoption.declaration import declaration_of, write_declaration
from lockstep.delivery.adoption.terraform import Adopted, differences_of
from lockstep.delivery.places.workspace import Workspace, open_workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan
from lockstep.engines.aws.connection import Connection, Connections
from lockstep.errors import ArtifactError, BadInput
from lockstep.model import Function, Package, PackageBucket, Trigger
from lockstep.model.watching import SILENT, Watcher
from lockstep.values import dataclass

__all__ = ["Wanted", "adopt_live"]

_LARGEST = 262_144_000  # bytes of a package, Lambda's limit unpacked


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which live functions: names or globs, a tag ``KEY=VALUE``, a CloudFormation stack; each narrows."""

    names: tuple[str, ...] = ()
    tag: str | None = None
    stack: str | None = None


def adopt_live(
    workspace: Workspace,
    environment: str,
    wanted: Wanted,
    *,
    version: str | None,
    options: Options,
    watcher: Watcher = SILENT,
) -> Adopted:
    """Write declarations of live functions with their S3 triggers, bring their packages, and plan them.

    What runs is put into the package bucket as it is, so that the plan changes nothing but marks of
    ownership. Secrets of variables are not written: they are ignored until they are declared as references.
    Functions that are declared already are left as they are. Raises BadInput where nothing matches.
    """
    from lockstep.engines.aws.finding import function_names
    from lockstep.engines.aws.function import get

    root = workspace.root
    if root is None or workspace.where.rev is not None:
        raise BadInput(
            "declarations are written to a folder", where="--rev", fix="leave out --repo and --rev"
        )
    project = workspace.project
    place = project.environment(environment)
    if environment.partition("/")[0] == "preview":
        raise BadInput(
            "previews are written by `preview up`", where=environment, fix="name another environment"
        )
    connections = Connections()
    connection = connections.get(place)
    watcher.progress("looking for functions")
    with connections.reading():
        names = function_names(connection, wanted.names, tag=wanted.tag, stack=wanted.stack)
    if not names:
        raise BadInput(
            f"no live function is {_words(wanted)}",
            where=f"{environment} ({connection.scope.account}, {connection.scope.region})",
            fix="check the name, the tag or the stack, and the environment's account and Region",
        )
    declared = {
        target.function.name: key for key, target in workspace.fleet.targets.items() if target.function
    }
    notes: list[str] = []
    files: list[str] = []
    targets: list[str] = []
    for name in names:
        if name in declared:
            notes.append(f"{name} is declared already by {declared[name]}; it was left as it is")
            continue
        watcher.progress(f"reading {name}")
        function = get(connection, name)
        if function is None:
            continue
        service = name.removesuffix(f"-{environment}").removesuffix(f"_{environment}")
        code, said = _code(connection, function, project.packages_for(environment), service)
        block, more = declaration_of(function, code, said, _triggers(connection, function), version)
        notes += [f"{environment}/{service}: {text}" for text in more]
        files += write_declaration(root / project.folder, root, environment, service, block)
        targets.append(f"{environment}/{service}")
    if not targets:
        raise BadInput(
            "; ".join(notes) or "nothing is left to adopt", where=environment, fix="lockstep status"
        )
    plan = make_plan(
        open_workspace(workspace.where),
        replace(options, patterns=tuple(targets), adopt=True),
        watcher=watcher,
    )
    return Adopted(
        targets=tuple(targets),
        files=tuple(files),
        removed="",
        notes=tuple(notes),
        plan=plan,
        differences=tuple(differences_of(plan)),
    )


def _words(wanted: Wanted) -> str:
    parts = [", ".join(wanted.names)] if wanted.names else []
    parts += [f"tagged {wanted.tag}"] if wanted.tag else []
    parts += [f"of the stack {wanted.stack}"] if wanted.stack else []
    return " and ".join(parts)


def _code(
    connection: Connection, function: Function, bucket: PackageBucket | None, service: str
) -> tuple[Mapping[str, Any], str | None]:
    """Where the package lies from now on, and what has to be said of it."""
    if function.code.image:
        return {"image": function.code.image}, None
    if bucket is None:
        return {}, (
            "no package bucket is declared, so what runs stays as it is (`ignore: [code]`) until a version "
            "with a package is declared"
        )
    from lockstep.artifacts.checks import sha256_of
    from lockstep.artifacts.web import Web
    from lockstep.engines.aws.finding import code_location
    from lockstep.engines.aws.package import stage

    location = code_location(connection, function.name) or ""
    with tempfile.TemporaryDirectory(prefix="lockstep-adopt-") as folder:
        path = Path(folder) / "package.zip"
        got = Web().download(location, path, limit=_LARGEST)
        if got.status != 200:
            raise ArtifactError(f"AWS did not hand out its code (status {got.status})", where=function.name)
        digest = sha256_of(path)
        if digest != function.code.sha256:
            raise ArtifactError(
                "the code changed while it was fetched", where=function.name, fix="run the same command again"
            )
        package = Package(
            sha256=digest,
            size=path.stat().st_size,
            bucket=bucket.name,
            key=f"lockstep/adopted/{service}/{digest}.zip",
            origin=f"live:{function.name}",
            bucket_owner=bucket.account,
        )
        stage(connection, package, lambda _: path)
    return {"s3Key": package.key}, None


def _triggers(connection: Connection, function: Function) -> Sequence[Trigger]:
    """What S3 calls the function for: in the buckets that its policy lets call it."""
    from lockstep.engines.aws import notification, permission

    policy = permission.read(connection, function.name)
    arns = {one.source_arn for one in policy.statements if one.principal == "s3.amazonaws.com"}
    buckets = sorted({arn.partition(":::")[2] for arn in arns if arn and ":::" in arn})
    found: list[Trigger] = []
    for bucket in buckets:
        for entry in (notification.read(connection, bucket) or {}).get("LambdaFunctionConfigurations", ()):
            if str(entry.get("LambdaFunctionArn", "")) != function.arn:
                continue
            rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
            said = {str(rule["Name"]).lower(): str(rule["Value"]) for rule in rules}
            found.append(
                Trigger(
                    bucket=bucket,
                    prefix=said.get("prefix", ""),
                    suffix=said.get("suffix", ""),
                    events=tuple(sorted(str(event) for event in entry.get("Events", ()))),
                )
            )
    return tuple(found)
