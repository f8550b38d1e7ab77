"""What Lambda reads queues, streams and brokers for: event source mappings.

Sources: Lambda API reference (CreateEventSourceMapping, UpdateEventSourceMapping,
EventSourceMappingConfiguration), its service model, and the developer guide on each kind of source. The
destination of successes is left out: the API reference has it "not supported" for mappings.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.model.fields import Field, Kind, Member
from lockstep.model.foreign import read_json
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, ResourceKind, compact, is_json, moment, unlisted
from lockstep.model.rights import NETWORK, Right, items_of, sending

__all__ = ["KIND", "usual_batch"]

_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
_SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka-AbCdEf"  # noqa: S105 - a name
_ARN = r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+$"

_TYPES: Mapping[str, str] = {
    "SQS": r"sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}(\.fifo)?",
    "Kinesis": r"kinesis:[a-z0-9-]+:\d{12}:stream/[\w.-]+(/consumer/[\w.-]+:\d+)?",
    "DynamoDB": r"dynamodb:[a-z0-9-]+:\d{12}:table/[\w.-]+/stream/.+",
    "MSK": r"kafka:[a-z0-9-]+:\d{12}:(cluster|vpc-connection)/.+",
    "MQ": r"mq:[a-z0-9-]+:\d{12}:broker:.+",
    "DocumentDB": r"rds:[a-z0-9-]+:\d{12}:cluster:.+",
}
"""Kinds of sources by the rest of their ARNs."""

_STREAMS = frozenset({"Kinesis", "DynamoDB"})
_KAFKA = frozenset({"MSK", "Kafka"})
_POSITIONED = _STREAMS | _KAFKA | {"DocumentDB"}
_ONLY: Mapping[str, frozenset[str]] = {
    "startingPosition": _POSITIONED,
    "startingPositionTimestamp": _POSITIONED - {"DynamoDB"},
    "topics": _KAFKA,
    "queues": frozenset({"MQ"}),
    "maximumConcurrency": frozenset({"SQS"}),
    "parallelizationFactor": _STREAMS,
    "tumblingWindow": _STREAMS,
    "bisectBatchOnFunctionError": _STREAMS | _KAFKA,
    "maximumRetryAttempts": _STREAMS | _KAFKA,
    "maximumRecordAge": _STREAMS | _KAFKA,
    "onFailure": _STREAMS | _KAFKA,
    "functionResponseTypes": _STREAMS | _KAFKA | {"SQS"},
    "sourceAccess": _KAFKA | {"MQ", "DocumentDB"},
    "managedKafka.consumerGroupId": frozenset({"MSK"}),
    "managedKafka.schemaRegistryUri": frozenset({"MSK"}),
    "managedKafka.eventRecordFormat": frozenset({"MSK"}),
    "managedKafka.schemaAccess": frozenset({"MSK"}),
    "managedKafka.schemaValidation": frozenset({"MSK"}),
    "selfManagedKafka.consumerGroupId": frozenset({"Kafka"}),
    "selfManagedKafka.schemaRegistryUri": frozenset({"Kafka"}),
    "selfManagedKafka.eventRecordFormat": frozenset({"Kafka"}),
    "selfManagedKafka.schemaAccess": frozenset({"Kafka"}),
    "selfManagedKafka.schemaValidation": frozenset({"Kafka"}),
    "selfManagedKafka.consumptionMode": frozenset({"Kafka"}),
    "documentDb.databaseName": frozenset({"DocumentDB"}),
    "documentDb.collectionName": frozenset({"DocumentDB"}),
    "documentDb.fullDocument": frozenset({"DocumentDB"}),
    "pollers.minimum": _KAFKA | {"SQS"},
    "pollers.maximum": _KAFKA | {"SQS"},
    "pollers.group": _KAFKA,
    "logLevel": _KAFKA,
}
"""Rows that not every kind of source takes. Source: the API reference, member by member."""

_READING: Mapping[str, tuple[str, ...]] = {
    "SQS": ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    "Kinesis": (
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ),
    "DynamoDB": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "MSK": ("kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"),
    "MQ": ("mq:DescribeBroker",),
    "DocumentDB": ("rds:DescribeDBClusters",),
}
"""By kind of source: what is allowed on it."""

_LISTING: Mapping[str, tuple[str, ...]] = {
    "Kinesis": ("kinesis:ListStreams",),
    "DynamoDB": ("dynamodb:ListStreams",),
    "DocumentDB": ("rds:DescribeDBClusterParameters", "rds:DescribeDBSubnetGroups"),
}
"""What is allowed on more than the source."""

_IN_NETWORKS = frozenset({"MSK", "MQ", "DocumentDB"})
_UNBATCHED = 10  # the largest batch without a window; the largest of a FIFO queue at all
_BATCHES: Mapping[str, int] = {"SQS": 10}
_PROOF = ("UUID", "FunctionArn", "State")  # what AWS tells of every mapping
_LEAST_AGE = 60


def _type_of(settings: Mapping[str, Value]) -> str | None:
    """The kind of source; None where it is none that Lambda reads."""
    source = settings.get("source")
    if source is None:
        return "Kafka" if settings.get("endpoints") else None
    rest = str(source).partition(":")[2].partition(":")[2]
    return next((name for name, pattern in _TYPES.items() if re.fullmatch(pattern, rest)), None)


def usual_batch(settings: Mapping[str, Value]) -> int:
    """AWS's default of the batch, which depends on the source."""
    return _BATCHES.get(str(_type_of(settings)), 100)


