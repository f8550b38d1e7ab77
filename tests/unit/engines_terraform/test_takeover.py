"""Import blocks for the module lambda-fleet."""

import re
from dataclasses import replace

from lockstep.engines.terraform.handover import takeover
from lockstep.model import Alias, Bucket, Resource, Statement
from lockstep.model.fleet import Scope
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
