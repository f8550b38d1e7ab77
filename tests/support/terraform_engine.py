"""Runs of the terraform engine on a folder without providers: real Terraform, in a tenth of a second.

``terraform_data`` resources stand where a team has functions; what Lockstep passes, plans, guards and
reports is the same for both. ``Keeper`` is the engine's cloud without AWS: it keeps what it is given.
"""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.delivery.sync.folders import fill
from lockstep.engines.aws import AwsEngine
from lockstep.engines.aws.package import stage
from lockstep.engines.terraform import Source, TerraformEngine, Ways
from lockstep.git.tree import WorkTree
from lockstep.model import (
    Environment,
    Fleet,
    Outcome,
    Package,
    PackageBucket,
    Plan,
    Project,
    Report,
    StepResult,
    Target,
    Terraform,
)
from lockstep.planning.policy import Rules
from tests.support.projects import PACKAGES, make_fleet
from tests.support.skips import TERRAFORM
from tests.support.terraform import LEAST
from tests.support.watching import Telling

__all__ = ["FUNCTIONS", "AwsKeeper", "Desk", "Done", "Keeper", "needs_terraform"]


def _has_terraform() -> bool:
    """Whether there is a Terraform of the least version that tests use; its providers do not matter."""
    if shutil.which("terraform") is None:
        return False
    answer = subprocess.run(["terraform", "version", "-json"], capture_output=True, check=False).stdout
    try:
        version = str(json.loads(answer)["terraform_version"])
    except (ValueError, KeyError):
        return False
    return tuple(map(int, re.findall(r"\d+", version)[:2])) >= LEAST


needs_terraform = pytest.mark.skipif(
    not _has_terraform(),
    reason=f"{TERRAFORM}install Terraform {'.'.join(map(str, LEAST))} or newer and put it on PATH",
)

FUNCTIONS = """\
terraform {
  backend "local" {}
}

variable "functions" {
  type = any
}

variable "secret_environment" {
  type      = map(map(string))
  default   = {}
  sensitive = true
}

resource "terraform_data" "function" {
  for_each         = var.functions
  input            = each.value
  triggers_replace = each.value.function_name
}

output "versions" {
  value = { for key, function in var.functions : key => function.version }
}
"""


@dataclass(kw_only=True)
class Keeper:
    """A cloud that keeps what it is given, and a folder on disk as the repository."""

    root: Path
    staged: list[tuple[str, Package]] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    before_stage: Callable[[Package], None] = lambda _: None

    def source(self, settings: Terraform) -> Source:
        """The folder as it lies on disk."""
        return Source(tree=WorkTree(self.root, repository=None), folder=settings.folder, name="")

    def resolve(self, fleet: Fleet, keys: frozenset[str]) -> Fleet:
        """Everything is resolved already."""
        return fleet

    def variables_of(self, environments: tuple[Environment, ...]) -> Mapping[str, str]:
        """None are needed."""
        return {}

    def stage(self, environment: str, package: Package) -> None:
        """Keep the package."""
        self.before_stage(package)
        self.staged.append((environment, package))

    def owned(self, environment: str) -> Mapping[str, Mapping[str, str]]:
        """Nobody owns anything."""
        return {}

    def recall(self, environment: str, name: str) -> str | None:
        """What was kept."""
        return self.kept.get(name)

    def remember(self, environment: str, name: str, text: str) -> None:
        """Keep a text."""
        self.kept[name] = text


@dataclass(kw_only=True)
class Done:
    """One plan and what came of it."""

    engine: TerraformEngine
    plan: Plan
    report: Report
    told: list[StepResult]

    @property
    def failures(self) -> dict[str, str]:
        """Step to what went wrong."""
        return {r.step: r.error or "" for r in self.report.results if r.outcome is Outcome.FAILED}


