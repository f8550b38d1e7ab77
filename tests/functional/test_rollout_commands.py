"""Rollouts by the commands that people and jobs run, with steps of a second."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from lockstep.delivery.sync import run
from lockstep.git import command, objects
from tests.strict import Faults, Notifications, Proxy, Revisions, Versions
from tests.support import clouds
from tests.support.badinput.desk import STAGING, Desk, Told, git
from tests.support.clouds import Cloud, client

TARGET, NAME = "staging/s3-notifier", "syrfAppUploadS3Notifier-staging"


@pytest.fixture
def desk(ministack: Cloud, tmp_path: Path) -> Iterator[Desk]:
    """A project whose first release is live behind an alias."""
    clouds.make_role(ministack)
    for bucket in ("camarades-packages", "syrfapp-uploads"):
        clouds.make_bucket(ministack, bucket)
    proxy = Proxy(ministack, Revisions(), Versions(), Notifications())
    with proxy as aws, Desk.laid(tmp_path, aws, Faults()) as desk:
        desk.env["GIT_AUTHOR_NAME"] = "Ada"
        yield desk


def first(desk: Desk, rollout: str) -> None:
    """0.1.5 is live and 0.1.6 is declared."""
    desk.change(STAGING, '  version: "0.1.6"\n', f'  version: "0.1.5"\n  alias: live\n  rollout: {rollout}\n')
    git(desk.folder, "commit", "-qam", "0.1.5")
    assert sync(desk).code == 0
    desk.change(STAGING, '"0.1.5"', '"0.1.6"')
    git(desk.folder, "commit", "-qam", "0.1.6")


def sync(desk: Desk, *options: str) -> Told:
    """Sync the target."""
    return desk.run("sync", TARGET, "--yes", *options)


def alias(desk: Desk) -> tuple[str, dict[str, float]]:
    """Where the alias points, and its weights."""
    found = client(desk.aws.behind, "lambda").get_alias(FunctionName=NAME, Name="live")
    return found["FunctionVersion"], (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


class Hasty:
    """A clock on which what is waited for has passed at once."""

    passed = 0.0

    def __init__(self, *, stop: object) -> None:
        self.stop = stop

    def now(self) -> datetime:
        """The machine's time, and what was waited."""
        return datetime.now(UTC) + timedelta(seconds=Hasty.passed)

    def wait(self, seconds: float) -> bool:
        """Nobody stops it."""
        Hasty.passed += seconds
        return False


