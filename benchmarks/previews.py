"""Many previews in one tree: what a push to one pull request costs."""

from tests.strict import Pages, Proxy

from benchmarks import clouds
from benchmarks.measure import Sample, summarise
from benchmarks.results import Goal, Result
from benchmarks.scenes import Bench, new_scene
from benchmarks.tree import ACCOUNT

__all__ = ["measure_one_preview"]

_CALLS = 12


def measure_one_preview(bench: Bench) -> Result:
    """Plan after a push that changed one of 200 previews, each with a trigger; S3 takes 100 a bucket."""
    count = bench.size(202)  # staging and production besides
    with new_scene(bench, "previews", count, triggers=True, services=1) as scene:
        scene.lockstep("sync")
        calls: list[int] = []

        def plan() -> Sample:
            scene.repository.raise_version(count - 1)
            with Proxy(scene.cloud, Pages()) as aws:
                scene.lockstep.env = clouds.environment(aws, ACCOUNT)
                sample = scene.lockstep("plan", "--since", "HEAD~1").needs("1 to update")
                calls.append(sum(aws.counts().values()))
            return sample

        found = {"lockstep": summarise([plan() for _ in range(bench.times(5))])}
    wall, most = found["lockstep"].wall, max(calls)
    return Result(
        row="preview-200",
        title=f"plan after a change of one of {count - 2} previews",
        tools=found,
        goals=(
            Goal(text="at most 0.7 s", found=f"{wall:.2f} s", is_met=wall <= 0.7),
            Goal(text=f"at most {_CALLS} calls", found=f"{most} calls", is_met=most <= _CALLS),
        ),
    )
