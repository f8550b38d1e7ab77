"""A sync's results in words."""

from hypothesis import given

from lockstep.model import DeleteFunction, Outcome, Plan, Report, StepResult, UpdateCode
from lockstep.model.function import Function
from lockstep.render.report import report_lines, report_summary, result_lines
from lockstep.render.steps import words_by_step
from tests.unit.render.generated import reports

WORDS = words_by_step(
    Plan(
        engine="aws",
        project="p",
        steps=(
            UpdateCode(id="a:code", target="staging/a", function=Function(name="f"), changes=()),
            DeleteFunction(id="b:delete", target="preview/pr-1/b", function="g"),
        ),
    )
)
FAILED = StepResult(
    step="a:code",
    target="staging/a",
    outcome=Outcome.FAILED,
    seconds=1.25,
    error="AccessDenied\n  fix: allow lambda:UpdateFunctionCode",
)


def test_each_outcome_has_a_line() -> None:
    """Words for what was done, with its time; errors with their fix below."""
    done = StepResult(step="b:delete", target="preview/pr-1/b", outcome=Outcome.DONE, seconds=0.5)
    assert result_lines(done, WORDS) == ["  done      preview/pr-1/b: delete function (0.5 s)"]
    assert result_lines(FAILED, WORDS) == [
        "  FAILED    staging/a: update code",
        "            AccessDenied",
        "            fix: allow lambda:UpdateFunctionCode",
    ]


def test_the_report_says_what_failed_what_is_left_and_what_to_do() -> None:
    """Failures with their fix, then what was not tried, then how to go on, then the summary."""
    left = StepResult(step="b:delete", target="preview/pr-1/b", outcome=Outcome.NOT_TRIED)
    lines = report_lines(Report(results=(FAILED, left), seconds=3.42, calls=41), WORDS)
    assert lines == [
        "Failed:",
        "  staging/a: update code",
        "      AccessDenied",
        "      fix: allow lambda:UpdateFunctionCode",
        "Not tried:",
        "  preview/pr-1/b: delete function",
        "",
        "Run the same command again to finish: what is done is not repeated.",
        "",
        "Sync: 0 done, 1 failed, 1 not tried in 3.4 s with 41 API calls.",
    ]


def test_a_stopped_run_says_what_is_left() -> None:
    """After Ctrl-C nothing is called a failure."""
    left = StepResult(step="b:delete", target="preview/pr-1/b", outcome=Outcome.NOT_TRIED)
    report = Report(results=(left,), interrupted=True, seconds=61.0, calls=1)
    assert "Left to do:" in report_lines(report, WORDS)
    assert report_summary(report) == "Sync stopped: 0 done, 1 left in 1 min 1 s with 1 API call."


def test_what_still_differs_is_a_failure_of_the_report() -> None:
    """A read-back that disagrees is told."""
    report = Report(mismatches=("staging/a: memorySize is 128",))
    assert "  staging/a: memorySize is 128" in report_lines(report, WORDS)
    assert report_summary(report).startswith("Sync: 0 done, 1 still different")


@given(reports)
def test_no_report_can_act_on_the_terminal(report: Report) -> None:
    """Whatever AWS answered."""
    for line in report_lines(report, {}):
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
