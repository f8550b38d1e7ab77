"""tofu-controller as its source has it, with the real Terraform in place of its runner's OpenTofu.

Source: flux-iac/tofu-controller 0.16.5, ``controllers/tf_controller_backend.go`` and ``runner/``: the source
is unpacked, the backend's block goes into ``backend_override.tf`` and the variables into
``generated.auto.tfvars.json``; then come ``init``, ``plan`` with the timeout of the lock, and ``apply`` of it
where ``approvePlan`` is ``auto``. An object that goes is destroyed only where it says so.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.terraform import terraform

__all__ = ["TofuController"]

_KNOWN = {
    *("approvePlan", "backendConfig", "destroyResourcesOnDeletion", "path", "sourceRef", "tfstate", "vars"),
    *("interval", "maxRetryInterval", "retryInterval", "retryStrategy", "serviceAccountName", "workspace"),
}
"""Members of a spec; the second line's say when, as whom and where, and only one workspace is played."""


@dataclass(kw_only=True)
class TofuController:
    """A cluster with Flux's source-controller and tofu-controller in it.

    ``repositories`` are folders of files by URL and reference, as a GitRepository names them.
    """

    repositories: Mapping[tuple[str, str], Path]
    folder: Path

    def reconcile(self, objects: Iterable[Mapping[str, Any]]) -> bool:
        """Make what the objects say, and say whether there was anything to do."""
        runs = [(one, self._prepared(one, objects)) for one in _of("Terraform", objects)]
        changed = [_applied(one["spec"], folder) for one, folder in runs]
        return any(changed)

    def delete(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """The objects go."""
        for one in _of("Terraform", objects):
            if one["spec"].get("destroyResourcesOnDeletion", False):
                terraform(self._prepared(one, objects), "destroy", "-auto-approve")

    def _prepared(self, one: Mapping[str, Any], objects: Iterable[Mapping[str, Any]]) -> Path:
        spec = one["spec"]
        assert not spec.keys() - _KNOWN, spec.keys() - _KNOWN
        assert spec["workspace"] == "default"
        (source,) = [
            each for each in _of("GitRepository", objects) if _name(each) == spec["sourceRef"]["name"]
        ]
        assert source["metadata"]["namespace"] == one["metadata"]["namespace"]
        ((_, reference),) = source["spec"]["ref"].items()
        unpacked = self.folder / _name(one)
        shutil.copytree(
            self.repositories[source["spec"]["url"], reference], unpacked, dirs_exist_ok=True, symlinks=True
        )
        folder = unpacked / spec["path"]
        block = spec["backendConfig"]["customConfiguration"]
        (folder / "backend_override.tf").write_text(f"terraform {{\n{block}}}\n")
        values = {each["name"]: each["value"] for each in spec["vars"]}
        (folder / "generated.auto.tfvars.json").write_text(json.dumps(values))
        if not (folder / ".terraform").exists():
            terraform(folder, "init")
        return folder


def _applied(spec: Mapping[str, Any], folder: Path) -> bool:
    timeout = spec["tfstate"]["lockTimeout"]
    planned = terraform(
        folder, "plan", "-detailed-exitcode", f"-lock-timeout={timeout}", "-out=tfplan", check=False
    )
    assert planned.returncode in (0, 2), planned.stdout[-4000:] + planned.stderr[-4000:]
    if planned.returncode == 2 and spec["approvePlan"] == "auto":
        terraform(folder, "apply", "tfplan")
    return planned.returncode == 2


def _of(kind: str, objects: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


def _name(one: Mapping[str, Any]) -> str:
    return str(one["metadata"]["name"])
