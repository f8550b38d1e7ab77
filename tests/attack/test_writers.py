"""Several writers of one bucket, and calls that get lost on the way: no entry of anybody's is lost."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.engines.aws.connection import Patience
from lockstep.engines.aws.lease import lies_in
from lockstep.model import PackageBucket
from lockstep.planning.notifications import Entry
from tests.strict import Call, PermissionLag, Proxy, Rule
from tests.strict.proxy import Hang
from tests.strict.wire import Answer
from tests.support.clouds import ACCOUNT, client, make_bucket, make_function
from tests.support.engine import Lab, Run, prepare
from tests.support.projects import PACKAGES, UPLOADS, make_fleet, make_project, make_target, trigger

PUT = "s3.PutBucketNotificationConfiguration"
LEASE = f"lockstep/leases/{UPLOADS}.json"


@pytest.fixture
def make_lab(
    strict: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch, moto: object, tmp_path: Path
) -> Callable[..., Lab]:
    """``make_lab(*rules)``: a strict AWS on moto."""

    def make(*rules: Rule, **fields: Any) -> Lab:
        aws = strict(moto, *rules)
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        return prepare(aws, tmp_path, **fields)

    return make


class Lost(Rule):
    """The first PUT of notifications gets no answer; where it does arrive, that is later."""

    def __init__(self) -> None:
        self.sent: list[Call] = []

    def before(self, call: Call) -> Answer | None:
        """Keep the first one."""
        if call.name != PUT or self.sent:
            return None
        self.sent.append(call)
        raise Hang


def prefixes(lab: Lab) -> set[str]:
    """What is served on the bucket."""
    entries = lab.notifications().get("LambdaFunctionConfigurations", ())
    return {entry["Filter"]["Key"]["FilterRules"][0]["Value"] for entry in entries}


def test_projects_with_package_buckets_of_their_own_share_the_lease(make_lab: Callable[..., Lab]) -> None:
    """Four writers that share nothing but the bucket with the triggers all keep their entries."""
    lab = make_lab(PermissionLag(calls=1))
    barrier = threading.Barrier(4)
    runs: dict[str, Run] = {}

    def work(name: str) -> None:
        make_bucket(lab.aws.behind, f"packages-{name}")
        project = replace(make_project(name), packages=PackageBucket(name=f"packages-{name}"))
        fleet = make_fleet(make_target(f"staging/{name}", trigger(f"{name}/")), project=name)
        runs[name] = lab.run(fleet, project=project, between=lambda _: barrier.wait(30))

    threads = [threading.Thread(target=work, args=(f"p{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(run.report.is_success for run in runs.values()), [run.failures for run in runs.values()]
    assert prefixes(lab) == {f"p{n}/" for n in range(4)}


def test_the_lease_calls_nobody() -> None:
    """Where each new object calls somebody, the lease lies with the packages, or nowhere."""
    packages = PackageBucket(name=PACKAGES)

    def where(prefix: str, suffix: str, *events: str) -> str | None:
        entry = Entry(kind="x", id="a", destination="d", prefix=prefix, suffix=suffix, events=events)
        found = lies_in(UPLOADS, [entry], packages)
        return found and found.name

    assert where("staging/", "", "s3:ObjectCreated:*") == UPLOADS
    assert where("", ".png", "s3:ObjectCreated:*") == UPLOADS
    assert where("", "", "s3:ObjectRemoved:*") == UPLOADS
    assert where("", "", "s3:ObjectCreated:*") == PACKAGES
    assert where("lock", ".json", "s3:ObjectCreated:Put") == PACKAGES
    anything = Entry(kind="x", id="a", destination="d", prefix="", suffix="", events=("s3:ObjectCreated:*",))
    assert lies_in(UPLOADS, [anything], None) is None
    assert lies_in(UPLOADS, [anything], packages, "locks") == PackageBucket(name="locks")


def test_a_put_without_an_answer_is_sent_once_and_then_looked_after(make_lab: Callable[..., Lab]) -> None:
    """The client never repeats it by itself: it is read again, the lease is kept, and then written."""
    lost = Lost()
    lab = make_lab(lost)
    pace = replace(lab.pace, patience=Patience(attempts=8, connect=2.0, read=0.5))
    run = lab.run(make_fleet(make_target("staging/a", trigger("a/"))), pace=pace)
    assert run.report.is_success, run.failures
    puts = lab.aws.named(PUT)
    assert [call.attempt for call in puts] == [1, 1]
    between = [call.name for call in lab.aws.calls if puts[0].number < call.number < puts[1].number]
    assert "s3.GetBucketNotificationConfiguration" in between
    assert between[-1] == "s3.PutObject"  # the lease


def test_after_a_put_that_may_still_arrive_nobody_else_writes(make_lab: Callable[..., Lab]) -> None:
    """A run that does not know what became of its write leaves its lease to run out."""

    class Never(Rule):
        def before(self, call: Call) -> Answer | None:
            if call.name == PUT:
                raise Hang
            return None

    lab = make_lab(Never())
    pace = replace(lab.pace, patience=Patience(attempts=8, connect=2.0, read=0.2), permission_pauses=(0.01,))
    run = lab.run(make_fleet(make_target("staging/a", trigger("a/"))), pace=pace)
    assert "did not answer in time" in run.error
    body = lab.client("s3").get_object(Bucket=UPLOADS, Key=LEASE)["Body"].read()
    assert b'"released": false' in body


def test_the_lease_is_checked_last_before_the_write(make_lab: Callable[..., Lab]) -> None:
    """Whoever overwrites the lease after the reading stops the write."""

    class Steal(Rule):
        readings = 0

        def before(self, call: Call) -> Answer | None:
            """Steal it at the reading under the lease, which follows the plan's."""
            if call.name == "s3.GetBucketNotificationConfiguration":
                self.readings += 1
                if self.readings == 2:
                    lab.client("s3").put_object(Bucket=UPLOADS, Key=LEASE, Body=b'{"owner": "b"}')
            return None

    lab = make_lab(Steal())
    run = lab.run(make_fleet(make_target("staging/a", trigger("a/"))))
    assert "took over the lease" in run.error
    assert not lab.aws.named(PUT)


