"""Status tables."""

import json
from datetime import UTC, datetime

import pytest

from lockstep.model import Change, Health, StatusRow, SyncStatus
from lockstep.render.cells import columns_of
from lockstep.render.documents import status_document
from lockstep.render.status import age_words, status_lines, wide_lines

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def row(
    target: str,
    *,
    kind: str = "lambda",
    live: str | None = "0.1.6",
    status: SyncStatus = SyncStatus.SYNCED,
    **more: object,
) -> StatusRow:
    """One row of a status."""
    environment, _, service = target.rpartition("/")
    fields = {"declared": "0.1.6", "health": Health.HEALTHY, **more}
    return StatusRow(
        target=target,
        service=service,
        environment=environment,
        deployment_type=kind,
        live=live,
        status=status,
        **fields,  # type: ignore[arg-type]
    )


def test_services_are_rows_and_environments_columns() -> None:
    """Each cell says version, sync and health without colour; other services their version."""
    rows = [
        row("production/s3-notifier", live="0.1.5", status=SyncStatus.OUT_OF_SYNC),
        row("staging/s3-notifier"),
        row("staging/api", kind="helm", live=None, status=SyncStatus.UNKNOWN, health=Health.UNKNOWN),
    ]
    assert status_lines(rows) == [
        "SERVICE      production                          staging",
        "s3-notifier  0.1.5 -> 0.1.6 ▲ OutOfSync/Healthy  0.1.6 ● Synced/Healthy",
        "api          -                                   0.1.6 (helm)",
        "",
        "Status: 1 synced, 1 out of sync, 0 unknown; 1 not deployed by Lockstep.",
    ]


def test_many_environments_come_in_tables_that_fit() -> None:
    """Previews do not make lines longer than the terminal, and none is lost."""
    names = [f"preview/pr-{n}" for n in range(12)]
    lines = status_lines([row(f"{name}/s3-notifier") for name in names], columns=80)
    assert max(map(columns_of, lines)) <= 80
    assert all(any(name in line.split() for line in lines) for name in names)


def test_an_alias_is_shown_with_the_version_that_it_points_at() -> None:
    """In the cell, in the wide listing and in JSON; 80 columns are enough, for a long name too."""
    rows = [
        row("production/s3-notifier", live="0.1.5", status=SyncStatus.OUT_OF_SYNC, alias="production:42"),
        row("staging/s3-notifier", alias="a-name-that-is-rather-long:43"),
    ]
    lines = status_lines(rows, columns=80)
    assert "s3-notifier  0.1.5 -> 0.1.6 production:42 ▲ OutOfSync/Healthy" in lines
    assert "s3-notifier  0.1.6 :43 ● Synced/Healthy" in lines
    assert max(map(columns_of, lines)) <= 80
    wide = wide_lines([*rows, row("staging/b")], now=NOW)
    assert wide[0].split()[:5] == ["TARGET", "DECLARED", "LIVE", "ALIAS", "SYNC"]
    assert [line.split()[3] for line in wide[1:4]] == ["production:42", "a-name-that-is-rather-long:43", "-"]
    told = json.loads(status_document(rows, ()))["targets"]
    assert [one["alias"] for one in told] == ["production:42", "a-name-that-is-rather-long:43"]


def test_what_differs_is_listed_with_masks() -> None:
    """Drift is shown value by value; secrets are not."""
    changes = (
        Change(path="memorySize", old=256, new=512),
        Change(path="environment.TOKEN", old="x", new="y"),
    )
    lines = status_lines([row("staging/a", status=SyncStatus.OUT_OF_SYNC, changes=changes)], ["one note"])
    start = lines.index("staging/a")
    assert lines[start + 1 : start + 3] == [
        "    memorySize: 256 -> 512",
        "    environment.TOKEN: (secret) -> (another secret)",
    ]
    assert "note: one note" in lines


def test_the_wide_listing_has_a_line_for_each_target() -> None:
    """Who changed it last, when and in which commit."""
    one = row("staging/a", commit="0123456789" * 4, author="Ada", changed="2026-11-22T11:00:00+00:00")
    lines = wide_lines([one, row("staging/b", kind="helm", live=None)], now=NOW)
    assert lines[0].split() == ["TARGET", "DECLARED", "LIVE", "SYNC", "HEALTH", "CHANGED", "BY", "COMMIT"]
    assert lines[1].split() == [
        "staging/a",
        "0.1.6",
        "0.1.6",
        "●",
        "Synced",
        "Healthy",
        "1d",
        "Ada",
        "01234567",
    ]
    assert lines[2].split() == ["staging/b", "0.1.6", "-", "helm", "-", "-", "-", "-"]


def test_health_that_was_not_read_again_tells_its_age() -> None:
    """In the wide listing and in JSON; what was just read has none."""
    rows = [row("staging/a", well="2026-11-23T09:00:00+00:00"), row("staging/b")]
    lines = wide_lines(rows, now=NOW)
    assert "Healthy (3h ago)" in lines[1]
    assert "ago" not in lines[2]
    read = [one["healthRead"] for one in json.loads(status_document(rows, ()))["targets"]]
    assert read == ["2026-11-23T09:00:00+00:00", None]


def test_no_targets_are_a_table_without_rows() -> None:
    """Nothing selected is no crash."""
    assert status_lines([]) == ["Status: 0 synced, 0 out of sync, 0 unknown."]
    assert len(wide_lines([], now=NOW)) == 3


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (None, "-"),
        ("2026-11-23T11:59:30Z", "30s"),
        ("2026-11-23T11:00:00+01:00", "2h"),
        ("2024-11-01", "2y"),
        ("2026-11-24", "0s"),
        ("long ago", "long ago"),
    ],
)
def test_ages_are_short(moment: str | None, words: str) -> None:
    """One number and a unit; what is no time is shown as it is."""
    assert age_words(moment, NOW) == words
