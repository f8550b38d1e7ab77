"""Helm's own engine, where it is installed: what it makes of values that we write or merge."""

import json
from collections.abc import Mapping
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.config.layers import fold
from lockstep.roads.argocd import ROAD
from lockstep.roads.health import customizations
from tests.property.test_layers import LAYERS, without_nulls
from tests.support.helm import loaded, with_helm
from tests.support.roads import documents, ground, judged, target

pytestmark = with_helm

CHART = "apiVersion: v2\nname: chart\nversion: 1.0.0\n"
USUAL = {
    "configs": {"cm": {"create": True, "admin.enabled": True}},
    "notifications": {"templates": {}, "triggers": {}},
}
TEMPLATE = """\
{{- define "cm" -}}
{{- range $key, $value := omit .Values.configs.cm "create" }}
{{ $key }}: {{ $value | toString | toYaml }}
{{- end }}
{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  {{- include "cm" . | trim | nindent 2 }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-notifications-cm}
data:
  {{- with .Values.notifications.templates }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .Values.notifications.triggers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
"""
"""How the chart argo-cd makes argocd-cm and argocd-notifications-cm of its values."""


def _chart(values: Mapping[str, Any], **templates: str) -> Any:
    """A chart with default values, loaded by Helm."""
    files = {"Chart.yaml": CHART, "values.yaml": json.dumps(values)}
    files |= {f"templates/{name}.yaml": text for name, text in templates.items()}
    return loaded(files)


def test_argo_cd_gets_health_scripts_and_notifications_as_they_were_written() -> None:
    """Beside what the chart has itself, byte for byte, as Kubernetes takes it; and the scripts run."""
    import kubernetes_validate

    heads = {
        "services/api/config.yaml": {"serviceName": "api", "deploymentType": "lambda"},
        "environments/staging/api/config.yaml": {"serviceName": "api"},
    }
    (values,) = documents(ROAD.render(ground(target(), heads=heads)).manifests[1], ROAD.name)
    with _chart(USUAL, cm=TEMPLATE) as chart:
        made = chart.render(values, name="argocd", namespace="argocd")
    health, notifications = yaml.safe_load_all(made["chart/templates/cm.yaml"])
    for one in (health, notifications):
        kubernetes_validate.validate(one, "1.33", strict=True)
    assert health["data"] == {"admin.enabled": "true", **customizations()}
    told = values["notifications"]
    assert notifications["data"] == {**told["templates"], **told["triggers"]}
    ready = {"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    scripts = [text for name, text in health["data"].items() if ".health." in name]
    assert {judged(text, ready) for text in scripts} == {"Healthy"}


@settings(max_examples=5, deadline=None)
@given(cases=st.lists(st.lists(LAYERS, min_size=5, max_size=5), min_size=10, max_size=20))
def test_layers_merge_as_helm_lays_values_over_those_of_a_chart(cases: list[list[dict[str, Any]]]) -> None:
    """Five layers, one on the other; what is null is not there. Many at once: each is a key of one chart."""
    numbered = [{str(at): layers[step] for at, layers in enumerate(cases)} for step in range(5)]
    made = without_nulls(numbered[0])
    for layer in numbered[1:]:
        with _chart(made) as chart:
            made = without_nulls(chart.merge_values(layer))
    assert made == fold(numbered)
    assert all(made.get(str(at), {}) == fold(layers) for at, layers in enumerate(cases))
