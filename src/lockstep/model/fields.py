"""The one table of function fields: name in the repository, name in AWS, default, normaliser, call.

A new field is one row. Reading the repository (validation, JSON Schema), reading AWS, comparing,
creating and updating all follow from it. Nested AWS structures are one row for each leaf, so a
change is shown where it is: ``logging.format``, not ``logging``.

Source: the Lambda service model (CreateFunction, UpdateFunctionConfiguration, UpdateFunctionCode)
and the API reference for defaults.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, assert_never

from lockstep.model.function import Unread, Value
from lockstep.model.policies import labelled
from lockstep.values import dataclass

__all__ = [
    "BUILT",
    "BY_NAME",
    "FIELDS",
    "NOT_FIELDS",
    "PARAMETER",
    "Call",
    "Field",
    "Kind",
    "Member",
    "built_in",
    "existing",
    "exists",
    "from_api",
    "named_in",
    "normalise",
    "parameters_of",
    "to_api",
]


PARAMETER = "ssm:"
"""How the name of a parameter begins that stands in a list for the text that it holds."""

BUILT = "layer:"
"""How the name of a layer begins that is built here and stands in a list for the ARN of its version."""


class Kind(StrEnum):
    """The shape of a field's value in the repository."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    STRINGS = "strings"  # a list whose order counts
    SET = "set"  # a list whose order does not count
    MAP = "map"  # string to string, reference or null (null deletes the key, as in Helm)
    STRUCTS = "structs"  # a list of maps; ``Field.members`` names their keys
    STATEMENTS = "statements"  # of a policy of IAM, whose order does not count: by label, see ``policies``


class Call(StrEnum):
    """The API call that changes a field of a function that exists."""

    CONFIGURATION = "UpdateFunctionConfiguration"
    CODE = "UpdateFunctionCode"
    CONCURRENCY = "PutFunctionConcurrency"
    RETENTION = "PutRetentionPolicy"
    SIGNING = "PutFunctionCodeSigningConfig"
    TAGS = "TagResource"
    NEVER = "only when the function is created"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A key of one entry of a list of maps. One with a default may be left out."""

    api: str  # dotted path in the entry
    pattern: str = ""  # what the text has to fit
    enum: tuple[str, ...] = ()
    default: str | None = None  # AWS's
    is_literal: bool = False  # braces are the text's own, and no template


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One row. ``api`` is the dotted path in CreateFunction's input; "" for calls of their own."""

    name: str  # dotted path under ``lambda:``
    api: str
    kind: Kind
    about: str  # one line for the schema and the reference
    default: Value = None  # AWS's default when the field is absent
    reset: Any = None  # what the API takes to go back to the default
    call: Call = Call.CONFIGURATION
    live: str = ""  # dotted path in FunctionConfiguration where it differs from ``api``
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    most: float | None = None  # in place of ``maximum``, beside the setting ``most_with``
    most_with: str = "capacityProvider.arn"  # Lambda Managed Instances
    pattern: str = ""  # the whole text has to fit it
    lines: bool = False  # a text that may hold line breaks
    is_literal: bool = False  # so may it, and braces are its own and no template
    is_path: bool = False  # braces are parameters of a path and no template; it has one line
    members: Mapping[str, Member] = field(default_factory=dict)  # STRUCTS: by our key
    read: Callable[[Any, Mapping[str, Any]], Any] | None = None  # AWS's value -> ours
    in_pages: bool = True  # ListFunctions tells it
    needs: tuple[str, Value] | None = None  # exists only while another field has this value; None: any
    is_born: bool = False  # whether it is there is fixed when the function is created; its value is not
    named: bool = False  # an entry may be {ssm: name} or {layer: name}: PARAMETER or BUILT, and the name
    for_type: str = ""  # "Zip" or "Image" where the other does not take it
    along: tuple[str, ...] = ()  # fields that are sent again when this one changes
    serves: tuple[str, ...] = ()  # what it is there for: without any of it AWS does not keep it
    required: bool = False  # of a kind beside the function: has to be declared with it
    computed: bool = False  # of such a kind: read and compared, never declared
    fixed: bool = False  # of such a kind: AWS takes it only when the resource is made
    gets: bool = False  # names what is handed something that the function was called with, or gave
    kept: bool = False  # of such a kind: what is not declared stays as it is
    example: str = ""  # what an error offers in place of a value that does not fit
    says: str = ""  # what it says in place of that
    since: str = ""  # the first botocore that sends it, where the lowest that we take does not

    @property
    def top(self) -> str:
        """The top-level member of the API input that holds this field."""
        return self.api.partition(".")[0]


