"""``lambda.rules``: events or a schedule, judged as EventBridge judges them, a preview's own or none."""

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput
from lockstep.model.cron import problem_of
from lockstep.model.kinds import KINDS
from tests.unit.config.conftest import (
    PREVIEW_FILE,
    PREVIEW_SERVICE,
    PULL_REQUEST,
    SERVICE_VALUES,
    sample,
    staging,
)

STAGING, PREVIEW = "staging/s3-notifier", "preview/pr-123/s3-notifier"
PREVIEWS = "syrf/environments/preview/services/s3-notifier/values.yaml"
ROLE = "arn:aws:iam::123456789012:role/scheduler"
PATTERN = """pattern: '{"source": ["shop"]}'"""


@pytest.mark.parametrize(
    ("entry", "problem", "fix"),
    [
        ("{description: a}", "neither pattern nor schedule", "which events, or when"),
        (f"{{{PATTERN}, schedule: rate(1 day)}}", "both pattern and schedule", "give one of them"),
        ("{pattern: 'source = shop'}", "is no JSON object", '\'{"source": ["aws.s3"]}\''),
        ("{pattern: {source: [shop]}}", "takes a string, not a map", "put it in quotes: pattern: '{...}'"),
        ('{pattern: \'{"source": "shop"}\'}', "source of the pattern has no list", 'write "source": [...]'),
        ("{schedule: 0 8 * * *}", "no valid schedule", "cron(0 8 * * ? *): six fields"),
        ("{schedule: every day}", "no valid schedule", "rate(5 minutes)"),
        ("{schedule: rate(1 minutes)}", "AWS wants rate(1 minute)", "rate(5 minutes)"),
        ("{schedule: cron(0 8 * * * *)}", "has to be ?", "rate(5 minutes)"),
        ("{schedule: rate(1 day), bus: shop}", "on the default bus", "remove bus"),
        (f"{{{PATTERN}, bus: 'arn:aws:events:eu-west-1:123456789012:event-bus/shop'}}", "no valid bus", ""),
        (f"{{{PATTERN}, input: '{{}}', inputPath: $.detail}}", "input and inputPath are given", "keep one"),
        (f"{{{PATTERN}, input: nightly}}", "the input is no JSON", "write one"),
        (
            f"{{{PATTERN}, inputPaths: [{{name: a, path: $.a}}]}}",
            "are for inputTemplate",
            "add inputTemplate",
        ),
        (f"{{{PATTERN}, maximumRetryAttempts: 186}}", "maximumRetryAttempts", "185"),
        (f"{{{PATTERN}, evenBus: a}}", "unknown key 'evenBus'", "did you mean bus"),
    ],
)
def test_what_eventbridge_refuses_is_told_at_its_line(entry: str, problem: str, fix: str) -> None:
    """With what to do, before any call is made."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  rules:\n    orders: {entry}"))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)


def test_two_names_for_one_rule_are_refused() -> None:
    """AWS keeps one rule of a name on a bus."""
    with pytest.raises(BadInput, match="are the same to AWS"):
        load(staging(f"  rules: {{a: {{name: r, {PATTERN}}}, b: {{name: r, schedule: rate(1 day)}}}}"))


def test_a_rule_has_the_functions_name_and_its_own() -> None:
    """In AWS, which has one of each name; one that would be too long ends in a digest and its own."""
    (one,) = load(staging(f"  rules: {{orders: {{{PATTERN}}}}}")).fleet.targets[STAGING].resources
    assert one.identity == "default syrfAppUploadS3Notifier-staging-orders"
    label = "o" * 32
    long = KINDS["rules"].declared({"schedule": "rate(1 day)"}, "", label, "", "f" * 64)
    name = long.identity.removeprefix("default ")
    assert len(name) <= 64
    assert name.endswith(f"-{label}")


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("rate(5 minutes)", None),
        ("rate(1 hour)", None),
        ("cron(0/15 8-17 ? * MON-FRI *)", None),
        ("cron(0 8 L * ? 2026-2030)", None),
        ("cron(0 8 ? * 6#3 *)", None),
        ("cron(0 8 15W 1,6,DEC ? *)", None),
        ("rate(0 minutes)", "1 and more"),
        ("rate(5 minute)", "rate(5 minutes)"),
        ("rate(1 weeks)", "none of"),
        ("cron(0 8 * * *)", "six fields"),
        ("cron(0 24 ? * * *)", "'24' is no hours"),
        ("cron(0 8 ? * FUN *)", "'FUN' is no day of week"),
        ("cron(0 8 ? * ? *)", "has to be ?"),
        ("cron(0/0 8 ? * * *)", "is no minutes"),
        ("at(2026-12-24T18:00:00)", "none of"),
    ],
)
def test_expressions_are_judged_as_aws_judges_them(expression: str, problem: str | None) -> None:
    """A rate of one is singular, and one of the two days is a question mark."""
    found = problem_of(expression)
    assert (found is None) if problem is None else (found is not None and problem in found)


def test_a_moment_is_for_the_scheduler() -> None:
    """And has to be one."""
    assert problem_of("at(2026-12-24T18:00:00)", once=True) is None
    assert problem_of("at(2026-02-30T18:00:00)", once=True) is not None


@pytest.mark.parametrize(
    ("previews", "pull", "expected"),
    [
        (f"{{{PATTERN}}}", None, 0),
        ("{schedule: rate(1 day)}", None, 0),
        ("""{pattern: '{"source": ["{env}"]}'}""", None, 0),  # braces of a pattern are its own
        (f"{{{PATTERN}}}", '{schedule: null, pattern: \'{"source": ["mine"]}\'}', 1),
        (f"{{{PATTERN}, bus: 'shop-{{pr}}'}}", None, 1),
    ],
)
def test_a_preview_has_rules_of_its_own_or_none(previews: str, pull: str | None, expected: int) -> None:
    """An event on a shared bus would be worked off by each preview, too."""
    own = PULL_REQUEST
    if pull:
        own = own.replace("lambda: {", f"lambda: {{rules: {{orders: {pull}}}, ")
    block = f"lambda:\n  rules: {{orders: {previews}}}\n"
    tree = sample({PREVIEWS: PREVIEW_SERVICE.replace("lambda:\n", block), PREVIEW_FILE: own})
    assert len(load(tree).fleet.targets[PREVIEW].resources) == expected


@pytest.mark.parametrize("name", ["nightly", "nightly-{env}", None])
def test_two_targets_do_not_share_what_aws_keeps_one_of(name: str | None) -> None:
    """Each sync would take it from the other; by the name that Lockstep gives it they have one each."""
    named = f"name: '{name}', " if name else ""
    shared = SERVICE_VALUES + f"  rules:\n    a: {{{named}schedule: rate(1 day)}}\n"
    if name != "nightly":
        load(staging("", service=shared))
        return
    with pytest.raises(BadInput, match="in the same account and Region, and AWS keeps one of them") as caught:
        load(staging("", service=shared))
    assert "give one of them another `name`, with {env} in it" in str(caught.value)
    assert "the rule nightly of " in str(caught.value)
    # What is told by the function and a topic is each target's own.
    schedule = f"  schedules:\n    a: {{name: nightly, schedule: rate(1 day), role: '{ROLE}'}}\n"
    with pytest.raises(BadInput, match="the schedule nightly of "):
        load(staging("", service=SERVICE_VALUES + schedule))
    route = "  http:\n    a: {api: abcdef1234, route: GET /orders}\n"
    with pytest.raises(BadInput, match="the HTTP route abcdef1234 GET /orders of ") as caught:
        load(staging("", service=SERVICE_VALUES + route))
    assert "remove one of them, or give it another `api` or `route`" in str(caught.value)
    topic = "  topics:\n    a: {topic: 'arn:aws:sns:eu-west-1:123456789012:orders'}\n"
    load(staging("", service=SERVICE_VALUES + topic))
