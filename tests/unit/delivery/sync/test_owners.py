"""Who owns a function: manifests and engines held against each other."""

from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.delivery.sync.manifests import FolderFiles
from lockstep.delivery.sync.owners import check_owners
from lockstep.model import Fleet, Verdict
from lockstep.roads.letting import letting_go
from lockstep.roads.marks import as_file
from lockstep.roads.table import ROADS
from tests.support.roads import files_of, ground, project, target

TARGETS = [target("staging/api", prefix="staging/", alias="live"), target("preview/pr-7/api")]


def _doubles(folder: Path, road: str, engine: str, name: str = "shop") -> list[str]:
    """What is said of manifests of a road, of a project whose environments have an engine."""
    rendering = ROADS[road].render(ground(*TARGETS, state={"variables": {"functions": {}}}))
    for path, text in files_of(rendering).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    usual = project(name=name)
    environments = {key: replace(one, engine=engine) for key, one in usual.environments.items()}
    made = replace(usual, environments=environments)
    fleet = Fleet(project=name, targets={one.key: one for one in TARGETS})
    found = list(check_owners(made, fleet, FolderFiles(folder)))
    assert all(one.verdict is Verdict.WARNING and one.fix for one in found)
    return [one.detail for one in found]


@pytest.mark.parametrize("engine", ["aws", "terraform", "flux", "argocd-job"])
def test_a_manifest_of_another_road_is_a_second_owner(tmp_path: Path, engine: str) -> None:
    """Of a target, and of a bucket that several share, each with its file."""
    found = _doubles(tmp_path, "ack", engine)
    assert f"engine: {engine} of staging applies it, too: two own one function" in " ".join(found)
    assert {one.partition(" ")[0] for one in found} == {
        "environments/staging/api/function.yaml",
        "environments/preview/pr-7/lambda/function.yaml",
        "buckets/shop-uploads/bucket.yaml",
    }


@pytest.mark.parametrize(
    ("road", "engine", "name"),
    [
        ("ack", "ack", "shop"),
        ("argocd-job", "argocd-job", "shop"),
        ("argocd-job", "argocd-job-terraform", "shop"),
        ("argocd-job", "aws", "shop"),  # the Job runs Lockstep, under the same locks
        ("argocd-job", "terraform", "shop"),
        ("ack", "aws", "other"),  # another project's
    ],
)
def test_what_belongs_together_is_no_second_owner(tmp_path: Path, road: str, engine: str, name: str) -> None:
    """Neither are files of other projects."""
    assert _doubles(tmp_path, road, engine, name) == []


@pytest.mark.parametrize("road", ["ack", "flux"])
def test_what_lets_go_is_no_second_owner_but_left_to_be_taken_away(tmp_path: Path, road: str) -> None:
    """As on a branch of its own, once the new engine is named: it is told by what takes it away."""
    manifest = ROADS[road].render(ground(*TARGETS, state={"variables": {"functions": {}}})).manifests[0]
    path = tmp_path / manifest.path
    path.parent.mkdir(parents=True)
    path.write_text(as_file(letting_go(road, manifest), road, "shop"))
    fleet = Fleet(project="shop", targets={one.key: one for one in TARGETS})
    for one in (found := list(check_owners(project(), fleet, FolderFiles(tmp_path)))):
        assert one.detail.startswith(f"{manifest.path} lets go of {manifest.owner} and is still there")
        assert " --to aws takes it away" in (one.fix or "")
    assert found
