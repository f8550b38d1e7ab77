"""Every object as a cluster judges it: by the published definitions, where a folder of them is named."""

import copy
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.model import Fleet
from lockstep.roads.base import Rendering
from lockstep.roads.schema import Schemas, problems_of, schemas_of
from lockstep.roads.table import ROADS
from tests.docs.lab import ROOT
from tests.docs.snippets import blocks
from tests.support.fleets import desired_fleets
from tests.support.roads import documents, ground, target

_BESIDE = Path(__file__).parents[4] / "shared/crds"
_NAMED = Path(os.environ["LOCKSTEP_CRDS"]) if "LOCKSTEP_CRDS" in os.environ else _BESIDE

published = pytest.mark.skipif(
    not _NAMED.is_dir(), reason="no folder of published CRDs: LOCKSTEP_CRDS names one"
)

FUNCTION = {
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.com",
        "names": {"kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string", "maxLength": 5, "pattern": "^[a-z]+$"},
                                    "size": {"type": "integer", "minimum": 1, "maximum": 9},
                                    "mode": {"type": "string", "enum": ["a", "b"]},
                                    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "list": {"type": "array", "maxItems": 1, "items": {"type": "boolean"}},
                                    "free": {"x-kubernetes-preserve-unknown-fields": True},
                                    "port": {"x-kubernetes-int-or-string": True},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"name": "a"}, None),
        ({"name": "a", "size": None}, None),
        ({"name": "a", "free": {"b": [1]}, "port": "x"}, None),
        ({}, "spec.name is missing"),
        ({"name": None}, "spec.name is missing"),
        ({"name": 1}, "spec.name is no string"),
        ({"name": "A"}, "spec.name does not fit ^[a-z]+$"),
        ({"name": "abcdef"}, "spec.name has 6 characters"),
        ({"name": "a", "size": True}, "spec.size is no integer"),
        ({"name": "a", "size": 10}, "spec.size is 10, which is out of bounds"),
        ({"name": "a", "mode": "c"}, "spec.mode is 'c', and may be a, b"),
        ({"name": "a", "tags": {"x": 1}}, "spec.tags.x is no string"),
        ({"name": "a", "list": [True, False]}, "spec.list has 2 entries"),
        ({"name": "a", "list": ["x"]}, "spec.list[0] is no boolean"),
        ({"name": "a", "other": 1}, "spec.other is no field there"),
        ({"name": "a", "port": True}, "spec.port is neither a number nor a text"),
        ([], "spec is no object"),
    ],
)
def test_objects_are_judged_as_kubernetes_does(spec: Any, problem: str | None) -> None:
    """Types, bounds, unknown fields; null is dropped; what has no schema here is not judged."""
    schemas = schemas_of([FUNCTION, None, {"kind": "List"}])
    one = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": spec}
    assert list(problems_of(one, schemas)) == ([problem] if problem else [])
    assert list(problems_of({**one, "kind": "Other"}, schemas)) == []


def test_what_may_never_change_is_held_to_what_it_was() -> None:
    """``self == oldSelf``, the one rule in CEL that these resources have."""
    definition = copy.deepcopy(FUNCTION)
    shape: Any = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]  # type: ignore[index]
    rule = {"rule": "self == oldSelf", "message": "Value is immutable once set"}
    shape["properties"]["spec"]["properties"]["mode"]["x-kubernetes-validations"] = [rule]
    schemas = schemas_of([definition])

    def made(**spec: Any) -> Any:
        return {"apiVersion": "example.com/v1", "kind": "Thing", "spec": {"name": "x", **spec}}

    assert list(problems_of(made(mode="b"), schemas, made(mode="a"))) == [
        "spec.mode was 'a', and stays so: Value is immutable once set"
    ]
    for before in (None, made(), made(mode="b")):
        assert list(problems_of(made(mode="b"), schemas, before)) == []


@cache
def _published() -> Schemas:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    texts = [path.read_bytes() for path in sorted(_NAMED.glob("*.yaml"))]
    return schemas_of(one for text in texts for one in yaml.load_all(text, Loader=loader))


def _problems(rendering: Rendering) -> list[str]:
    objects = [one for made in rendering.manifests for one in documents(made, rendering.road)]
    known = [one for one in objects if (one.get("apiVersion"), one.get("kind")) in _published()]
    assert known or not any(one.get("kind") not in ("ConfigMap", "Job", None) for one in objects)
    return [problem for one in known for problem in problems_of(one, _published())]


@published
@pytest.mark.parametrize("road", ["ack", "flux"])
@settings(max_examples=60)
@given(fleet=desired_fleets())
def test_generated_fleets_are_taken_by_the_published_definitions(road: str, fleet: Fleet) -> None:
    """Every field of every kind that is written is one, and of its type."""
    made = ground(*fleet.targets.values())
    assert _problems(ROADS[road].render(made)) == []


@published
@settings(max_examples=5)
@given(st.sets(st.sampled_from(["staging/api", "production/api", "preview/pr-1/api"]), min_size=1))
def test_applications_are_taken_by_the_published_definitions(keys: set[str]) -> None:
    """Sets and the Application beside them; what lies in nested generators no schema knows."""
    files = {"serviceName": "api", "deploymentType": "lambda"}
    heads = {
        "services/api/config.yaml": files,
        **{f"environments/{name}/api/config.yaml": files for name in ("staging", "production")},
        "environments/preview/pr-1/services/api.values.yaml": files,
    }
    made = ground(*(target(key) for key in sorted(keys)), heads=heads)
    assert _problems(ROADS["argocd"].render(made)) == []


@published
def test_objects_of_the_documentation_are_taken_by_the_published_definitions() -> None:
    """Whatever a page shows whole; what is built into Kubernetes by Kubernetes' own schemas."""
    import kubernetes_validate

    shown = [
        (block, one)
        for page in sorted((ROOT / "docs").rglob("*.md"))
        for block in blocks(page)
        if block.language == "yaml" and any(line.startswith("apiVersion:") for line in block.lines)
        for one in yaml.safe_load_all("\n".join(block.lines))
    ]
    assert {one["kind"] for _, one in shown} >= {"ApplicationSet", "Namespace"}
    for block, one in shown:
        if (one["apiVersion"], one["kind"]) in _published():
            assert list(problems_of(one, _published())) == [], f"{block.page}:{block.number}"
        elif "{" not in one["metadata"]["name"]:  # a template is no object yet
            kubernetes_validate.validate(one, "1.33", strict=True)


@settings(max_examples=10, deadline=None)
@given(fleet=desired_fleets())
def test_jobs_of_generated_fleets_are_taken_by_kubernetes(fleet: Fleet) -> None:
    """Strictly: no unknown field, every type right."""
    import kubernetes_validate

    rendering = ROADS["argocd-job"].render(ground(*fleet.targets.values()))
    for manifest in rendering.manifests:
        for one in documents(manifest, rendering.road):
            kubernetes_validate.validate(one, "1.33", strict=True)
