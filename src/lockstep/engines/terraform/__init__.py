"""The terraform engine: a team's Terraform plans and applies; Lockstep passes it what Git declares.

Law: Terraform's folder, state and locks are the team's: nothing in them is changed but by ``terraform
apply`` of a plan that was shown and guarded. What needs AWS directly (packages, references, the
marker of what was applied) comes through ``base.Cloud``. Values of variables are secrets: they reach
files only that nobody else can read, and no output.
"""

from lockstep.engines.terraform.base import Cloud, Source
from lockstep.engines.terraform.engine import TerraformEngine, Ways
from lockstep.engines.terraform.runs import Run, is_driven, runs_of
from lockstep.engines.terraform.state import State

__all__ = ["Cloud", "Run", "Source", "State", "TerraformEngine", "Ways", "is_driven", "runs_of"]
