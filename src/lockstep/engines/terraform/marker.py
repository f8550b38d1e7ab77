"""What was applied last, kept where every machine sees it, so that the same again costs no run.

The marker is an object in the package bucket. It holds a salted digest of all that goes into a run:
files, backend, workspace and variables. Losing it costs one run and nothing else. It is taken away
before an apply begins, so a run that was killed leaves none. It says nothing of what others do to AWS
or to the state meanwhile: ``--refresh`` looks.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockstep.engines.terraform.base import Cloud
from lockstep.engines.terraform.files import Files
from lockstep.engines.terraform.runs import Run

__all__ = ["Marker"]

_FORMAT = "lockstep.terraform/1"
_ROUNDS = 100_000  # of hashing: what goes in holds secrets, some of them short


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """The marker of one run's inputs."""

    cloud: Cloud
    environment: str  # whose package bucket keeps it
    name: str
    inputs: str  # everything that goes in, as one text; never shown or kept

    @classmethod
    def of(cls, run: Run, files: Files, variables: Mapping[str, Any], project: str, cloud: Cloud) -> "Marker":
        """The marker of a run with these inputs."""
        place = hashlib.sha256("\n".join(run.settings.run).encode()).hexdigest()[:16]
        inputs = json.dumps(
            {"run": run.settings.run, "files": files.digest, "variables": variables}, sort_keys=True
        )
        return cls(
            cloud=cloud,
            environment=run.environments[0].name,
            name=f"{project}/{place}.json",
            inputs=inputs,
        )

    def is_current(self) -> bool:
        """Whether exactly these inputs were applied last."""
        text = self.cloud.recall(self.environment, self.name)
        try:
            kept = json.loads(text or "")
            if kept["format"] != _FORMAT or not kept["applied"]:
                return False
            return bool(secrets.compare_digest(kept["inputs"], self._digest(str(kept["salt"]))))
        except (ValueError, KeyError, TypeError):
            return False

    def begin(self) -> None:
        """Note that an apply is under way, so that nothing counts as applied until it has ended."""
        self._keep({"applied": False})

    def end(self) -> None:
        """Note that these inputs are applied."""
        salt = secrets.token_hex(16)
        self._keep({"applied": True, "salt": salt, "inputs": self._digest(salt)})

    def _keep(self, content: Mapping[str, Any]) -> None:
        self.cloud.remember(self.environment, self.name, json.dumps({"format": _FORMAT, **content}))

    def _digest(self, salt: str) -> str:
        return hashlib.pbkdf2_hmac("sha256", self.inputs.encode(), salt.encode(), _ROUNDS).hex()