def test_a_sync_follows_a_rollout_to_its_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is told when it is taken, and the release is deployed when all calls are its own."""
    monkeypatch.setattr(run, "WallClock", Hasty)
    first(desk, "[{weight: 10%, for: 90s}, {weight: 50%, for: 1m}]")
    plan = desk.run("plan", TARGET)
    assert "rollout: 10% for 2 min, 50% for 1 min, then all calls" in plan.out
    done = sync(desk)
    assert done.code == 0, done.all
    words = "give it 10% of the calls of live, step 1 of 2", "give version 2 50% of the calls of live"
    for text in (*words, "point alias live at version 2"):
        assert text in done.out
    assert f"{TARGET}: 0.1.6 has all calls" in done.err
    assert Hasty.passed > 100
    assert alias(desk) == ("2", {})
    (row,) = json.loads(desk.run("status", TARGET, "-o", "json").out)["targets"]
    assert (row["sync"], row["rollout"]) == ("Synced", None)


def test_a_rollout_that_is_left_is_gone_on_with_and_approved(desk: Desk) -> None:
    """Status and drift know it, the next sync takes what is due, and somebody approves."""
    first(desk, "[{weight: 10%, for: 9m}, {pause: approval}]")
    assert sync(desk, "--no-wait").code == 0
    status = desk.run("status", TARGET)
    assert "0.1.5 -> 0.1.6 live:1 ▲ OutOfSync/Progressing" in status.out
    assert "rollout: Progressing 10% 0.1.6, step 1 of 2, 9 min left" in status.out
    drift = desk.run("drift", TARGET, "--exit-code")
    assert (drift.code, drift.out.strip()) == (0, "Everything is as Git says.")
    aws = client(desk.aws.behind, "lambda")
    told = aws.get_alias(FunctionName=NAME, Name="live")["Description"]
    old = re.sub(r"\d{8}T\d{6}Z", "20260101T000000Z", told)
    aws.update_alias(FunctionName=NAME, Name="live", Description=old)
    forgotten = desk.run("drift", TARGET, "--exit-code")
    assert forgotten.code == 2
    assert "Progressing 10% 0.1.6, step 1 of 2, overdue for" in forgotten.out
    aws.update_alias(FunctionName=NAME, Name="live", Description=told)
    refused = desk.run("rollout", "approve", TARGET)
    assert refused.code == 1
    assert "the step is not over" in refused.err
    assert desk.run("rollout", "pause", TARGET, "--reason", "lunch").code == 0
    seen = desk.run("rollout", "status", TARGET)
    assert "Suspended (by Ada: lunch) 10% 0.1.6, step 1 of 2" in seen.out
    assert desk.run("rollout", "abort", TARGET, "--reason", "it is slow").code == 0
    assert alias(desk) == ("1", {})
    again = sync(desk)
    assert again.code == 1
    assert "0.1.6 was taken back" in again.out
    assert "it is slow" in " ".join(again.out.split())
    assert desk.run("rollout", "retry", TARGET).code == 0
    desk.change(STAGING, "{weight: 10%, for: 9m}, ", "")
    waiting = sync(desk)
    assert waiting.code == 0
    assert "Suspended (waiting for approval) 0% 0.1.6, step 1 of 1" in waiting.err
    assert desk.run("rollout", "approve", TARGET).code == 0
    assert alias(desk) == ("2", {})
    records = git(desk.folder, "show", "refs/lockstep/syncs:syrf/staging/s3-notifier.jsonl").splitlines()
    assert [(json.loads(one)["done"], json.loads(one)["version"]) for one in records[-1:]] == [
        ("deployed", "0.1.6")
    ]
    assert sync(desk).code == 0


def test_a_failed_gate_ends_the_sync_with_the_alias_back(desk: Desk) -> None:
    """Exit code 1, and the reason where the end of a log is read."""
    clouds.make_alarm(desk.aws.behind, "checkout", "OK")
    first(desk, "{steps: [{weight: 10%, for: 9m}], alarms: [checkout]}")
    assert sync(desk, "--no-wait").code == 0
    clouds.make_alarm(desk.aws.behind, "checkout", "ALARM")
    done = sync(desk)
    assert done.code == 1
    assert "take all calls of live back to version 1: alarm checkout: ALARM" in " ".join(done.out.split())
    assert alias(desk) == ("1", {})
    assert "OutOfSync/Degraded" in desk.run("status", TARGET).out


@pytest.mark.parametrize("word", ["status", "approve", "retry"])
def test_words_about_what_has_no_rollout_are_bad_input(desk: Desk, word: str) -> None:
    """At the line of the declaration, and for a pattern of several."""
    told = desk.run("rollout", word, TARGET)
    assert told.code == 3
    assert "no rollout is declared for it" in told.err
    assert f"{STAGING}:" in told.err
    assert desk.run("rollout", word, "staging").code == 3


def test_a_failed_gate_says_so_in_git_where_that_is_wanted(desk: Desk) -> None:
    """The last good version is proposed with a hold, as a rollback does; the alias is back before."""
    clouds.make_alarm(desk.aws.behind, "checkout", "OK")
    git(desk.folder, "init", "-q", "--bare", "../server.git")
    git(desk.folder, "remote", "add", "origin", "../server.git")
    first(desk, "{steps: [{weight: 10%, for: 9m}], alarms: [checkout], onFailure: rollback}")
    git(desk.folder, "push", "-q", "-u", "origin", "main")
    assert sync(desk, "--no-wait").code == 0
    clouds.make_alarm(desk.aws.behind, "checkout", "ALARM")
    done = sync(desk)
    assert done.code == 1
    assert alias(desk) == ("1", {})
    git(desk.folder, "fetch", "-q")
    assert "pull request #1" in done.err
    declared = git(desk.folder, "show", f"origin/lockstep/rollback/{TARGET}:{STAGING}")
    assert 'version: "0.1.5"' in declared
    assert "alarm checkout: ALARM" in declared


def test_a_release_is_taken_back_by_one_write(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its version is published still: planned once, from one look at AWS. What was planned is the
    commit that is pushed, and git is asked once for what no commit changes.
    """
    first(desk, "allAtOnce")
    assert sync(desk).code == 0
    assert alias(desk) == ("2", {})
    begun: list[Sequence[str]] = []
    start = command.start_git

    def starting(arguments: Sequence[str], **options: Any) -> Popen[bytes]:
        begun.append(arguments)
        return start(arguments, **options)

    monkeypatch.setattr(command, "start_git", starting)
    for name in ("_KNOWN", "_LISTED"):  # as in a process of its own
        monkeypatch.setattr(objects, name, objects._Known(1_000_000))
    desk.aws.forget()
    done = desk.run("rollback", TARGET, "--now", "--reason", "it loses files")
    assert done.code == 0, done.all
    assert alias(desk) == ("1", {})
    assert desk.aws.counts(mutating=True) == {"lambda.UpdateAlias": 1}
    counts = desk.aws.counts()
    once = ("sts.GetCallerIdentity", "tagging.GetResources", "lambda.ListVersionsByFunction")
    assert {counts[name] for name in once} == {1}
    assert not [words for words in begun if "status" in words]  # whatever lies in the work tree
    assert len([words for words in begun if "cat-file" in words]) <= 8
    # The declaration, the same with the digest that its package turned out to have, and the record.
    assert len([words for words in begun if "commit-tree" in words]) == 3
    assert len(begun) <= 55, len(begun)
