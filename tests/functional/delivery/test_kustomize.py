"""What roads write, built by the kustomize that is in the real ``kubectl``."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lockstep.model import Resource
from lockstep.roads.table import ROADS
from tests.support.carried import fleet_of
from tests.support.roads import documents, files_of, ground, target

OWN = {"staging/api", "production/api", "preview/pr-1/api"}
_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
def test_kustomize_builds_what_every_road_writes(tmp_path: Path) -> None:
    """All objects in one folder, none of which has the name of another, and as they were written."""
    source = Resource(kind="eventSources", name="orders", settings={"source": _QUEUE})
    url = Resource(kind="url", settings={"authType": "AWS_IAM"})
    made = ground(
        target(alias="live", prefix="in/", resources=[source, url]),
        target("production/api", settings={"environment": {"A": "yes", "B": "0.10\n"}}),
        target("preview/pr-1/api"),
        *(one for seed in range(20) for one in fleet_of(seed).targets.values()),
    )
    wanted: list[Any] = []
    for name in ("ack", "flux", "argocd-job"):
        rendering = ROADS[name].render(made)
        assert {one.target for one in rendering.refused} <= made.targets.keys() - OWN
        wanted += [one for manifest in rendering.manifests for one in documents(manifest, name)]
        for path, text in files_of(rendering).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    paths = sorted(str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*.yaml"))
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"resources": paths}))
    done = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))

    def by_name(one: Any) -> tuple[str, ...]:
        meta = one["metadata"]
        return one["kind"], meta["namespace"], meta["name"]

    assert sorted(built, key=by_name) == sorted(wanted, key=by_name)
