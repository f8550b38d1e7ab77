"""The chart of ``lockstep serve`` by Helm's own engine: linted, and rendered with whatever it may be told."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lockstep.serve.controller import Part
from lockstep.serve.file import PREFIX, read_serve_file
from tests.support.helm import engine, with_helm
from tests.unit.serve.test_shipped import CHART, PROJECTS, WRONG, values

pytestmark = with_helm

_KUBERNETES = "1.33"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where there is one: many times as quick
_LISTENING = {
    "listen": "0.0.0.0:8321",
    "url": "https://lockstep.example.org",
    "login": {"issuer": "https://id.example.org", "client": "lockstep"},
}
_FOLLOWED = {
    "projects": {
        "shop": {
            "repository": "https://git.example.org/shop.git",
            "environments": {"staging": {"sync": True}},
            "poll": "90s",
        }
    },
    "history": "30d",
}
_SHARED = {"secret": "lockstep-database", "key": "url"}


def _one_of(*options: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(options)


_USUAL = values()
_TOLD = st.fixed_dictionaries(
    {
        "image": st.fixed_dictionaries(
            {
                "repository": st.just("registry.example.org/lockstep"),
                "tag": st.just("1"),
                "digest": _one_of("", f"sha256:{'0' * 64}"),
                "pullPolicy": _one_of("Always", "IfNotPresent", "Never"),
                "pullSecrets": _one_of([], [{"name": "registry"}]),
            }
        ),
        "config": _one_of(_FOLLOWED, {**_FOLLOWED, **_LISTENING}),
        "environmentSecret": _one_of("", "lockstep"),
        "environment": _one_of(
            {}, {"AWS_REGION": "eu-west-1", "AWS_MAX_ATTEMPTS": "5", "QUOTED": 'a "b": c'}
        ),
        "serviceAccount": st.fixed_dictionaries(
            {
                "create": st.booleans(),
                "name": _one_of("", "deployer"),
                "annotations": _one_of(
                    {}, {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/x"}
                ),
            }
        ),
        "persistence": st.fixed_dictionaries(
            {"enabled": st.booleans(), "size": st.just("2Gi"), "storageClass": _one_of("", "gp3")}
        ),
        "resources": _one_of(_USUAL["resources"], {"limits": {"memory": "1Gi", "cpu": "2"}}),
        "service": st.fixed_dictionaries({"port": _one_of(80, 8443)}),
        "networkPolicy": st.fixed_dictionaries(
            {"enabled": st.booleans(), "from": _one_of([], [{"podSelector": {"matchLabels": {"a": "b"}}}])}
        ),
        "podDisruptionBudget": st.fixed_dictionaries({"enabled": st.booleans()}),
        "nodeSelector": _one_of({}, {"kubernetes.io/arch": "arm64"}),
        "tolerations": _one_of([], [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}]),
        "affinity": _one_of({}, {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}),
        "podAnnotations": _one_of({}, {"prometheus.io/scrape": "true"}),
        "terminationGracePeriodSeconds": _one_of(30, 900),
    }
)
_SEVERAL = st.fixed_dictionaries({"replicas": st.integers(1, 3), "workers": st.integers(0, 3)})


@st.composite
def _values(draw: st.DrawFn) -> dict[str, Any]:
    """Every value of the chart, each as it may be; several pods with what they need."""
    told = _USUAL | draw(_TOLD) | draw(_SEVERAL)
    if told["replicas"] > 1 or told["workers"] or draw(st.booleans()):
        told |= {"database": _SHARED, "config": {**_FOLLOWED, **_LISTENING}}
    return told


@pytest.fixture(scope="module")
def chart() -> Iterator[Any]:
    """As Helm loads it."""
    with engine().Chart.load(CHART) as loaded:
        yield loaded


def _objects(chart: Any, told: Mapping[str, Any], release: str = "shop") -> list[dict[str, Any]]:
    made = chart.render(told, name=release, namespace="lockstep")
    return [one for text in made.values() for one in yaml.load_all(text, Loader=_LOADER) if one]


@pytest.mark.parametrize(
    "told",
    [
        values(),
        values(config={**_FOLLOWED, **_LISTENING}),
        values(config={**_FOLLOWED, **_LISTENING}, database=_SHARED, replicas=2, workers=2),
    ],
)
def test_helm_finds_nothing_to_say(told: dict[str, Any]) -> None:
    """``helm lint --strict``, which says of an icon that it is recommended."""
    found = engine().lint(CHART, told, strict=True, kube_version=f"v{_KUBERNETES}.0")
    assert [one["error"] for one in found["messages"]] == ["icon is recommended"]
    assert found["errors"] == []


@pytest.mark.parametrize("wrong", WRONG)
def test_helm_refuses_what_the_schema_refuses(chart: Any, wrong: Mapping[str, Any]) -> None:
    """Before anything is rendered."""
    with pytest.raises(engine().HelmValuesError):
        chart.render(values(**wrong), name="shop", namespace="lockstep")


@settings(max_examples=8)
@given(told=_values())
@example(told=values())
def test_kubernetes_takes_what_is_rendered(chart: Any, told: dict[str, Any]) -> None:
    """Strictly: no unknown field, every type right."""
    import kubernetes_validate

    for one in _objects(chart, told):
        kubernetes_validate.validate(one, _KUBERNETES, strict=True)


@settings(max_examples=30)
@given(told=_values(), release=_one_of("lockstep", "shop", "a" * 53))
@example(told=values(), release="shop")
def test_what_is_told_is_there_and_what_is_named(chart: Any, told: dict[str, Any], release: str) -> None:
    """Every value is found where it belongs, and every object that another one names."""
    objects = _objects(chart, told, release)
    named = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    assert len(named) == len(objects)
    assert all(len(name) <= 63 for _, name in named)
    kinds = {kind for kind, _ in named}
    has_volume = told["persistence"]["enabled"] and not told["database"]["secret"]
    for kind, is_there in {
        "ServiceAccount": told["serviceAccount"]["create"],
        "PersistentVolumeClaim": has_volume,
        "NetworkPolicy": told["networkPolicy"]["enabled"],
        "PodDisruptionBudget": told["podDisruptionBudget"]["enabled"],
        "Service": "listen" in told["config"],
        "ConfigMap": True,
        "Deployment": True,
    }.items():
        assert (kind in kinds) == is_there, kind
    deployments = [one for one in objects if one["kind"] == "Deployment"]
    assert [one["spec"]["replicas"] for one in deployments] == [
        count for count in (told["replicas"], told["workers"]) if count
    ]
    for one in deployments:
        _check_pod(one, told, named)
    for one in objects:
        if one["kind"] == "Service":
            chosen = [each for each in deployments if _is_chosen(one["spec"]["selector"], each)]
            assert len(chosen) == 1
            assert one["spec"]["ports"][0]["targetPort"] in _ports(chosen[0])


def _pod(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = deployment["spec"]["template"]["spec"]
    assert isinstance(spec, Mapping)
    return spec


def _ports(deployment: Mapping[str, Any]) -> dict[str, int]:
    (container,) = _pod(deployment)["containers"]
    return {one["name"]: one["containerPort"] for one in container.get("ports", ())}


def _is_chosen(selector: Mapping[str, str], deployment: Mapping[str, Any]) -> bool:
    return selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def _check_pod(
    deployment: Mapping[str, Any], told: Mapping[str, Any], named: Mapping[tuple[str, str], Any]
) -> None:
    pod = _pod(deployment)
    (container,) = pod["containers"]
    account = pod["serviceAccountName"]
    assert (("ServiceAccount", account) in named) == told["serviceAccount"]["create"]
    assert account == (told["serviceAccount"]["name"] or account)
    volumes = {one["name"]: one for one in pod["volumes"]}
    assert {one["name"] for one in container["volumeMounts"]} == volumes.keys()
    assert ("ConfigMap", volumes["config"]["configMap"]["name"]) in named
    claim = volumes["data"].get("persistentVolumeClaim")
    assert claim is None or ("PersistentVolumeClaim", claim["claimName"]) in named
    for probe in ("livenessProbe", "readinessProbe"):
        assert probe not in container or container[probe]["httpGet"]["port"] in _ports(deployment)
    image = told["image"]
    assert container["image"].endswith(f"@{image['digest']}" if image["digest"] else f":{image['tag']}")
    assert container["imagePullPolicy"] == image["pullPolicy"]
    for key in ("nodeSelector", "tolerations", "affinity"):
        assert pod.get(key, type(told[key])()) == told[key]
    assert pod.get("imagePullSecrets", []) == image["pullSecrets"]
    assert pod["terminationGracePeriodSeconds"] == told["terminationGracePeriodSeconds"]
    assert container["resources"]["limits"] == told["resources"]["limits"]
    noted = deployment["spec"]["template"]["metadata"]["annotations"]
    assert told["podAnnotations"].items() <= noted.items()
    assert _is_chosen(deployment["spec"]["selector"]["matchLabels"], deployment)
    secret = container.get("envFrom", [{"secretRef": {"name": ""}}])[0]["secretRef"]["name"]
    assert secret == told["environmentSecret"]
    variables = {one["name"]: one for one in container.get("env", ())}
    assert {name: variables[name]["value"] for name in told["environment"]} == told["environment"]


@settings(max_examples=20)
@given(told=_values())
def test_what_a_pod_is_given_is_read(
    tmp_path_factory: pytest.TempPathFactory, chart: Any, told: dict[str, Any]
) -> None:
    """Its file and its variables, by the same code as there; a page and a worker by their own part."""
    objects = _objects(chart, told)
    (config,) = (one for one in objects if one["kind"] == "ConfigMap")
    path: Path = tmp_path_factory.mktemp("etc") / "lockstep-serve.yaml"
    path.write_text(config["data"]["lockstep-serve.yaml"])
    assert yaml.safe_load(path.read_text()) == {**told["config"], "data": "/data"}
    parts = []
    for one in objects:
        if one["kind"] != "Deployment":
            continue
        (container,) = _pod(one)["containers"]
        env = {each["name"]: each.get("value", "postgresql://x/y") for each in container.get("env", ())}
        found = read_serve_file(path, {"LOCKSTEP_LOGIN_SECRET": "s", **env})
        assert found.data == Path("/data")
        assert (found.database is not None) == bool(told["database"]["secret"])
        parts.append(Part(container["args"][-1]))
        ports = _ports(one)
        if parts[-1] is Part.WORKER:
            assert found.health is not None
            assert ports == {"health": found.health[1]}
        else:
            assert (found.listen and found.listen[1]) == ports.get("http")
        assert {name for name in env if name.startswith(PREFIX)} <= {
            f"{PREFIX}HEALTH",
            f"{PREFIX}DATABASE",
        }
    assert parts == ([Part.WEB, Part.WORKER] if told["workers"] else [Part.ALL])


def test_numbers_of_the_file_stay_numbers(chart: Any) -> None:
    """Helm reads values as floating point, and might write a large one as 1e+06."""
    config = {"projects": PROJECTS, "number": 12_345_678, "null": None, "nested": {"list": [1_000_000, 0.5]}}
    (made,) = (one for one in _objects(chart, values(config=config)) if one["kind"] == "ConfigMap")
    text = made["data"]["lockstep-serve.yaml"]
    assert yaml.safe_load(text) == {
        key: value for key, value in {**config, "data": "/data"}.items() if value is not None
    }
