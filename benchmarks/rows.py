"""The rows of the table, each one promise of speed."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.strict import Pages, Proxy, Quotas, Revisions

from benchmarks import clouds
from benchmarks.aliases import measure_abort, measure_aliases, measure_rollback
from benchmarks.controller import measure_day, measure_following, measure_page
from benchmarks.measure import Failed, Sample, Summary, alternate, summarise
from benchmarks.previews import measure_one_preview
from benchmarks.promotion import measure_commit_to_live, measure_thousand
from benchmarks.results import Goal, Result, faster
from benchmarks.scenes import Bench, Scene, new_scene
from benchmarks.seed import seed
from benchmarks.tree import ACCOUNT

__all__ = ["ROWS", "Row"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row: its name, the tool that it compares with, and how it is measured."""

    name: str
    against: str | None
    measure: Callable[[Bench], Result]


def _version(bench: Bench) -> Result:
    return _start(bench, "version", "--version")


def _help(bench: Bench) -> Result:
    return _start(bench, "help", "--help")


def _start(bench: Bench, name: str, option: str) -> Result:
    bench.cold(option)  # the first one reads the files from the disk
    tools = alternate(bench.times(15), {"lockstep": lambda: bench.cold(option)})
    goal = _below("at most 0.25 s", tools["lockstep"].wall, 0.25)
    return Result(row=name, title=f"lockstep {option}", tools=tools, goals=(goal,))


def _small(bench: Bench) -> Result:
    """The least that a plan costs, by processor time: what the process loads, and a handful of calls."""
    with new_scene(bench, "small", 2, triggers=False, others=False) as scene:
        scene.apply()
        scene.lockstep("plan")  # the first one reads the files from the disk
        tools = alternate(
            bench.times(9),
            {"lockstep": lambda: scene.lockstep("plan", "--exit-code").needs("2 unchanged")},
        )
    return Result(
        row="plan-2",
        title="plan of 2 functions, nothing to do: processor time of the whole process",
        tools=tools,
        goals=(_below("processor time, at most 0.4 s", tools["lockstep"].cpu, 0.4),),
    )


def _first(bench: Bench) -> Result:
    count = bench.size(100)
    scene = _hundred(bench)
    terraform = scene.terraform

    def lockstep_sync() -> Sample:
        scene.empty()
        return scene.lockstep("sync").needs(f"Plan: {count} to create")

    tools = {"lockstep": lockstep_sync}
    if terraform:
        tools["terraform"] = lambda: terraform.apply().needs(f"Resources: {2 * count + 1} added")
    found = alternate(_times(bench, count, bench.repetitions), tools)
    scene.is_applied = True
    return Result(
        row="first-100",
        title=f"first sync of {count} functions with permissions and triggers on one bucket",
        tools=found,
        goals=(faster(found, "terraform", 8),),
        notes=_on(scene),
    )


def _plan(bench: Bench) -> Result:
    count = bench.size(100)
    scene = _hundred(bench)
    scene.apply()
    tools = {"lockstep": lambda: scene.lockstep("plan", "--exit-code").needs(f"{count} unchanged")}
    if scene.terraform:
        tools["terraform"] = scene.terraform.plan
    found = alternate(_times(bench, count, 5), tools)
    return Result(
        row="plan-100",
        title=f"plan of {count} functions with permissions and triggers, nothing to do",
        tools=found,
        goals=(faster(found, "terraform", 20), _below("at most 0.6 s", found["lockstep"].wall, 0.6)),
        notes=_on(scene),
    )


def _one(bench: Bench) -> Result:
    count = bench.size(100)
    scene = _hundred(bench)
    scene.apply()
    terraform = scene.terraform

    def lockstep_sync() -> Sample:
        scene.raise_version()
        return scene.lockstep("sync").needs("Plan: 0 to create, 1 to update")

    tools = {"lockstep": lockstep_sync}
    if terraform:
        tools["terraform"] = lambda: terraform.apply().needs("0 added, 1 changed")
    found = alternate(_times(bench, count, bench.repetitions), tools)
    return Result(
        row="one-of-100",
        title=f"sync of {count} functions of which one has a new version",
        tools=found,
        goals=(faster(found, "terraform", 15),),
        notes=_on(scene),
    )


def _sam(bench: Bench) -> Result:
    count = bench.size(50)
    with new_scene(bench, "sam", count, triggers=False) as scene:
        scene.apply()
        sam = scene.sam
        tools = {"lockstep": lambda: scene.lockstep("sync").needs(f"{count} unchanged")}
        if sam:
            tools["sam"] = lambda: sam.deploy().needs("No changes to deploy")
        idle = alternate(bench.times(5), tools)
        if "sam" not in idle:
            sam = scene.sam = None  # it could not: ours are measured without it

        def lockstep_sync() -> Sample:
            scene.raise_version()
            return scene.lockstep("sync").needs("1 to update")

        tools = {"lockstep": lockstep_sync}
        if sam:
            tools["sam"] = lambda: sam.deploy().needs("Successfully created/updated stack")
        change = alternate(bench.times(bench.repetitions), tools)
        goals = [faster(idle, "sam", 2.5), faster(change, "sam", 8), *_drift(scene)]
        tools_found: dict[str, Summary] = {f"{name} idle": found for name, found in idle.items()}
        tools_found |= {f"{name} one": found for name, found in change.items()}
        return Result(
            row="sam-50",
            title=f"{count} functions without triggers: nothing to do (idle), and one code change (one)",
            tools=tools_found,
            goals=tuple(goals),
        )


