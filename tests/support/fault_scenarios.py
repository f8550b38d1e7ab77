"""What a sync is interrupted in: what was live before, what is wanted, and which prefixes must be served.

Every scenario shares its bucket with somebody else's Lambda, SNS and SQS entries and EventBridge.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lockstep.model import Fleet, Resource, Secret
from lockstep.model.kinds import KINDS
from lockstep.model.layer import BuiltLayer
from tests.support.clouds import (
    ACCOUNT,
    HANDLER,
    REGION,
    Cloud,
    allow_bucket,
    make_bucket,
    make_function,
    make_http_api,
    make_queue,
    make_role,
    make_topic,
)
from tests.support.faults import ARCHIVE, HTTP_API, api
from tests.support.projects import PACKAGES, UPLOADS, make_fleet, make_package, make_target, trigger

__all__ = ["SCENARIOS", "Scenario", "furnish"]

NEWER = HANDLER + "# 1.0.1\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One change of the repository."""

    name: str
    before: Fleet | None  # synced before; None: nothing is there
    after: Fleet
    guarded: tuple[tuple[str, str], ...] = ()  # (bucket, prefix) that somebody serves at every moment
    adopt: bool = False
    taken_over: tuple[str, ...] = ()  # ids of entries of others on the uploads bucket that are replaced
    made_by_hand: Callable[[Cloud], None] = lambda _: None

    def __str__(self) -> str:
        return self.name


def furnish(cloud: Cloud) -> None:
    """Make what is there before anybody syncs: role, buckets and somebody else's settings."""
    make_role(cloud)
    make_http_api(cloud, HTTP_API)
    for bucket in (PACKAGES, UPLOADS, ARCHIVE):
        make_bucket(cloud, bucket)
    arn = make_function(cloud, "others-resizer", Tags={"team": "media", "lockstep:note": "not an owner"})[
        "FunctionArn"
    ]
    for bucket in (UPLOADS, ARCHIVE):
        allow_bucket(cloud, "others-resizer", bucket, sid=f"others-{bucket}")
    for_uploads = {
        "LambdaFunctionConfigurations": [
            entry("others-images", arn, "images/", suffix=".png"),
            entry("others-films", arn, "films/"),
        ],
        "TopicConfigurations": [entry("others-topic", make_topic(cloud, "others"), "topic/")],
        "QueueConfigurations": [entry("others-queue", make_queue(cloud, "others"), "queue/")],
        "EventBridgeConfiguration": {},
    }
    put(cloud, UPLOADS, for_uploads)
    api(cloud, "logs").create_log_group(logGroupName="/shop/orders")
    put(cloud, ARCHIVE, {"LambdaFunctionConfigurations": [entry("others-archive", arn, "images/")]})


def entry(entry_id: str, destination: str, prefix: str, *, suffix: str = "") -> dict[str, Any]:
    """Return a notification entry as its owner would write it."""
    kind = {"lambda": "LambdaFunctionArn", "sns": "TopicArn", "sqs": "QueueArn"}[destination.split(":")[2]]
    rules = [
        {"Name": name, "Value": value} for name, value in (("Prefix", prefix), ("Suffix", suffix)) if value
    ]
    return {
        "Id": entry_id,
        kind: destination,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": rules}},
    }


def put(cloud: Cloud, bucket: str, configuration: Mapping[str, Any]) -> None:
    """Write a bucket's notifications past every rule."""
    api(cloud, "s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration
    )


def add_entries(cloud: Cloud, bucket: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Add Lambda entries of somebody else's to a bucket, as a careful other writer does."""
    raw = api(cloud, "s3").get_bucket_notification_configuration(Bucket=bucket)
    raw.pop("ResponseMetadata")
    raw.setdefault("LambdaFunctionConfigurations", []).extend(entries)
    put(cloud, bucket, raw)


_NOTIFIER: Mapping[str, Any] = {
    "memorySize": 256,
    "reservedConcurrency": 2,
    "logRetentionDays": 7,
    "environment": {"MODE": "slow", "DB_PASSWORD": Secret("hunter2-live")},
}

_LAYER = BuiltLayer(
    target="production/common",
    service="common",
    version="1.4.0",
    name="shop-common",
    package=make_package("VERSION = 1\n"),
)
_PRODUCTION = make_target(
    "production/notifier",
    trigger("Projects/"),
    settings={"layers": ({"layer": _LAYER.service},)},
    layers=(_LAYER,),
)

_FIRST = make_fleet(
    make_target(
        "staging/notifier", trigger("in/"), settings=_NOTIFIER, tags={"team": "files", "owner": None}
    ),
    _PRODUCTION,
)


def _update() -> Scenario:
    settings = {
        "memorySize": 512,
        "timeout": 10,
        "reservedConcurrency": None,
        "logRetentionDays": 14,
        "environment": {"MODE": "fast", "DB_PASSWORD": Secret("hunter3-live")},
    }
    return Scenario(
        name="update",
        before=_FIRST,
        after=make_fleet(
            make_target(
                "staging/notifier",
                trigger("in/"),
                settings=settings,
                source=NEWER,
                version="1.0.1",
                tags={"team": None, "owner": "files"},
            ),
            _PRODUCTION,
        ),
        guarded=((UPLOADS, "in/"), (UPLOADS, "Projects/")),
    )


def _rule(function: str, alias: str = "") -> Resource:
    return KINDS["rules"].declared({"pattern": '{"source": ["shop"]}'}, alias, "orders", "", function)


def _schedule(function: str, alias: str = "") -> Resource:
    role = "arn:aws:iam::123456789012:role/scheduler"
    return KINDS["schedules"].declared(
        {"schedule": "rate(1 day)", "role": role}, alias, "daily", "", function
    )


def _topic(function: str, alias: str = "") -> Resource:
    settings = {"topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:others", "filterPolicy": '{"kind": ["order"]}'}
    return KINDS["topics"].declared(settings, alias, "orders", "", function)


def _own_role(function: str) -> Resource:
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    return KINDS["role"].declared(
        {"path": "/lockstep/shop/preview/pr-1/", "policies": [basic], "statements": [_LISTS]},
        "",
        "",
        "",
        function,
    )


_LISTS = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}


