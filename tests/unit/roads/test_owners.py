"""Whom a manifest is for: one answer for engines, for ``doctor`` and for a hand-over."""

import pytest

from lockstep.model import Fleet
from lockstep.roads.owners import environments_of, users_of
from lockstep.roads.table import ROADS
from tests.support.roads import ground, project, target

TARGETS = [
    target("staging/api", prefix="staging/", alias="live"),
    target("preview/pr-7/api", prefix="preview/pr-7/", alias="live"),
    target("production/web"),
]
FLEET = Fleet(project="shop", targets={one.key: one for one in TARGETS})


@pytest.mark.parametrize(
    ("owner", "users", "environments"),
    [
        ("staging/api", ["staging/api"], ["staging"]),
        ("preview/pr-7/api", ["preview/pr-7/api"], ["preview"]),
        ("staging/gone", [], ["staging"]),  # its manifest is there yet
        ("shop-uploads", ["staging/api", "preview/pr-7/api"], ["preview", "staging"]),
        ("production+staging", ["staging/api", "production/web"], ["production", "staging"]),
        ("nobody", [], []),
    ],
)
def test_an_owner_is_a_target_a_bucket_or_a_state(
    owner: str, users: list[str], environments: list[str]
) -> None:
    """All previews are one environment, and a state without targets is its environments' nevertheless."""
    assert users_of(owner, FLEET) == users
    assert environments_of(owner, project(), FLEET) == environments


@pytest.mark.parametrize("road", ["ack", "flux", "argocd-job"])
def test_every_manifest_of_a_road_is_for_somebody(road: str) -> None:
    """No road names an owner that the rest would not know."""
    rendering = ROADS[road].render(ground(*TARGETS, state={"variables": {"functions": {}}}))
    assert rendering.manifests
    for one in rendering.manifests:
        assert users_of(one.owner, FLEET)
        assert environments_of(one.owner, project(), FLEET)
