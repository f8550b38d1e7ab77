"""Two runs at once on one bucket: the lease serialises them and nothing is lost."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.model import Outcome
from tests.strict import Call, Notifications, PermissionLag, Rule
from tests.strict.wire import Answer
from tests.support.clouds import Cloud, upload
from tests.support.engine import Lab, Meanwhile, Run
from tests.support.projects import UPLOADS, make_fleet, make_project, make_target, trigger

LEASE = f"lockstep/leases/{UPLOADS}.json"
ROOT = Path(__file__).parents[2]


def lease(lab: Lab) -> dict[str, Any]:
    """Return the lease object's content."""
    body = lab.client("s3").get_object(Bucket=UPLOADS, Key=LEASE)["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def write_lease(lab: Lab, **content: Any) -> None:
    """Put a lease of somebody else's."""
    upload(lab.aws.behind, UPLOADS, LEASE, json.dumps(content).encode())


def prefixes(lab: Lab) -> set[str]:
    """Return the prefixes that are served on the bucket."""
    entries = lab.notifications().get("LambdaFunctionConfigurations", ())
    return {entry["Filter"]["Key"]["FilterRules"][0]["Value"] for entry in entries}


def test_two_runs_in_threads_lose_nothing(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Four engines of different projects that write one bucket at the same moment all keep their entries."""
    lab = lab_on(cloud, PermissionLag(calls=1), Notifications())
    barrier = threading.Barrier(4)
    runs: dict[str, Run] = {}

    def work(name: str) -> None:
        fleet = make_fleet(
            *(make_target(f"staging/{name}-{n}", trigger(f"{name}/{n}/")) for n in range(3)), project=name
        )
        runs[name] = lab.run(fleet, project=make_project(name), between=lambda _: barrier.wait(30))

    threads = [threading.Thread(target=work, args=(f"project-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(run.report.is_success for run in runs.values()), [run.failures for run in runs.values()]
    assert prefixes(lab) == {f"project-{n}/{m}/" for n in range(4) for m in range(3)}
    assert lease(lab)["released"] is True


def test_two_processes_lose_nothing(cloud: Cloud, lab_on: Callable[..., Lab], tmp_path: Path) -> None:
    """The lease holds between processes too: each run's entries are there in the end."""
    lab = lab_on(cloud, Notifications())
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.support.engine import PACE\n"
        "from tests.support.projects import fetch_into, make_fleet, make_project, make_target, trigger\n"
        "from lockstep.engines.aws import AwsEngine\n"
        "from lockstep.planning.policy import Rules\n"
        "name = sys.argv[1]\n"
        "rules = Rules(project=make_project(name))\n"
        "engine = AwsEngine(rules, lambda p: fetch_into(Path(sys.argv[2]), p), pace=PACE)\n"
        "targets = [make_target(f'staging/{name}-{n}', trigger(f'{name}/{n}/')) for n in range(3)]\n"
        "plan = engine.preview(make_fleet(*targets, project=name)).plan\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "report = engine.apply(plan, lambda _: None)\n"
        "sys.exit(0 if report.is_success else repr(report.results))\n"
    )
    environment = {**os.environ, **lab.aws.environment(), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    processes = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", program, name, str(tmp_path / name)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert prefixes(lab) == {f"{name}/{n}/" for name in ("one", "two", "three") for n in range(3)}


def test_the_lease_is_given_back_after_success_and_failure(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """After a run the lease is free, also when S3 refused the write that it protected."""
    lab = lab_on(cloud, Notifications())
    lab.sync(make_fleet(make_target("staging/a", trigger("a/"))))
    assert lease(lab)["released"] is True
    dead = {
        "Id": "dead",
        "LambdaFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:gone",
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "gone/"}]}},
    }
    live = lab.notifications()
    lab.put_notifications({"LambdaFunctionConfigurations": [*live["LambdaFunctionConfigurations"], dead]})
    run = lab.run(make_fleet(make_target("staging/a", trigger("b/"))))
    assert run.failures
    assert lease(lab)["released"] is True


