"""Plans of Terraform's in our words: actions, targets, changes and what must not be shown."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest

from lockstep.engines.terraform.plan_json import Planned, read_plan
from lockstep.engines.terraform.runs import Run, runs_of
from lockstep.errors import CloudError
from lockstep.model import Change, Environment, Project, Secret, Target, Terraform
from tests.support.projects import make_target

API = make_target("staging/api", name="api-staging")
PREVIEW = make_target("preview/pr-7/api", name="api-pr-7")
ARN = "arn:aws:lambda:eu-west-1:1:function:"
OLD, NEW = "a" * 64, "b" * 64


def _run() -> Run:
    environments = {
        name: Environment(name=name, engine="terraform", terraform=Terraform(folder="tf"))
        for name in ("staging", "production", "preview")
    }
    (run,) = runs_of(Project(name="shop", environments=environments))
    return run


def _hash(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _change(address: str, actions: list[str], **change: Any) -> dict[str, Any]:
    kind, _, name = address.partition("[")[0].rpartition(".")
    index = json.loads(address.partition("[")[2].rstrip("]") or "null")
    return {
        "address": address,
        "mode": "managed",
        "type": kind.rpartition(".")[2],
        "name": name,
        **({"index": index} if index is not None else {}),
        "change": {"actions": actions, "before": None, "after": None, **change},
    }


def _read(
    *changes: dict[str, Any],
    targets: tuple[Target, ...] = (API, PREVIEW),
    credentials: frozenset[str] = frozenset(),
    **more: Any,
) -> Planned:
    document = {"format_version": "1.2", "resource_changes": list(changes), **more}
    return read_plan(
        json.dumps(document), _run(), {one.key: one for one in targets}, frozenset(), credentials
    )


def test_a_function_belongs_to_the_target_that_has_its_name() -> None:
    """Whatever the resource is called, the function's name tells; so do permissions and log groups."""
    planned = _read(
        _change("aws_lambda_function.x", ["update"], before={"function_name": "api-staging", "timeout": 3},
                after={"function_name": "api-staging", "timeout": 30}),
        _change("aws_lambda_permission.y", ["create"],
                after={"function_name": f"{ARN}api-pr-7", "source_arn": "arn:aws:s3:::u"}),
        _change("aws_cloudwatch_log_group.z", ["create"], after={"name": "/aws/lambda/api-staging"}),
    )  # fmt: skip
    assert [one.target for one in planned.resources] == ["staging/api", "preview/pr-7/api", "staging/api"]
    assert planned.changes["staging/api"][0] == Change(path="timeout", old=3, new=30)
    assert planned.changes["preview/pr-7/api"] == (Change(path="permission", new="arn:aws:s3:::u"),)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ('aws_lambda_function.preview["9"]', "preview/pr-9/api"),
        ('aws_lambda_function.preview["pr-9"]', "preview/pr-9/api"),
        ('module.fleet.aws_lambda_function.this["preview/pr-9/web"]', "preview/pr-9/web"),
        ("aws_lambda_function.production", "production/api"),
        ("aws_lambda_function.other", None),
    ],
)
def test_a_function_that_nobody_declares_is_found_by_its_key(address: str, target: str | None) -> None:
    """What goes is told under the name that it had, so that the guard can judge it."""
    planned = _read(_change(address, ["delete"], before={"function_name": "gone"}))
    assert planned.resources[0].target == target
    assert planned.resources[0].action == "delete"


