"""What manifests say besides what is declared of the targets."""

from collections.abc import Mapping
from dataclasses import field

from lockstep.values import dataclass

__all__ = ["MANIFESTS", "ArgoCd", "Flux", "Job", "Kubernetes"]

MANIFESTS = frozenset(
    {
        "applicationsets.yaml",
        "argocd-values.yaml",
        "bucket.yaml",
        "deploy-job.yaml",
        "function.yaml",
        "terraform.yaml",
    }
)
"""Names that roads give to files of the tree, in which nothing is declared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The container of the road argocd-job."""

    image: str | None = None  # with Lockstep in it
    service_account: str | None = None
    secret: str | None = None  # of the Job's namespace, whose entries are variables of the container


@dataclass(frozen=True, kw_only=True, slots=True)
class Flux:
    """The objects of the road flux."""

    namespace: str = "flux-system"
    interval: str = "10m"  # as Go writes durations
    service_account: str = "tf-runner"
    secret: str | None = None  # of that namespace, with what the repository is fetched with


@dataclass(frozen=True, kw_only=True, slots=True)
class ArgoCd:
    """Where Argo CD is, and what its Applications belong to."""

    namespace: str = "argocd"
    project: str = "default"
    server: str = "https://kubernetes.default.svc"  # of the cluster that the manifests are for


@dataclass(frozen=True, kw_only=True, slots=True)
class Kubernetes:
    """``kubernetes:`` of ``lockstep.yaml``. ``namespace`` is a template of ``{service} {env} {pr}``."""

    namespace: str | None = None  # of the objects of a target
    shared_namespace: str | None = None  # of a bucket's object, which serves several targets
    own_buckets: tuple[str, ...] = ()  # all of whose notifications are declared here
    versions: Mapping[str, str] = field(
        default_factory=dict
    )  # target -> number that its alias is at, for ACK
    repository: str | None = None  # URL of this repository, as the cluster reaches it
    revision: str = "main"
    branch: str | None = None  # of the manifests alone; None: they lie beside the declarations
    wave: int = 5  # of Argo CD, in which functions are deployed
    job: Job = field(default_factory=Job)
    flux: Flux = field(default_factory=Flux)
    argocd: ArgoCd = field(default_factory=ArgoCd)
    place: str = field(default="", compare=False)  # file:line
