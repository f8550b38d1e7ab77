"""Functions that run by an alias, behind AWS's quotas: what a plan, a rollback and an abort cost."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.strict import Pages, Proxy, Quotas, Revisions, Versions

from benchmarks import clouds
from benchmarks.measure import summarise
from benchmarks.results import Goal, Result
from benchmarks.scenes import Bench, Scene, new_scene
from benchmarks.tree import ACCOUNT

__all__ = ["measure_abort", "measure_aliases", "measure_rollback"]

_ALIAS = "  alias: live\n"
_ROLLOUT = "  rollout: {group: all, steps: [{weight: 10%, for: 1h}]}\n"


def measure_aliases(bench: Bench) -> Result:
    """A plan of functions with aliases and triggers that has nothing to do."""
    count = bench.size(100)
    with _aliased(bench, "aliases", count, _ALIAS, triggers=True) as (scene, aws, quotas):
        sample = scene.lockstep("plan", "--exit-code").needs(f"{count} unchanged")
        counts = aws.counts()
    each = {name: counts.get(f"lambda.{name}", 0) for name in ("GetAlias", "GetPolicy", "GetFunction")}
    told = ", ".join(f"{found} {name}" for name, found in each.items())
    return Result(
        row="plan-100-aliases",
        title=f"plan of {count} functions with aliases and triggers behind AWS's quotas, nothing to do",
        tools={"lockstep": summarise([sample])},
        goals=(Goal(text="three calls for each", found=told, is_met=max(each.values()) <= count),),
        notes=(f"calls: {sum(counts.values())}, refused as too fast: {sum(quotas.throttled.values())}",),
    )


def measure_rollback(bench: Bench) -> Result:
    """One function goes back to its former release, which is published still."""
    count = bench.size(20)
    with _aliased(bench, "rollback", count, _ALIAS) as (scene, aws, _):
        new = scene.repository.raise_version()
        scene.lockstep("sync", new.key).needs("1 to update")
        aws.forget()
        sample = scene.lockstep("rollback", new.key, "--now", "--reason", "it loses files")
        counts = aws.counts(mutating=True)
    return Result(
        row="rollback-alias",
        title=f"rollback --now of one of {count} functions with aliases, the function named",
        tools={"lockstep": summarise([sample])},
        goals=(
            Goal(text="one write", found=str(counts), is_met=counts == {"lambda.UpdateAlias": 1}),
            Goal(text="under 1 s", found=f"{sample.wall:.2f} s", is_met=sample.wall < 1),
        ),
    )


def measure_abort(bench: Bench) -> Result:
    """A group's rollout is taken back, everywhere at once."""
    count = bench.size(100)
    with _aliased(bench, "abort", count, _ALIAS + _ROLLOUT) as (scene, aws, quotas):
        scene.lockstep.env, behind = clouds.environment(scene.cloud, ACCOUNT), scene.lockstep.env
        for index in range(count):
            new = scene.repository.raise_version(index)
        scene.lockstep("sync", "--no-wait")
        scene.lockstep.env = behind
        aws.forget()
        sample = scene.lockstep("rollout", "abort", new.key, "--reason", "it loses files")
        counts = aws.counts()
        back = aws.named("lambda.UpdateAlias")[-1].started - aws.calls[0].started
    written, reads = counts["lambda.UpdateAlias"], counts["lambda.GetAlias"]
    return Result(
        row="abort-100",
        title=f"abort of a group's rollout: {count} aliases behind AWS's quotas",
        tools={"lockstep": summarise([sample])},
        goals=(Goal(text="one write for each", found=f"{written} UpdateAlias", is_met=written == count),),
        notes=(
            f"all calls were back {back:.1f} s after its first call to AWS; "
            f"the quotas allow it in {(written + reads) / 15:.1f} s: {written} UpdateAlias and {reads} "
            f"GetAlias at 15/s, the writes alone in {written / 15:.1f} s; "
            f"{counts['lambda.GetFunction']} GetFunction at 100/s; "
            f"calls refused as too fast: {sum(quotas.throttled.values())}",
        ),
    )


@contextmanager
def _aliased(
    bench: Bench, name: str, count: int, lines: str, *, triggers: bool = False
) -> Iterator[tuple[Scene, Proxy, Quotas]]:
    """A scene whose functions have aliases and are in sync, with AWS's quotas before the cloud."""
    quotas = Quotas()
    with new_scene(bench, name, count, triggers=triggers, services=count, others=False) as scene:
        for values in scene.repository.folder.glob("shop/services/*/values.yaml"):
            values.write_text(values.read_text() + lines)
        scene.repository.commit("aliases")
        scene.lockstep.extra = {"LOCKSTEP_QUOTAS": "0"}
        scene.lockstep("sync").needs(f"Plan: {count} to create")
        with Proxy(scene.cloud, Revisions(), Versions(), quotas, Pages()) as aws:
            scene.lockstep.env = clouds.environment(aws, ACCOUNT)
            scene.lockstep.extra = {"LOCKSTEP_QUOTAS": "1"}
            yield scene, aws, quotas