def _route(alias: str = "") -> Resource:
    values = {"api": HTTP_API, "route": "GET /orders"}
    return KINDS["http"].declared(values, alias, "orders", "", "")


def _logs(function: str, alias: str = "") -> Resource:
    settings = {"group": "/shop/orders", "pattern": "ERROR"}
    return KINDS["logSubscriptions"].declared(settings, alias, "orders", "", function)


def _queue(alias: str) -> Resource:
    settings = {"source": f"arn:aws:sqs:{REGION}:{ACCOUNT}:others", "batchSize": 5}
    return KINDS["eventSources"].declared(settings, alias, "orders", "", "")


_OF_RELEASES = (
    Resource(kind="provisionedConcurrency", qualifier="live", settings={"executions": 2}),
    Resource(kind="recursion", settings={"loop": "Allow"}),
    Resource(kind="runtimeManagement", settings={"updateOn": "FunctionUpdate"}),
)


def _alias() -> Scenario:
    """A function gets an alias, and with it a new release; what stands beside it moves along."""

    def beside(alias: str) -> tuple[Resource, ...]:
        caller = {"principal": "iot.amazonaws.com", "sourceArn": "arn:aws:iot:eu-west-1:123456789012:rule/r"}
        return (
            Resource(kind="asyncInvoke", qualifier=alias, settings={"maximumRetryAttempts": 0}),
            KINDS["permissions"].declared(caller, alias, "rule", ""),
            _rule("notifier-staging", alias),
            _schedule("notifier-staging", alias),
            _topic("notifier-staging", alias),
            _route(alias),
            _logs("notifier-staging", alias),
            _queue(alias),
            Resource(kind="url", qualifier=alias, settings={"authType": "NONE"}),
        )

    return Scenario(
        name="to an alias",
        before=make_fleet(
            make_target(
                "staging/notifier",
                trigger("in/"),
                resources=beside(""),
            )
        ),
        after=make_fleet(
            make_target(
                "staging/notifier",
                trigger("in/"),
                source=NEWER,
                version="1.0.1",
                alias="live",
                resources=(*beside("live"), *_OF_RELEASES),
            )
        ),
        guarded=((UPLOADS, "in/"),),
    )


def _move() -> Scenario:
    """``in/`` passes to a function that is there, ``next/`` to a new one; another leaves its bucket."""
    return Scenario(
        name="trigger move",
        before=make_fleet(
            make_target("staging/old", trigger("in/"), trigger("next/")),
            make_target("staging/new"),
            make_target("staging/mover", trigger("out/")),
        ),
        after=make_fleet(
            make_target("staging/old"),
            make_target("staging/new", trigger("in/")),
            make_target("staging/fresh", trigger("next/")),
            make_target("staging/mover", trigger("out/", bucket=ARCHIVE)),
        ),
        guarded=((UPLOADS, "in/"), (UPLOADS, "next/")),
    )


def _remove() -> Scenario:
    """One preview goes, and the function of another gets another name."""
    stays = make_target("staging/notifier", trigger("in/"))
    renamed = make_target("preview/pr-2/notifier", trigger("preview/pr-2/"), name="notifier-pr-2")
    assert renamed.function is not None
    function = replace(renamed.function, name="notifier-of-pr-2")
    return Scenario(
        name="removal",
        before=make_fleet(
            stays,
            make_target(
                "preview/pr-1/notifier",
                trigger("preview/pr-1/"),
                settings={"logRetentionDays": 1},
                resources=(
                    *(one("notifier-preview-pr-1") for one in (_rule, _schedule, _topic, _logs, _own_role)),
                    _route(),
                ),
            ),
            renamed,
        ),
        after=make_fleet(stays, replace(renamed, function=function)),
        guarded=((UPLOADS, "in/"), (UPLOADS, "preview/pr-2/")),
    )


def _adopt() -> Scenario:
    """A function made by hand, with an entry that overlaps the declared one, is taken over."""

    def made_by_hand(cloud: Cloud) -> None:
        arn = make_function(cloud, "orders", MemorySize=1024, Tags={"made-by": "terraform"})["FunctionArn"]
        allow_bucket(cloud, "orders", UPLOADS, sid="terraform-orders")
        add_entries(
            cloud, UPLOADS, [entry("tf-orders", arn, "orders/"), entry("tf-reports", arn, "reports/")]
        )

    return Scenario(
        name="adoption",
        before=None,
        after=make_fleet(
            make_target(
                "production/orders",
                trigger("orders/", ".csv"),
                trigger("reports/"),
                name="orders",
                settings={"memorySize": 512},
            )
        ),
        guarded=((UPLOADS, "orders/"), (UPLOADS, "reports/")),
        adopt=True,
        taken_over=("tf-orders",),
        made_by_hand=made_by_hand,
    )


SCENARIOS = (
    Scenario(name="first sync", before=None, after=_FIRST),
    _update(),
    _alias(),
    _move(),
    _remove(),
    _adopt(),
)
