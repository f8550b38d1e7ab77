"""Who may tag a function cannot have it deleted: a deletion needs more than the tag."""

import pytest

from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan
from tests.functional.previews.ground import World
from tests.support.clouds import make_function
from tests.support.engine import Lab

VICTIM = "payroll"


def functions(aws: Lab) -> list[str]:
    """The functions that there are."""
    return sorted(one["FunctionName"] for one in aws.client("lambda").list_functions()["Functions"])


@pytest.mark.parametrize(
    "claimed",
    [
        "preview/pr-7/ghost",
        "preview/pr-7/notifier",
        "preview/pr-987654321/notifier",
        "preview/pr-x/notifier",
        "preview/notifier",
        "staging/ghost",
        "staging/notifier",
        "ghost",
        "",
    ],
)
def test_a_foreign_function_with_our_tags_is_left(world: World, aws: Lab, claimed: str) -> None:
    """Whatever target the tags name: the function stays and, unless another is asked for, is shown."""
    make_function(aws.aws.behind, VICTIM, Tags={"lockstep:project": "shop", "lockstep:target": claimed})
    world.push(**{"lockstep.yaml": _pruning(world)})
    aws.aws.forget()
    report = world.sync()
    assert report.is_success
    assert VICTIM in functions(aws)
    assert not aws.aws.named("lambda.DeleteFunction")
    assert not aws.aws.named("logs.DeleteLogGroup")
    if "/" in claimed:
        notes = make_plan(world.workspace(), Options()).notes
        assert any(VICTIM in note and "tags" in note for note in notes), notes


def test_buckets_that_foreign_tags_name_are_not_read(world: World, aws: Lab) -> None:
    """A tag cannot make the project ask for, or fail at, a bucket of somebody else's."""
    tags = {"lockstep:project": "shop", "lockstep:target": "preview/pr-7/ghost", "lockstep:buckets": "theirs"}
    make_function(aws.aws.behind, VICTIM, Tags=tags)
    aws.aws.forget()
    assert world.sync().is_success
    assert not any("theirs" in call.summary for call in aws.aws.calls)


def test_a_name_that_git_gave_once_is_deleted(world: World, aws: Lab) -> None:
    """A preview with a name of its own, and a renamed one: what they were called stands in the history."""
    own = "environments/preview/pr-7/services/notifier.values.yaml"
    first = 'lambda: {version: 1.0.0, functionName: "odd-one"}\n'
    world.push(**{"environments/preview/pr-7/pr.yaml": "", own: first})
    assert world.sync().is_success
    assert "odd-one" in functions(aws)
    world.push(**{own: 'lambda: {version: 1.0.0, functionName: "odd-two"}\n'})
    assert world.sync().is_success
    assert world.sync().is_success  # AWS's listing of tags lags behind
    assert "odd-one" not in functions(aws)
    world.push(**{"environments/preview/pr-7/pr.yaml": None, own: None})
    assert world.sync().is_success
    assert "odd-two" not in functions(aws)


def _pruning(world: World) -> str:
    text = (world.work.folder / "lockstep.yaml").read_text(encoding="utf-8")
    return text.replace("staging: {}", "staging: {prune: true}")
