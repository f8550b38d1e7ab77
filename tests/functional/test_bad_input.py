"""The table of bad inputs: whatever is wrong, the user is told where and what to do, and nothing changes.

Each row spoils one thing on a desk where everything else works. Most commands are a ``sync``, which would
change a lot if the spoiled thing went unseen.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.engines.aws import engine
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.patience import Patience
from tests.strict import Fault, Faults, Notifications, Proxy
from tests.support import clouds
from tests.support.badinput.desk import SECRETS, Desk, Row
from tests.support.badinput.files import FILES
from tests.support.badinput.shell import GIT, SHELL
from tests.support.badinput.world import AWS, PACKAGES

ROWS = FILES | SHELL | GIT | PACKAGES | AWS
AS_PROCESSES = (
    "yaml: version as a float",
    "project: missing",
    "target: unknown",
    "option: unknown",
    "plan file: empty",
    "setting: LOCKSTEP_LOG",
    "git: unknown revision",
    "repo: wrong password",
    "package: not a zip",
    "credentials: none",
    "network: nobody listens",
)
"""Rows that are also run as a user's shell runs them."""


def furnish(cloud: clouds.Cloud) -> None:
    """What the project needs in AWS before the first sync."""
    clouds.make_role(cloud)
    clouds.make_bucket(cloud, "camarades-packages")
    clouds.make_bucket(cloud, "syrfapp-uploads")


@pytest.fixture(scope="module")
def aws() -> Iterator[Proxy]:
    """One strict AWS for the whole table."""
    cloud = clouds.start("ministack")
    furnish(cloud)
    with Proxy(cloud) as proxy:
        yield proxy
    cloud.stop()


@pytest.fixture
def desk(aws: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk on which everything works; a call that fails is tried twice, with little patience."""
    patience = Patience(attempts=2, connect=1.0, read=1.0)
    monkeypatch.setattr(engine, "Pace", lambda: Pace(patience=patience))
    faults = Faults()
    rules = (faults, Notifications())
    for rule in rules:
        rule.start(aws._upstream)
    aws.rules = rules
    with Desk.laid(tmp_path, aws, faults) as desk:
        yield desk
    if desk.is_dirty:
        aws.behind.reset()
        furnish(aws.behind)


def check(desk: Desk, row: Row, *, is_process: bool) -> None:
    """Spoil the desk, run the row's command and hold it to the table's laws."""
    row.spoil(desk)
    desk.aws.forget()
    before = desk.fingerprint()
    words = [desk.env.get(word[1:], word) if word.startswith("$") else word for word in row.words]
    told = desk.process(*words) if is_process else desk.run(*words)
    assert told.code == row.code, told.all
    assert "Traceback" not in told.all
    assert "this is a bug" not in told.all
    flat = " ".join(told.all.split())  # a plan's reasons are wrapped
    for text in row.says:
        assert text in told.all or text in flat
    if row.has_fix:
        assert "  fix: " in told.all
    for secret in SECRETS:
        assert secret not in told.all
    assert "\x1b" not in told.all
    assert not desk.aws.counts(mutating=True)
    assert desk.fingerprint() == before


@pytest.mark.parametrize("name", ROWS)
def test_bad_input_is_told_and_changes_nothing(desk: Desk, name: str) -> None:
    """The exit code, the place, the remedy; no traceback, no secret, no call that changes anything."""
    check(desk, ROWS[name], is_process=False)


@pytest.mark.parametrize("name", AS_PROCESSES)
def test_a_process_of_its_own_says_the_same(desk: Desk, name: str) -> None:
    """The same rows from outside: no output of an interpreter that ends, no other exit code."""
    check(desk, ROWS[name], is_process=True)


@pytest.mark.parametrize(
    ("removed", "says"),
    [
        ("syrf/environments/preview/pr-123/pr.yaml", "no pr.yaml, so this is no preview"),
        ("syrf/environments/staging", "lockstep.yaml:7: staging is listed, and no service is declared in it"),
    ],
)
def test_what_is_allowed_and_odd_is_a_warning(desk: Desk, removed: str, says: str) -> None:
    """A half-written preview and an empty environment: on stderr, and the rest is planned."""
    path = desk.folder / removed
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    desk.aws.forget()
    told = desk.run("plan")
    assert told.code == 0
    assert says in told.err
    assert all(line.startswith("warning: ") for line in told.err.splitlines())
    assert "production/s3-notifier" in told.out
    assert not desk.aws.counts(mutating=True)


def test_a_bucket_of_another_account_is_refused(desk: Desk) -> None:
    """A package never goes into a bucket that somebody else made under the expected name."""
    desk.faults.add(Fault(mode="access_denied", operation="s3.HeadObject"))
    told = desk.run("sync")
    assert told.code == 1
    assert "s3:HeadObject: access denied" in " ".join(told.out.split())
    assert not desk.aws.counts(mutating=True)
    (call, *_) = desk.aws.named("s3.HeadObject")
    assert call.request.headers["x-amz-expected-bucket-owner"] == "123456789012"


def test_the_desk_is_good(desk: Desk) -> None:
    """Without a spoiled thing everything works; else the table would show nothing."""
    told = desk.run("plan", "--exit-code")
    assert (told.code, told.err) == (2, "")
    desk.is_dirty = True
    told = desk.run("sync")
    assert (told.code, told.err) == (0, "")
    assert desk.run("plan", "--exit-code").code == 0
    assert not any(secret in told.all for secret in SECRETS)


def test_the_table_is_long_enough() -> None:
    """Each kind of thing that can be wrong has its rows."""
    assert len(ROWS) >= 200