@pytest.mark.parametrize("is_busy", [False, True])
def test_without_a_common_lease_what_another_writer_dropped_is_written_again(
    make_lab: Callable[..., Lab], is_busy: bool
) -> None:
    """Entries of its own and of others alike, when they went after the read-back; what came stays.

    Of a project that has written since nobody knows whether it put the new ones in their place: it is told.
    """
    function = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:other"
    project = "p9" if is_busy else "p8"
    lost, came = (
        {
            "Id": f"lockstep-{name}.staging.x.{digit * 12}",
            "LambdaFunctionArn": function,
            "Events": ["s3:ObjectRemoved:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": f"{digit}/"}]}},
        }
        for name, digit in (("p9", "1"), (project, "2"))
    )

    class Overwriting(Rule):
        """At the first look after the read-back: another one has written what it had read before."""

        readings = 0

        def before(self, call: Call) -> Answer | None:
            if call.name == "s3.GetBucketNotificationConfiguration":
                self.readings += 1
                if self.readings == 4:  # the plan's, the write's, the read-back
                    put([came])
            return None

    lab = make_lab(Overwriting())

    def put(entries: list[dict[str, Any]]) -> None:
        client(lab.aws.behind, "s3").put_bucket_notification_configuration(
            Bucket=UPLOADS, NotificationConfiguration={"LambdaFunctionConfigurations": entries}
        )

    make_function(lab.aws.behind, "other")
    put([lost])
    pace = replace(lab.pace, second_look=0.01)
    fleet = make_fleet(make_target("staging/a", trigger("", suffix=".json")))
    run = lab.run(fleet, pace=pace, project=replace(lab.project, packages=None))
    ids = {one["Id"] for one in lab.notifications()["LambdaFunctionConfigurations"]}
    if is_busy:
        assert str(lost["Id"]) in run.error
        assert ids == {came["Id"]}
        return
    assert run.report.is_success, run.failures
    assert len(ids) == 3
    assert {lost["Id"], came["Id"]} < ids