def _identify(settings: Mapping[str, Value]) -> str:
    """The source, and of a broker what is read of it: AWS keeps one of each for a function or an alias."""
    names = ("source", "endpoints", "topics", "queues")
    parts = (settings.get(name) for name in names)
    return " ".join(
        ",".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in parts if part
    )


def _normal(settings: Mapping[str, Value]) -> Mapping[str, Value]:
    """Without the default batch, which depends on the source, and with patterns written in one way."""
    found = dict(settings)
    if found.get("batchSize") == usual_batch(settings):
        del found["batchSize"]
    if "pollers.minimum" not in found:
        found = {name: value for name, value in found.items() if not name.startswith("pollers.")}
    if patterns := _patterns(found):
        found["filters"] = tuple({"pattern": one} for one in sorted({*map(compact, patterns)}))
    return found


def _patterns(settings: Mapping[str, Value]) -> tuple[str, ...]:
    filters = settings.get("filters")
    listed = filters if isinstance(filters, tuple) else ()
    return tuple(str(one.get("pattern", "")) for one in listed if isinstance(one, Mapping))


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    """What Lambda refuses of a mapping."""
    kind, source = _type_of(settings), settings.get("source")
    if source is not None and settings.get("endpoints"):
        return "endpoints", "source and endpoints are both given", "keep the one that is read"
    if kind is None:
        known = ", ".join(_TYPES)
        if source is None:
            return "", "an event source needs a source", "add source: and its ARN, or endpoints: for Kafka"
        return "source", f"{source} is nothing that Lambda reads: {known}", _how(str(source))
    for name in settings:
        if kind not in _ONLY.get(name, {kind}):
            takers = ", ".join(sorted(_ONLY[name]))
            return name, f"{name} is for {takers}, and the source is {kind}", f"remove {name}"
    return _check_position(kind, settings) or _check_batch(kind, settings) or _check_rest(kind, settings)


def _how(source: str) -> str:
    if ":dynamodb:" in source:
        return "write the ARN of the table's stream: it ends in /stream/ and a time"
    if ":sns:" in source or ":s3:" in source or ":events:" in source:
        return "these call the function themselves: declare a trigger, a subscription or a rule instead"
    return f"for example {_QUEUE}"


