"""What a cluster says of a target's objects, and who is right where it says otherwise than AWS."""

from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.model import Health, StatusRow, SyncStatus
from lockstep.model.status import Condition
from lockstep.render.cluster import cluster_words
from lockstep.roads.ack import ROAD as ACK
from lockstep.roads.argocd_job import ROAD as JOB
from lockstep.roads.base import Object, Road
from lockstep.roads.conditions import WATCHED, condition_of
from lockstep.roads.flux import ROAD as FLUX
from lockstep.roads.health import ACK_LUA, TERRAFORM_LUA
from tests.support.roads import documents, ground, judged, target

_SINCE = "2026-11-30T11:00:00Z"
_NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def _said(kind: str, status: str = "True", message: str = "m") -> dict[str, Any]:
    return {"type": kind, "status": status, "message": message, "lastTransitionTime": _SINCE}


@pytest.mark.parametrize(("road", "name"), [(ACK, "ack"), (FLUX, "flux"), (JOB, "argocd-job")])
def test_what_is_asked_for_is_what_the_road_makes(road: Road, name: str) -> None:
    """By kind, namespace and name; Argo CD's Application is made by its own road."""
    made = target(alias="live") if name == "ack" else target()
    here = ground(made)
    objects: list[Object] = [one for file in road.render(here).manifests for one in documents(file, name)]
    known = {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]): one for one in objects}
    for watched in WATCHED[name](here, made):
        if watched.kind == "Application":
            assert watched.name == "shop-staging-api"
            continue
        found = known[watched.kind, watched.namespace, watched.name]
        assert all(found["spec"][member] == value for member, value in watched.spec.items())
        assert watched.resource.endswith(f".{found['apiVersion'].partition('/')[0]}")


lua = pytest.mark.skipif(find_spec("lupa") is None, reason="lupa is not installed")


@lua
@pytest.mark.parametrize(
    ("conditions", "health"),
    [
        ([], Health.PROGRESSING),
        ([_said("ACK.ResourceSynced")], Health.HEALTHY),
        ([_said("Ready"), _said("ACK.Terminal")], Health.DEGRADED),
        ([_said("Ready", "False"), _said("ACK.Recoverable")], Health.PROGRESSING),
        ([_said("ACK.ResourceSynced", "False")], Health.PROGRESSING),
        ([_said("ACK.Terminal", "False"), _said("Ready")], Health.HEALTHY),
    ],
)
def test_ack_is_read_as_argo_cd_reads_it(conditions: list[dict[str, Any]], health: Health) -> None:
    """With its message and since when; the script for Argo CD says the same."""
    made = target()
    (watched,) = WATCHED["ack"](ground(made), made)
    found = {"metadata": {}, "spec": {"name": "staging-api"}, "status": {"conditions": conditions}}
    told = condition_of(watched, found)
    assert (told.name, told.health) == ("Function shop-staging/api", health)
    assert (told.since, told.message) == (_SINCE, "m") if conditions else told.since is None
    assert judged(ACK_LUA, found) == health


@lua
@pytest.mark.parametrize(
    ("spec", "status", "health"),
    [
        ({"suspend": True}, {}, Health.SUSPENDED),
        ({}, {"observedGeneration": 1, "conditions": [_said("Ready")]}, Health.PROGRESSING),
        ({}, {"observedGeneration": 2, "conditions": [_said("Ready")]}, Health.HEALTHY),
        ({}, {"conditions": [_said("Ready", "False")], "plan": {"pending": "plan-main-1"}}, Health.SUSPENDED),
        ({"approvePlan": "auto"}, {"conditions": [_said("Ready", "False")]}, Health.DEGRADED),
        ({}, {"conditions": [_said("Ready", "Unknown")]}, Health.PROGRESSING),
    ],
)
def test_terraform_is_read_as_argo_cd_reads_it(
    spec: dict[str, Any], status: dict[str, Any], health: Health
) -> None:
    """Suspended, not looked at yet, waiting for an approval, failed."""
    made = target()
    (watched,) = WATCHED["flux"](ground(made), made)
    found = {"metadata": {"generation": 2}, "spec": spec, "status": status}
    assert condition_of(watched, found).health is health
    assert judged(TERRAFORM_LUA, found) == health


