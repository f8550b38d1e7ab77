"""A declared rollout: what it comes to, and what is refused at its line before any call."""

import json
from pathlib import Path

import pytest

from lockstep.config.cache import Cache
from lockstep.config.load import load
from lockstep.config.validate import validate
from lockstep.errors import BadInput
from lockstep.model import Target
from lockstep.model.rollout import Compared, MetricGate, Rollout, Stage, Unjudged
from tests.unit.config.conftest import PREVIEW_FILE, STAGING_FILE, MemoryTree, sample, staging

KEY = "staging/s3-notifier"
ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout errors"


def declared(block: str, **files: str) -> MemoryTree:
    """Staging with an alias and lines in its block."""
    tree = staging(f"  alias: live\n{block}")
    tree.files |= {path.replace("__", "/"): text.encode() for path, text in files.items()}
    return tree


def rollout(block: str, **files: str) -> Rollout:
    """What the lines declare."""
    target: Target = load(declared(block, **files)).fleet.targets[KEY]
    assert target.rollout is not None
    return target.rollout


@pytest.mark.parametrize(
    ("written", "stages"),
    [
        ("Canary10Percent5Minutes", [(0.1, 300)]),
        ("LambdaCanary10Percent30Minutes", [(0.1, 1800)]),
        ("CodeDeployDefault.LambdaLinear10PercentEvery1Minute", [(n / 10, 60) for n in range(1, 10)]),
        ("Linear25PercentEvery3Minutes", [(0.25, 180), (0.5, 180), (0.75, 180)]),
        ("Linear50PercentEvery2Minutes", [(0.5, 120)]),
        ("[{weight: 0.5%, for: 30s}, {weight: 100%, for: 2h}]", [(0.005, 30), (1.0, 7200)]),
        ("allAtOnce", []),
        ("LambdaAllAtOnce", []),
    ],
)
def test_names_of_codedeploy_and_free_steps(written: str, stages: list[tuple[float, int]]) -> None:
    """The same steps, whether they stand alone or with gates beside them."""
    for block in (f"  rollout: {written}", f"  rollout: {{steps: {written}}}"):
        found = rollout(block).stages
        assert [(round(stage.weight, 9), stage.seconds) for stage in found] == stages


def test_a_pause_keeps_the_weight_of_the_step_before() -> None:
    """At the beginning that is none: nothing is called before somebody approves."""
    steps = "[{pause: approval}, {weight: 5%, for: 10m}, {pause: approval}]"
    assert rollout(f"  rollout: {steps}").stages == (
        Stage(weight=0.0, approval=True),
        Stage(weight=0.05, seconds=600),
        Stage(weight=0.05, approval=True),
    )


GATED = f"""\
  rollout:
    steps: Canary10Percent5Minutes
    alarms: [checkout-errors, "{ARN}"]
    metrics:
    - {{metric: errors}}
    - {{metric: p95, worse: 50%, calls: 100}}
    - {{namespace: Shop, metric: Failed, dimensions: {{Service: orders}}, statistic: Sum, most: 5}}
    noData: pass
    onFailure: rollback
    smoke: {{payload: tests/smoke.json, expect: tests/expected.json}}
"""
FILES = {"tests__smoke.json": '{"a": [1]}', "tests__expected.json": '{"status": 200}'}


def test_gates_and_their_defaults(tmp_path: Path) -> None:
    """From the files and from the cache alike; the contents of the smoke call's files are read each time."""
    for _ in range(2):
        target = load(declared(GATED, **FILES), cache=Cache(tmp_path)).fleet.targets[KEY]
        assert target.rollout is not None
        assert target.rollout.alarms == ("checkout-errors", "checkout errors")
        assert target.rollout.no_data is Unjudged.PASS
        assert target.rollout.rolls_back
        assert target.rollout.metrics == (
            MetricGate(compared=Compared.ERRORS, worse=0.005, calls=20),
            MetricGate(compared=Compared.P95, worse=0.5, calls=100),
            MetricGate(
                namespace="Shop", metric="Failed", dimensions={"Service": "orders"}, statistic="Sum", most=5
            ),
        )
        assert target.rollout.smoke is not None
        assert json.loads(target.rollout.smoke.sent) == {"a": [1]}
        assert json.loads(target.rollout.smoke.expected) == {"status": 200}
    changed = load(
        declared(GATED, **{**FILES, "tests__smoke.json": "[2]"}), cache=Cache(tmp_path)
    ).fleet.targets[KEY]
    assert changed.rollout is not None
    assert changed.rollout.smoke is not None
    assert changed.rollout.smoke.sent == "[2]"


