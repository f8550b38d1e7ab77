"""Import blocks for the module lambda-fleet."""

import re
from dataclasses import replace

from lockstep.engines.terraform.handover import Managed, following, takeover
from lockstep.model import Alias, Bucket, Resource, Statement
from lockstep.model.fleet import Scope
from lockstep.model.kinds import KINDS
from lockstep.model.kinds.base import digest_of, sid_on
from lockstep.model.kinds.rules import target_of
from lockstep.model.rollout import Rollout, Smoke
from tests.support.projects import UPLOADS, make_fleet, make_target, trigger

ACCOUNT = "123456789012"


def test_an_alias_goes_over_with_all_that_is_on_it() -> None:
    """Each by the id that the provider imports it by, as its documentation says."""
    beside = (
        *(Resource(kind=kind, qualifier="live") for kind in ("asyncInvoke", "url")),
        *(Resource(kind=kind) for kind in ("recursion", "runtimeManagement")),
    )
    target = make_target("staging/api", trigger("staging/"), alias="live", resources=beside)
    own = Statement(source_arn=f"arn:aws:s3:::{UPLOADS}", source_account=ACCOUNT, qualifier="live")
    bare = replace(own, qualifier="")
    there = replace(
        target,
        aliases=(Alias(name="live", version="3", function=target.function),),
        statements=tuple(replace(one, sid=one.content_id) for one in (bare, own)),
    )
    live = replace(
        make_fleet(there),
        scopes={"staging": Scope(account=ACCOUNT, region="eu-west-1")},
        buckets={UPLOADS: Bucket(name=UPLOADS)},
    )
    blocks = takeover([target.key], make_fleet(target), live, "module.fleet").imports
    assert f'aws_lambda_alias.this["{target.key}"]' in blocks
    rolled = make_fleet(replace(target, rollout=Rollout(smoke=Smoke())))
    assert f'aws_lambda_alias.rolled["{target.key}"]' in takeover([target.key], rolled, live, "m").imports
    ids = dict(re.findall(r"to = module\.fleet\.(\w+)\.\S+\n  id = \"(.+)\"", blocks))
    assert ids == {
        "aws_lambda_function": "api-staging",
        "aws_lambda_alias": "api-staging/live",
        "aws_lambda_function_event_invoke_config": "api-staging:live",
        "aws_lambda_function_url": "api-staging/live",
        "aws_lambda_function_recursion_config": "api-staging",
        "aws_lambda_runtime_management_config": "api-staging,$LATEST",
        "aws_lambda_permission": f"api-staging:live/{own.content_id}",
        "aws_s3_bucket_notification": UPLOADS,
    }


def test_each_of_several_goes_over_by_its_name_with_the_statement_that_lets_it_call() -> None:
    """What was not read is not imported: Terraform would end with an error instead of making it."""
    called = "api-staging:live"
    declared = [
        ("eventSources", {"source": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders"}, "uuid-1"),
        ("http", {"api": "abcdef1234", "route": "GET /orders"}, "route-1 integration-1"),
        ("permissions", {"principal": "iot.amazonaws.com", "sourceAccount": ACCOUNT}, "sid-1"),
        ("rules", {"schedule": "rate(1 day)"}, ""),
        ("schedules", {"name": "nightly", "schedule": "rate(1 day)", "role": "r"}, ""),
        ("topics", {"topic": f"arn:aws:sns:eu-west-1:{ACCOUNT}:orders"}, "arn:subscription-1"),
    ]
    beside = [
        replace(
            KINDS[kind].declared(values, "live", "orders", "", "api-staging"),
            handle=handle,
            is_let_in=kind in ("http", "rules"),  # somebody else's statement lets the topic call
        )
        for kind, values, handle in declared
    ]
    unread = KINDS["topics"].declared({"topic": "arn:unread"}, "live", "unread", "", "")
    target = make_target("staging/api", alias="live", resources=[*beside, unread])
    sids = {
        one.kind: sid_on(f"lockstep-{one.kind}-{digest_of(one.identity)}", "live")
        for one in beside
        if one.is_let_in
    }
    there = replace(
        target,
        resources=tuple(beside),
        aliases=(Alias(name="live", version="3", function=target.function),),
    )
    live = replace(make_fleet(there), scopes={"staging": Scope(account=ACCOUNT, region="eu-west-1")})
    blocks = takeover([target.key], make_fleet(target), live, "module.fleet").imports
    found = dict(re.findall(r"to = module\.fleet\.(\w+\.\w+\[\".*\"\])\n  id = \"(.+)\"", blocks))
    key = f'["{target.key}:orders"]'
    assert {address: identity for address, identity in found.items() if ":" in address} == {
        f"aws_lambda_event_source_mapping.this{key}": "uuid-1",
        f"aws_apigatewayv2_route.this{key}": "abcdef1234/route-1",
        f"aws_apigatewayv2_integration.this{key}": "abcdef1234/integration-1",
        f"aws_lambda_permission.this{key}": f"{called}/sid-1",
        f"aws_cloudwatch_event_rule.this{key}": "default/api-staging-orders",
        f"aws_cloudwatch_event_target.this{key}": f"default/api-staging-orders/{target_of('api-staging')}",
        f"aws_scheduler_schedule.this{key}": "default/nightly",
        f"aws_sns_topic_subscription.this{key}": "arn:subscription-1",
        f'aws_lambda_permission.callers["{target.key}:http:orders"]': f"{called}/{sids['http']}",
        f'aws_lambda_permission.callers["{target.key}:rules:orders"]': f"{called}/{sids['rules']}",
    }


def test_what_calls_a_function_is_let_go_with_it() -> None:
    """A rule with its target, a route with its integration; what calls others stays."""
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:"

    def of(kind: str, index: str, **values: object) -> Managed:
        resource = f"module.fleet.{kind}.this"
        return Managed(
            address=f'{resource}["{index}"]',
            resource=resource,
            kind=kind,
            name="this",
            index=index,
            values=values,
        )

    managed = [
        of("aws_lambda_function", "staging/api", function_name="api"),
        of("aws_lambda_function", "staging/web", function_name="web"),
        *(
            one
            for name in ("api", "web")
            for one in (
                of("aws_cloudwatch_event_rule", f"staging/{name}:a", name="nightly"),
                of("aws_cloudwatch_event_target", f"staging/{name}:a", arn=f"{arn}{name}:live"),
                of("aws_apigatewayv2_route", f"staging/{name}:a", api_id="x"),
                of("aws_apigatewayv2_integration", f"staging/{name}:a", integration_uri=f"{arn}{name}"),
                of("aws_scheduler_schedule", f"staging/{name}:a", target=[{"arn": f"{arn}{name}"}]),
                of("aws_sns_topic_subscription", f"staging/{name}:a", endpoint=f"{arn}{name}"),
                of("aws_lambda_event_source_mapping", f"staging/{name}:a", function_name=f"{arn}{name}:live"),
            )
        ),
    ]
    gone, staying = following(managed[:1], managed, handed_over=())
    assert not staying
    assert [one.address for one in gone] == [one.address for one in managed if "staging/api" in one.address]
