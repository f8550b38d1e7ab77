"""What a state holds, as targets and as their shares of the variables."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from lockstep.delivery.sync.folders import fill
from lockstep.engines.terraform.live import live_targets, live_variables
from lockstep.engines.terraform.runs import Run, runs_of
from lockstep.engines.terraform.shares import Shares
from lockstep.engines.terraform.variables import share_of, source_code_hash
from lockstep.model import Code, Environment, Project, Secret, Target, Terraform
from lockstep.model.alias import described
from lockstep.model.rollout import Rollout, Smoke
from tests.support.projects import make_package, make_target, trigger
from tests.unit.engines_terraform.test_variables import SYRF

FLEET = frozenset({"functions", "secret_environment", "project", "environments"})
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"


def _run(*names: str, mapping: str = "syrf") -> Run:
    settings = Terraform(folder="tf", mapping=mapping, place="l.yaml:3")
    environments = {name: Environment(name=name, engine="terraform", terraform=settings) for name in names}
    (run,) = runs_of(Project(name="shop", environments=environments))
    return run


def _function(name: str, target: Target, index: str | None = None, **more: Any) -> dict[str, Any]:
    function = target.function
    assert function is not None
    values: dict[str, Any] = {
        "function_name": function.name,
        "arn": ARN + function.name,
        "runtime": "python3.12",
        "handler": "app.handler",
        "role": "lambda-role",
        "memory_size": 128,
        "timeout": 3,
        "s3_bucket": "shop-packages",
        "s3_key": "k.zip",
        "source_code_hash": source_code_hash(function.code),
        "environment": [{"variables": {"RabbitMqHost": "mq", "TOKEN": "hunter2"}}],
        "tags": {"version": target.version, "commit": target.commit or ""},
        **more,
    }
    return _resource("aws_lambda_function", name, values, index)


def _resource(kind: str, name: str, values: Mapping[str, Any], index: str | None = None) -> dict[str, Any]:
    instance: dict[str, Any] = {"attributes": dict(values)}
    if index is not None:
        instance["index_key"] = index
    return {"mode": "managed", "type": kind, "name": name, "instances": [instance]}


def _state(*resources: Mapping[str, Any], outputs: Mapping[str, Any] | None = None) -> str:
    return json.dumps({"version": 4, "resources": resources, "outputs": outputs or {}})


STAGING = replace(make_target("staging/notifier", name="n-staging"), commit="a" * 40)
PR = replace(make_target("preview/pr-7/notifier", name="n-pr-7"), commit="b" * 40, version="0.1.5-pr7.1")


def _shares(run: Run, *targets: Target, variables: frozenset[str] = SYRF, free: str = "staging") -> Shares:
    return Shares(
        run=run,
        targets={one.key: one for one in targets},
        variables=variables,
        project="shop",
        fill=fill,
        applied={},
        may_change=lambda key: key.startswith(free),
    )


def test_previews_that_somebody_else_applies_are_passed_as_they_are() -> None:
    """The project has no `preview`; the state has one, whose variables are those that it runs with."""
    run = _run("staging")
    text = _state(_function("staging", STAGING), _function("preview", PR, index="7"))
    live = live_targets(text, run, {STAGING.key: STAGING}, hides=False)
    shares = _shares(run, replace(STAGING, version="2.0.0"))
    passed = shares.joined(shares.chosen(live))
    assert passed["staging_version"] == "2.0.0"
    assert passed["preview_prs"] == ["7"]
    assert passed["preview_versions"] == {"7": "0.1.5-pr7.1"}
    assert passed["preview_commit_shas"] == {"7": "b" * 40}


def test_production_that_somebody_else_applies_is_passed_as_it_is() -> None:
    """Variables that the folder needs and the project does not declare come from the state."""
    run = _run("staging")
    production = replace(make_target("production/notifier", name="n"), commit="a" * 40, version="0.9.0")
    shares = _shares(run, STAGING)
    assert shares.needs_state
    text = _state(_function("production", production), _function("staging", STAGING))
    live = live_targets(text, run, {STAGING.key: STAGING}, hides=False)
    passed = shares.joined(shares.chosen(live))
    assert passed["production_commit_sha"] == "a" * 40
    assert passed["production_source_code_hash"] == passed["staging_source_code_hash"]


def test_outputs_say_versions_where_tags_do_not() -> None:
    """An output that maps targets to their versions and commits counts for both."""
    said = {"preview/pr-7/notifier": {"version": "7.7.7", "commit": "c" * 40}}
    text = _state(
        _function("staging", STAGING),
        _function("preview", PR, index="7", tags={}),
        outputs={"functions": {"value": said}},
    )
    live = live_targets(text, _run("staging"), {STAGING.key: STAGING}, hides=False)
    assert (live[PR.key].version, live[PR.key].commit) == ("7.7.7", "c" * 40)


@pytest.mark.parametrize("rollout", [None, Rollout(smoke=Smoke())])
def test_the_map_of_functions_is_made_of_the_state(rollout: Rollout | None) -> None:
    """What lambda-fleet applied gives the same value again: settings, tags, code, triggers, log group."""
    package = make_package(key="k.zip")
    settings = {
        "environment": {"MODE": "fast", "TOKEN": Secret("hunter2")},
        "logRetentionDays": 14,
        "memorySize": 512,
    }
    target = make_target(
        "preview/pr-7/api",
        trigger("x/"),
        settings=settings,
        package=package,
        tags={"team": "files"},
        alias="live",
    )
    assert target.function is not None
    values = {
        "environment": [{"variables": {"MODE": "fast", "TOKEN": "hunter2"}}],
        "memory_size": 512,
        "tags": {"team": "files", "lockstep:target": target.key, "lockstep:alias": "live"},
        "s3_bucket": package.bucket,
    }
    bucket = {
        "bucket": "shop-uploads",
        "lambda_function": [
            {
                "lambda_function_arn": ARN + target.function.name,
                "events": ["s3:ObjectCreated:*"],
                "filter_prefix": "x/",
            }
        ],
    }
    aliases = [
        {"function_name": target.function.name, "name": name, "description": description}
        for name, description in (("theirs", "ours"), ("live", described("shop", target.key, "1.0.0")))
    ]
    group = {"name": f"/aws/lambda/{target.function.name}", "retention_in_days": 14}
    target = replace(target, rollout=rollout)
    name = "this" if rollout is None else "rolled"
    text = _state(
        _function("this", target, index=target.key, **values),
        _resource("aws_s3_bucket_notification", "this", bucket, index="shop-uploads"),
        _resource("aws_cloudwatch_log_group", "this", group, index=group["name"]),
        *(_resource("aws_lambda_alias", name, alias, index=target.key) for alias in aliases),
    )
    run = _run("staging", mapping="functions")
    (live,) = live_targets(text, run, {}, hides=True).values()
    shares = _shares(run, STAGING, variables=FLEET)
    passed = shares.joined(shares.chosen({live.key: live}))
    wanted = share_of(run, target, FLEET, fill).values
    was = passed["functions"][target.key]
    hidden = passed["secret_environment"][target.key]
    assert hidden == {"MODE": "fast", "TOKEN": "hunter2"}  # nobody here declares which of them is none
    assert was == {k: v for k, v in wanted["functions"][target.key].items() if k != "environment"}
    assert passed["environments"] == ["preview", "staging"]
    assert live_variables(live) == hidden


def test_a_function_without_a_hash_is_passed_without_one() -> None:
    """What Terraform was not given is not given to it now, or it would deploy."""
    text = _state(_function("preview", PR, index="7", source_code_hash=None))
    live = live_targets(text, _run("staging"), {STAGING.key: STAGING}, hides=False)
    assert live[PR.key].function is not None
    assert live[PR.key].function.code == Code()  # type: ignore[union-attr]


@pytest.mark.parametrize("index", ["eu-west-1", "a/b/c", "notifier"])
def test_a_function_of_the_folders_own_is_no_target(index: str) -> None:
    """Keys that are neither a number of a pull request nor a target's are the team's."""
    text = _state(_function("edge", replace(PR, service="x"), index=index))
    assert not live_targets(text, _run("staging"), {}, hides=False)


def test_an_empty_state_has_no_functions() -> None:
    """Before the first apply there is none."""
    assert not live_targets("", _run("staging"), {}, hides=False)