STEPS = "    steps: Canary10Percent5Minutes\n"


@pytest.mark.parametrize(
    ("block", "line", "problem"),
    [
        ("  rollout: canary", 5, "'canary' names no rollout"),
        ("  rollout: Canary0Percent5Minutes", 5, "names no rollout"),
        ("  rollout: Linear100PercentEvery5Minutes", 5, "names no rollout"),
        ("  rollout: 5", 5, "without quotes is a number"),
        ("  rollout: []", 5, "an empty list of steps"),
        ("  rollout: {alarms: [x]}", 5, "has no steps"),
        ("  rollout:\n  - {weight: 5%, for: 1m}\n  - {weight: 5%, for: 1m}", 7, "not above the weight"),
        ("  rollout:\n  - {weight: 50%, for: 1m}\n  - {weight: 10%, for: 1m}", 7, "not above the weight"),
        ("  rollout: [{weight: 150%, for: 1m}]", 5, "more than all calls"),
        ("  rollout: [{weight: 0%, for: 1m}]", 5, "is no valid weight"),
        ("  rollout: [{weight: 5, for: 1m}]", 5, "without quotes is a number"),
        ("  rollout: [{weight: -5%, for: 1m}]", 5, "is no valid weight"),
        ("  rollout: [{weight: 5%}]", 5, "has no end"),
        ("  rollout: [{weight: 100%}]", 5, "after the last step all calls go"),
        ("  rollout: [{for: 5m}]", 5, "has no weight"),
        ("  rollout: [{weight: 5%, for: 0m}]", 5, "no length of a step"),
        ("  rollout: [{weight: 5%, for: soon}]", 5, "is no valid for"),
        ("  rollout: [{weight: 5%, for: 1m, pause: approval}]", 5, "has no weight and no length"),
        ("  rollout: [{pause: 10m}]", 5, "is not allowed for pause"),
        ("  rollout: [{wait: 10m}]", 5, "unknown key 'wait'"),
        ("  rollout: {steps: allAtOnce, alarms: [x]}", 5, "allAtOnce has none"),
        (f"  rollout:\n{STEPS}    gates: [x]", 7, "unknown key 'gates'"),
        (f"  rollout:\n{STEPS}    alarms: ['{ARN.replace('eu-west-1', 'us-east-1')}']", 7, "the Region us"),
        (f"  rollout:\n{STEPS}    alarms: ['{ARN.replace('6789', '0000')}']", 7, "the account 1234500"),
        (f"  rollout:\n{STEPS}    alarms: ['arn:aws:sns:x']", 7, "is no ARN of an alarm"),
        (f"  rollout:\n{STEPS}    metrics: [{{metric: error}}]", 7, "none of the metrics"),
        (f"  rollout:\n{STEPS}    metrics: [{{metric: errors, most: 3}}]", 7, "about a metric of your own"),
        (f"  rollout:\n{STEPS}    metrics: [{{metric: x, namespace: y}}]", 7, "nothing says when x is well"),
        (
            f"  rollout:\n{STEPS}    metrics: [{{metric: x, namespace: y, most: 1, calls: 3}}]",
            *(7, "is not compared"),
        ),
        (
            f"  rollout:\n{STEPS}    metrics: [{{metric: x, namespace: y, most: 1, least: 5}}]",
            *(7, "no value of x is at least 5 and at most 1"),
        ),
        (f"  rollout:\n{STEPS}    metrics: [{{metric: errors, worse: 200%}}]", 7, "the gate never fails"),
        (f"  rollout:\n{STEPS}    metrics: [{{metric: throttles, worse: 100%}}]", 7, "never 100% above"),
        (f"  rollout:\n{STEPS}    noData: pass", 7, "noData is about alarms"),
        (f"  rollout:\n{STEPS}    smoke: {{payload: tests/none.json}}", 7, "is not in the repository"),
        (f"  rollout:\n{STEPS}    smoke: {{payload: ../x.json}}", 7, "is no path in the repository"),
        (f"  rollout:\n{STEPS}    smoke: {{expect: tests/bad.json}}", 7, "tests/bad.json is no JSON"),
    ],
)
def test_bad_rollouts_are_refused_at_their_line(block: str, line: int, problem: str) -> None:
    """Each with a way out."""
    (found,) = validate(declared(block, **{"tests__bad.json": "{oops"})).problems
    assert problem in str(found)
    assert found.where == f"{STAGING_FILE}:{line}"
    assert found.fix