def test_waiting_for_a_lease_ends_with_its_owners_name(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A lease that is not given back in time fails the step and says who holds it; nothing is written."""
    lab = lab_on(cloud)
    write_lease(lab, owner="ci@build-7", run="4711", token="x", released=False)
    pace = replace(lab.pace, lease_total=0.2)
    run = lab.run(make_fleet(make_target("staging/a", trigger("a/"))), pace=pace)
    assert "ci@build-7, run 4711 has been writing these notifications" in run.failures[f"bucket:{UPLOADS}"]
    assert f"s3://{UPLOADS}/{LEASE}" in run.failures[f"bucket:{UPLOADS}"]
    assert not prefixes(lab)
    assert lease(lab)["token"] == "x"


def test_an_expired_lease_is_taken_over(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """The lease of a run that was killed is over after its time, by S3's own clock."""
    lab = lab_on(cloud)
    write_lease(lab, owner="dead@host", run="", token="x", released=False)
    pace = replace(lab.pace, lease_ttl=0.5)
    lab.sync(make_fleet(make_target("staging/a", trigger("a/"))), pace=pace)
    assert prefixes(lab) == {"a/"}
    assert lease(lab)["token"] != "x"


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b'{"released": true}'])
def test_a_damaged_lease_is_waited_out(cloud: Cloud, lab_on: Callable[..., Lab], content: bytes) -> None:
    """Whatever lies under the lease's key, it is over after its time and replaced."""
    lab = lab_on(cloud)
    upload(cloud, UPLOADS, LEASE, content)
    pace = replace(lab.pace, lease_ttl=0.5)
    lab.sync(make_fleet(make_target("staging/a", trigger("a/"))), pace=pace)
    assert prefixes(lab) == {"a/"}


class Dated(Rule):
    """Something between here and S3 takes the ``Date`` of answers away, or writes another one."""

    def __init__(self, date: str | None) -> None:
        self._date = date

    def after(self, call: Call, answer: Answer) -> Answer:
        """Change the answer of a lease's reading."""
        if call.name == "s3.GetObject":
            answer.headers.pop("date", None)
            if self._date is not None:
                answer.headers["date"] = self._date
        return answer


ODD = (
    None,
    "",
    "soon",
    "Fri, 99 Foo 2026 25:61:00 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Thu, 01 Jan 2099 00:00:00 GMT",
    "Thu, 01 Jan 2099 00:00:00 -0000",
)


@pytest.mark.parametrize("date", ODD)
def test_a_lease_whose_age_nobody_tells_stops_the_step(
    cloud: Cloud, lab_on: Callable[..., Lab], date: str | None
) -> None:
    """Without a time of S3's a lease is neither taken over nor waited for: the error says what is missing."""
    lab = lab_on(cloud, Dated(date))
    write_lease(lab, owner="ci@build-7", run="", token="x", released=False)
    run = lab.run(make_fleet(make_target("staging/a", trigger("a/"))))
    assert "does not tell the time by which it ends" in run.failures[f"bucket:{UPLOADS}"]
    assert lease(lab)["token"] == "x"
    assert not prefixes(lab)


@pytest.mark.parametrize("date", [None, "soon"])
def test_a_released_lease_needs_no_time(cloud: Cloud, lab_on: Callable[..., Lab], date: str | None) -> None:
    """A lease that was given back is taken whatever the answer's ``Date`` says."""
    lab = lab_on(cloud, Dated(date))
    write_lease(lab, owner="b", token="x", released=True)
    lab.sync(make_fleet(make_target("staging/a", trigger("a/"))))
    assert prefixes(lab) == {"a/"}


def test_a_lease_that_is_released_while_waiting_is_taken(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A waiting run goes on as soon as the other one is done."""
    lab = lab_on(
        cloud, Meanwhile("s3.GetObject", lambda _: write_lease(lab, owner="b", token="x", released=True))
    )
    write_lease(lab, owner="b", token="x", released=False)
    lab.sync(make_fleet(make_target("staging/a", trigger("a/"))))
    assert prefixes(lab) == {"a/"}


def test_stopping_ends_the_wait_for_a_lease(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Ctrl-C while another run holds the lease ends the step at once and leaves the lease alone."""
    stop = threading.Event()
    lab = lab_on(cloud, Meanwhile("s3.GetObject", lambda _: stop.set()))
    write_lease(lab, owner="b", token="x", released=False)
    run = lab.run(make_fleet(make_target("staging/a", trigger("a/"))), stop=stop)
    assert run.report.interrupted
    outcomes = {result.step: result.outcome for result in run.report.results}
    assert outcomes[f"bucket:{UPLOADS}"] is Outcome.NOT_TRIED
    assert outcomes["staging/a:create"] is Outcome.DONE
    assert lease(lab)["token"] == "x"
