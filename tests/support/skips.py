"""What a test run left out and why, told in one line at its end; and what must not be left out in CI."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pytest

__all__ = ["TERRAFORM", "Skipped", "lost", "skipped_in", "words"]

TERRAFORM = "terraform: "
"""How reasons begin of tests that want Terraform."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """One test that was not run."""

    kind: str  # folder of its file below tests/: "functional/terraform"
    reason: str


def skipped_in(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> list[Skipped]:
    """What pytest's reports say of skipped tests."""
    found: list[Skipped] = []
    for report in reports:
        file = report.nodeid.partition("::")[0]
        parts = file.removeprefix("tests/").split("/")[:-1]
        *_, reason = report.longrepr if isinstance(report.longrepr, tuple) else (str(report.longrepr),)
        reason = str(reason).removeprefix("Skipped: ").strip()
        found.append(Skipped(kind="/".join(parts) or file, reason=reason))
    return found


def words(skipped: Sequence[Skipped]) -> str:
    """``not run here: 2 unit/examples (pika is not installed); 14 ... (...)``; "" for none."""
    counts: dict[str, dict[str, int]] = {}
    for one in skipped:
        kinds = counts.setdefault(one.reason, {})
        kinds[one.kind] = kinds.get(one.kind, 0) + 1
    parts = [
        f"{', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))} ({reason})"
        for reason, kinds in sorted(counts.items())
    ]
    return f"not run here: {'; '.join(parts)}" if parts else ""


def lost(skipped: Sequence[Skipped], environment: Mapping[str, str]) -> str | None:
    """Why a run in CI is no success although nothing failed: it has Terraform, and did not test with it."""
    count = sum(one.reason.startswith(TERRAFORM) for one in skipped)
    if (
        environment.get("CI") != "true"
        or not count
        or shutil.which("terraform", path=environment.get("PATH")) is None
    ):
        return None
    return f"CI has Terraform, and {count} of its tests were not run"
