"""Commands about a project of which one target is bad: what they say, and how they end.

``plan``, ``sync``, ``status`` and ``drift`` go on with the others and exit with 1.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockstep.engines.aws import engine
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.patience import Patience
from tests.strict import Call, Faults, Proxy
from tests.strict.errors import access_denied
from tests.strict.proxy import Rule
from tests.strict.wire import Answer
from tests.support import clouds
from tests.support.badinput.desk import NOTIFIER, PROJECT, STAGING, Desk, git
from tests.support.clouds import Cloud

KEYS = ("preview/pr-123/s3-notifier", "production/s3-notifier", "staging/s3-notifier")
BAD = KEYS[2]
VALUES = "syrf/environments/staging/s3-notifier/values.yaml"


@pytest.fixture
def desk(ministack: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose project is live and in sync."""
    clouds.make_role(ministack)
    for bucket in ("camarades-packages", "syrfapp-uploads"):
        clouds.make_bucket(ministack, bucket)
    monkeypatch.setattr(engine, "Pace", lambda: Pace(patience=Patience(attempts=2, connect=1.0, read=5.0)))
    faults = Faults()
    with Proxy(ministack, faults) as proxy, Desk.laid(tmp_path, proxy, faults) as desk:
        assert desk.run("sync").code == 0
        desk.aws.forget()
        yield desk


def rows(desk: Desk, command: str = "status") -> dict[str, Any]:
    """The rows of ``status`` or ``drift`` by target."""
    told = desk.run(command, "-o", "json")
    return {row["target"]: row for row in json.loads(told.out)["targets"]}


def plan(desk: Desk) -> dict[str, Any]:
    """What a plan says of each target."""
    told = desk.run("plan", "-o", "json")
    assert told.code == 1, told.all
    return {one["target"]: one for one in json.loads(told.out)["targets"]}


def parameter(desk: Desk) -> None:
    """Staging wants a parameter that is not there."""
    desk.write(VALUES, "# why\nlambda:\n  environment:\n    HOST: {ssm: /not/there}\n")


def package(desk: Desk) -> None:
    """Staging's package is gone."""
    desk.change(STAGING, '"0.1.6"', '"0.1.7"')


BLOCKING: dict[str, tuple[Callable[[Desk], None], str, str]] = {
    # What is bad -> where it is, and what is said.
    "parameter": (parameter, f"{VALUES}:4", "/not/there: no such parameter"),
    "package": (package, f"{STAGING}:4", "s3-notifier-0.1.7.zip"),
}


@pytest.mark.parametrize("name", BLOCKING)
def test_one_blocked_target_leaves_the_others_to_every_command(desk: Desk, name: str) -> None:
    """At the line of what is wrong, exit 1, and the others are as they would be without it."""
    spoil, place, words = BLOCKING[name]
    spoil(desk)
    desk.change(NOTIFIER, "memorySize: 512", "memorySize: 256")
    planned = plan(desk)
    assert {key: one["verb"] for key, one in planned.items()} == {
        KEYS[0]: "update",
        KEYS[1]: "update",
        BAD: "blocked",
    }
    assert planned[BAD]["problem"].startswith(f"{place}: ")
    assert words in planned[BAD]["problem"]
    assert desk.run("plan", "--exit-code").code == 1
    told = desk.run("sync")
    assert told.code == 1
    assert "1 target is blocked; the plan above says why" in told.err
    memory = {key: _memory(desk, name) for key, name in _FUNCTIONS.items()}
    assert memory == {KEYS[0]: 256, KEYS[1]: 256, BAD: 512}
    told = desk.run("status")
    assert told.code == 1
    assert place in told.out
    found = rows(desk)
    assert {key: found[key]["sync"] for key in KEYS} == {KEYS[0]: "Synced", KEYS[1]: "Synced", BAD: "Unknown"}
    assert list(rows(desk, "drift")) == [BAD]
    assert desk.run("drift").code == 1
    assert desk.run("status", "production").code == 0
    assert desk.run("sync", "production").code == 0


_FUNCTIONS = {
    KEYS[0]: "syrfAppUploadS3Notifier-pr-123",
    KEYS[1]: "syrfAppUploadS3Notifier",
    BAD: "syrfAppUploadS3Notifier-staging",
}


def _memory(desk: Desk, name: str) -> int:
    found = clouds.client(desk.aws.behind, "lambda").get_function(FunctionName=name)
    return int(found["Configuration"]["MemorySize"])


def away(desk: Desk) -> None:
    """The host of all releases is away."""
    desk.change(
        PROJECT,
        'source: directory\n  path: "packages/{service}-{version}.zip"',
        "source: https\n  url: http://127.0.0.1:9/{service}-{version}.zip",
    )