def _drift(scene: Scene) -> Iterator[Goal]:
    """Somebody changes a function's memory: who sees it?"""
    name = scene.repository.targets[1].name
    clouds.change_memory(scene.cloud, ACCOUNT, name, 1024)
    seen = scene.lockstep("plan", "--exit-code", allowed=(0, 2))
    is_seen = seen.code == 2 and "memorySize: 1024 -> 512" in seen.output
    found = "seen" if is_seen else "NOT seen"
    if scene.sam:
        clouds.change_memory(scene.other, clouds.OTHER, name, 1024)
        try:
            told = scene.sam.deploy().output
            found += ", by sam not" if "No changes to deploy" in told else ", by sam too"
        except Failed as problem:
            print(f"without sam: {problem}", file=sys.stderr, flush=True)
    yield Goal(text="memory changed behind our back", found=found, is_met=is_seen)


def _calls(bench: Bench) -> Result:
    count = bench.size(1000)
    with new_scene(bench, "calls", count, triggers=False) as scene, Proxy(scene.cloud, Pages()) as aws:
        seed(scene)
        scene.lockstep.env = clouds.environment(aws, ACCOUNT)
        aws.forget()
        sample = scene.lockstep("plan", "--exit-code").needs(f"{count} unchanged")
        counts = aws.counts()
    total = sum(counts.values())
    listed = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    return Result(
        row="calls-1000",
        title=f"calls for a plan of {count:,} functions without triggers, nothing to do",
        tools={"lockstep": summarise([sample])},
        goals=(Goal(text="at most 32 calls", found=f"{total} calls", is_met=total <= 32),),
        notes=(listed,),
    )


def _triggers(bench: Bench) -> Result:
    count = bench.size(1000)
    quotas = Quotas()
    with (
        new_scene(bench, "triggers", count, triggers=True, others=False) as scene,
        Proxy(scene.cloud, Revisions(), quotas, Pages()) as aws,
    ):
        quick = {"LOCKSTEP_QUOTAS": "0"}
        scene.lockstep.env, scene.lockstep.extra = clouds.environment(scene.cloud, ACCOUNT), quick
        scene.lockstep("sync").needs(f"Plan: {count} to create")
        scene.lockstep.env = clouds.environment(aws, ACCOUNT)
        scene.lockstep.extra = {"LOCKSTEP_QUOTAS": "1"}
        found: dict[str, Summary] = {}
        counts: dict[str, int] = {}
        for name in ("first", "second"):
            aws.forget()
            sample = scene.lockstep("plan", "--exit-code").needs(f"{count} unchanged")
            found[f"lockstep {name}"] = summarise([sample])
            counts[name] = sum(aws.counts().values())
    return Result(
        row="plan-1000-triggers",
        title=f"plan of {count:,} functions with triggers behind AWS's quotas, nothing to do",
        tools=found,
        goals=(
            Goal(
                text="the second run, at most 45 calls",
                found=f"{counts['second']} calls, the first {counts['first']:,}",
                is_met=counts["second"] <= 45,
            ),
        ),
        notes=(
            "one identity, ten pages of tags, twenty of functions, ten policies that vouch for the rest, and "
            f"each bucket: S3 allows 100 triggers on one; calls refused: {sum(quotas.throttled.values())}",
        ),
    )


def _quota(bench: Bench) -> Result:
    count = bench.size(300)
    quotas = Quotas()
    with (
        new_scene(bench, "quota", count, triggers=False) as scene,
        Proxy(scene.cloud, quotas, Pages()) as aws,
    ):
        scene.lockstep.env = clouds.environment(aws, ACCOUNT)
        scene.lockstep.extra = {"LOCKSTEP_QUOTAS": "1"}
        sample = scene.lockstep("sync").needs(f"Plan: {count} to create")
        counts, throttled = aws.counts(), sum(quotas.throttled.values())
    # What nobody can leave out: a look that no listing is behind, then the creation itself.
    floor = count / 100 + count / 15
    share = floor / sample.wall
    return Result(
        row="quota-300",
        title=f"first sync of {count} functions behind a proxy that enforces AWS's quotas",
        tools={"lockstep": summarise([sample])},
        goals=(
            Goal(text="at least 92 % of what the quotas allow", found=f"{share:.0%}", is_met=share >= 0.92),
        ),
        notes=(
            f"the quotas allow it in {floor:.1f} s: {count} GetFunction at 100/s, then {count} "
            f"CreateFunction at 15/s; calls refused as too fast: {throttled} of {sum(counts.values()):,}",
        ),
    )