def test_code_settings_and_variables_are_told_as_for_the_aws_engine() -> None:
    """The digest in hex, fields by our names, variables one by one, the version from its tag."""
    before = {
        "function_name": "api-staging",
        "source_code_hash": _hash(OLD),
        "memory_size": 128,
        "environment": [{"variables": {"A": "1", "B": "2"}}],
        "tags": {"lockstep:version": "1.0.0", "lockstep:target": "x", "team": "a"},
        "reserved_concurrent_executions": -1,
    }
    after = {
        **before,
        "source_code_hash": f"{_hash(NEW)} again",
        "memory_size": 512,
        "environment": [{"variables": {"A": "1", "B": "3"}}],
        "tags": {"lockstep:version": "1.1.0", "lockstep:target": "y", "team": "a"},
        "reserved_concurrent_executions": 2,
        "skip_destroy": True,
    }
    planned = _read(
        _change(
            "aws_lambda_function.x", ["update"], before=before, after=after, after_unknown={"version": True}
        )
    )
    assert set(planned.changes["staging/api"]) == {
        Change(path="code", old=OLD, new=NEW),
        Change(path="memorySize", old=128, new=512),
        Change(path="environment.B", old="2", new="3"),
        Change(path="reservedConcurrency", new=2),
        Change(path="version", old="1.0.0", new="1.1.0"),
        Change(path="skip_destroy", new=True),
    }


def test_another_place_of_the_package_deploys_it() -> None:
    """A key that changes without a hash is new code; an import, which knows no place, is none."""
    name = {"function_name": "api-staging"}
    old = {**name, "s3_bucket": "b", "s3_key": "1.zip"}
    new = {**name, "s3_bucket": "b", "s3_key": "2.zip"}
    moved = _read(_change("aws_lambda_function.x", ["update"], before=old, after=new))
    assert moved.changes["staging/api"] == (Change(path="code", old="s3://b/1.zip", new="s3://b/2.zip"),)
    imported = _read(_change("aws_lambda_function.x", ["update"], before=name, after=new))
    assert imported.changes["staging/api"] == ()


def test_what_is_sensitive_is_secret_everywhere() -> None:
    """A value that is marked in one place is masked wherever the plan has it."""
    planned = _read(
        _change(
            "aws_lambda_function.x",
            ["update"],
            before={"function_name": "api-staging", "environment": [{"variables": {"T": "old-secret"}}]},
            after={
                "function_name": "api-staging",
                "description": "new-secret",
                "environment": [{"variables": {"T": "new-secret"}}],
            },
            before_sensitive={"environment": [{"variables": True}]},
            after_sensitive={"environment": [{"variables": {"T": True}}]},
        )
    )
    assert planned.secrets == {"old-secret", "new-secret"}
    assert "secret'" not in repr(planned).replace("Secret", "")
    assert all(isinstance(one.new, Secret) for one in planned.changes["staging/api"])


def test_triggers_of_a_bucket_are_told_to_those_that_are_called() -> None:
    """A bucket's notifications are one resource; each target is told of its own entries."""
    entry = {
        "lambda_function_arn": f"{ARN}api-staging",
        "events": ["s3:ObjectCreated:*"],
        "filter_prefix": "staging/",
        "filter_suffix": "",
    }
    planned = _read(
        _change("aws_s3_bucket_notification.n", ["update"], before={"bucket": "u", "lambda_function": []},
                after={"bucket": "u", "lambda_function": [entry]}),
    )  # fmt: skip
    assert planned.resources[0].target is None
    assert planned.changes["staging/api"] == (
        Change(path="trigger", new="s3://u/staging/* [s3:ObjectCreated:*]"),
    )


def test_an_import_is_an_adoption_and_a_replacement_says_so() -> None:
    """Terraform's other actions keep their meaning."""
    planned = _read(
        _change("aws_lambda_function.x", ["no-op"], before={"function_name": "api-staging"},
                after={"function_name": "api-staging"}, importing={"id": "api-staging"}),
        _change("aws_lambda_function.y", ["create", "delete"], before={"function_name": "api-pr-7"},
                after={"function_name": "api-pr-7b"}),
        _change("aws_iam_role.z", ["forget"], before={}),
        _change("aws_iam_role.same", ["no-op"]),
    )  # fmt: skip
    assert [one.action for one in planned.resources] == ["import", "replace", "forget"]
    assert planned.adopted == {"staging/api"}
    assert planned.changes["preview/pr-7/api"][-1].new == "api-pr-7b (replaced)"


