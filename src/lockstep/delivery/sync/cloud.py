"""What the terraform engine needs besides Terraform, by way of Git and of the aws engine's calls."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.folders import folder_of
from lockstep.engines.aws.objects import read_text, write_text
from lockstep.engines.aws.package import stage
from lockstep.engines.aws.tags import owned
from lockstep.engines.terraform.base import Source
from lockstep.model import Environment, Fleet, Package, Terraform

if TYPE_CHECKING:
    from lockstep.artifacts.catalog import Catalog
    from lockstep.engines.aws import AwsEngine

__all__ = ["ProjectCloud"]

_PREFIX = "lockstep/terraform/"


class ProjectCloud:
    """The repository and AWS of one workspace, as ``engines.terraform.Cloud`` asks for them."""

    def __init__(self, workspace: Workspace, engine: "AwsEngine", catalog: "Catalog") -> None:
        self._workspace = workspace
        self._engine = engine
        self._catalog = catalog

    def source(self, settings: Terraform) -> Source:
        """The folder of a run: in the project's repository at its commit, or in another at a revision."""
        return folder_of(self._workspace, settings)

    def resolve(self, fleet: Fleet, keys: frozenset[str]) -> Fleet:
        """Role names as ARNs and references as values, for the targets that are named."""
        return self._engine.resolve(fleet, sorted(keys)) if keys else fleet

    def variables_of(self, environments: tuple[Environment, ...]) -> Mapping[str, str]:
        """Region and profile, where all environments of the run agree on them."""
        variables: dict[str, str] = {}
        regions = {environment.region for environment in environments}
        profiles = {environment.profile for environment in environments}
        if len(regions) == 1 and (region := regions.pop()):
            variables["AWS_REGION"] = region
        if len(profiles) == 1 and (profile := profiles.pop()):
            variables["AWS_PROFILE"] = profile
        return variables

    def stage(self, environment: str, package: Package) -> None:
        """Put a package at its key, unless it lies there."""
        stage(self._engine.connection(environment), package, self._catalog.fetch)

    def recall(self, environment: str, name: str) -> str | None:
        """An object of ours in the environment's package bucket."""
        bucket = self._workspace.project.packages_for(environment)
        if bucket is None:
            return None
        connection = self._engine.connection(environment)
        # Without s3:ListBucket what is missing is denied. No marker costs a run, and nothing else.
        return read_text(connection, bucket, _PREFIX + name, lost=("AccessDenied", "403"))

    def owned(self, environment: str) -> Mapping[str, Mapping[str, str]]:
        """Tags of the functions that any project of Lockstep owns where the environment is, by ARN."""
        return owned(self._engine.connection(environment))

    def remember(self, environment: str, name: str, text: str) -> None:
        """Keep a text in the environment's package bucket, where there is one."""
        bucket = self._workspace.project.packages_for(environment)
        if bucket is None:
            return
        write_text(self._engine.connection(environment), bucket, _PREFIX + name, text)
