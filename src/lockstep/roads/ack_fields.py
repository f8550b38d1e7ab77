"""Which fields of the model the custom resources of ACK have, by the names that ACK gives them.

The paths are those of the published CRDs of lambda-controller 1.14.1 (``config/crd/bases``), as far as a
row of ours could need them. ACK's code generator makes a name of AWS's: the first letter small, and Id, Arn,
Uri and Url in capitals. A row that comes to none of these paths is a loss, told by default.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from lockstep.model.fields import FIELDS, Field
from lockstep.model.kinds import KINDS
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["BESIDE", "CONTROLLER", "Beside", "ack_path", "ack_path_of", "lacking", "members_of"]

CONTROLLER = "lambda-controller 1.14.1"

_FUNCTION = frozenset(
    {
        "architectures",
        "codeSigningConfigARN",
        "deadLetterConfig.targetARN",
        "description",
        "durableConfig.executionTimeout",
        "durableConfig.retentionPeriodInDays",
        "environment.variables",
        "ephemeralStorage.size",
        "fileSystemConfigs",
        "fileSystemConfigs.arn",
        "fileSystemConfigs.localMountPath",
        "handler",
        "imageConfig.command",
        "imageConfig.entryPoint",
        "imageConfig.workingDirectory",
        "kmsKeyARN",
        "layers",
        "loggingConfig.applicationLogLevel",
        "loggingConfig.logFormat",
        "loggingConfig.logGroup",
        "loggingConfig.systemLogLevel",
        "memorySize",
        "reservedConcurrentExecutions",
        "role",
        "runtime",
        "snapStart.applyOn",
        "tenancyConfig.tenantIsolationMode",
        "timeout",
        "tracingConfig.mode",
        "vpcConfig.securityGroupIDs",
        "vpcConfig.subnetIDs",
    }
)
_URL = frozenset(
    {
        "authType",
        "cors.allowCredentials",
        "cors.allowHeaders",
        "cors.allowMethods",
        "cors.allowOrigins",
        "cors.exposeHeaders",
        "cors.maxAge",
    }
)
_INVOKE = frozenset(
    {
        "destinationConfig.onFailure.destination",
        "destinationConfig.onSuccess.destination",
        "maximumEventAgeInSeconds",
        "maximumRetryAttempts",
    }
)
_KAFKA = (
    "consumerGroupID",
    "schemaRegistryConfig.eventRecordFormat",
    "schemaRegistryConfig.schemaRegistryURI",
    "schemaRegistryConfig.accessConfigs",
    "schemaRegistryConfig.accessConfigs.type",
    "schemaRegistryConfig.accessConfigs.uri",
    "schemaRegistryConfig.schemaValidationConfigs",
    "schemaRegistryConfig.schemaValidationConfigs.attribute",
)
_SOURCES = frozenset(
    {
        "batchSize",
        "bisectBatchOnFunctionError",
        "destinationConfig.onFailure.destination",
        "enabled",
        "eventSourceARN",
        "filterCriteria.filters",
        "filterCriteria.filters.pattern",
        "functionResponseTypes",
        "loggingConfig.systemLogLevel",
        "maximumBatchingWindowInSeconds",
        "maximumRecordAgeInSeconds",
        "maximumRetryAttempts",
        "parallelizationFactor",
        "queues",
        "scalingConfig.maximumConcurrency",
        "selfManagedEventSource.endpoints.KAFKA_BOOTSTRAP_SERVERS",
        "sourceAccessConfigurations",
        "sourceAccessConfigurations.type_",
        "sourceAccessConfigurations.uRI",
        "startingPosition",
        "startingPositionTimestamp",
        "topics",
        "tumblingWindowInSeconds",
        *(f"amazonManagedKafkaEventSourceConfig.{one}" for one in _KAFKA),
        *(f"selfManagedKafkaEventSourceConfig.{one}" for one in _KAFKA),
    }
)
_RENAMED: Mapping[str, str] = {
    "SelfManagedEventSource.Endpoints.KAFKA_BOOTSTRAP_SERVERS": (
        "selfManagedEventSource.endpoints.KAFKA_BOOTSTRAP_SERVERS"
    ),
    "SourceAccessConfigurations.Type": "sourceAccessConfigurations.type_",
    "SourceAccessConfigurations.URI": "sourceAccessConfigurations.uRI",
}
"""Names that the generator does not make as it makes all others."""
_APART: Mapping[str, str] = {"reservedConcurrency": "reservedConcurrentExecutions"}
"""Rows that are calls of their own with AWS, so that no path says their name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """Where a kind beside the function stands: in a member of Function and Alias, or in a resource."""

    paths: frozenset[str]
    member: str = ""
    resource: str = ""


BESIDE: Mapping[str, Beside] = {
    "asyncInvoke": Beside(paths=_INVOKE, member="functionEventInvokeConfig"),
    "eventSources": Beside(paths=_SOURCES, resource="EventSourceMapping"),
    "url": Beside(paths=_URL, resource="FunctionURLConfig"),
}
"""Kinds that ACK has something for, by their key under ``lambda:``; every other kind is a loss."""

_INITIALS = regex(r"(Id|Arn|Uri|Url)(s?)(?=[A-Z]|\Z)")


@cache
def ack_path(api: str) -> str:
    """ACK's name of a member of AWS's API: ``VpcConfig.SubnetIds`` is ``vpcConfig.subnetIDs``."""
    return _RENAMED.get(api) or ".".join(map(_name, api.split(".")))


def _name(part: str) -> str:
    part = _INITIALS.sub(lambda found: found[1].upper() + found[2], part)
    first = re.match(r"[A-Z]+(?=[A-Z][a-z]|\d|\Z)|[A-Z]", part)
    return part if first is None else first[0].lower() + part[first.end() :]


def ack_path_of(row: Field, kind: str = "") -> str | None:
    """Where a row of a function, or of a kind beside it, stands in its resource; None when nowhere."""
    path = ack_path(row.api) if row.api else _APART.get(row.name, "")
    if not kind:
        return path if path in _FUNCTION else None
    beside = BESIDE.get(kind)
    return path if beside is not None and path in beside.paths else None


def members_of(row: Field, kind: str = "") -> Mapping[str, str | None]:
    """ACK's names of the members of a list of maps, by ours; None for those that it has not."""
    known = BESIDE[kind].paths if kind else _FUNCTION
    found = {name: ack_path(f"{row.api}.{member.api}") for name, member in row.members.items()}
    return {
        name: path.removeprefix(f"{ack_path(row.api)}.") if path in known else None
        for name, path in found.items()
    }


def lacking(fields: Iterable[Field] = FIELDS) -> Iterator[str]:
    """Everything that can be declared and that no resource of ACK has, by its path under ``lambda:``."""
    for row in fields:
        if ack_path_of(row) is None:
            yield row.name
        else:
            yield from (f"{row.name}.{name}" for name, path in members_of(row).items() if path is None)
    for kind in KINDS.values():
        if kind.setting is not None:
            continue  # its setting is carried, and that it is made is refused
        if kind.name not in BESIDE:
            yield kind.name
            continue
        declared = (row for row in kind.rows if not row.computed)
        yield from (kind.path(row) for row in declared if ack_path_of(row, kind.name) is None)
