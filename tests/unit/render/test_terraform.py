"""Runs of Terraform in a plan: what belongs to no single target stands with the run."""

from lockstep.model import ApplyResource, Plan, RunTerraform, StepResult
from lockstep.model.report import Outcome
from lockstep.render.markdown import plan_markdown
from lockstep.render.report import result_lines
from lockstep.render.steps import words_by_step
from lockstep.render.text import plan_lines


def _plan(workspace: str = "default") -> Plan:
    run = RunTerraform(id="terraform:staging", target="staging", folder="tf", workspace=workspace)
    resources = [
        ApplyResource(id=f"r{n}", target=target, needs=(run.id,), address=address, action=action)
        for n, (target, address, action) in enumerate(
            [
                ("staging/api", "aws_lambda_function.api", "update"),
                ("", "aws_s3_bucket_notification.all", "update"),
                ("", "aws_iam_role.evil\x1b[2J", "delete"),
            ]
        )
    ]
    return Plan(engine="terraform", project="shop", steps=(run, *resources))


def test_shared_resources_are_listed_below_their_run() -> None:
    """A target's own resources are told with the target; nothing acts on the terminal."""
    lines = plan_lines(_plan("blue"))
    at = lines.index("~ terraform in tf, workspace blue  staging")
    assert lines[at + 1] == "    ~ update aws_s3_bucket_notification.all"
    assert lines[at + 2].startswith("    - delete aws_iam_role.evil")
    assert "\x1b" not in "".join(lines)
    assert "aws_lambda_function.api" not in "".join(lines)


def test_markdown_lists_them_too() -> None:
    """As a diff, like everything else."""
    text = plan_markdown(_plan())
    assert "terraform in tf  staging" in text
    assert "- delete aws_iam_role.evil" in text


def test_results_have_words() -> None:
    """A resource is told by what happens to it, under its target."""
    result = StepResult(step="r0", target="staging/api", outcome=Outcome.DONE, seconds=1.25)
    assert result_lines(result, words_by_step(_plan())) == [
        "  done      staging/api: update aws_lambda_function.api (1.2 s)"
    ]