@dataclass(kw_only=True)
class Desk:
    """A repository with a Terraform folder, its state, and engines that run on it."""

    root: Path
    state: Path
    cache: Path
    environments: tuple[str, ...] = ("staging", "production", "preview")
    settings: Terraform = field(
        default_factory=lambda: Terraform(folder="terraform", place="lockstep.yaml:5")
    )
    prune: tuple[str, ...] = ()
    progress: list[str] = field(default_factory=list)
    only: Project | None = None  # another project than the one that is made of the fields
    keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        """Keep the state beside the repository, as a backend does."""
        self.keeper = Keeper(root=self.root)
        if not self.settings.backend:
            self.settings = replace(self.settings, backend={"path": str(self.state)})

    @classmethod
    def make(cls, folder: Path, main: str = FUNCTIONS, **fields: object) -> "Desk":
        """A desk below ``folder`` whose root module is ``main``."""
        root = folder / "repository"
        desk = cls(root=root, state=folder / "state.tfstate", cache=folder / "cache", **fields)  # type: ignore[arg-type]
        desk.write(main)
        return desk

    def write(self, text: str, name: str = "terraform/main.tf") -> None:
        """Write a file of the repository."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    @property
    def project(self) -> Project:
        """The project with its environments, all in one run unless ``only`` says otherwise."""
        return self.only or Project(
            name="shop",
            environments={
                name: Environment(
                    name=name, engine="terraform", terraform=self.settings, prune=name in self.prune
                )
                for name in self.environments
            },
            packages=PackageBucket(name=PACKAGES),
        )

    def engine(self, ways: Ways | None = None, **options: object) -> TerraformEngine:
        """A new engine; ``allow_deletes`` goes to the rules, ``stop`` to the engine."""
        stop = options.pop("stop", None)
        rules = Rules(project=self.project, **options)  # type: ignore[arg-type]
        return TerraformEngine(
            rules,
            self.keeper,
            fill,
            cache=self.cache,
            ways=ways or Ways(lock_pause=0.05),
            stop=stop if isinstance(stop, threading.Event) else None,
            watcher=Telling(progress=self.progress.append),
        )

    def plan(self, *targets: Target, selection: tuple[str, ...] = (), **options: object) -> Plan:
        """Plan with a new engine."""
        engine = self.engine(**options)  # type: ignore[arg-type]
        try:
            return engine.preview(make_fleet(*targets, selection=selection)).plan
        finally:
            engine.close()

    def run(self, *targets: Target, engine: TerraformEngine | None = None, **options: object) -> Done:
        """Plan and apply, whatever comes of it. ``between`` is called before the apply."""
        between = options.pop("between", None)
        selection = options.pop("selection", ())
        engine = engine or self.engine(**options)  # type: ignore[arg-type]
        plan = engine.preview(make_fleet(*targets, selection=selection)).plan
        if callable(between):
            between()
        told: list[StepResult] = []
        return Done(engine=engine, plan=plan, report=engine.apply(plan, told.append), told=told)

    def sync(self, *targets: Target, **options: object) -> Done:
        """Plan and apply, which must succeed."""
        done = self.run(*targets, **options)
        assert done.report.is_success, done.failures
        return done

    def inputs(self) -> dict[str, str]:
        """The versions that the state's resources were given, by address."""
        found = {}
        for resource in json.loads(self.state.read_text())["resources"]:
            for instance in resource["instances"]:
                index = f'["{instance["index_key"]}"]' if "index_key" in instance else ""
                address = f"{resource['type']}.{resource['name']}{index}"
                found[address] = instance["attributes"]["input"]["value"]["version"]
        return found

    def input(self, key: str) -> dict[str, Any]:
        """What the function of a target was given."""
        resources = json.loads(self.state.read_text())["resources"]
        (function,) = (one for one in resources if one["name"] == "function")
        (mine,) = (one for one in function["instances"] if one["index_key"] == key)
        given: dict[str, Any] = mine["attributes"]["input"]["value"]
        return given

    def live(self) -> dict[str, str]:
        """The versions that functions were given, by target."""
        return {
            address.split('"')[1]: version for address, version in self.inputs().items() if '"' in address
        }

    def versions(self) -> dict[str, str]:
        """The state's output of versions."""
        outputs: dict[str, dict[str, str]] = json.loads(self.state.read_text())["outputs"]["versions"]
        return dict(outputs["value"])


@dataclass(kw_only=True)
class AwsKeeper(Keeper):
    """A keeper whose packages, roles and references are a local AWS's, by way of the aws engine."""

    aws: AwsEngine
    fetch: Callable[[Package], Path]

    def resolve(self, fleet: Fleet, keys: frozenset[str]) -> Fleet:
        """As the aws engine resolves them."""
        return self.aws.resolve(fleet, sorted(keys))

    def stage(self, environment: str, package: Package) -> None:
        """Put the package into the bucket."""
        stage(self.aws.connection(environment), package, self.fetch)
        Keeper.stage(self, environment, package)
