"""Figures for Prometheus, in its text format (version 0.0.4)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from lockstep.serve.counting import BUCKETS
from lockstep.serve.deciding import Seen, Try, drifted
from lockstep.serve.following import Follower

__all__ = ["figures", "work_figures"]

_Sample = tuple[Mapping[str, str], float]
_TYPE = "# TYPE lockstep_{} {}\n"


def figures(
    seen: Sequence[tuple[Follower, Seen]],
    working: Sequence[Follower],
    hooks: Mapping[int, int],
    ticks: float,
) -> str:
    """What is known of every project, as gauges, ages in seconds, and what was done since the start.

    ``seen`` is what may be seen of each follower, and ``working`` are those of this process that do what is
    due, where it is not those themselves; ``hooks`` are announcements, by the status that answered them.
    """
    shown = {one.project.name for one, _ in seen}
    own = [one for one in working if one.project.name in shown]
    answered = [({"status": str(status)}, count) for status, count in sorted(hooks.items())]
    told = _lines("hooks_total", "Webhooks, by the status that answered them.", "counter", answered)
    return "".join((*_gauges(seen, ticks), *told, *_work(own)))


def work_figures(working: Sequence[Follower]) -> str:
    """What one process does and has done since it started, of several on one database."""
    return "".join(_work(working))


def _gauges(seen: Sequence[tuple[Follower, Seen]], ticks: float) -> Iterator[str]:
    named = [(_at(follower), one) for follower, one in seen]
    families: tuple[tuple[str, str, list[_Sample]], ...] = (
        (
            "targets",
            "Targets, by what they are.",
            [sample for at, one in named for sample in _counts(at, one)],
        ),
        (
            "git_age_seconds",
            "Seconds since Git answered.",
            [(at, ticks - one.asked) for at, one in named if one.asked is not None],
        ),
        (
            "look_age_seconds",
            "Seconds since all of AWS was read.",
            [(at, ticks - one.looked) for at, one in named if one.looked is not None],
        ),
        ("targets_retried", "Targets that are tried again.", [(at, len(one.targets)) for at, one in named]),
        (
            "failing",
            "1 while it does not come out, and is tried again.",
            [
                ({**at, "what": what}, float(attempt is not None))
                for at, one in named
                for what, attempt in _attempts(one)
            ],
        ),
        (
            "drifted_targets",
            "Targets that differ because AWS was changed, or nobody knows why.",
            [(_at(one), len(drifted(what.rows.values(), one.project))) for one, what in seen],
        ),
        (
            "promotions_waiting",
            "Versions that are not promoted or not merged yet.",
            [(at, len(one.waiting)) for at, one in named],
        ),
    )
    for name, about, samples in families:
        yield from _lines(name, about, "gauge", samples)


def _work(followers: Sequence[Follower]) -> Iterator[str]:
    busy = [(_at(one), float(bool(one.under_way))) for one in followers]
    yield from _lines("busy", "1 while it syncs.", "gauge", busy)
    counted = [(_at(one), one.counted) for one in followers]
    runs = [
        ({**at, "state": str(state)}, count)
        for at, one in counted
        for state, count in sorted(one.runs.items())
    ]
    yield from _lines("runs_total", "Syncs that ended, by how.", "counter", runs)
    calls = [(at, one.calls) for at, one in counted]
    yield from _lines("run_calls_total", "Calls of APIs that syncs made.", "counter", calls)
    yield f"# HELP lockstep_run_seconds How long syncs took.\n{_TYPE.format('run_seconds', 'histogram')}"
    for at, one in counted:
        for most, count in zip((*map(str, BUCKETS), "+Inf"), accumulate(one.took), strict=True):
            yield _sample("run_seconds_bucket", {**at, "le": most}, count)
        yield _sample("run_seconds_sum", at, one.seconds)
        yield _sample("run_seconds_count", at, sum(one.took))


def _at(follower: Follower) -> Mapping[str, str]:
    return {"project": follower.project.name}


def _attempts(seen: Seen) -> tuple[tuple[str, Try | None], ...]:
    return (
        ("git", seen.git),
        ("aws", seen.aws),
        ("promotions", seen.moving),
        ("previews", seen.cleaning),
    )


def _counts(at: Mapping[str, str], seen: Seen) -> Iterator[_Sample]:
    found = Counter(
        (row.environment, str(row.status), str(row.health)) for row in seen.rows.values() if row.is_ours
    )
    for (environment, sync, health), count in sorted(found.items()):
        yield {**at, "environment": environment, "sync": sync, "health": health}, count


def _lines(name: str, about: str, kind: str, samples: Iterable[_Sample]) -> Iterator[str]:
    yield f"# HELP lockstep_{name} {about}\n{_TYPE.format(name, kind)}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"lockstep_{name}{{{inside}}} {value:.10g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
