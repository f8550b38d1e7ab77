"""What rows are measured on: a cloud, a repository, and the tools with everything applied."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.support.clouds import Cloud, make_bucket

from benchmarks import clouds, sam, terraform
from benchmarks.lockstep import Lockstep
from benchmarks.measure import Failed
from benchmarks.sam import Sam
from benchmarks.terraform import Terraform
from benchmarks.tree import ACCOUNT, PACKAGES, REGION, UPLOADS, Repository, make_repository

__all__ = ["Bench", "Scene", "new_scene"]

_SUFFIX = "-other"
_FEW = 20  # functions; MiniStack makes Terraform wait eight minutes for 100, moto one


@dataclass(kw_only=True)
class Scene:
    """One cloud with one repository and the tools for it."""

    folder: Path
    cloud: Cloud
    other: Cloud  # of the tool beside us
    repository: Repository
    lockstep: Lockstep
    terraform: Terraform | None = None
    sam: Sam | None = None
    is_applied: bool = False

    def apply(self) -> None:
        """Bring everything into being with every tool, unless it is there."""
        if not self.is_applied:
            self.lockstep("sync")
            if self.terraform and not _works("terraform", self.terraform.apply):
                self.terraform = None
            if self.sam and not _works("sam", self.sam.deploy):
                self.sam = None
            self.is_applied = True

    def empty(self) -> None:
        """Forget everything that the tools made and know, as before the first run."""
        self.cloud.reset()
        if self.other is not self.cloud:
            self.other.reset()
        clouds.prepare(self.cloud, ACCOUNT)
        clouds.prepare(self.other, clouds.OTHER, suffix=_SUFFIX)
        self.lockstep.cache = self.lockstep.cache.with_name(self.lockstep.cache.name + "x")
        if self.terraform:
            self.terraform.forget()

    def raise_version(self) -> None:
        """Declare a new version of one function, for all tools."""
        self.repository.raise_version()
        self.declare()

    def declare(self) -> None:
        """Write what the repository declares for the other tools."""
        for tool in (self.terraform, self.sam):
            if tool is not None:
                tool.declare(self.repository)


@dataclass(kw_only=True)
class Bench:
    """What was asked for."""

    folder: Path
    is_quick: bool = False
    most: int | None = None  # targets of a row, where a tool beside us takes too long for all
    repetitions: int = 3
    tools: frozenset[str] = frozenset({"terraform", "sam"})
    skipped: dict[str, str] = field(default_factory=dict)  # tool -> what to install
    shared: dict[str, Scene] = field(default_factory=dict)
    broken: dict[str, Failed] = field(default_factory=dict)  # scenes that could not be made
    stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        """Find out which tools are here."""
        for name, tool in {"terraform": terraform, "sam": sam}.items():
            reason = tool.missing() if name in self.tools else "not asked for"
            if reason:
                self.skipped[name] = reason

    def size(self, targets: int) -> int:
        """So many targets, fewer where ``most`` says so, or a few for a smoke run."""
        return min(targets, 4) if self.is_quick else min(targets, self.most or targets)

    def is_slow(self, count: int) -> bool:
        """Whether a tool beside us takes a minute for so many functions with triggers: it runs once."""
        return count > _FEW and "terraform" not in self.skipped

    def times(self, repetitions: int) -> int:
        """So many repetitions for a cheap row; never fewer than for the others."""
        return 1 if self.is_quick else max(repetitions, self.repetitions)

    def scene(self, name: str, count: int, *, triggers: bool, services: int | None = None) -> Scene:
        """A scene that several rows share; it ends with the bench."""
        if name in self.broken:
            raise self.broken[name]
        if name not in self.shared:
            made = new_scene(self, name, count, triggers=triggers, services=services)
            try:
                self.shared[name] = self.stack.enter_context(made)
            except Failed as problem:
                self.broken[name] = problem
                raise
        return self.shared[name]

    @cached_property
    def cold(self) -> Lockstep:
        """Lockstep without a cloud or a repository."""
        return Lockstep(folder=self.folder, env=clouds.bare_environment(), cache=self.folder / "cache")


@contextmanager
def new_scene(
    bench: Bench,
    name: str,
    count: int,
    *,
    triggers: bool,
    services: int | None = None,
    others: bool = True,
) -> Iterator[Scene]:
    """A cloud of its own with a repository of ``count`` targets; the other tools are set up, not run."""
    folder = bench.folder / name
    repository = make_repository(folder / "repository", count, triggers=triggers, services=services)
    kind = "moto" if others and triggers and bench.is_slow(count) else "ministack"
    with clouds.local_clouds(kind) as (cloud, other):
        clouds.prepare(cloud, ACCOUNT)
        for bucket in {target.bucket for target in repository.targets} - {UPLOADS}:
            make_bucket(cloud, bucket, account=ACCOUNT, region=REGION)
        role = clouds.prepare(other, clouds.OTHER, suffix=_SUFFIX)
        env = clouds.environment(other, clouds.OTHER)
        scene = Scene(
            folder=folder,
            cloud=cloud,
            other=other,
            repository=repository,
            lockstep=Lockstep(
                folder=repository.folder, env=clouds.environment(cloud, ACCOUNT), cache=folder / "cache"
            ),
        )
        if not others:
            pass
        elif triggers and "terraform" not in bench.skipped:
            scene.terraform = Terraform(
                folder=folder / "terraform",
                env=env,
                endpoint=other.endpoint,
                account=clouds.OTHER,
                role=role,
                bucket=UPLOADS + _SUFFIX,
            )
        elif not triggers and "sam" not in bench.skipped:
            scene.sam = Sam(folder=folder / "sam", env=env, role=role, bucket=PACKAGES + _SUFFIX)
        scene.declare()
        if scene.terraform and not _works("terraform", scene.terraform.init):
            scene.terraform = None
        yield scene


def _works(name: str, run: Callable[[], object]) -> bool:
    """Whether another tool could do it; Lockstep is measured without it where it could not."""
    try:
        run()
    except Failed as problem:
        print(f"without {name}: {problem}", file=sys.stderr, flush=True)
        return False
    return True