def test_a_rollout_needs_an_alias() -> None:
    """Without one there is nothing to share calls."""
    with pytest.raises(BadInput, match="the calls of an alias"):
        load(staging("  rollout: Canary10Percent5Minutes"))


def test_a_rollout_needs_room_for_its_record() -> None:
    """Names and version that fill the description of an alias are refused, unless nothing is recorded."""
    long = "1.0.0-" + "x" * 120
    changes = {STAGING_FILE: (declared("").files[STAGING_FILE]).decode().replace("0.1.6", long)}
    tree = sample(changes)
    text = tree.files[STAGING_FILE].decode()
    for steps, is_wrong in (("Canary10Percent5Minutes", True), ("allAtOnce", False)):
        tree.files[STAGING_FILE] = text.replace("alias: live", f"alias: live\n  rollout: {steps}").encode()
        assert ["description" in str(found) for found in validate(tree).problems] == [True] * is_wrong


def grouped(stock: str) -> MemoryTree:
    """Two services of staging; the other one has its own lines."""
    tree = declared(GROUPED)
    text = staging(f"  alias: live\n{stock}").files[STAGING_FILE].decode()
    text = text.replace("s3-notifier", "stock").replace("S3Notifier", "Stock")
    tree.files[OTHER] = text.replace('"staging/"', '"stock/"').encode()
    tree.files["syrf/services/stock/values.yaml"] = tree.files["syrf/services/s3-notifier/values.yaml"]
    return tree


GROUPED = "  rollout: {steps: Canary10Percent5Minutes, group: shop}"
OTHER = "syrf/environments/staging/stock/config.yaml"


@pytest.mark.parametrize(
    ("stock", "where", "problem"),
    [
        (GROUPED, "", ""),
        ("", f"{STAGING_FILE}:5", "staging/s3-notifier is the only one of the group shop in staging"),
        ("  rollout: {steps: Canary10Percent5Minutes, group: shops}", "", "the only one of the group shop"),
        ("  rollout: {steps: Canary20Percent5Minutes, group: shop}", f"{OTHER}:5", "has other steps than"),
        (
            "  rollout: {steps: Canary10Percent5Minutes, group: shop, onFailure: rollback}",
            *(f"{OTHER}:5", "has other onFailure than"),
        ),
        ("  rollout: {steps: allAtOnce, group: shop}", f"{OTHER}:5", "group is about the steps"),
        ("  rollout: {steps: Canary10Percent5Minutes, group: a b}", f"{OTHER}:5", "no valid group"),
    ],
)
def test_a_group_has_two_members_with_the_same_steps(stock: str, where: str, problem: str) -> None:
    """At the line of the group, with the place of the other one."""
    found = validate(grouped(stock)).problems
    assert bool(found) is bool(problem), found
    if problem:
        assert problem in str(found[0])
        assert not where or found[0].where == where
        assert found[0].fix


def test_a_group_is_one_of_its_environment() -> None:
    """The same name in another environment is another group, which is said; a preview may have one alone."""
    tree = declared(GROUPED)
    for path in (STAGING_FILE.replace("staging", "production"), PREVIEW_FILE):
        text = tree.files[path].replace(
            b"lambda: {", b"lambda: {alias: live, rollout: {steps: Canary10Percent5Minutes, group: shop}, "
        )
        tree.files[path] = text.replace(b"lambda:\n", f"lambda:\n  alias: live\n{GROUPED}\n".encode())
    assert sorted(one.problem for one in validate(tree).problems) == [
        "production/s3-notifier is the only one of the group shop in production; that of "
        "preview/pr-123, staging is another",
        "staging/s3-notifier is the only one of the group shop in staging; that of "
        "preview/pr-123, production is another",
    ]
