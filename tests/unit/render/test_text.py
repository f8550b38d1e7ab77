"""A plan reads like Terraform's, in 80 columns, masked and harmless."""

import re

from hypothesis import given

from lockstep.model import (
    Change,
    Package,
    Plan,
    PutNotifications,
    Reference,
    Secret,
    StagePackage,
    TargetPlan,
    Verb,
)
from lockstep.render.cells import columns_of
from lockstep.render.palette import COLOUR
from lockstep.render.text import plan_lines, plan_summary
from tests.unit.render.generated import SECRET, plans

HANDLER = "SyRF.S3FileSavedNotifier.Endpoint::SyRF.S3FileSavedNotifier.Endpoint.Function::FunctionHandler"


def _plan(*changes: Change, verb: Verb = Verb.UPDATE, **more: object) -> Plan:
    target = TargetPlan(
        target="staging/s3-notifier",
        verb=verb,
        function="syrfAppUploadS3Notifier-staging",
        version="0.1.6",
        changes=changes,
    )
    return Plan(engine="aws", project="syrf", targets=(target,), **more)  # type: ignore[arg-type]


def _text(*changes: Change, verb: Verb = Verb.UPDATE) -> str:
    return "\n".join(plan_lines(_plan(*changes, verb=verb)))


def test_a_target_has_a_header_and_its_changes_below() -> None:
    """Verb, function and both versions in the header; old -> new for each change."""
    text = _text(
        Change(path="version", old="0.1.5", new="0.1.6"),
        Change(path="memorySize", old=128, new=256),
        Change(path="environment.RabbitMqHost", old="a", new="b"),
        Change(path="code", old="3fa2c1b9" * 8, new="99ab0000" * 8),
    )
    assert text.splitlines() == [
        "~ staging/s3-notifier  update  syrfAppUploadS3Notifier-staging  0.1.5 -> 0.1.6",
        "    memorySize: 128 -> 256",
        '    environment.RabbitMqHost: "a" -> "b"',
        "    code: 3fa2c1b9… -> 99ab0000…",
        "",
        "Plan: 0 to create, 1 to update, 0 to delete, 0 to adopt, 0 unchanged.",
    ]


def test_what_is_not_there_is_named() -> None:
    """None is the default of a field, and the absence of anything else."""
    text = _text(Change(path="role", old=None, new="r"), Change(path="environment.A", old="x", new=None))
    assert 'role: (default) -> "r"' in text
    assert 'environment.A: "x" -> (removed)' in text


def test_triggers_and_permissions_read_as_what_they_are() -> None:
    """A new trigger has no old side and no quotes, whether it comes in words or in parts."""
    words = "s3://syrfapp-uploads/staging/* [s3:ObjectCreated:*]"
    parts = {"bucket": "syrfapp-uploads", "prefix": "staging/", "events": ("s3:ObjectCreated:*",)}
    text = _text(Change(path="trigger", new=words), Change(path="permission", new="s3://b"))
    assert f"    trigger: {words}\n    permission: s3://b" in text
    assert f"    trigger: {words}" in _text(Change(path="trigger", new=parts))


def test_a_created_target_shows_new_values_only() -> None:
    """Nothing was before, so nothing is said about before."""
    text = _text(Change(path="memorySize", old=128, new=512), verb=Verb.CREATE)
    assert text.startswith("+ staging/s3-notifier  create")
    assert "    memorySize: 512" in text


def test_equal_secrets_get_equal_masks() -> None:
    """Numbers tell secrets apart without telling them, across targets and sides of a change."""
    one, two = "one value of sixteen", "two value of sixteen"
    text = _text(
        Change(path="environment.DB_PASSWORD", old=one, new=two),
        Change(path="environment.OTHER", old=Secret(two), new=Secret(one, Reference(store="ssm", name="/x"))),
        Change(path="environment.THIRD", old=Secret(None), new=Reference(store="secret", name="y")),
    )
    assert "environment.DB_PASSWORD: (secret 1) -> (secret 2)" in text
    assert "environment.OTHER: (secret 2) -> (secret 1, ssm:/x)" in text
    assert "environment.THIRD: (secret) -> (secret:y)" in text


def test_a_value_is_masked_by_its_shape_on_both_sides() -> None:
    """A URL with a password is masked whatever the variable's name, and so is what replaces it."""
    text = _text(Change(path="environment.URL", old="amqp://u:pw@h/", new="amqp://h/"))
    assert "environment.URL: (secret) -> (another secret)" in text