def full(desk: Desk) -> None:
    """Nothing can be written below the cache."""
    cache = desk.folder.parent / "cache"
    for file in sorted(cache.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    cache.rmdir()
    cache.write_text("")


@pytest.mark.parametrize("spoil", [away, full])
def test_what_could_not_be_read_is_unknown_and_no_drift(desk: Desk, spoil: Callable[[Desk], None]) -> None:
    """Each target with the reason, exit 1 whatever was asked for, and no issue is opened."""
    spoil(desk)
    found = rows(desk)
    assert {found[key]["sync"] for key in KEYS} == {"Unknown"}
    assert {found[key]["health"] for key in KEYS} == {"Healthy"}
    assert all(found[key]["problem"] for key in KEYS)
    assert {one["verb"] for one in plan(desk).values()} == {"unknown"}
    for words in (("status", "--exit-code"), ("drift", "--exit-code"), ("plan", "--exit-code"), ("sync",)):
        told = desk.run(*words)
        assert told.code == 1, words
    assert "3 targets are unknown" in told.err
    assert not desk.aws.counts(mutating=True)


def test_an_issue_is_neither_opened_nor_closed_by_what_was_not_read(desk: Desk) -> None:
    """What was found before stays open until somebody has looked again."""
    git(desk.folder, "init", "-q", "--bare", "../origin.git")
    git(desk.folder, "remote", "add", "origin", str(desk.folder.parent / "origin.git"))
    git(desk.folder, "push", "-q", "origin", "HEAD")
    text = (desk.folder / PROJECT).read_text()
    away(desk)
    told = desk.run("drift", "--issue")
    assert (told.code, "issue #" in told.all) == (1, False)
    desk.write(PROJECT, text)
    clouds.client(desk.aws.behind, "lambda").update_function_configuration(
        FunctionName=_FUNCTIONS[BAD], MemorySize=1024
    )
    told = desk.run("drift", "--issue")
    assert "issue #1" in told.all
    away(desk)
    told = desk.run("drift", "--issue")
    assert told.code == 1
    assert "issue #1" in told.all  # still open
    desk.write(PROJECT, text)
    assert desk.run("sync").code == 0
    assert desk.run("drift", "--issue").code == 0


def test_a_saved_plan_with_a_blocked_target_is_applied_as_it_was_shown(desk: Desk) -> None:
    """What is blocked still is; once it is mended the plan is stale."""
    parameter(desk)
    desk.change(NOTIFIER, "memorySize: 512", "memorySize: 256")
    assert desk.run("plan", "-o", "plan.json").code == 1
    told = desk.run("sync", "plan.json")
    assert told.code == 1
    assert "1 target is blocked" in told.err
    assert _memory(desk, _FUNCTIONS[KEYS[1]]) == 256
    assert desk.run("plan", "-o", "plan.json").code == 1
    clouds.client(desk.aws.behind, "ssm").put_parameter(Name="/not/there", Value="v", Type="String")
    told = desk.run("sync", "plan.json")
    assert told.code == 1
    assert "the plan is stale: what is live has changed since (staging/s3-notifier)" in told.err
    assert desk.run("sync").code == 0


class Foreign(Rule):
    """STS does not let the role of one environment be assumed."""

    def before(self, call: Call) -> Answer | None:
        """Refuse it."""
        return access_denied(call.operation) if call.name == "sts.AssumeRole" else None


def test_an_environment_whose_role_cannot_be_assumed_holds_back_itself(desk: Desk) -> None:
    """Its targets are unknown with the role's name, packages in S3 included; the others are synced."""
    clouds.client(desk.aws.behind, "s3").put_object(
        Bucket="camarades-packages",
        Key="0.1.5.zip",
        Body=(desk.folder / "packages/s3-notifier-0.1.5.zip").read_bytes(),
    )
    clouds.client(desk.aws.behind, "s3").put_object(
        Bucket="camarades-packages",
        Key="0.1.6.zip",
        Body=(desk.folder / "packages/s3-notifier-0.1.6.zip").read_bytes(),
    )
    desk.change(
        PROJECT,
        'source: directory\n  path: "packages/{service}-{version}.zip"',
        'source: s3\n  bucket: camarades-packages\n  key: "{version}.zip"',
    )
    desk.change(PROJECT, "  preview: {}", "  preview: {role: 'arn:aws:iam::123456789012:role/previews'}")
    desk.faults_first(Foreign())
    found = rows(desk)
    assert {key: found[key]["sync"] for key in KEYS} == {KEYS[0]: "Unknown", KEYS[1]: "Synced", BAD: "Synced"}
    assert "role/previews cannot be assumed" in found[KEYS[0]]["problem"]
    desk.change(NOTIFIER, "memorySize: 512", "memorySize: 256")
    assert desk.run("sync").code == 1
    assert _memory(desk, _FUNCTIONS[BAD]) == 256


def test_the_comment_on_a_pull_request_tells_of_what_is_bad(desk: Desk) -> None:
    """The plan as Markdown has the target's reason, and the others' changes."""
    parameter(desk)
    told = desk.run("plan", "-o", "markdown")
    assert told.code == 1
    assert f"{VALUES}:4: /not/there: no such parameter" in told.out
    assert "1 blocked" in told.out
