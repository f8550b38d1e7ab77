"""How an environment is driven by Terraform: the folder, its state, and what is passed to it."""

from collections.abc import Mapping
from dataclasses import field

from lockstep.values import dataclass

__all__ = ["CARRIES_KINDS", "Action", "ResourceChange", "Terraform"]

CARRIES_KINDS = "functions"
"""The mapping that passes all that Git declares of a function, and of what stands beside it."""

Action = str
"""What Terraform does to a resource: create, update, replace, delete, import or forget."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Terraform:
    """The block ``terraform:`` of an environment.

    Environments whose ``run`` is the same share one folder and one state: Terraform runs once for
    all of them.
    """

    folder: str  # relative to its repository's root
    repository: str | None = None  # path or URL; None: the project's own
    revision: str | None = None  # commit, tag or branch of ``repository``
    binary: str = "terraform"  # or "tofu"
    backend: Mapping[str, str] = field(default_factory=dict)  # -backend-config
    workspace: str = "default"
    mapping: str | None = "functions"  # "functions", "syrf"; None: ``variables`` alone
    variables: Mapping[str, str] = field(default_factory=dict)  # name -> template
    lock_seconds: int = 300  # how long another run's lock is waited for
    place: str = field(default="", compare=False)  # file:line

    @property
    def run(self) -> tuple[str, ...]:
        """What has to be equal for two environments to share one run."""
        backend = [f"{key}={value}" for key, value in sorted(self.backend.items())]
        place = (self.binary, self.repository or "", self.revision or "", self.folder, self.workspace)
        return (*place, *backend)

    @property
    def state(self) -> tuple[str, ...]:
        """What two environments have equal whose state is surely the same, however it is planned."""
        backend = [f"{key}={value}" for key, value in sorted(self.backend.items())]
        return (self.repository or "", self.folder, self.workspace, *backend)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceChange:
    """What Terraform would do to one resource, as far as decisions need it."""

    address: str
    kind: str  # "aws_lambda_function"
    action: Action
    target: str | None = None  # key; None: it belongs to no single target
    is_beside: bool = False  # the module made it of what the target declares beside its function