def test_live_functions_and_versions_come_from_the_state() -> None:
    """The state before the plan says what runs; outputs say versions where no tag does."""
    state = {
        "root_module": {
            "child_modules": [
                {
                    "address": "module.fleet",
                    "resources": [
                        {
                            "address": 'module.fleet.aws_lambda_function.this["staging/api"]',
                            "mode": "managed",
                            "type": "aws_lambda_function",
                            "name": "this",
                            "index": "staging/api",
                            "values": {"function_name": "api-staging", "tags": {"lockstep:version": "1.0.0"}},
                        }
                    ],
                }
            ]
        }
    }
    outputs = {
        "functions": {"actions": ["no-op"], "before": {"preview/pr-7/api": {"version": "0.9.0"}}},
        "other": {"actions": ["update"], "before": "x"},
    }
    planned = _read(prior_state={"values": state}, output_changes=outputs)
    assert planned.live["staging/api"].name == "api-staging"
    assert planned.versions == {"staging/api": "1.0.0", "preview/pr-7/api": "0.9.0"}
    assert planned.outputs == ("other",)
    assert not planned.is_empty_state


def test_a_package_that_somebody_replaced_is_told() -> None:
    """Terraform compares hashes that it was given; what AWS runs is compared here."""
    function = API.function
    assert function is not None
    resource = {
        "address": "aws_lambda_function.x",
        "mode": "managed",
        "type": "aws_lambda_function",
        "name": "x",
        "values": {"function_name": "api-staging", "code_sha256": _hash(OLD)},
    }
    planned = _read(prior_state={"values": {"root_module": {"resources": [resource]}}})
    assert planned.drifted == {"staging/api": Change(path="code", old=OLD, new=function.code.sha256)}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format_version": "2.0"}'])
def test_a_plan_in_another_form_is_refused(text: str) -> None:
    """What is no plan of format 1 is an error, never an empty plan."""
    with pytest.raises(CloudError):
        read_plan(text, _run(), {}, frozenset())


