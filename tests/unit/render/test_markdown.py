"""Markdown for pull requests: readable, bounded, and nothing in it acts."""

import re

import pytest
from hypothesis import given

from lockstep.model import (
    Change,
    Check,
    Health,
    Outcome,
    Plan,
    Report,
    StatusRow,
    StepResult,
    SyncStatus,
    TargetPlan,
    Verb,
    Verdict,
)
from lockstep.render.markdown import (
    doctor_markdown,
    plan_markdown,
    report_markdown,
    status_markdown,
    validate_markdown,
)
from tests.unit.render.generated import SECRET, plans

EVIL = "@everyone #1 </code></details><img src=x> ```\n``` **b** | [x](y) \x1b[31m"


def _plan(count: int = 1, value: str = "b") -> Plan:
    changes = (Change(path="environment.A", old="a", new=value), Change(path="memorySize", old=128, new=256))
    targets = tuple(
        TargetPlan(target=f"staging/s{n}", verb=Verb.UPDATE, function="f", changes=changes)
        for n in range(count)
    )
    return Plan(engine="aws", project="syrf", commit="0123456789" * 4, targets=targets)


def _outside_code(markdown: str) -> str:
    """What GitHub would interpret: without fenced blocks, code spans and <code> elements."""
    text = re.sub(r"^(`{3,})[a-z]*\n.*?\n\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<code>.*?</code>", "", text)
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_a_plan_is_a_summary_with_sections_to_open() -> None:
    """The counts first, each target's changes as a diff."""
    assert plan_markdown(_plan()) == (
        "### Lockstep plan: 0 to create, 1 to update, 0 to delete, 0 to adopt, 0 unchanged.\n\n"
        "Project `syrf` at `012345678901`, engine `aws`.\n\n"
        "<details><summary><code>staging/s0  update  f</code></summary>\n\n"
        '```diff\n- environment.A: "a"\n+ environment.A: "b"\n- memorySize: 128\n+ memorySize: 256\n```\n\n'
        "</details>\n"
    )


def test_nothing_in_a_plan_is_interpreted() -> None:
    """Mentions, HTML, fences and links from names and values stay text."""
    target = TargetPlan(
        target=EVIL, verb=Verb.BLOCKED, function=EVIL, problem=EVIL, place=EVIL,
        changes=(Change(path=EVIL, old=EVIL, new=EVIL),),
    )  # fmt: skip
    plan = Plan(engine=EVIL, project=EVIL, commit=EVIL, targets=(target,), problems=(EVIL,), notes=(EVIL,))
    markdown = plan_markdown(plan)
    outside = _outside_code(markdown)
    for word in ("@everyone", "#1", "<img", "**b**", "[x]"):
        assert word in markdown
        assert word not in outside
    assert "\x1b" not in markdown


@given(plans)
def test_no_plan_leaks_or_opens_anything(plan: Plan) -> None:
    """Every section that is opened is closed, no secret is written."""
    markdown = plan_markdown(plan)
    assert SECRET not in markdown
    outside = _outside_code(markdown)
    assert outside.count("<details>") == outside.count("</details>")
    assert re.sub(r"</?(details|summary)>", "", outside).count("<") == 0


@pytest.mark.parametrize("count", [1, 50, 5000])
def test_a_plan_fits_into_a_comment(count: int) -> None:
    """Whole sections are left out, and counted, when there are too many."""
    markdown = plan_markdown(_plan(count, "v" * 100))
    assert len(markdown) <= 60_000
    shown = markdown.count("<details>")
    left = re.search(r"_(\d+) more sections? did not fit", markdown)
    assert shown + (int(left[1]) if left else 0) == count


def test_huge_problems_do_not_break_the_bound() -> None:
    """Not even the head may be longer."""
    plan = Plan(engine="aws", project="p", problems=("x" * 200_000, "`" * 1000))
    assert len(plan_markdown(plan)) <= 60_000


def test_a_report_tells_success_at_a_glance() -> None:
    """The sign first; what failed in a block."""
    assert report_markdown(Report(calls=2), {}).startswith("### ✅ Lockstep sync: 0 done in 0.0 s with 2")
    failed = StepResult(step="s", target="t", outcome=Outcome.FAILED, error=EVIL)
    markdown = report_markdown(Report(results=(failed,)), {})
    assert markdown.startswith("### ❌ Lockstep sync: 0 done, 1 failed")
    assert "@everyone" not in _outside_code(markdown)


def test_status_is_a_table() -> None:
    """Pipes in names do not break it."""
    row = StatusRow(
        target="staging/a|b",
        service="a|b",
        environment="staging",
        deployment_type="lambda",
        declared="1",
        live="1",
        status=SyncStatus.SYNCED,
        health=Health.HEALTHY,
    )
    lines = status_markdown([row], ["note"]).splitlines()
    assert "| service | `staging` |" in lines
    assert "| `a\\|b` | `1 ● Synced/Healthy` |" in lines


def test_checks_and_problems_are_blocks() -> None:
    """Doctor and validate for a job's summary."""
    check = Check(name="git", verdict=Verdict.FAILED, detail=EVIL)
    assert doctor_markdown([check]).startswith("### ❌ Lockstep doctor: 0 ok, 0 warning, 1 failed")
    markdown = validate_markdown(["f:1: wrong"], 0, [EVIL])
    assert markdown.startswith("### ❌ Lockstep validate: 1 problem.\n\n```\nf:1: wrong\n```")
    assert "@everyone" not in _outside_code(markdown)