_KINDS = st.sampled_from(["Ready", "ACK.ResourceSynced", "ACK.Terminal", "ACK.Recoverable", "Other"])
_LISTS = st.lists(
    st.builds(_said, _KINDS, st.sampled_from(["True", "False", "Unknown"])),
    max_size=4,
    unique_by=lambda one: str(one["type"]),  # as Kubernetes has them
)


@lua
@pytest.mark.parametrize(("road", "script"), [("ack", ACK_LUA), ("flux", TERRAFORM_LUA)])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), conditions=_LISTS)
def test_whatever_a_controller_says_argo_cd_reads_the_same(
    road: str, script: str, data: st.DataObject, conditions: list[dict[str, Any]]
) -> None:
    """In any order of conditions, which old and new controllers write beside each other."""
    status: dict[str, Any] = {"conditions": conditions}
    spec: dict[str, Any] = {"name": "staging-api"}
    if road == "flux":  # which has none of ACK's
        status["conditions"] = [one for one in conditions if not one["type"].startswith("ACK.")]
        status |= data.draw(st.sampled_from([{}, {"observedGeneration": 1}, {"observedGeneration": 2}]))
        status |= data.draw(st.sampled_from([{}, {"plan": {"pending": "plan-main-1"}}]))
        spec |= data.draw(st.sampled_from([{}, {"suspend": True}, {"approvePlan": "auto"}]))
    made = target()
    (watched,) = WATCHED[road](ground(made), made)
    found = {"metadata": {"generation": 2}, "spec": spec, "status": status}
    assert judged(script, found) == condition_of(watched, found).health


def test_jobs_and_applications() -> None:
    """A Job ends well or not; an Application has its last sync, which may have failed."""
    made = target()
    job, application = WATCHED["argocd-job"](ground(made), made)
    done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    assert condition_of(job, done).health is Health.HEALTHY
    assert condition_of(job, {"status": {"conditions": [_said("Failed")]}}).health is Health.DEGRADED
    assert condition_of(job, {"status": {"active": 1}}).health is Health.PROGRESSING
    well = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
    assert condition_of(application, {"status": well}).health is Health.HEALTHY
    failed = well | {"operationState": {"phase": "Failed", "message": "no", "finishedAt": _SINCE}}
    told = condition_of(application, {"status": failed})
    assert (told.health, told.since) == (Health.DEGRADED, _SINCE)
    assert told.message == "Synced, Healthy; last sync Failed: no"
    odd = condition_of(application, {"status": {"health": {"status": "Fine"}, "conditions": "x"}})
    assert odd.health is Health.UNKNOWN


def test_another_cluster_is_not_believed() -> None:
    """Nothing of that name, or an object of it that is about another function."""
    made = target()
    (watched,) = WATCHED["ack"](ground(made), made)
    assert condition_of(watched, None).health is Health.UNKNOWN
    told = condition_of(watched, {"spec": {"name": "other"}, "status": {"conditions": [_said("Ready")]}})
    assert told.health is Health.UNKNOWN
    assert "about other, and not about staging-api" in told.message


def test_aws_is_right() -> None:
    """Agreement is not told; a difference is, with the age and the message, and so is what is not well."""
    row = StatusRow(
        target="staging/api",
        service="api",
        environment="staging",
        deployment_type="lambda",
        declared="1",
        live="1",
        status=SyncStatus.SYNCED,
        health=Health.HEALTHY,
        cluster=(Condition(name="Function a/b", health=Health.HEALTHY, message="m", since=_SINCE),),
    )
    assert list(cluster_words(row, _NOW)) == []
    off = replace(row, status=SyncStatus.OUT_OF_SYNC)
    assert list(cluster_words(off, _NOW)) == [
        "Function a/b: Healthy (1h ago): m; AWS is right, and it is not as declared there"
    ]
    ill = replace(row, cluster=(replace(row.cluster[0], health=Health.DEGRADED),))
    assert list(cluster_words(ill, _NOW)) == [
        "Function a/b: Degraded (1h ago): m; AWS is right, and it is as declared there"
    ]
    unread = replace(ill, status=SyncStatus.UNKNOWN)
    assert list(cluster_words(unread, _NOW)) == ["Function a/b: Degraded (1h ago): m"]
