"""What became of a commit, and issues that a program keeps."""

import pytest

from lockstep.forge.base import DeploymentState
from tests.functional.forges.ground import Ground, push


def test_an_issue_is_kept_by_its_marker(ground: Ground) -> None:
    """Opened once, changed afterwards, found by anybody, closed with a last word."""
    forge = ground.open()
    assert forge.find_issue("drift:staging") is None
    made = forge.put_issue("drift:staging", title="Drift", body="1 target", labels=["drift"])
    again = ground.open().put_issue("drift:staging", title="Drift", body="2 targets", labels=["drift"])
    assert again.number == made.number
    found = ground.open().find_issue("drift:staging")
    assert found is not None
    assert (found.title, found.is_open, found.labels) == ("Drift", True, ("drift",))
    assert "2 targets" in found.body
    assert forge.find_issue("drift:production") is None
    forge.close_issue("drift:staging", comment="mended")
    forge.close_issue("drift:staging", comment="mended")
    assert forge.find_issue("drift:staging") is None
    assert ground.comments(made.number) == ["mended"]
    assert forge.put_issue("drift:staging", title="Drift", body="again").number > made.number


def test_numbers_are_shared_with_pull_requests(ground: Ground) -> None:
    """One number is one thing, and labels go to either."""
    forge = ground.open()
    issue = forge.put_issue("m", title="I", body="")
    push(ground.work, "a")
    pull = forge.open_pull(head="a", base="main", title="T", body="")
    assert pull.number != issue.number
    forge.label(issue.number, add=["late"])
    found = forge.find_issue("m")
    assert found is not None
    assert found.labels == ("late",)
    assert forge.pull(pull.number).labels == ()


@pytest.mark.parametrize("state", DeploymentState)
def test_a_deployment_is_recorded_again_and_again(ground: Ground, state: DeploymentState) -> None:
    """The same one twice is one."""
    forge = ground.open()
    change = push(ground.work, "a")
    for _ in range(2):
        forge.deployment(change.sha, environment="preview/pr-1", state=state, description="s3-notifier 0.1.6")
