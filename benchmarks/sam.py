"""SAM with the same functions, without triggers.

``sam deploy`` compares templates with the stack that it made, not with what is live.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Sample, run
from benchmarks.tree import REGION, Repository

__all__ = ["Sam", "missing"]

_HEAD = "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\nResources:\n"
_FUNCTION = """\
  F{number}:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: {name}
      Role: {role}
      Runtime: python3.12
      Handler: app.handler
      MemorySize: 512
      Timeout: 30
      CodeUri: {package}
      Environment: {{Variables: {{RabbitMqHost: rabbit.example}}}}
      Tags: {{team: files}}
"""


def program() -> str | None:
    """The SAM CLI: LOCKSTEP_BENCH_SAM, or ``sam`` on PATH."""
    return shutil.which(os.environ.get("LOCKSTEP_BENCH_SAM") or "sam")


def missing() -> str | None:
    """What to install before SAM can be measured; None when it is there."""
    if program() is None:
        return (
            "sam is not on PATH: in an environment of its own, pip install aws-sam-cli 'ministack[full]', "
            "then name its scripts in LOCKSTEP_BENCH_SAM and LOCKSTEP_MINISTACK"
        )
    return None


@dataclass(kw_only=True)
class Sam:
    """One stack on an endpoint."""

    folder: Path
    env: Mapping[str, str]
    role: str
    bucket: str

    def declare(self, repository: Repository) -> None:
        """Write what the repository declares."""
        self.folder.mkdir(parents=True, exist_ok=True)
        functions = [
            _FUNCTION.format(
                number=number, name=target.name, role=self.role, package=repository.package(target)
            )
            for number, target in enumerate(repository.targets)
        ]
        (self.folder / "template.yaml").write_text(_HEAD + "".join(functions))

    def deploy(self) -> Sample:
        """Deploy without questions."""
        tool = program()
        assert tool is not None
        return run(
            [
                *(tool, "deploy", "--stack-name", "bench", "--region", REGION, "--s3-bucket", self.bucket),
                *("--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"),
                *("--no-fail-on-empty-changeset", "--template-file", "template.yaml"),
            ],
            env={**self.env, "SAM_CLI_TELEMETRY": "0", "HOME": str(self.folder)},
            cwd=self.folder,
        )
