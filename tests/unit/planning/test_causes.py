"""Whose a difference is."""

from dataclasses import replace

import pytest

from lockstep.model import Change, Code, Function, Target, Unread
from lockstep.model.layer import BuiltLayer
from lockstep.model.status import Cause
from lockstep.planning.causes import cause_of

FUNCTION = Function(
    name="api",
    settings={"memorySize": 256, "environment": {"A": "1", "B": "1"}},
    code=Code(sha256="a" * 64),
    tags={"team": "x"},
)
THEN = Target(environment="staging", service="api", version="1.0.0", function=FUNCTION)


def _now(**changes: object) -> Target:
    """The target with settings of Git's changed since."""
    return replace(THEN, function=replace(FUNCTION, settings={**FUNCTION.settings, **changes}))  # type: ignore[dict-item]


LAYER = BuiltLayer(target="staging/common", service="common", version="1.4.0", name="common")
MEMORY = Change(path="memorySize", old=128, new=512)
CODE = Change(path="code", old="b" * 64, new="a" * 64)


@pytest.mark.parametrize(
    ("now", "changes", "cause"),
    [
        (_now(memorySize=512), [MEMORY], Cause.GIT),
        (THEN, [MEMORY], Cause.AWS),
        (THEN, [CODE], Cause.AWS),
        (_now(memorySize=512), [MEMORY, CODE], Cause.BOTH),
        (
            replace(THEN, version="1.1.0"),
            [CODE, Change(path="tags.lockstep:version", new="1.1.0")],
            Cause.GIT,
        ),
        (_now(environment={"A": "1", "B": "2"}), [Change(path="environment.B")], Cause.GIT),
        (_now(environment={"A": "1", "B": "2"}), [Change(path="environment.A")], Cause.AWS),
        (THEN, [Change(path="tags.team", old="y", new="x")], Cause.AWS),
        (THEN, [Change(path="trigger"), Change(path="permission")], Cause.AWS),
        (replace(THEN, function=replace(FUNCTION, name="other")), [CODE, MEMORY], Cause.GIT),
        (THEN, [Change(path="environment", old=Unread(why="denied"))], None),
        (replace(THEN, version="1.1.0"), [CODE, Change(path="version", old="1.0.0", new="1.1.0")], Cause.GIT),
        (THEN, [Change(path="aws_sqs_queue.jobs", new="(new)")], None),  # Terraform's, beside the function
        (replace(THEN, layers=(LAYER,)), [Change(path="layers")], Cause.GIT),
        (THEN, [Change(path="layers")], Cause.AWS),
        (THEN, [], None),
    ],
)
def test_what_git_says_alike_was_changed_in_aws(
    now: Target, changes: list[Change], cause: Cause | None
) -> None:
    """Path by path; what AWS did not show is nobody's."""
    assert cause_of(changes, THEN, now) is cause
