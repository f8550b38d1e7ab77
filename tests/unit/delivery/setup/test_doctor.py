"""What ``doctor`` asks permissions for."""

from lockstep.delivery.setup.doctor import features_of
from lockstep.engines.aws.actions import Feature
from lockstep.model import Resource
from lockstep.model.engines import AWS, TERRAFORM
from lockstep.model.rollout import Rollout, Stage
from tests.support.projects import make_target


def test_rollouts_that_terraform_leaves_alone_are_asked_for() -> None:
    """Where a target declares one, and for that target alone; a sync by the aws engine has it all."""
    steps = Rollout(stages=(Stage(weight=0.1, seconds=600),))
    plain, at_once = make_target("staging/a"), make_target("staging/b", alias="live", rollout=Rollout())
    rolled = make_target("staging/c", alias="live", rollout=steps)
    everything = [plain, at_once, rolled]
    assert [*features_of(TERRAFORM, everything)] == [
        ((Feature.TERRAFORM,), everything),
        ((Feature.TERRAFORM, Feature.ROLLOUTS), [rolled]),
    ]
    assert [*features_of(TERRAFORM, [plain, at_once])] == [((Feature.TERRAFORM,), [plain, at_once])]
    assert [*features_of(AWS, everything)] == [((Feature.PLAN, Feature.SYNC), everything)]
    assert [*features_of(AWS, [])] == []


def test_roles_are_asked_for_where_one_is_made() -> None:
    """Whoever declares none need not be let make any."""
    plain, made = make_target("staging/a"), make_target("staging/b", resources=[Resource(kind="role")])
    (found,) = features_of(AWS, [plain, made])
    assert found == ((Feature.PLAN, Feature.SYNC, Feature.ROLES), [plain, made])
