"""Selecting targets, environments and places."""

import pytest

from lockstep.model import Environment, Function, Project, Scope, select

KEYS = ["staging/api", "staging/s3-notifier", "production/api", "preview/pr-1/api", "preview/pr-12/api"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], KEYS),
        (["staging"], KEYS[:2]),
        (["staging/"], KEYS[:2]),
        (["staging/api"], KEYS[:1]),
        (["preview/pr-1"], KEYS[3:4]),
        (["preview"], KEYS[3:]),
        (["*/s3-*"], KEYS[1:2]),
        (["production", "staging/api"], [KEYS[0], KEYS[2]]),
        (["stag"], []),
        (["nothing"], []),
    ],
)
def test_patterns_select_targets_and_environments(patterns: list[str], expected: list[str]) -> None:
    """No pattern selects all; a pattern that selects nothing selects nothing."""
    assert select(KEYS, patterns) == expected


def test_all_previews_share_one_environment() -> None:
    """What lockstep.yaml says of preview counts for each pull request."""
    project = Project(name="p", environments={"preview": Environment(name="preview", region="eu-west-1")})
    assert project.environment("preview/pr-7").region == "eu-west-1"
    assert project.environment("staging") == Environment(name="staging")


def test_a_scope_makes_arns() -> None:
    """ARNs carry the partition, the Region and the account."""
    scope = Scope(account="111111111111", region="cn-north-1", partition="aws-cn")
    assert scope.function_arn("f") == "arn:aws-cn:lambda:cn-north-1:111111111111:function:f"
    assert scope.bucket_arn("b") == "arn:aws-cn:s3:::b"


def test_a_function_is_owned_by_two_tags() -> None:
    """One of them alone is no owner."""
    assert Function(name="f", tags={"lockstep:project": "p", "lockstep:target": "staging/f"}).owner == (
        "p",
        "staging/f",
    )
    assert Function(name="f", tags={"lockstep:project": "p"}).owner is None
