"""GitHub Actions for tests: workflows read from YAML and run here, with events as GitHub sends them."""

from tests.support.actions import events
from tests.support.actions.events import pull_request, push
from tests.support.actions.expressions import evaluate, fill
from tests.support.actions.runner import Runner, StepFailed

__all__ = ["Runner", "StepFailed", "evaluate", "events", "fill", "pull_request", "push"]
