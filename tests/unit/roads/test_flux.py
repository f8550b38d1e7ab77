"""The road flux: one object for a state."""

from dataclasses import replace
from typing import Any

import pytest

from lockstep.model import Obstacle, Reference, Terraform
from lockstep.model.rollout import Rollout, Stage
from lockstep.roads.base import Rendering
from lockstep.roads.flux import ROAD
from tests.support.roads import SETTINGS, documents, ground, project, target

VARIABLES = {"preview_prs": ["123"], "environments": ["staging"], "staging_version": "1.10"}


def _objects(rendering: Rendering) -> dict[str, Any]:
    return {one["kind"]: one for one in documents(rendering.manifests[0], "flux")}


def _refused(rendering: Rendering) -> dict[str, str]:
    return {one.target: one.field for one in rendering.refused}


def test_a_state_is_one_object_with_the_backend_that_it_has() -> None:
    """Lists stay lists, a version stays text, and an empty state is never begun beside the real one."""
    rendering = ROAD.render(ground(target(), target("production/api"), state={"variables": VARIABLES}))
    spec = _objects(rendering)["Terraform"]["spec"]
    assert {one["name"]: one["value"] for one in spec["vars"]} == VARIABLES
    assert spec["backendConfig"]["customConfiguration"] == (
        'backend "s3" {\n  bucket = "states"\n  key = "shop"\n}\n'
    )
    assert spec["tfstate"] == {"lockTimeout": "300s"}
    assert spec["destroyResourcesOnDeletion"] is False
    assert "forceUnlock" not in str(spec)
    source = _objects(rendering)["GitRepository"]
    assert source["spec"]["ref"] == {"branch": "main"}
    assert spec["sourceRef"]["name"] == source["metadata"]["name"]


def test_a_rollout_is_refused() -> None:
    """Its alias would be made anew, and stay where it is: nobody takes the steps."""
    steps = Rollout(stages=(Stage(weight=0.1, seconds=60),), place="config.yaml:7")
    assert not _refused(ROAD.render(ground(target(alias="live", rollout=Rollout()))))
    rendering = ROAD.render(ground(target(alias="live", rollout=steps)))
    assert _refused(rendering) == {"staging/api": "rollout"}
    assert [one.place for one in rendering.refused] == ["config.yaml:7"]


def test_a_state_of_previews_alone_may_be_destroyed() -> None:
    """No other one."""
    rendering = ROAD.render(ground(target("preview/pr-1/api"), state={"name": "preview"}))
    assert _objects(rendering)["Terraform"]["spec"]["destroyResourcesOnDeletion"] is True


@pytest.mark.parametrize(
    ("repository", "revision", "url", "ref"),
    [
        ("https://x.example.com/a/b", "a" * 40, "https://x.example.com/a/b", {"commit": "a" * 40}),
        ("git@x.example.com:a/b", "v1.2.0", "ssh://git@x.example.com/a/b", {"tag": "v1.2.0"}),
        ("ssh://git@x.example.com/a/b", "main", "ssh://git@x.example.com/a/b", {"branch": "main"}),
    ],
)
def test_another_repository_is_followed_where_it_was_named(
    repository: str, revision: str, url: str, ref: dict[str, str]
) -> None:
    """A commit, a tag or a branch, by a URL that Flux takes."""
    settings = Terraform(folder="lambda", repository=repository, revision=revision)
    spec = _objects(ROAD.render(ground(target(), state={"settings": settings})))["GitRepository"]["spec"]
    assert (spec["url"], spec["ref"]) == (url, ref)


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ({"backend": ""}, "backend"),
        ({"backend": "local"}, "backend"),
        ({"settings": Terraform(folder=".", repository="../infra", revision="main")}, "repository"),
        ({"problem": ("the folder declares no variable 'functions'", "")}, "state"),
        ({"problem": ("it cannot be read", "mend it"), "backend": ""}, "state"),
    ],
)
def test_a_state_that_a_cluster_cannot_apply_is_refused(state: dict[str, Any], name: str) -> None:
    """With its reason, and what it has stays."""
    rendering = ROAD.render(ground(target(), state=state))
    assert _refused(rendering) == {"staging+production": name}
    assert rendering.manifests == ()
    assert "staging+production" in rendering.held
    (_, fix) = state.get("problem", ("", ""))
    assert fix in rendering.refused[0].instead


def test_one_target_holds_back_its_whole_state() -> None:
    """Left out of the variables its function would be destroyed."""
    bad = target(obstacle=Obstacle(text="its host is away"))
    rendering = ROAD.render(ground(bad, target("production/api")))
    assert _refused(rendering) == {"staging/api": "code"}
    assert rendering.manifests == ()
    assert rendering.held == {"staging/api", "staging+production"}


def test_a_state_without_targets_is_refused() -> None:
    """Plans approve themselves: with no variables everything would be destroyed."""
    assert _refused(ROAD.render(ground())) == {"staging+production": "state"}


def test_two_states_are_never_one_object() -> None:
    """Environments whose names come to one object, of two states, are refused and keep what they have."""
    here = ground(target("a/api"), target("b/api"), target("a-b/api"))
    (shared,) = here.states
    first = replace(shared, name="a+b", keys=("a/api", "b/api"))
    second = replace(shared, name="a-b", keys=("a-b/api",))
    rendering = ROAD.render(replace(here, states=(first, second)))
    assert _refused(rendering) == {"a+b": "state (name)", "a-b": "state (name)"}
    assert rendering.manifests == ()
    assert rendering.held >= {"a+b", "a-b"}


def test_no_secret_is_written() -> None:
    """Neither the value nor what stands in its place."""
    secret = {"environment": {"KEY": Reference(store="ssm", name="/key")}}
    assert _refused(ROAD.render(ground(target(settings=secret)))) == {"staging/api": "environment"}


def test_an_environment_without_a_state_and_a_project_without_a_url_are_refused() -> None:
    """Each says what to add."""
    here = ground(target())
    assert _refused(ROAD.render(replace(here, states=()))) == {"staging/api": "terraform"}
    nowhere = project(kubernetes=replace(SETTINGS, repository=None))
    assert _refused(ROAD.render(ground(target(), project=nowhere))) == {"staging+production": "repository"}


def test_a_mapping_that_carries_versions_alone_says_what_it_leaves() -> None:
    """And what others manage is told, too: Terraform writes it."""
    settings = Terraform(folder="lambda", mapping="syrf")
    made = target(settings={"memorySize": 512}, ignore=("reservedConcurrency",))
    rendering = ROAD.render(ground(made, state={"settings": settings}))
    told = {one.field: one.instead for one in rendering.losses if one.target == "staging/api"}
    assert "memorySize" in told["mapping"]
    assert "ignore" in told
