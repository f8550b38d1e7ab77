"""How Lambda treats events that it was handed asynchronously.

Sources: Lambda API reference (PutFunctionEventInvokeConfig, GetFunctionEventInvokeConfig,
DeleteFunctionEventInvokeConfig), the service model, and developer guide, "Capturing records of Lambda
asynchronous invocations": queues and topics are standard ones.
"""

from collections.abc import Iterator, Mapping

from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, ResourceKind
from lockstep.model.rights import Right, sending

__all__ = ["KIND"]

_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:failed"


def _rights(settings: Mapping[str, Value]) -> Iterator[Right]:
    for row in ("onSuccess", "onFailure"):
        yield from sending(settings.get(row))


KIND = ResourceKind(
    name="asyncInvoke",
    title="asynchronous invocation",
    about="How events that the function is handed asynchronously are retried, and where they go then.",
    rows=(
        Field(
            name="maximumRetryAttempts",
            api="MaximumRetryAttempts",
            kind=Kind.INTEGER,
            about="How often an event is tried again when the function fails.",
            default=2,
            reset=2,
            minimum=0,
            maximum=2,
        ),
        Field(
            name="maximumEventAge",
            api="MaximumEventAgeInSeconds",
            kind=Kind.INTEGER,
            about="How long an event may wait, in seconds.",
            default=21600,
            reset=21600,
            minimum=60,
            maximum=21600,
        ),
        Field(
            name="onSuccess",
            api="DestinationConfig.OnSuccess.Destination",
            gets=True,
            kind=Kind.STRING,
            about="ARN of the queue, topic, function or event bus that is told of each success.",
            pattern=r"^arn:aws[a-z-]*:(sqs|sns|lambda|events):.+(?<!\.fifo)$",
            example=_QUEUE.replace("failed", "done"),
        ),
        Field(
            name="onFailure",
            api="DestinationConfig.OnFailure.Destination",
            gets=True,
            kind=Kind.STRING,
            about="ARN of the queue, topic, function, event bus or bucket that gets what failed in the end.",
            pattern=r"^arn:aws[a-z-]*:(sqs|sns|lambda|events|s3):.+(?<!\.fifo)$",
            example=_QUEUE,
        ),
    ),
    reads=("lambda:GetFunctionEventInvokeConfig",),
    writes=("lambda:PutFunctionEventInvokeConfig",),
    removes=("lambda:DeleteFunctionEventInvokeConfig",),
    proof=("FunctionArn",),
    terraform=InTerraform(
        resources={
            "aws_lambda_function_event_invoke_config": {
                "maximumRetryAttempts": "maximum_retry_attempts",
                "maximumEventAge": "maximum_event_age_in_seconds",
                "onSuccess": "destination_config.on_success.destination",
                "onFailure": "destination_config.on_failure.destination",
            }
        }
    ),
    rights=_rights,
)
