"""The road argocd-job: a hook, and beside it what makes it run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.cli.app import command_parser, global_parser
from lockstep.model import Fleet, Obstacle, Secret, Target
from lockstep.model.kubernetes import Job
from lockstep.model.rollout import Rollout
from lockstep.roads.argocd_job import ROAD
from lockstep.roads.base import Rendering
from lockstep.values import dataclass
from tests.support.fleets import desired_fleets
from tests.support.roads import SETTINGS, documents, files_of, ground, project, target


def _objects(rendering: Rendering) -> list[dict[str, Any]]:
    return documents(rendering.manifests[0], ROAD.name)


def test_a_job_is_a_hook_that_runs_lockstep() -> None:
    """With what Kubernetes and Argo CD ask of one: no restart, a day to live, the wave of the project."""
    _, job = _objects(ROAD.render(ground(target(), project=project(kubernetes=replace(SETTINGS, wave=7)))))
    notes = job["metadata"]["annotations"]
    assert notes["argocd.argoproj.io/hook"] == "Sync"
    assert notes["argocd.argoproj.io/sync-wave"] == "7"
    pod = job["spec"]["template"]["spec"]
    assert (pod["restartPolicy"], pod["serviceAccountName"]) == ("Never", "deployer")
    assert job["spec"]["ttlSecondsAfterFinished"] == 86400
    words = pod["containers"][0]["args"]
    options = global_parser().parse_args(words)
    given = command_parser("sync").parse_intermixed_args(options.words[1:])
    assert (options.words[0], given.yes) == ("sync", True)
    assert words == [
        *("--repo", "https://git.example.com/acme/gitops", "--rev", "main"),
        *("sync", "staging/api", "--yes", "--in-cluster"),
    ]


def test_whatever_is_declared_makes_the_application_differ() -> None:
    """A hook alone is no difference: the ConfigMap changes with a setting, a trigger, a secret."""
    seen = set()
    for made in (
        target(),
        target(settings={"memorySize": 512}),
        target(prefix="in/"),
        target(alias="live"),
        target(alias="live", rollout=Rollout(rolls_back=True)),
        target(settings={"environment": {"KEY": Secret("one")}}),
        target(settings={"environment": {"KEY": Secret("two")}}),
    ):
        rendering = ROAD.render(ground(made))
        seen.add(_objects(rendering)[0]["data"]["declared"])
        assert "one" not in files_of(rendering)["environments/staging/api/deploy-job.yaml"].split("None")
    assert len(seen) == 7


def _parts(value: object) -> Iterator[object]:
    """Every dataclass that a value holds, and itself."""
    if is_dataclass(value):
        yield value
        inner: Iterable[object] = [getattr(value, one.name) for one in fields(value) if one.compare]
    elif isinstance(value, Mapping):
        inner = value.values()
    else:
        inner = value if isinstance(value, (tuple, list)) else ()
    for one in inner:
        yield from _parts(one)


def _grown(value: Any, kind: type, newer: type, **said: object) -> Any:
    """The same value as a newer Lockstep reads it, whose class of one kind has a field more."""
    if is_dataclass(value):
        named = {one.name: _grown(getattr(value, one.name), kind, newer, **said) for one in fields(value)}
        return newer(**named, **said) if type(value) is kind else type(value)(**named)  # type: ignore[misc]
    if isinstance(value, Mapping):
        return {name: _grown(one, kind, newer, **said) for name, one in value.items()}
    return tuple(_grown(one, kind, newer, **said) for one in value) if isinstance(value, tuple) else value


@settings(max_examples=40)
@given(
    fleet=desired_fleets(),
    usual=st.sampled_from([None, "", 0, 3600, False, True, (), "usual"]),
    which=st.integers(min_value=0),
)
def test_a_field_that_a_newer_lockstep_adds_makes_no_job_run(fleet: Fleet, usual: object, which: int) -> None:
    """Wherever in a declaration it is, as long as nobody declares it; and then it makes one run."""

    def said(one: Target) -> str:
        return str(_objects(ROAD.render(ground(one)))[0]["data"]["declared"])

    made = replace(next(iter(fleet.targets.values())), service="api", obstacle=None)
    kinds = sorted({type(one) for one in _parts(made)}, key=lambda one: one.__name__)
    kind = kinds[which % len(kinds)]
    body = {"__annotations__": {"added": "object"}, "added": usual, "__module__": __name__}
    newer = dataclass(frozen=True, kw_only=True, slots=True)(type(kind.__name__, (kind,), body))
    assert said(_grown(made, kind, newer)) == said(made)
    assert said(_grown(made, kind, newer, added="declared")) != said(made)


def test_a_preview_is_removed_before_its_application() -> None:
    """Nothing else has such a hook."""
    kinds = [
        one["metadata"]["annotations"].get("argocd.argoproj.io/hook")
        for one in _objects(ROAD.render(ground(target("preview/pr-1/api"))))
    ]
    assert kinds == [None, "Sync", "PreDelete"]
    assert len(_objects(ROAD.render(ground(target())))) == 2


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (replace(SETTINGS, job=Job(image="x")), "job"),
        (replace(SETTINGS, job=Job(service_account="x")), "job"),
        (replace(SETTINGS, repository=None), "repository"),
    ],
)
def test_a_job_without_what_it_needs_is_refused(settings: Any, field: str) -> None:
    """A service account, an image, an address."""
    rendering = ROAD.render(ground(target(), project=project(kubernetes=settings)))
    assert rendering.manifests == ()
    assert [one.field for one in rendering.refused] == [field]


@pytest.mark.parametrize("key", ["staging/Api", "staging/web.v2", "staging/" + "a" * 50])
def test_a_name_that_a_job_cannot_have_is_refused(key: str) -> None:
    """Its Pods get longer ones."""
    rendering = ROAD.render(ground(target(key)))
    assert [one.field for one in rendering.refused] == ["name"]


def test_what_nobody_could_read_here_the_job_reads_itself() -> None:
    """What is wrong holds the target back."""
    unread = target(obstacle=Obstacle(text="its host is away", is_unread=True))
    assert len(ROAD.render(ground(unread)).manifests) == 1
    wrong = target(obstacle=Obstacle(text="another digest"))
    assert [one.field for one in ROAD.render(ground(wrong)).refused] == ["code"]
