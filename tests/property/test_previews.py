"""Previews x services: Lockstep's targets and values are those that Argo CD's generators and Helm give."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lockstep.config.declaration import read_declarations
from lockstep.config.load import load
from tests.support.argocd import GeneratorError, git_files, matrix, merge, values_of
from tests.unit.config.conftest import MemoryTree

ROOT = "environments/preview"
SERVICES = ("api", "web", "worker")
PULLS = (1, 12, 123)

keys = st.sampled_from(["replicas", "image", "ingress", "hosts", "tag", "x"])
scalars = st.integers(0, 9) | st.sampled_from(["a", "b", "0.10", ""]) | st.booleans() | st.none()
values = st.recursive(
    st.dictionaries(keys, scalars, max_size=3),
    lambda inner: st.dictionaries(keys, scalars | st.lists(scalars, max_size=2) | inner, max_size=3),
    max_leaves=6,
)
extras = st.fixed_dictionaries(
    {},
    optional={"enabled": st.booleans(), "deploymentType": st.just("kubernetes"), "chartPath": st.text("ab")},
)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, str]:
    """A tree with any of the layers, for any of the services and pull requests."""
    policy = draw(
        st.sampled_from([{}, {"preview": {"services": "all"}}, {"preview": {"services": "listed"}}])
    )
    files: dict[str, Any] = {"lockstep.yaml": {"project": "shop", **policy}, f"{ROOT}/keep.txt": {}}

    def maybe(path: str, content: st.SearchStrategy[Any]) -> None:
        if draw(st.booleans()):
            files[path] = draw(content)

    maybe("global.values.yaml", values)
    maybe(f"{ROOT}/preview.values.yaml", values)
    for service in SERVICES:
        maybe(f"services/{service}/config.yaml", extras)
        maybe(f"services/{service}/values.yaml", values)
        maybe(f"{ROOT}/services/{service}/config.yaml", extras)
        maybe(f"{ROOT}/services/{service}/values.yaml", values)
    for number in PULLS:
        maybe(f"{ROOT}/pr-{number}/pr.yaml", st.just({"number": str(number)}) | st.just(None))
        for service in SERVICES:
            maybe(f"{ROOT}/pr-{number}/services/{service}.values.yaml", values)
    return {path: "" if content is None else yaml.safe_dump(content) for path, content in files.items()}


def applications(tree: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What an ApplicationSet over the layout gives: previews x services, with the values of each.

    The base of the merge is what previews list, or every service where the project says ``all``; what
    ``services/`` says of one is overridden by what the preview says of it.
    """
    base, here = _base(tree), git_files(tree, f"{ROOT}/services/*/config.yaml")
    services = merge(["path.basename"], base, git_files(tree, "services/*/config.yaml"), here) if base else []
    found = {}
    for params in matrix(git_files(tree, f"{ROOT}/pr-*/pr.yaml"), [_as_service(one) for one in services]):
        preview, service = params["path.basename"], params["service"]
        found[f"preview/{preview}/{service}"] = values_of(
            tree,
            (
                "global.values.yaml",
                f"services/{service}/config.yaml",
                f"services/{service}/values.yaml",
                f"{ROOT}/preview.values.yaml",
                f"{ROOT}/services/{service}/config.yaml",
                f"{ROOT}/services/{service}/values.yaml",
                f"{ROOT}/{preview}/services/{service}.values.yaml",
            ),
        )
    return found


def _as_service(params: dict[str, Any]) -> dict[str, Any]:
    return {"service": params["path.basename"], "enabled": params.get("enabled", True)}


@given(trees())
def test_the_matrix_is_argo_cds(tree: dict[str, str]) -> None:
    """The same previews with the same services and values, but for those that are left out by a layer."""
    expected = applications(tree)
    declared = {key for key in expected if expected[key].get("enabled") is not False}
    memory = MemoryTree(tree)
    fleet = load(memory).fleet
    ours = {key for key, target in fleet.targets.items() if target.service in _previewable(tree)}
    assert ours == declared
    for key, declaration in read_declarations(memory, sorted(expected)).items() if expected else ():
        assert _plain(declaration.stack.values) == _plain(expected[key]), key


def _base(tree: Mapping[str, str]) -> list[dict[str, Any]]:
    """The first child of the merge. One that is only listed joins the base of all."""
    here = git_files(tree, f"{ROOT}/services/*/config.yaml")
    if "services: all" not in tree["lockstep.yaml"]:
        return here
    everywhere = git_files(tree, "services/*/config.yaml")
    names = {one["path.basename"] for one in everywhere}
    return [*everywhere, *(one for one in here if one["path.basename"] not in names)]


def _previewable(tree: Mapping[str, str]) -> set[str]:
    return {one["path.basename"] for one in _base(tree)}


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def test_a_service_of_one_preview_alone() -> None:
    """More than the matrix: a file in one preview is enough, for a service that no other preview has."""
    tree = {
        "lockstep.yaml": "project: shop\n",
        f"{ROOT}/pr-1/pr.yaml": "",
        f"{ROOT}/pr-1/services/extra.values.yaml": "image: {tag: '1'}\n",
    }
    assert applications(tree) == {}
    assert list(load(MemoryTree(tree)).fleet.targets) == ["preview/pr-1/extra"]


def test_a_folder_without_its_file_is_no_preview() -> None:
    """Only pr.yaml makes one, for both."""
    tree = {
        "lockstep.yaml": "project: shop\n",
        f"{ROOT}/services/api/config.yaml": "serviceName: api\n",
        f"{ROOT}/pr-1/services/api.values.yaml": "image: {tag: '1'}\n",
    }
    assert applications(tree) == {}
    assert load(MemoryTree(tree)).fleet.targets == {}


def test_the_generators_themselves() -> None:
    """As documented: lists, empty files, conflicts, overrides without a base, duplicates, two children."""
    tree = {"a/1/f.yaml": "[{n: 1}, {n: 2}]\n", "a/2/f.yaml": "", "a/3/x/f.yaml": "n: 9\n"}
    found = git_files(tree, "a/*/f.yaml")
    assert [(one["path.basename"], one.get("n")) for one in found] == [("1", 1), ("1", 2), ("2", None)]
    assert matrix([{"n": 1, "a": 1}], [{"n": 2, "b": 2}]) == [{"n": 1, "a": 1, "b": 2}]
    base = [{"k": 1, "v": "base"}, {"k": "1", "v": "text"}]
    assert merge(["k"], base, [{"k": 1, "v": "one"}, {"k": 3}], [{"k": 1, "w": 2}]) == [
        {"k": 1, "v": "one", "w": 2},
        {"k": "1", "v": "text"},
    ]
    for wrong in (
        lambda: matrix([], [], []),
        lambda: merge(["k"], [{"k": 1}]),
        lambda: merge(["k"], [{"k": 1}, {"k": 1}], []),
    ):
        with pytest.raises(GeneratorError):
            wrong()