def _layer_arns(layers: Any, _: Mapping[str, Any]) -> Any:
    return [layer.get("Arn", "") if isinstance(layer, Mapping) else layer for layer in layers]


def _log_group(group: Any, config: Mapping[str, Any]) -> Any:
    return None if group == f"/aws/lambda/{config.get('FunctionName')}" else group


# Of ARNs, as the service model has them.
_AWS = r"arn:aws[a-zA-Z-]*"
_REGION = r"(eusc-)?[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d"
_LAMBDA = rf"{_AWS}:lambda:{_REGION}:\d{{12}}"
_KEY = rf"^(|{_AWS}:kms:{_REGION}:\d{{12}}:(key|alias)/[a-zA-Z0-9/_:-]+)$"
_MANAGED = "CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig"
_ROLE_NAME = r"([\w+=,.@-]+/)*[\w+=,.@-]{1,64}"

FIELDS: tuple[Field, ...] = (
    Field(
        name="runtime",
        api="Runtime",
        kind=Kind.STRING,
        about="Runtime identifier, for example dotnet10 or python3.13; custom with customRuntime.",
        pattern=r"^[a-z]+[a-z0-9.\-]*$",
        for_type="Zip",
    ),
    Field(
        name="customRuntime.arn",
        api="RuntimeConfig.RuntimeArn",
        kind=Kind.STRING,
        about="A runtime that is no service of AWS's but of a publisher, or your own: its ARN. What its "
        "publisher changes runs with the function's role.",
        pattern=r"^arn:aws[a-z-]*:lambda:(eusc-)?[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]{4,}-\d:\d{12}"
        r":runtime/[a-z0-9][a-z0-9_.-]{0,126}[a-z0-9]$",
        example="arn:aws:lambda:eu-west-1:123456789012:runtime/name",
        needs=("runtime", "custom"),
        for_type="Zip",
        since="1.44.3",
    ),
    Field(
        name="customRuntime.alias",
        api="RuntimeConfig.RuntimeAlias",
        kind=Kind.STRING,
        about="Alias of that runtime: which version of it the function runs on.",
        pattern=r"^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?$",
        example="stable",
        needs=("runtime", "custom"),
        for_type="Zip",
        since="1.44.3",
    ),
    Field(
        name="handler",
        api="Handler",
        kind=Kind.STRING,
        about="Method that Lambda calls.",
        pattern=r"^\S{1,128}$",
        for_type="Zip",
    ),
    Field(
        name="role",
        api="Role",
        kind=Kind.STRING,
        about="Execution role: an ARN, or a name (path included) in the environment's account.",
        pattern=rf"^({_AWS}:iam::\d{{12}}:role)?/?{_ROLE_NAME}$",
    ),
    Field(
        name="description",
        api="Description",
        kind=Kind.STRING,
        about="Description of the function.",
        default="",
        reset="",
        pattern=r"^[\s\S]{0,256}$",
        lines=True,
    ),
    Field(
        name="memorySize",
        api="MemorySize",
        kind=Kind.INTEGER,
        about="Memory in MB: at most 10240 but on managed instances, and there at least 2048.",
        default=128,
        reset=128,
        minimum=128,
        maximum=10240,
        most=32768,
    ),
    Field(
        name="timeout",
        api="Timeout",
        kind=Kind.INTEGER,
        about="Time-out of one invocation in seconds: at most 1800 but on managed instances, where "
        "asynchronous calls and event sources, other than MQ and DocumentDB, may take longer.",
        default=3,
        reset=3,
        minimum=1,
        maximum=1800,  # 900 until November 2026
        most=5400,
    ),
    Field(
        name="environment",
        api="Environment.Variables",
        kind=Kind.MAP,
        about="Environment variables: literals, {ssm: name} or {secret: name}. 4 KB in all.",
        default={},
        reset={},
    ),
    Field(
        name="layers",
        api="Layers",
        kind=Kind.STRINGS,
        about="ARNs of layer versions, {ssm: name} of parameters that hold them, or {layer: name} of layers "
        "that are built here; at most five, in the order of unpacking.",
        default=(),
        reset=[],
        maximum=5,
        pattern=rf"^({_LAMBDA}:layer:[\w-]+:\d+|arn:[a-zA-Z0-9-]+:lambda:::awslayer:[\w-]+)$",
        read=_layer_arns,
        named=True,
        for_type="Zip",
    ),
    Field(
        name="architectures",
        api="Architectures",
        kind=Kind.SET,
        about="Instruction set: x86_64 or arm64. Changes together with the code.",
        default=("x86_64",),
        reset=["x86_64"],
        maximum=1,
        enum=("x86_64", "arm64"),
        call=Call.CODE,
    ),
    Field(
        name="ephemeralStorage",
        api="EphemeralStorage.Size",
        kind=Kind.INTEGER,
        about="Size of /tmp in MB: at most 10240 but with an accelerator.",
        default=512,
        reset=512,
        minimum=512,
        maximum=10240,
        most=32768,
        most_with="accelerator.memorySize",
    ),
    Field(
        name="vpc.subnetIds",
        api="VpcConfig.SubnetIds",
        kind=Kind.SET,
        about="Subnets that the function runs in; order does not count.",
        default=(),
        reset=[],
        pattern=r"^subnet-[0-9a-z]+$",
        maximum=16,
    ),
    Field(
        name="vpc.securityGroupIds",
        api="VpcConfig.SecurityGroupIds",
        kind=Kind.SET,
        about="Security groups of the function's network interfaces; order does not count.",
        default=(),
        reset=[],
        pattern=r"^sg-[0-9a-zA-Z]+$",
        maximum=5,
    ),
    Field(
        name="vpc.ipv6",
        api="VpcConfig.Ipv6AllowedForDualStack",
        kind=Kind.BOOLEAN,
        about="Let the function reach IPv6 addresses from dual-stack subnets.",
        default=False,
        reset=False,
    ),
    Field(
        name="tracing",
        api="TracingConfig.Mode",
        kind=Kind.STRING,
        about="X-Ray tracing.",
        default="PassThrough",
        reset="PassThrough",
        enum=("Active", "PassThrough"),
    ),
    Field(
        name="deadLetterTarget",
        api="DeadLetterConfig.TargetArn",
        kind=Kind.STRING,
        about="ARN of the SQS queue or SNS topic for events that failed.",
        default="",
        reset="",
        gets=True,
        # Source: Lambda developer guide, "Dead-letter queues": a standard queue or topic, no FIFO one.
        pattern=rf"^(|{_AWS}:s(qs|ns):{_REGION}:\d{{12}}:[\w-]{{1,256}})$",
    ),
    Field(
        name="kmsKeyArn",
        api="KMSKeyArn",
        kind=Kind.STRING,
        about="KMS key that encrypts the environment variables, SnapStart's snapshots, and beside "
        "sourceKmsKeyArn the unpacked package. AWS keeps none where there is nothing of these.",
        default="",
        reset="",
        pattern=_KEY,
        along=("environment",),  # they stay encrypted with the old key until they are sent again
        # Source: the AWS provider for Terraform, kms_key_arn of aws_lambda_function: without variables
        # AWS does not save it.
        serves=("environment", "snapStart", "sourceKmsKeyArn", "image"),
    ),
    Field(
        name="sourceKmsKeyArn",
        api="Code.SourceKMSKeyArn",
        kind=Kind.STRING,
        about="KMS key that encrypts the package in Lambda. Changes together with the code.",
        default="",
        reset="",
        pattern=_KEY,
        call=Call.CODE,
        in_pages=False,
        for_type="Zip",
    ),
    Field(
        name="s3ObjectStorageMode",
        api="Code.S3ObjectStorageMode",
        kind=Kind.STRING,
        about="REFERENCE lets Lambda read the package where it is staged, in a bucket that keeps "
        "versions, instead of a copy. Changes together with the code.",
        default="COPY",
        reset="COPY",
        enum=("COPY", "REFERENCE"),
        call=Call.CODE,
        in_pages=False,
        for_type="Zip",
    ),
    Field(
        name="fileSystems",
        api="FileSystemConfigs",
        kind=Kind.STRUCTS,
        about="EFS or S3 file system access points to mount.",
        default=(),
        reset=[],
        maximum=1,
        members={
            "arn": Member(
                api="Arn",
                pattern=rf"^({_AWS}:elasticfilesystem:{_REGION}:\d{{12}}:access-point/fsap-[a-f0-9]{{17}}"
                r"|arn:aws[-a-z]*:s3files:[0-9a-z:-]+:file-system/fs-[0-9a-f]{17,40}"
                r"/access-point/fsap-[0-9a-f]{17,40})$",
            ),
            "localMountPath": Member(api="LocalMountPath", pattern=r"^/mnt/[\w.-]{1,155}$"),
            "directS3Read": Member(
                api="S3FilesConfig.DirectS3Read", enum=("ENABLED", "DISABLED", "AUTO"), default="AUTO"
            ),
        },
    ),
    Field(
        name="logging.format",
        api="LoggingConfig.LogFormat",
        kind=Kind.STRING,
        about="Format of the function's logs.",
        default="Text",
        reset="Text",
        enum=("Text", "JSON"),
    ),
    Field(
        name="logging.applicationLevel",
        api="LoggingConfig.ApplicationLogLevel",
        kind=Kind.STRING,
        about="Least level of application logs that is kept; needs the JSON format.",
        default="INFO",
        enum=("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
        reset="INFO",
        needs=("logging.format", "JSON"),
    ),
    Field(
        name="logging.systemLevel",
        api="LoggingConfig.SystemLogLevel",
        kind=Kind.STRING,
        about="Least level of system logs that is kept; needs the JSON format.",
        default="INFO",
        enum=("DEBUG", "INFO", "WARN"),
        reset="INFO",
        needs=("logging.format", "JSON"),
    ),
    Field(
        name="logging.group",
        api="LoggingConfig.LogGroup",
        kind=Kind.STRING,
        about="Log group; by default /aws/lambda/ and the function's name.",
        reset="/aws/lambda/{functionName}",
        read=_log_group,
        pattern=r"^(?!aws/)[a-zA-Z0-9_/.#-]{1,512}$",
    ),
    Field(
        name="snapStart",
        api="SnapStart.ApplyOn",
        kind=Kind.STRING,
        about="Snapshots of initialised published versions.",
        default="None",
        reset="None",
        enum=("PublishedVersions", "None"),
        for_type="Zip",
    ),
    Field(
        name="imageConfig.entryPoint",
        api="ImageConfig.EntryPoint",
        live="ImageConfigResponse.ImageConfig.EntryPoint",
        kind=Kind.STRINGS,
        about="Overrides the image's ENTRYPOINT.",
        lines=True,
        maximum=1500,
        default=(),
        reset=[],
        for_type="Image",
    ),
    Field(
        name="imageConfig.command",
        api="ImageConfig.Command",
        live="ImageConfigResponse.ImageConfig.Command",
        kind=Kind.STRINGS,
        about="Overrides the image's CMD.",
        lines=True,
        maximum=1500,
        default=(),
        reset=[],
        for_type="Image",
    ),
    Field(
        name="imageConfig.workingDirectory",
        api="ImageConfig.WorkingDirectory",
        live="ImageConfigResponse.ImageConfig.WorkingDirectory",
        kind=Kind.STRING,
        about="Overrides the image's WORKDIR.",
        pattern=r"^.{0,1000}$",
        default="",
        reset="",
        for_type="Image",
    ),
    Field(
        name="durable.executionTimeout",
        api="DurableConfig.ExecutionTimeout",
        kind=Kind.INTEGER,
        about="Longest time that a durable execution may take, in seconds. Makes the function durable, "
        "which is fixed when it is created.",
        minimum=1,
        maximum=31622400,
        is_born=True,
    ),
    Field(
        name="durable.retentionDays",
        api="DurableConfig.RetentionPeriodInDays",
        kind=Kind.INTEGER,
        about="Days that the history of durable executions is kept.",
        default=14,
        reset=14,
        minimum=1,
        maximum=90,
        needs=("durable.executionTimeout", None),
    ),
    Field(
        name="durable.kmsKeyArn",
        api="DurableConfig.KMSKeyArn",
        kind=Kind.STRING,
        about="KMS key that encrypts the history of durable executions.",
        default="",
        reset="",
        pattern=_KEY,
        needs=("durable.executionTimeout", None),
    ),
    Field(
        name="capacityProvider.arn",
        api=f"{_MANAGED}.CapacityProviderArn",
        kind=Kind.STRING,
        about="Capacity provider on whose instances the function runs (Lambda Managed Instances). That it "
        "has one is fixed when the function is created; which one is not.",
        pattern=rf"^{_LAMBDA}:capacity-provider:[a-zA-Z0-9_-]{{1,64}}$",
        is_born=True,
    ),
    Field(
        name="capacityProvider.maxConcurrency",
        api=f"{_MANAGED}.PerExecutionEnvironmentMaxConcurrency",
        kind=Kind.INTEGER,
        about="Invocations that one execution environment runs at once. Has to be said: AWS's default "
        "depends on the runtime.",
        minimum=1,
        maximum=1600,
        needs=("capacityProvider.arn", None),
    ),
    Field(
        name="capacityProvider.memoryPerVCpu",
        api=f"{_MANAGED}.ExecutionEnvironmentMemoryGiBPerVCpu",
        kind=Kind.NUMBER,
        about="GiB of memory for each vCPU of an execution environment.",
        default=2,
        reset=2,
        minimum=2,
        maximum=8,
        needs=("capacityProvider.arn", None),
    ),
    Field(
        name="accelerator.memorySize",
        api="AcceleratorConfig.AcceleratorMemorySize",
        kind=Kind.INTEGER,
        about="Least memory in GB of each accelerator (GPU) of an execution environment; for images of "
        "x86_64 on managed instances.",
        # Source: Lambda API reference, AcceleratorConfig; the service model does not list them.
        enum=("3", "6", "12", "16", "24", "48"),
        needs=("capacityProvider.arn", None),
        for_type="Image",
        since="1.44.4",
    ),
    Field(
        name="tenancy",
        api="TenancyConfig.TenantIsolationMode",
        kind=Kind.STRING,
        about="Isolation of tenants; fixed when the function is created.",
        enum=("PER_TENANT",),
        call=Call.NEVER,
    ),
    Field(
        name="codeSigningConfigArn",
        api="CodeSigningConfigArn",
        kind=Kind.STRING,
        about="Code signing configuration; it counts from the next deployment of code.",
        default="",
        reset="",
        pattern=rf"^{_LAMBDA}:code-signing-config:csc-[a-z0-9]{{17}}$",
        for_type="Zip",
        call=Call.SIGNING,
        in_pages=False,
    ),
    Field(
        name="reservedConcurrency",
        api="",
        kind=Kind.INTEGER,
        about="Concurrent executions kept for this function, which are also its limit.",
        minimum=0,
        call=Call.CONCURRENCY,
        in_pages=False,
    ),
    Field(
        name="logRetentionDays",
        api="",
        kind=Kind.INTEGER,
        about="Days that the function's log group keeps events; absent: for ever.",
        enum=tuple(
            str(days)
            for days in (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827)
            + (2192, 2557, 2922, 3288, 3653)
        ),
        call=Call.RETENTION,
        in_pages=False,
    ),
)

BY_NAME: Mapping[str, Field] = {row.name: row for row in FIELDS}

APART: frozenset[str] = frozenset(row.name for row in FIELDS if not row.in_pages)
"""Settings that no listing tells: a function's tags remember those that it has, as what is beside it."""

NOT_FIELDS: Mapping[str, str] = {
    "FunctionName": "the function's name, not a setting",
    "Code.ZipFile": "packages are staged in S3, where they can be larger",
    "Code.S3Bucket": "of the staged package, which is compared by digest",
    "Code.S3Key": "of the staged package, which is compared by digest",
    "Code.S3ObjectVersion": "of the staged package, which is compared by digest",
    "Code.ImageUri": "the image, compared by the digest that its URI or ECR tells",
    "DryRun": "a call that changes nothing says nothing of what was read",
    "RevisionId": "the lock of each update: what was planned on must still be there",
    "PackageType": "follows from the code: zip or image",
    "Tags": "owned key by key, see planning.policy",
    "Publish": "a version is published by a call of its own, once code and configuration are settled",
    "PublishTo": "of managed instances too a version is published with a number, which the alias calls",
}
"""Members of CreateFunction and of both updates, by path in CreateFunction, that have no row, and why."""


def normalise(row: Field, value: Value) -> Value:
    """Bring a value into the one form in which equal means equal; the default becomes None.

    So does what is empty: AWS has no field for which nothing is another thing than its default.
    """
    match row.kind:
        case Kind.STRING:
            if isinstance(value, str) and row.enum and value not in row.enum:
                value = next((e for e in row.enum if e.lower() == value.lower()), value)
        case Kind.INTEGER | Kind.NUMBER:
            if isinstance(value, float) and value.is_integer():
                value = int(value)
        case Kind.BOOLEAN:
            pass
        case Kind.SET:
            value = tuple(sorted(set(_items(value))))
        case Kind.STRINGS:
            value = tuple(_text_of(item) for item in _items(value))
        case Kind.STRUCTS:
            maps = [_without_defaults(row, item) for item in _items(value)]
            value = tuple(sorted((dict(sorted(m.items())) for m in maps), key=repr))
        case Kind.MAP:
            pairs = value.items() if isinstance(value, Mapping) else ()
            value = dict(sorted((str(k), v) for k, v in pairs if v is not None))
        case Kind.STATEMENTS:
            value = {} if value is None else labelled(value)
        case _ as unknown:
            assert_never(unknown)
    return None if value == row.default or value in (None, (), {}, "") else value


def _without_defaults(row: Field, item: Mapping[str, Value]) -> dict[str, Value]:
    defaults = {name: member.default for name, member in row.members.items() if member.default}
    return {k: v for k, v in item.items() if k not in defaults or v not in (None, defaults[k])}


def parameters_of(value: Value) -> tuple[str, ...]:
    """The entries of a list that parameters hold, as ``ssm:NAME``."""
    return tuple(one for one in _items(value) if isinstance(one, str) and one.startswith(PARAMETER))


def built_in(value: Value) -> tuple[str, ...]:
    """The names of the layers in a list that are built here."""
    return tuple(
        one.removeprefix(BUILT) for one in _items(value) if isinstance(one, str) and one.startswith(BUILT)
    )


def named_in(value: Value) -> tuple[str, ...]:
    """The entries of a list that are only named, and whose text AWS tells."""
    return tuple(one for one in _items(value) if isinstance(one, str) and one.startswith((PARAMETER, BUILT)))


def _text_of(item: Any) -> Any:
    """An entry of a list of texts; what it only names stands with the kind of the name."""
    match item:
        case {"ssm": name, **others} if not others:
            return f"{PARAMETER}{name}"
        case {"layer": name, **others} if not others:
            return f"{BUILT}{name}"
        case _:
            return item


def _items(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def from_api(config: Mapping[str, Any], rows: Iterable[Field] = FIELDS) -> dict[str, Value]:
    """Settings from what AWS answered: of a live function from a FunctionConfiguration.

    Fields at their default are absent.

    A structure that AWS could not show has an ``Error`` in place of its members: each of those is
    ``Unread``, which is not the same as empty.
    """
    settings: dict[str, Value] = {}
    for row in rows:
        if not row.api or not row.in_pages:
            continue
        raw = _dig(config, row.live or row.api)
        if isinstance(raw, Unread):
            settings[row.name] = raw
            continue
        if raw is None:
            continue
        if row.read is not None:
            raw = row.read(raw, config)
        if row.kind is Kind.STRUCTS:
            found = ([(name, _dig(item, one.api)) for name, one in row.members.items()] for item in raw)
            raw = [{name: value for name, value in pairs if value is not None} for pairs in found]
        value = normalise(row, raw)
        if value is not None:
            settings[row.name] = value
    return existing(settings)


def existing(settings: Mapping[str, Value]) -> dict[str, Value]:
    """The settings without those that mean nothing beside the others: see ``Field.needs``."""
    return {
        name: value
        for name, value in settings.items()
        if name not in BY_NAME or exists(BY_NAME[name], settings)
    }


def to_api(name: str, settings: Mapping[str, Value], rows: Iterable[Field]) -> dict[str, Any]:
    """API input members for the given rows; a field at its default gets the value that resets it.

    ``name`` is the function's, from which AWS makes the default of some fields.
    """
    request: dict[str, Any] = {}
    for row in rows:
        if not row.api or not exists(row, settings):
            continue
        value = settings.get(row.name)
        wire = _wire(row, value) if value is not None else row.reset
        if wire is None:
            continue
        if isinstance(wire, str) and value is None:
            wire = wire.replace("{functionName}", name)
        _place(request, row.api, wire)
    return request


def _place(request: dict[str, Any], path: str, value: Any) -> None:
    *parents, leaf = path.split(".")
    for parent in parents:
        request = request.setdefault(parent, {})
    request[leaf] = value


def exists(row: Field, settings: Mapping[str, Value]) -> bool:
    """Say whether the field means something beside the other settings."""
    if row.needs is None:
        return True
    other, wanted = row.needs
    value = settings.get(other)
    if wanted is None:
        return value is not None
    return (BY_NAME[other].default if value is None else value) == wanted


def _wire(row: Field, value: Value) -> Any:
    match row.kind:
        case _ if isinstance(value, Unread):
            return value  # which is no {} and no []: whoever makes the call refuses it
        case Kind.STRUCTS:
            entries: list[dict[str, Any]] = [{} for _ in _items(value)]
            for entry, item in zip(entries, _items(value), strict=True):
                for name, one in item.items():
                    _place(entry, row.members[name].api, one)
            return entries
        case Kind.STRINGS | Kind.SET:
            return list(_items(value))
        case Kind.MAP | Kind.STATEMENTS:
            return dict(value) if isinstance(value, Mapping) else {}
        case _:
            return value


def _dig(config: Mapping[str, Any], path: str) -> Any:
    value: Any = config
    for part in _parts(path):
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        if error := value.get("Error"):
            return Unread.because(error)
        value = value.get(part)
    return value


@functools.cache
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))
