"""Functions that another engine applies, read and compared: one that cannot be read is unknown by itself."""

from collections.abc import Callable
from typing import Any

import pytest

from lockstep.delivery.sync.truth import look
from lockstep.model import Change, Reference
from tests.strict import Call, Rule, everything
from tests.strict.errors import error
from tests.strict.images import Images
from tests.strict.keys import Undecryptable
from tests.strict.settings import Settings
from tests.strict.wire import Answer
from tests.support.clouds import ACCOUNT, REGION
from tests.support.engine import Lab, Refuse
from tests.support.projects import UPLOADS, make_fleet, make_target, trigger

TAG = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:main"


class Denied(Rule):
    """AWS denies GetFunction of one function, and the notifications of a bucket."""

    def before(self, call: Call) -> Answer | None:
        """Deny it."""
        is_function = call.name == "lambda.GetFunction" and call.function == "web-staging"
        is_bucket = call.name == "s3.GetBucketNotificationConfiguration" and "secret-" in str(
            call.operation.params
        )
        if is_function or is_bucket:
            return error(call.operation, 403, "AccessDenied", "no")
        return None


@pytest.fixture
def hidden() -> Undecryptable:
    """Off at first."""
    rule = Undecryptable("Environment")
    rule.is_on = False
    return rule


@pytest.fixture
def lab(lab_on: Callable[..., Lab], moto: Any, hidden: Undecryptable) -> Lab:
    """A strict AWS that denies some reads."""
    return lab_on(moto, hidden, Denied(), *everything(lag=0), Settings())


def test_what_is_live_is_compared_and_what_is_denied_is_unknown(lab: Lab, hidden: Undecryptable) -> None:
    """One function is as declared, one differs, one is not there; three cannot be read or compared."""
    api = make_target("staging/api", trigger("staging/"), settings={"logRetentionDays": 7})
    slow = make_target("staging/slow", settings={"environment": {"MODE": "fast"}})
    lab.sync(make_fleet(api, slow))
    fleet = make_fleet(
        api,
        make_target("staging/slow", settings={"environment": {"MODE": "slow"}, "memorySize": 256}),
        make_target("staging/gone"),
        make_target("staging/web"),
        make_target("staging/ref", settings={"environment": {"A": Reference(store="ssm", name="/none")}}),
    )
    seen = look(lab.engine(), fleet, fleet.targets)
    assert seen.live.keys() == {"staging/api", "staging/slow"}
    assert seen.changes == {
        "staging/slow": (
            Change(path="memorySize", old=128, new=256),
            Change(path="environment.MODE", old="fast", new="slow"),
        ),
        "staging/gone": (Change(path="function", new="gone-staging"),),
    }
    assert seen.unread.keys() == {"staging/web", "staging/ref"}
    assert "lambda:GetFunction" in seen.unread["staging/web"]
    assert "/none" in seen.unread["staging/ref"]
    assert seen.versions == {"staging/api": "1.0.0", "staging/slow": "1.0.0", "staging/gone": None}

    hidden.is_on = True
    again = look(lab.engine(), fleet, ["staging/slow"])
    assert "kms:Decrypt" in again.unread["staging/slow"]
    assert again.changes == {}


@pytest.mark.parametrize("refused", [False, True])
def test_what_a_tag_names_is_read(lab_on: Callable[..., Lab], ministack: Any, refused: bool) -> None:
    """A tag that was moved is a difference; one that may not be looked up is unknown, never in sync."""
    images = Images()
    images.tags[TAG] = "a" * 64
    lab = lab_on(ministack, images, *everything(lag=0))
    fleet = make_fleet(make_target("staging/api", image=TAG))
    lab.sync(fleet)
    assert look(lab.engine(), fleet, fleet.targets).versions == {"staging/api": "1.0.0"}
    images.tags[TAG] = "b" * 64
    if refused:
        denied = Refuse("ecr.BatchGetImage", "AccessDeniedException", "no", status=400)
        lab = lab_on(lab.aws.behind, denied, images, *everything(lag=0))
    seen = look(lab.engine(), fleet, fleet.targets)
    if refused:
        assert seen.unread.keys() == {"staging/api"}
        assert seen.versions == {}
    else:
        assert [change.path for change in seen.changes["staging/api"]] == ["code"]


def test_a_bucket_that_cannot_be_read_leaves_its_targets_unknown(lab: Lab) -> None:
    """Whether they are triggered is not known; a target without a trigger on it is."""
    lab.sync(make_fleet(make_target("staging/api"), make_target("staging/slow")))
    fleet = make_fleet(
        make_target("staging/api", trigger("staging/", bucket="secret-bucket")), make_target("staging/slow")
    )
    seen = look(lab.engine(), fleet, fleet.targets)
    assert seen.unread.keys() == {"staging/api"}
    assert seen.changes == {}
    assert UPLOADS not in seen.unread["staging/api"]
