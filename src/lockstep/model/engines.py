"""What those who do not use an engine have to know of it: one row for each.

An engine is a package in ``engines``, a row here and one in ``delivery.sync.engines``; one that hands over to
a cluster is a row alone.
"""

from collections.abc import Mapping

from lockstep.values import dataclass

__all__ = ["ACK", "ARGOCD_JOB", "ARGOCD_TERRAFORM", "AWS", "ENGINES", "FLUX", "TERRAFORM", "EngineTraits"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineTraits:
    """An engine by its name, as ``engine:`` of an environment gives it."""

    name: str
    features: tuple[str, ...]  # of ``iam-policy``: what Lockstep itself calls for it
    block: str | None = None  # of an environment in lockstep.yaml, which says what it applies
    holds_part: bool = False  # what it applies holds a part of a function, which Git need not declare
    leaves_logs: bool = False  # log groups of functions that go stay
    road: str | None = None  # a cluster applies it, from manifests of this road that ``sync`` writes into Git
    runs: str | None = None  # and does so by running Lockstep there, with this engine
    whole_buckets: bool = False  # what it writes of a bucket's notifications is the whole of them
    keeps: bool = False  # functions that are not declared any more, but for previews
    is_direct: bool = False  # it can apply one preview before Git declares it, and leave all others alone


AWS = EngineTraits(name="aws", features=("plan", "sync"), is_direct=True)
TERRAFORM = EngineTraits(
    name="terraform",
    features=("terraform",),
    block="terraform",
    holds_part=True,
    leaves_logs=True,
    whole_buckets=True,
)
ACK = EngineTraits(
    name="ack", features=("plan", "terraform"), leaves_logs=True, road="ack", whole_buckets=True, keeps=True
)
FLUX = EngineTraits(
    name="flux",
    features=("terraform",),
    block="terraform",
    holds_part=True,
    leaves_logs=True,
    road="flux",
    whole_buckets=True,
)
ARGOCD_JOB = EngineTraits(name="argocd-job", features=("plan",), road="argocd-job", runs=AWS.name, keeps=True)
ARGOCD_TERRAFORM = EngineTraits(
    name="argocd-job-terraform",
    features=("plan", "terraform"),
    block=TERRAFORM.name,
    holds_part=True,
    leaves_logs=True,
    road="argocd-job",
    runs=TERRAFORM.name,
    whole_buckets=True,
    keeps=True,
)

ENGINES: Mapping[str, EngineTraits] = {
    one.name: one for one in (AWS, TERRAFORM, ACK, FLUX, ARGOCD_JOB, ARGOCD_TERRAFORM)
}
"""All engines, by name; the first one is what an environment has that names none."""
