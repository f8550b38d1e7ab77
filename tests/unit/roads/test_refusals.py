"""What a road refuses is told with whose it is, why, the line of it and a way out."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstep.model import Environment, Fleet, Reference, Resource, Secret, Target, Trigger
from lockstep.model.kubernetes import Job, Kubernetes
from lockstep.render.losses import losses_lines, losses_markdown
from lockstep.roads.base import EVERY, Loss, Weight
from lockstep.roads.table import ROADS
from tests.support.fleets import desired_fleets
from tests.support.roads import SETTINGS, ground, project, target

_PLACE = re.compile(r"[\w./-]+:[1-9]\d*\Z")
_SETTINGS = (
    SETTINGS,
    replace(SETTINGS, repository=None, job=Job(), place="lockstep.yaml:9"),
    replace(SETTINGS, namespace="all", own_buckets=(), place="lockstep.yaml:9"),
    replace(SETTINGS, namespace="shop-{pr}", place="lockstep.yaml:9"),
)


def _declared(made: Target) -> Target:
    return replace(made, place=f"environments/{made.environment}/{made.service}/config.yaml:3")


def _row(one: Loss) -> tuple[str, str, str, str, str, str]:
    return one.target, one.field, one.weight.value, one.problem, one.instead, one.place


@pytest.mark.parametrize("road", ROADS)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None
)
@given(
    fleet=desired_fleets(),
    said=st.sampled_from(_SETTINGS),
    listed=st.booleans(),
    state=st.sampled_from(({}, {"backend": "local"}, {"keys": ()}, {"problem": ("it is odd", "")})),
)
def test_every_refusal_has_its_line_and_a_way_out(
    road: str, fleet: Fleet, said: Kubernetes, listed: bool, state: Mapping[str, object]
) -> None:
    """Whatever is declared and however the project is set up; what is lost has its line, too."""
    own = project(name=fleet.project, kubernetes=said)
    if not listed:  # nothing says where the environments are
        own = replace(own, environments={"staging": Environment(name="staging", place="lockstep.yaml:4")})
    made = ground(*(_declared(one) for one in fleet.targets.values()), project=own, state=state)
    told = [one for one in ROADS[road].render(made).losses if one.target != EVERY]
    for one in told:
        assert _PLACE.match(one.place), one
        assert min(one.problem, one.instead) > ""
    lines = "\n".join(losses_lines((_row(one) for one in told), columns=200))
    table = losses_markdown(_row(one) for one in told)
    for one in told:
        if one.weight is Weight.REFUSED:
            assert f"at {one.place}" in lines
            assert f"at {one.place}" in table
            assert f"fix: {one.instead}" in lines


def test_the_line_is_that_of_what_is_refused() -> None:
    """A trigger's own, a secret's, an address's, an environment's; else that of the target's version."""
    trigger = Trigger(bucket="shop-uploads", place="services/api/values.yaml:7")
    secret = Secret(None, Reference(store="ssm", name="/key", place="services/api/values.yaml:8"))
    url = Resource(kind="url", settings={"authType": "NONE"}, place="services/api/values.yaml:9")
    made = _declared(target(settings={"environment": {"KEY": secret}}, resources=[url]))
    made = replace(made, triggers=(trigger,), ignore=("tags.x",))
    assert _places(made, "ack") == {
        "triggers": "services/api/values.yaml:7",
        "environment": "services/api/values.yaml:8",
        "url.authType": "services/api/values.yaml:9",
        "ignore": "environments/staging/api/config.yaml:3",
    }
    nowhere = project(environments={"staging": Environment(name="staging", place="lockstep.yaml:4")})
    assert _places(_declared(target()), "ack", project=nowhere) == {"account": "lockstep.yaml:4"}
    assert _places(_declared(target()), "flux", project=nowhere, states=()) == {
        "terraform": "lockstep.yaml:4"
    }
    bare = project(kubernetes=replace(SETTINGS, job=Job(image="x"), place="lockstep.yaml:9"))
    assert _places(_declared(target()), "argocd-job", project=bare) == {"job": "lockstep.yaml:9"}


def _places(made: Target, road: str, **changes: object) -> dict[str, str]:
    return {one.field: one.place for one in ROADS[road].render(ground(made, **changes)).refused}