CREDENTIALS = frozenset({"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
"""What Terraform's own environment holds, and so what ``file("/proc/self/environ")`` reads."""


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _hex(text: str) -> str:
    return text.encode().hex()


@pytest.mark.parametrize("form", ["{}", "PATH=/bin\0AWS_SECRET_ACCESS_KEY={}\0HOME=/root", "x{}x"])
@pytest.mark.parametrize("spelling", [str, _base64, quote_plus, json.dumps, _hex])
def test_its_own_credentials_are_shown_in_no_value(form: str, spelling: Callable[[str], str]) -> None:
    """Alone or in a file that was read, as it is or coded: the whole value is a secret then."""
    (secret,) = CREDENTIALS
    text = spelling(form.format(secret))
    planned = _read(
        _change("aws_lambda_function.x", ["update"], before={"function_name": "api-staging"},
                after={"function_name": "api-staging", "description": text}),
        credentials=CREDENTIALS,
    )  # fmt: skip
    (change,) = planned.changes["staging/api"]
    assert isinstance(change.new, Secret)
    assert text not in repr(planned.changes)


def test_nothing_is_named_after_them() -> None:
    """A key of for_each and an output's name are shown everywhere, so such a plan is refused, unquoted."""
    (secret,) = CREDENTIALS
    named = _change("null_resource.x", ["create"]) | {"address": f'null_resource.x["{secret}"]'}
    coded = _change("null_resource.y", ["create"]) | {
        "address": f'null_resource.x["{_base64(f"a={secret}")}"]'
    }
    output = {"output_changes": {f"o{secret}": {"actions": ["create"]}}}
    for what in ({"changes": [named]}, {"changes": [coded]}, output):
        with pytest.raises(CloudError, match="names a resource or an output after a secret") as caught:
            _read(*what.pop("changes", []), credentials=CREDENTIALS, **what)
        assert secret not in str(caught.value)


def test_an_alias_is_told_by_what_it_points_at() -> None:
    """Before the apply nobody knows the number of a version that is still to be published."""
    before = {"name": "live", "function_name": "api-staging", "function_version": "1"}
    before["description"] = "lockstep shop staging/api 1.0.0"
    after = {**before, "description": "lockstep shop staging/api 1.1.0"}
    unknown = {key: value for key, value in after.items() if key != "function_version"}
    address = 'module.fleet.aws_lambda_alias.this["staging/api"]'
    planned = _read(
        _change(address, ["update"], before=before, after=unknown, after_unknown={"function_version": True})
    )
    assert planned.changes["staging/api"] == (
        Change(path="version", old="1.0.0", new="1.1.0"),
        Change(path="alias", old="live: version 1", new="live: version of 1.1.0, by Terraform"),
    )
    weights = [{"additional_version_weights": {"2": 0.1}}]
    planned = _read(_change(address, ["update"], before={**before, "routing_config": weights}, after=before))
    assert planned.changes["staging/api"] == (
        Change(path="alias", old="live: version 1, version 2: 10 %", new="live: version 1"),
    )
    planned = _read(_change(address, ["delete"], before=before))
    assert planned.changes["staging/api"] == (Change(path="alias", old="live: version 1"),)


def test_what_stands_beside_a_function_is_told_by_its_rows() -> None:
    """As a comparison with AWS tells it, part by part; of one that lacks a part alone, that it does."""
    fleet, key = "module.fleet.", '["staging/api:orders"]'
    call = {"function_name": f"{ARN}api-staging", "event_source_arn": "arn:aws:sqs:eu-west-1:1:orders"}
    rule = {"name": "api-staging-orders", "event_bus_name": "default", "schedule_expression": "rate(1 day)"}
    planned = _read(
        _change(f"{fleet}aws_lambda_event_source_mapping.this{key}", ["update"],
                before={**call, "batch_size": 10, "filter_criteria": [{"filter": [{"pattern": "{}"}]}]},
                after={**call, "batch_size": 50, "filter_criteria": []}),
        _change(f"{fleet}aws_cloudwatch_event_target.this{key}", ["create"],
                after={"arn": f"{ARN}api-staging", "retry_policy": [{"maximum_retry_attempts": 3}]}),
        _change(f"{fleet}aws_cloudwatch_event_rule.this{key}", ["update"],
                before={**rule, "state": "ENABLED"}, after={**rule, "state": "DISABLED"}),
        _change(f'{fleet}aws_lambda_permission.callers["staging/api:topics:orders"]', ["create"],
                after={"function_name": "api-staging", "source_arn": "arn:aws:sns:eu-west-1:1:orders"}),
        _change(f'{fleet}aws_scheduler_schedule.this["staging/api:nightly"]', ["delete"],
                before={"name": "nightly", "target": [{"arn": "x", "role_arn": "r"}]}),
        _change('aws_sns_topic_subscription.theirs["staging/api:x"]', ["delete"], before={"topic_arn": "t"}),
    )  # fmt: skip
    assert sorted(((one.path, one.old, one.new) for one in planned.changes["staging/api"]), key=str) == [
        ('aws_sns_topic_subscription.theirs["staging/api:x"]', "(exists)", None),
        ("eventSources.orders.batchSize", 10, 50),
        ("eventSources.orders.filters", ({"pattern": "{}"},), ()),
        ("rules.orders.enabled", True, False),
        ("rules.orders.missing", ("target",), ()),
        ("schedules.nightly.name", "nightly", None),
        ("schedules.nightly.role", "r", None),
        ("topics.orders.missing", ("permission",), ()),
    ]
    assert [one.is_beside for one in planned.resources] == [True] * 5 + [False]
