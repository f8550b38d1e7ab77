"""What a person is asked before a plan is applied."""

import pytest

from lockstep.model import Change, DeleteFunction, Plan, PutNotifications, StagePackage, TargetPlan, Verb
from lockstep.planning.asking import older_versions, question
from tests.support.projects import make_package

PACKAGE = StagePackage(id="package", target="", package=make_package())


def _plan(*targets: tuple[str, Verb]) -> Plan:
    return Plan(
        engine="aws",
        project="shop",
        targets=tuple(TargetPlan(target=key, verb=verb) for key, verb in targets),
        steps=(PACKAGE, *(DeleteFunction(id=key, target=key, function="f") for key, _ in targets)),
    )


@pytest.mark.parametrize(
    ("targets", "asked"),
    [
        ([("production/a", Verb.UPDATE)], "Apply 1 change to production?"),
        (
            [("production/a", Verb.UPDATE), ("production/b", Verb.DELETE), ("staging/a", Verb.NOTHING)],
            "Apply 2 changes to production, 1 of them a deletion?",
        ),
        (
            [("preview/pr-1/a", Verb.CREATE), ("preview/pr-2/a", Verb.CREATE), ("staging/a", Verb.ADOPT)],
            "Apply 3 changes to staging and 2 previews?",
        ),
        (
            [(f"env{number}/a", Verb.UPDATE) for number in range(5)],
            "Apply 5 changes to env0, env1, env2 and 2 more?",
        ),
        ([("preview/pr-1/a", Verb.DELETE), ("preview/pr-2/a", Verb.CREATE)], None),
    ],
)
def test_the_question_counts_targets_and_names_environments(
    targets: list[tuple[str, Verb]], asked: str | None
) -> None:
    """Previews alone are not asked about."""
    assert question(_plan(*targets)) == asked


def test_what_belongs_to_no_target_is_asked_about_unless_previews_own_it() -> None:
    """Entries of a bucket that are nobody's any more, for one."""

    def entries(*targets: str) -> Plan:
        step = PutNotifications(
            id="n", target="uploads", bucket="uploads", put=(), remove=("x",), targets=targets
        )
        return Plan(engine="aws", project="shop", steps=(step,))

    assert question(entries()) == "Apply 1 change?"
    assert question(entries("preview/pr-1/a")) is None
    assert question(entries("preview/pr-1/a", "staging/a")) == "Apply 1 change to staging and preview/pr-1?"
    assert question(Plan(engine="aws", project="shop")) is None


@pytest.mark.parametrize(
    ("live", "declared", "is_older"),
    [("0.1.10", "0.1.9", True), ("0.1.9", "0.1.10", False), ("1.0.0", "1.0.0-rc.1", True), ("a", "b", False)],
)
def test_older_versions_are_told_by_precedence(live: str, declared: str, is_older: bool) -> None:
    """Numbers compare as numbers; what is no version has no order."""
    change = Change(path="version", old=live, new=declared)
    target = TargetPlan(target="staging/a", verb=Verb.UPDATE, version=declared, changes=(change,))
    assert older_versions([target]) == ((("staging/a", live, declared),) if is_older else ())
