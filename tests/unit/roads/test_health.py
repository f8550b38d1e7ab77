"""Argo CD's health scripts, run by LuaJIT where that is installed; and a Job as Kubernetes judges one."""

from importlib.util import find_spec
from typing import Any

import pytest

from lockstep.roads.argocd import ROAD as ARGOCD
from lockstep.roads.argocd_job import ROAD as JOB
from lockstep.roads.health import ACK_EXPRESSIONS, ACK_LUA, TERRAFORM_LUA, customizations
from tests.docs.lab import ROOT
from tests.support.roads import documents, ground, judged, target

lua = pytest.mark.skipif(find_spec("lupa") is None, reason="lupa is not installed")
judge = pytest.mark.skipif(
    find_spec("kubernetes_validate") is None, reason="kubernetes-validate is not installed"
)


def _conditions(**conditions: str) -> list[dict[str, str]]:
    return [{"type": name.replace("_", "."), "status": status} for name, status in conditions.items()]


@lua
@pytest.mark.parametrize(
    ("status", "health"),
    [
        (None, "Progressing"),
        ({}, "Progressing"),
        ({"conditions": _conditions(Ready="True")}, "Healthy"),
        ({"conditions": _conditions(Ready="False")}, "Progressing"),
        ({"conditions": _conditions(ACK_ResourceSynced="True")}, "Healthy"),
        ({"conditions": _conditions(ACK_ResourceSynced="True", ACK_Terminal="True")}, "Degraded"),
        ({"conditions": _conditions(ACK_ResourceSynced="True", ACK_Recoverable="True")}, "Progressing"),
        ({"conditions": _conditions(ACK_ResourceSynced="True", ACK_Terminal="False")}, "Healthy"),
    ],
)
def test_ack_is_well_when_it_says_so(status: Any, health: str) -> None:
    """Old controllers say it in another condition, and what they have given up is broken."""
    one = {"metadata": {"generation": 1}} | ({} if status is None else {"status": status})
    assert judged(ACK_LUA, one) == health


@lua
@pytest.mark.parametrize(
    ("spec", "status", "health"),
    [
        ({}, None, "Progressing"),
        ({"suspend": True}, {"conditions": _conditions(Ready="True")}, "Suspended"),
        ({"approvePlan": "auto"}, {"conditions": _conditions(Ready="True")}, "Healthy"),
        ({"approvePlan": "auto"}, {"conditions": _conditions(Ready="False")}, "Degraded"),
        ({"approvePlan": "auto"}, {"conditions": _conditions(Ready="Unknown")}, "Progressing"),
        ({}, {"plan": {"pending": "plan-main-1"}, "conditions": _conditions(Ready="Unknown")}, "Suspended"),
        ({}, {"observedGeneration": 1, "conditions": _conditions(Ready="True")}, "Progressing"),
        ({}, {"conditions": []}, "Progressing"),
    ],
)
def test_terraform_is_well_when_it_is_applied(spec: Any, status: Any, health: str) -> None:
    """A plan that waits is suspended, and a status of an older generation says nothing."""
    one = {"metadata": {"generation": 2}, "spec": spec} | ({} if status is None else {"status": status})
    assert judged(TERRAFORM_LUA, one) == health


def test_the_scripts_are_shipped_for_every_kind_that_is_made() -> None:
    """By the keys that argocd-cm has, and as the page for Flux shows its expressions."""
    heads = {
        "services/api/config.yaml": {"serviceName": "api", "deploymentType": "lambda"},
        "environments/staging/api/config.yaml": {"serviceName": "api"},
    }
    rendering = ARGOCD.render(ground(target(), heads=heads))
    (values,) = documents(rendering.manifests[1], ARGOCD.name)
    assert values["configs"]["cm"] == customizations()
    assert "resource.customizations.health.lambda.services.k8s.aws_Function" in customizations()
    page = (ROOT / "docs/how-to/deploy-by-ack.md").read_text()
    assert all(f"{name}: {text}" in page for name, text in ACK_EXPRESSIONS.items())


@judge
@pytest.mark.parametrize("key", ["staging/api", "preview/pr-1/api"])
def test_a_job_and_its_config_map_are_what_kubernetes_takes(key: str) -> None:
    """Strictly: no unknown field, every type right."""
    import kubernetes_validate

    for one in documents(JOB.render(ground(target(key))).manifests[0], JOB.name):
        kubernetes_validate.validate(one, "1.33", strict=True)
