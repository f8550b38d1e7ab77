"""What each way to AWS costs beside what it loses: who runs what, and what a look and a release take.

Counted with a proxy in front of a local AWS (own engine, Job: tests/functional/promotion/test_handed_over.py;
Terraform 1.11 with provider 5.100) or read in code: lambda-controller's of July 2026, tofu-controller 0.16.5,
Argo CD 3.5.1. Calls are those for a function of a zip without triggers and alias that is in sync.
"""

from collections.abc import Mapping

from lockstep.model.engines import AWS
from lockstep.values import dataclass

__all__ = ["COSTS", "IN_SYNC", "Cost"]

IN_SYNC = 4
"""Calls of a sync of one function that is in sync."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of one way, in words."""

    runs: str  # who has to run what
    processes: str
    calls: str
    live: str  # how long a commit takes to be live


COSTS: Mapping[str, Cost] = {
    AWS.name: Cost(
        runs="a CI job, or `lockstep serve`",
        processes="one for all targets, while it runs",
        calls=f"{IN_SYNC} for one function, at most 32 for 1,000 together, each time the command runs",
        live="the start of the CI job, and about a second for a function",
    ),
    "argocd-job": Cost(
        runs="Argo CD, and an image with Lockstep that you build",
        processes="a Pod for each target and each sync of its Application",
        calls=f"{IN_SYNC} for each Job",
        live="Argo CD looks every 2 to 3 minutes, or at once by its webhook; then 2 s for each wave, and the "
        "start of a Pod, which fetches the repository",
    ),
    "flux": Cost(
        runs="Flux, tofu-controller, a state of Terraform's and the folder that it is of",
        processes="theirs all the time, and a runner's Pod for each state",
        calls="3 for each function and those of the state, at each interval",
        live="Flux looks at `kubernetes.flux.interval`, or at once by its webhook; then a plan and its "
        "application of the whole state",
    ),
    "ack": Cost(
        runs="lambda-controller, s3-controller, and what applies manifests from Git",
        processes="theirs all the time, which look at one resource at a time",
        calls="4 for each Function and 4 for each Alias, every 10 hours and with each change",
        live="what applies manifests looks, as with the others; then code and configuration are two updates, "
        "and an alias that stands at a number waits for a second commit",
    ),
}
"""By the names of engines."""
