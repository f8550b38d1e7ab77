"""Figures for Prometheus, in its text format (version 0.0.4)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lockstep.serve.deciding import Seen, Try
from lockstep.serve.file import Followed

__all__ = ["figures"]

_Sample = tuple[Mapping[str, str], float]


def figures(seen: Sequence[tuple[Followed, Seen]], ticks: float) -> str:
    """What is known of every project, as gauges; ages are in seconds."""
    named = [({"project": project.name}, one) for project, one in seen]
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
            "promotions_waiting",
            "Versions that are not promoted or not merged yet.",
            [(at, len(one.waiting)) for at, one in named],
        ),
    )
    return "".join(line for family in families for line in _lines(*family))


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


def _lines(name: str, about: str, samples: Iterable[_Sample]) -> Iterator[str]:
    yield f"# HELP lockstep_{name} {about}\n# TYPE lockstep_{name} gauge\n"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"lockstep_{name}{{{inside}}} {value:.10g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