def _load(bench: Bench) -> Result:
    count = bench.size(10_000)
    scene = _ten_thousand(bench)
    valid = f"Valid: {count} targets"

    def cold() -> Sample:
        scene.lockstep.cache = scene.lockstep.cache.with_name(scene.lockstep.cache.name + "x")
        return scene.lockstep("validate").needs(valid)

    def cached() -> Sample:
        scene.repository.raise_version()
        return scene.lockstep("validate").needs(valid)

    found = {
        name: summarise([tool() for _ in range(bench.times(bench.repetitions))])
        for name, tool in {"cold": cold, "one changed": cached}.items()
    }
    return Result(
        row="load-10000",
        title=f"validate {count:,} targets: the whole process, Git and start-up included",
        tools=found,
        goals=(
            _below("cold, at most 1.8 s", found["cold"].wall, 1.8),
            _below("with the cache and one changed file, at most 0.4 s", found["one changed"].wall, 0.4),
        ),
    )


def _memory(bench: Bench) -> Result:
    count = bench.size(10_000)
    scene = _ten_thousand(bench)
    seed(scene)
    sample = scene.lockstep("plan", "--exit-code").needs("Nothing to do")
    return Result(
        row="memory-10000",
        title=f"plan of {count:,} functions, nothing to do; made by the requests of a saved plan",
        tools={"lockstep": summarise([sample])},
        goals=(
            _below("at most 6 s", sample.wall, 6),
            Goal(text="at most 110 MB", found=f"{sample.peak:.0f} MB", is_met=sample.peak <= 110),
        ),
    )


def _times(bench: Bench, count: int, repetitions: int) -> int:
    """How often, beside Terraform, which takes a minute for a hundred functions: the ratio of one run."""
    return 1 if bench.is_slow(count) else bench.times(repetitions)


def _on(scene: Scene) -> tuple[str, ...]:
    """Which local AWS answered."""
    return (f"on {scene.cloud.kind}",)


def _render(bench: Bench) -> Result:
    """Into a folder that is empty, and into one that holds all of it."""
    count = bench.size(10_000)
    scene = _ten_thousand(bench)
    file, folder = scene.repository.folder / "lockstep.yaml", scene.repository.folder.with_name("manifests")
    file.write_text(f'{file.read_text()}account: "{ACCOUNT}"\nkubernetes: {{namespace: "bench-{{env}}"}}\n')
    scene.lockstep("validate")  # declarations are read from the cache, as in every run but the first

    def render(fate: str) -> Sample:
        words = ("render", "--as", "ack", "-o", str(folder))
        return scene.lockstep(*words).needs(f"files: {count:,} {fate}")

    found = {fate: summarise([render(fate)]) for fate in ("written", "unchanged")}
    peak = max(one.peak for one in found.values())
    return Result(
        row="render-10000",
        title=f"render {count:,} targets for ACK: the whole process, Git and start-up included",
        tools=found,
        goals=(
            *(_below(f"{fate}, at most 3 s", one.wall, 3) for fate, one in found.items()),
            Goal(text="at most 300 MB", found=f"{peak:.0f} MB", is_met=peak <= 300),
        ),
    )


def _hundred(bench: Bench) -> Scene:
    """50 services in staging and production, each with a trigger on one bucket, which allows 100."""
    return bench.scene("hundred", bench.size(100), triggers=True)


def _ten_thousand(bench: Bench) -> Scene:
    """100 services in staging, production and 98 previews."""
    return bench.scene("large", bench.size(10_000), triggers=False, services=min(100, bench.size(10_000)))


def _below(text: str, seconds: float, goal: float) -> Goal:
    return Goal(text=text, found=f"{seconds:.2f} s", is_met=seconds <= goal)


ROWS = (
    Row(name="version", against=None, measure=_version),
    Row(name="help", against=None, measure=_help),
    Row(name="plan-2", against=None, measure=_small),
    Row(name="first-100", against="terraform", measure=_first),
    Row(name="plan-100", against="terraform", measure=_plan),
    Row(name="one-of-100", against="terraform", measure=_one),
    Row(name="commit-to-live", against=None, measure=measure_commit_to_live),
    Row(name="promote-1000", against=None, measure=measure_thousand),
    Row(name="preview-200", against=None, measure=measure_one_preview),
    Row(name="sam-50", against="sam", measure=_sam),
    Row(name="calls-1000", against=None, measure=_calls),
    Row(name="plan-1000-triggers", against=None, measure=_triggers),
    Row(name="quota-300", against=None, measure=_quota),
    Row(name="plan-100-aliases", against=None, measure=measure_aliases),
    Row(name="rollback-alias", against=None, measure=measure_rollback),
    Row(name="abort-100", against=None, measure=measure_abort),
    Row(name="load-10000", against=None, measure=_load),
    Row(name="memory-10000", against=None, measure=_memory),
    Row(name="render-10000", against=None, measure=_render),
    Row(name="serve-following", against=None, measure=measure_following),
    Row(name="serve-10000", against=None, measure=measure_page),
    Row(name="serve-day", against=None, measure=measure_day),
)