def test_long_texts_wrap_and_very_long_ones_show_where_they_differ() -> None:
    """A .NET handler is shown whole; two long texts are shown around their first difference."""
    text = _text(Change(path="handler", old=HANDLER, new=HANDLER + "2"))
    assert HANDLER in re.sub(r"\n\s+", "", text)
    long = "a" * 500
    text = _text(Change(path="description", old=long + "old", new=long + "new"))
    assert 'aaaold"' in text
    assert 'aaanew"' in text
    assert max(map(columns_of, text.splitlines())) <= 80


def test_only_the_number_of_targets_in_sync_is_told() -> None:
    """A healthy fleet of thousands is one line."""
    same = tuple(TargetPlan(target=f"staging/s{i}", verb=Verb.NOTHING) for i in range(1000))
    plan = Plan(engine="aws", project="p", targets=same, commit="0123456789" * 4)
    assert plan_lines(plan) == [
        "Nothing to do: everything is in sync with commit 01234567.",
        "Plan: 0 to create, 0 to update, 0 to delete, 0 to adopt, 1000 unchanged.",
    ]


def test_a_plan_that_compared_nothing_does_not_claim_that_all_is_in_sync() -> None:
    """With --since and no change there is nothing to do, and nothing is known."""
    plan = Plan(engine="aws", project="p", commit="0123456789" * 4, notes=("no target changed since HEAD",))
    assert "Nothing to do: no Lambda function is selected." in plan_lines(plan)


def test_blocked_targets_say_why_and_where() -> None:
    """The reason with its fix, and the declaration's place."""
    target = TargetPlan(
        target="production/a", verb=Verb.BLOCKED, problem="owned by x\n  fix: do y", place="f.yaml:3"
    )
    plan = Plan(engine="aws", project="p", targets=(target,))
    lines = plan_lines(plan)
    assert lines[:4] == [
        "! production/a  blocked",
        "    because: owned by x",
        "      fix: do y",
        "    at: f.yaml:3",
    ]
    assert plan_summary(plan).endswith("0 unchanged, 1 blocked.")


def test_buckets_and_packages_are_shown_beside_the_targets() -> None:
    """What no single target shows: one write for each bucket, and packages that are uploaded."""
    entry = {
        "LambdaFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "staging/"}]}},
    }
    package = Package(sha256="ab" * 32, size=5_400_000, bucket="b", key="k.zip", origin="github:o/r@t/a.zip")
    steps = (
        StagePackage(id="1", target="staging/a", package=package),
        PutNotifications(id="2", target="u", bucket="u", put=(entry,), remove=("old",), targets=()),
    )
    lines = plan_lines(Plan(engine="aws", project="p", steps=steps))
    assert "    github:o/r@t/a.zip -> s3://b/k.zip (5.4 MB)" in lines
    start = lines.index("~ bucket u  notifications")
    assert lines[start + 1 : start + 3] == ["    + staging/* [s3:ObjectCreated:*] -> f", "    - old"]


def test_problems_and_notes_stand_before_the_summary() -> None:
    """The last line is always the summary."""
    lines = plan_lines(
        _plan(problems=("too many deletes\n  fix: --allow-deletes 9",), notes=("not read: x",))
    )
    assert "  ! too many deletes" in lines
    assert "  * not read: x" in lines
    assert lines[-1].startswith("Plan: ")


def test_colour_comes_from_the_palette_alone() -> None:
    """Without the codes the coloured text is the plain text."""
    plan = _plan(Change(path="memorySize", old=1, new=2))
    coloured = "\n".join(plan_lines(plan, palette=COLOUR))
    assert "\x1b[33m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == "\n".join(plan_lines(plan))


@given(plans)
def test_no_plan_can_act_on_the_terminal_or_leak(plan: Plan) -> None:
    """Whatever is in it: printable lines, no secret, nothing that CI takes for a command."""
    for line in plan_lines(plan):
        assert line.isprintable(), line
        assert not line.lstrip().startswith("::"), line
        assert SECRET not in line


@given(plans)
def test_the_last_line_counts_all_targets(plan: Plan) -> None:
    """The summary's numbers add up to the number of targets."""
    numbers = re.findall(r"\d+", plan_lines(plan)[-1])
    assert sum(map(int, numbers)) == len(plan.targets)