def _check_position(kind: str, settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    position, time = settings.get("startingPosition"), settings.get("startingPositionTimestamp")
    if settings.get("selfManagedKafka.consumptionMode") == "Queue":
        without = ("startingPosition", "startingPositionTimestamp", "maximumBatchingWindow")
        found = next((name for name in without if name in settings), None)
        if found is None:
            return None
        return found, f"{found} does not go with the consumption mode Queue", f"remove {found}"
    if kind in _POSITIONED and position is None:
        return "", f"an event source of {kind} needs startingPosition", "add startingPosition: LATEST"
    if position == "AT_TIMESTAMP" and kind == "DynamoDB":
        return "startingPosition", "DynamoDB has no AT_TIMESTAMP", "write LATEST or TRIM_HORIZON"
    if (position == "AT_TIMESTAMP") != (time is not None):
        return (
            "startingPosition",
            "AT_TIMESTAMP and startingPositionTimestamp go together",
            "declare both, or neither",
        )
    return None


def _check_batch(kind: str, settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    batch, window = settings.get("batchSize"), settings.get("maximumBatchingWindow")
    size = batch if isinstance(batch, int) else 0
    if str(settings.get("source", "")).endswith(".fifo"):
        if window:
            return (
                "maximumBatchingWindow",
                "a FIFO queue takes no maximumBatchingWindow",
                "remove maximumBatchingWindow",
            )
        if size > _UNBATCHED:
            return "batchSize", f"a FIFO queue gives at most {_UNBATCHED} messages", "write batchSize: 10"
    if kind in _STREAMS | {"SQS"} and size > _UNBATCHED and not window:
        # Source: API reference, MaximumBatchingWindowInSeconds, "Related setting".
        return (
            "batchSize",
            f"a batch of more than {_UNBATCHED} needs a maximumBatchingWindow of at least 1",
            "add maximumBatchingWindow: 1",
        )
    return None


def _check_rest(kind: str, settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    for name, takers in (("topics", _KAFKA), ("queues", {"MQ"})):
        if kind in takers and not settings.get(name):
            return "", f"an event source of {kind} needs {name}", f"add {name}: [name]"
    if kind == "DocumentDB" and not settings.get("documentDb.databaseName"):
        what = "an event source of DocumentDB needs documentDb.databaseName"
        return "", what, "add documentDb.databaseName"
    age = settings.get("maximumRecordAge")
    if isinstance(age, int) and 0 <= age < _LEAST_AGE:
        return "maximumRecordAge", f"{age} s is too short", "write -1 for ever, or 60 and more"
    for one in _patterns(settings):
        if not is_json(one, dict):
            return (
                "filters",
                f"the pattern {one[:60]!r} is no JSON object",
                'write one, for example \'{"body": {"kind": ["order"]}}\'',
            )
        if (wrong := unlisted(read_json(one))) is not None:
            # Source: Lambda developer guide, "Filter rule syntax".
            return "filters", f"{wrong} of a pattern has no list of values", f'write "{wrong}": [...]'
    return None


def _is_enabled(state: Any, _: Mapping[str, Any]) -> Any:
    """What the mapping is or is about to be; nothing of one that is just coming or going."""
    return {"Enabled": True, "Enabling": True, "Disabled": False, "Disabling": False}.get(str(state))


def _of_kafka(name: str, api: str, what: str) -> tuple[Field, ...]:
    """The rows of one of the two kinds of Kafka."""
    return (
        Field(
            name=f"{name}.consumerGroupId",
            api=f"{api}.ConsumerGroupId",
            kind=Kind.STRING,
            about=f"{what}: the consumer group, which no other mapping of the account has; AWS names one "
            "when absent; fixed.",
            pattern=r"^[ a-zA-Z0-9/*:_+=.@-]{1,200}$",
            fixed=True,
            kept=True,
        ),
        Field(
            name=f"{name}.schemaRegistryUri",
            api=f"{api}.SchemaRegistryConfig.SchemaRegistryURI",
            kind=Kind.STRING,
            about=f"{what}: URI or ARN of the schema registry.",
            pattern=r"^[a-zA-Z0-9/*:_+=.@-]{1,10000}$",
        ),
        Field(
            name=f"{name}.eventRecordFormat",
            api=f"{api}.SchemaRegistryConfig.EventRecordFormat",
            kind=Kind.STRING,
            about=f"{what}: whether records come as JSON or as they are.",
            enum=("JSON", "SOURCE"),
        ),
        Field(
            name=f"{name}.schemaAccess",
            api=f"{api}.SchemaRegistryConfig.AccessConfigs",
            kind=Kind.STRUCTS,
            about=f"{what}: how to log in to the schema registry.",
            default=(),
            members={
                "type": Member(
                    api="Type",
                    enum=(
                        "BASIC_AUTH",
                        "CLIENT_CERTIFICATE_TLS_AUTH",
                        "SERVER_ROOT_CA_CERTIFICATE",
                        "OAUTHBEARER_AUTH",
                    ),
                ),
                "uri": Member(api="URI", pattern=_ARN),
            },
        ),
        Field(
            name=f"{name}.schemaValidation",
            api=f"{api}.SchemaRegistryConfig.SchemaValidationConfigs",
            kind=Kind.STRUCTS,
            about=f"{what}: what of a record is validated against its schema.",
            default=(),
            members={"attribute": Member(api="Attribute", enum=("KEY", "VALUE"))},
        ),
    )


def _rights(settings: Mapping[str, Value]) -> Iterator[Right]:
    """What Lambda reads a queue, stream, cluster or broker with, and where it tells of failures."""
    kind = _type_of(settings) or ""
    source = str(settings.get("source", ""))
    stream, _, consumer = source.partition("/consumer/")
    if actions := _READING.get(kind):
        yield Right(actions=actions, on=(stream,))
    if consumer:
        yield Right(actions=("kinesis:SubscribeToShard",), on=(source,))
    if actions := _LISTING.get(kind):
        yield Right(actions=actions, on=("*",))
    access = [
        (str(one.get("type")), str(one.get("uri")))
        for row in ("sourceAccess", "managedKafka.schemaAccess", "selfManagedKafka.schemaAccess")
        for one in items_of(settings.get(row))
    ]
    if secrets := tuple(sorted({uri for _, uri in access if ":secretsmanager:" in uri})):
        yield Right(actions=("secretsmanager:GetSecretValue",), on=secrets)
    if kind in _IN_NETWORKS or any(name.startswith("VPC_") for name, _ in access):
        yield NETWORK
    yield from sending(settings.get("onFailure"))


KIND = ResourceKind(
    name="eventSources",
    title="event source",
    about="Queues, streams and brokers that Lambda reads and hands to the function, each by a name of your "
    "choice. A preview has only those whose source is its own.",
    rows=(
        Field(
            name="source",
            api="EventSourceArn",
            kind=Kind.STRING,
            about="ARN of the queue, stream, cluster or broker; fixed.",
            pattern=_ARN,
            example=_QUEUE,
            fixed=True,
        ),
        Field(
            name="endpoints",
            api="SelfManagedEventSource.Endpoints.KAFKA_BOOTSTRAP_SERVERS",
            kind=Kind.SET,
            about="Bootstrap servers of a Kafka of your own, in place of source; fixed.",
            default=(),
            maximum=10,
            pattern=r"^[a-zA-Z0-9.-]{1,290}:\d{1,5}$",
            example="broker-1.example.com:9092",
            fixed=True,
        ),
        Field(
            name="topics",
            api="Topics",
            kind=Kind.SET,
            about="Kafka: the topic; fixed.",
            default=(),
            maximum=1,
            pattern=r"^[^.][a-zA-Z0-9_.-]{0,248}$",
            fixed=True,
        ),
        Field(
            name="queues",
            api="Queues",
            kind=Kind.SET,
            about="MQ: the queue; fixed.",
            default=(),
            maximum=1,
            pattern=r"^.{1,1000}$",
            fixed=True,
        ),
        Field(
            name="enabled",
            api="Enabled",
            live="State",
            kind=Kind.BOOLEAN,
            about="Whether events are handed over. Absent: a new one does, and one that somebody disabled "
            "stays disabled.",
            read=_is_enabled,
            kept=True,
        ),
        Field(
            name="batchSize",
            api="BatchSize",
            kind=Kind.INTEGER,
            about="Most records in one event: 10 for SQS and 100 for others when absent.",
            minimum=1,
            maximum=10000,
        ),
        Field(
            name="maximumBatchingWindow",
            api="MaximumBatchingWindowInSeconds",
            kind=Kind.INTEGER,
            about="How long records are gathered, in seconds.",
            default=0,
            reset=0,
            minimum=0,
            maximum=300,
        ),
        Field(
            name="startingPosition",
            api="StartingPosition",
            kind=Kind.STRING,
            about="Streams: where reading begins; fixed.",
            enum=("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"),
            fixed=True,
        ),
        Field(
            name="startingPositionTimestamp",
            api="StartingPositionTimestamp",
            kind=Kind.STRING,
            about="With AT_TIMESTAMP: the moment, in UTC; fixed.",
            pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
            example="2026-01-31T08:00:00Z",
            read=moment,
            fixed=True,
        ),
        Field(
            name="filters",
            api="FilterCriteria.Filters",
            kind=Kind.STRUCTS,
            about="Patterns of the records that are handed over; all of them when absent.",
            default=(),
            reset={},
            maximum=10,
            members={"pattern": Member(api="Pattern", pattern=r"^[\s\S]{0,4096}$", is_literal=True)},
        ),
        Field(
            name="kmsKeyArn",
            api="KMSKeyArn",
            kind=Kind.STRING,
            about="KMS key that encrypts the filters.",
            default="",
            reset="",
            pattern=r"^(|arn:aws[a-z-]*:kms:.+)$",
            example="arn:aws:kms:eu-west-1:123456789012:key/id",
        ),
        Field(
            name="functionResponseTypes",
            api="FunctionResponseTypes",
            kind=Kind.SET,
            about="ReportBatchItemFailures: the function tells which records failed.",
            default=(),
            reset=[],
            maximum=1,
            enum=("ReportBatchItemFailures",),
        ),
        Field(
            name="maximumConcurrency",
            api="ScalingConfig.MaximumConcurrency",
            kind=Kind.INTEGER,
            about="SQS: most instances of the function that work on it at once.",
            reset={},
            minimum=2,
            maximum=1000,
        ),
        Field(
            name="onFailure",
            api="DestinationConfig.OnFailure.Destination",
            gets=True,
            kind=Kind.STRING,
            about="Streams and Kafka: ARN of the queue, topic or bucket, or kafka://TOPIC, that is told of "
            "what failed in the end.",
            default="",
            reset="",
            pattern=r"^(arn:aws[a-z-]*:(sqs|sns|s3):.+(?<!\.fifo)|kafka://.+)$",
            example=_QUEUE.replace("orders", "failed"),
        ),
        Field(
            name="maximumRetryAttempts",
            api="MaximumRetryAttempts",
            kind=Kind.INTEGER,
            about="Streams and Kafka: how often a batch is tried again; -1: as long as it is there.",
            default=-1,
            reset=-1,
            minimum=-1,
            maximum=10000,
        ),
        Field(
            name="maximumRecordAge",
            api="MaximumRecordAgeInSeconds",
            kind=Kind.INTEGER,
            about="Streams and Kafka: how old a record may be, in seconds; -1: as old as it is there.",
            default=-1,
            reset=-1,
            minimum=-1,
            maximum=604800,
        ),
        Field(
            name="bisectBatchOnFunctionError",
            api="BisectBatchOnFunctionError",
            kind=Kind.BOOLEAN,
            about="Streams and Kafka: halve a batch that fails and try each half.",
            default=False,
            reset=False,
        ),
        Field(
            name="parallelizationFactor",
            api="ParallelizationFactor",
            kind=Kind.INTEGER,
            about="Kinesis and DynamoDB: batches of one shard that are worked on at once.",
            default=1,
            reset=1,
            minimum=1,
            maximum=10,
        ),
        Field(
            name="tumblingWindow",
            api="TumblingWindowInSeconds",
            kind=Kind.INTEGER,
            about="Kinesis and DynamoDB: windows that the function keeps a state in, in seconds.",
            default=0,
            reset=0,
            minimum=0,
            maximum=900,
        ),
        Field(
            name="sourceAccess",
            api="SourceAccessConfigurations",
            kind=Kind.STRUCTS,
            about="Brokers: how to reach them and to log in: ARNs of secrets, subnets, security groups, the "
            "virtual host.",
            default=(),
            reset=[],
            maximum=23,
            members={
                "type": Member(
                    api="Type",
                    enum=(
                        "BASIC_AUTH",
                        "VPC_SUBNET",
                        "VPC_SECURITY_GROUP",
                        "SASL_SCRAM_512_AUTH",
                        "SASL_SCRAM_256_AUTH",
                        "VIRTUAL_HOST",
                        "CLIENT_CERTIFICATE_TLS_AUTH",
                        "SERVER_ROOT_CA_CERTIFICATE",
                        "OAUTHBEARER_AUTH",
                        "OAUTHBEARER_SCOPE",
                        "OAUTHBEARER_AUDIENCE",
                        "OAUTHBEARER_LOGICAL_CLUSTER",
                        "OAUTHBEARER_IDENTITY_POOL",
                        "IAM_AUTH",
                        "IAM_OAUTHBEARER_AUTH",
                    ),
                ),
                "uri": Member(api="URI", pattern=r"^[ a-zA-Z0-9/*:_+=.@-]{1,200}$"),
            },
        ),
        *_of_kafka("managedKafka", "AmazonManagedKafkaEventSourceConfig", "MSK"),
        *_of_kafka("selfManagedKafka", "SelfManagedKafkaEventSourceConfig", "Kafka of your own"),
        Field(
            name="selfManagedKafka.consumptionMode",
            api="SelfManagedKafkaEventSourceConfig.ConsumptionMode",
            kind=Kind.STRING,
            about="Kafka of your own: Queue reads by a share group, out of order, from Kafka 4.2 on; fixed.",
            enum=("Stream", "Queue"),
            default="Stream",
            fixed=True,
            since="1.43.123",
        ),
        Field(
            name="documentDb.databaseName",
            api="DocumentDBEventSourceConfig.DatabaseName",
            kind=Kind.STRING,
            about="DocumentDB: the database.",
            pattern=r"^[^ /.$\x22]{1,63}$",
        ),
        Field(
            name="documentDb.collectionName",
            api="DocumentDBEventSourceConfig.CollectionName",
            kind=Kind.STRING,
            about="DocumentDB: the collection; all of them when absent.",
            pattern=r"^(?!system\.)[_a-zA-Z0-9][^$]{0,56}$",
        ),
        Field(
            name="documentDb.fullDocument",
            api="DocumentDBEventSourceConfig.FullDocument",
            kind=Kind.STRING,
            about="DocumentDB: what comes of a document that was updated.",
            default="Default",
            reset="Default",
            enum=("UpdateLookup", "Default"),
        ),
        Field(
            name="pollers.minimum",
            api="ProvisionedPollerConfig.MinimumPollers",
            kind=Kind.INTEGER,
            about="SQS and Kafka: pollers that are always there; the others are only beside it.",
            reset={},
            minimum=1,
            maximum=200,
        ),
        Field(
            name="pollers.maximum",
            api="ProvisionedPollerConfig.MaximumPollers",
            kind=Kind.INTEGER,
            about="SQS and Kafka: most pollers; what AWS chooses when absent.",
            minimum=1,
            maximum=10000,
            kept=True,
        ),
        Field(
            name="pollers.group",
            api="ProvisionedPollerConfig.PollerGroupName",
            kind=Kind.STRING,
            about="Kafka: group of mappings that share pollers.",
            pattern=r"^[a-zA-Z0-9_-]{1,128}$",
        ),
        Field(
            name="metrics",
            api="MetricsConfig.Metrics",
            kind=Kind.SET,
            about="Metrics that CloudWatch gets.",
            default=(),
            reset=[],
            maximum=3,
            enum=("EventCount", "ErrorCount", "KafkaMetrics"),
        ),
        Field(
            name="logLevel",
            api="LoggingConfig.SystemLogLevel",
            kind=Kind.STRING,
            about="Kafka: least level of the logs that the pollers write; what AWS chooses when absent.",
            enum=("DEBUG", "INFO", "WARN"),
            kept=True,
        ),
    ),
    reads=("lambda:ListEventSourceMappings",),
    writes=(
        "lambda:CreateEventSourceMapping",
        "lambda:UpdateEventSourceMapping",
        "sqs:GetQueueUrl",
        "sqs:GetQueueAttributes",
    ),
    removes=("lambda:DeleteEventSourceMapping",),
    proof=_PROOF,
    proofs={
        "lambda:DeleteEventSourceMapping": _PROOF,
        "lambda:ListEventSourceMappings": tuple(f"EventSourceMappings[].{name}" for name in _PROOF),
        "sqs:GetQueueUrl": ("QueueUrl",),
        "sqs:GetQueueAttributes": ("Attributes",),
    },
    left_out={
        "UUID": "which mapping it is",
        "Tags": "a mapping has no owner of its own: its function's tags remember it",
        "DestinationConfig.OnSuccess.Destination": "AWS has it, and supports it for no mapping",
    },
    on={
        "lambda:ListEventSourceMappings": "all",
        "lambda:CreateEventSourceMapping": "by function",
        "lambda:UpdateEventSourceMapping": "by function",
        "lambda:DeleteEventSourceMapping": "by function",
        "sqs:GetQueueUrl": "source",
        "sqs:GetQueueAttributes": "source",
    },
    stands_alone=True,
    invites=True,
    moves=True,
    outlives=True,
    handle="UUID",
    terraform=InTerraform(
        resources={
            "aws_lambda_event_source_mapping": {
                "source": "event_source_arn",
                "endpoints": "self_managed_event_source.endpoints.KAFKA_BOOTSTRAP_SERVERS",
                "topics": "topics",
                "queues": "queues",
                "enabled": "enabled",
                "batchSize": "batch_size",
                "maximumBatchingWindow": "maximum_batching_window_in_seconds",
                "startingPosition": "starting_position",
                "startingPositionTimestamp": "starting_position_timestamp",
                "filters": "filter_criteria.filter",
                "kmsKeyArn": "kms_key_arn",
                "functionResponseTypes": "function_response_types",
                "maximumConcurrency": "scaling_config.maximum_concurrency",
                "onFailure": "destination_config.on_failure.destination_arn",
                "maximumRetryAttempts": "maximum_retry_attempts",
                "maximumRecordAge": "maximum_record_age_in_seconds",
                "bisectBatchOnFunctionError": "bisect_batch_on_function_error",
                "parallelizationFactor": "parallelization_factor",
                "tumblingWindow": "tumbling_window_in_seconds",
                "sourceAccess": "source_access_configuration",
                "managedKafka.consumerGroupId": "amazon_managed_kafka_event_source_config.consumer_group_id",
                "selfManagedKafka.consumerGroupId": (
                    "self_managed_kafka_event_source_config.consumer_group_id"
                ),
                "documentDb.databaseName": "document_db_event_source_config.database_name",
                "documentDb.collectionName": "document_db_event_source_config.collection_name",
                "documentDb.fullDocument": "document_db_event_source_config.full_document",
                "pollers.minimum": "provisioned_poller_config.minimum_pollers",
                "pollers.maximum": "provisioned_poller_config.maximum_pollers",
                "metrics": "metrics_config.metrics",
            }
        },
        ids=lambda _, one: (one.handle,),
        only={
            "metrics": ("EventCount",),
            "pollers.group": (),
            "logLevel": (),
            "selfManagedKafka.consumptionMode": (),
            **{
                f"{kafka}.{row}": ()
                for kafka in ("managedKafka", "selfManagedKafka")
                for row in ("schemaRegistryUri", "eventRecordFormat", "schemaAccess", "schemaValidation")
            },
        },
    ),
    identify=_identify,
    normal=_normal,
    sources=("source", "endpoints", "topics", "queues"),
    filled=lambda settings: {"batchSize": usual_batch(settings)},
    near="source",
    loss="its position is lost: what the old one did not hand over yet is not handed over",
    check=_check,
    rights=_rights,
)
