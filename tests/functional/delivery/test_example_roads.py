"""``examples/roads``: the manifests that somebody who clones finds there."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from lockstep.cli import main
from lockstep.delivery.places.workspace import Where, open_workspace
from lockstep.delivery.sync.manifests import FolderFiles, marked_in
from lockstep.delivery.sync.owners import doubles_in
from lockstep.model.engines import ENGINES

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "roads"
CRDS = Path(os.environ.get("LOCKSTEP_CRDS", ROOT.parent / "shared" / "crds"))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example as it is committed, at its place in a repository: manifests say where they lie."""
    copy = tmp_path / "examples" / "roads"
    shutil.copytree(EXAMPLE, copy)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return copy


def test_they_are_what_it_declares(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rendered again they are the same bytes, and taken by the published definitions; none is left over."""
    workspace = open_workspace(Where(folder=example, cache=example / "cache"))
    project = workspace.project
    roads = {one.name: road for one in project.environments.values() if (road := ENGINES[one.engine].road)}
    assert {*roads.values()} == {one.road for one in ENGINES.values() if one.road}
    assert len(roads) < len(project.environments)  # one is applied by Lockstep itself
    judged = ["--crds", str(CRDS)] if CRDS.is_dir() else []
    for words in (*([name, "--as", road] for name, road in roads.items()), ["--as", "argocd"]):
        code = main(["-C", str(example), "render", *words, "--check", *judged])
        assert code == 0, capsys.readouterr()
    there = FolderFiles(example / project.folder)
    found = {mark.road for _, mark in marked_in(there, project.name)}
    assert found == {*roads.values(), "argocd"}
    assert [*doubles_in(project, workspace.fleet, there)] == []


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
def test_kustomize_builds_them(example: Path) -> None:
    """All of them in one folder, so that Flux and `kubectl apply -k` take them, too."""
    folder = example / "syrf"
    paths = [path for path, _ in marked_in(FolderFiles(folder), "syrf") if "values" not in path]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": paths}))
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len([*yaml.safe_load_all(done.stdout)]) > len(paths)
