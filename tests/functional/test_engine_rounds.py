"""``sync`` as a whole: what changes under it is read and planned again, up to three times."""

import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan, run_sync
from lockstep.model import Plan, Report, Verb
from tests.strict import Call, Notifications, Revisions, UpdatesInProgress
from tests.support.clouds import REGION, Cloud, client, make_function, make_zip
from tests.support.engine import Lab, Meanwhile, Refuse
from tests.support.projects import PACKAGES, UPLOADS
from tests.support.watching import Telling

NAME = "notifier-staging"
PROJECT = f"""\
project: shop
folder: shop
region: {REGION}
environments: {{staging: {{}}}}
packages: {{bucket: {PACKAGES}}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
triggers: {{bucket: {UPLOADS}}}
"""
SERVICE = "lambda: {role: lambda-role, runtime: python3.12, handler: app.handler, memorySize: %d}\n"
VERSION = """\
serviceName: notifier
envName: staging
lambda: {version: "%s", functionName: notifier-staging, s3TriggerPrefix: "staging/"}
"""


@pytest.fixture
def cloud(each_cloud: Cloud) -> Cloud:
    """The whole way is gone on both, once."""
    return each_cloud


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository that declares one function."""
    root = tmp_path / "repository"
    service, environment = root / "shop/services/notifier", root / "shop/environments/staging/notifier"
    for one in (service, environment, root / "packages"):
        one.mkdir(parents=True)
    (root / "lockstep.yaml").write_text(PROJECT)
    (service / "config.yaml").write_text("serviceName: notifier\ndeploymentType: lambda\n")
    (service / "values.yaml").write_text(SERVICE % 256)
    (environment / "config.yaml").write_text(VERSION % "1.0.0")
    for version in ("1.0.0", "2.0.0"):
        (root / f"packages/notifier-{version}.zip").write_bytes(make_zip(f"version = '{version}'\n"))
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def opened(folder: Path) -> Workspace:
    """Return the project as it lies on disk."""
    return open_workspace(Where(folder=folder, cache=folder.parent / "cache"))


def sync(folder: Path, *, between: Callable[[Plan], None] = lambda _: None) -> tuple[Plan, Report]:
    """Run ``lockstep sync``."""
    return run_sync(opened(folder), Options(), watcher=Telling(planned=between), stop=threading.Event())


def change(folder: Path, *, version: str = "1.0.0", memory: int = 256) -> None:
    """Declare something else."""
    (folder / "shop/environments/staging/notifier/config.yaml").write_text(VERSION % version)
    (folder / "shop/services/notifier/values.yaml").write_text(SERVICE % memory)


def test_a_change_behind_our_back_is_planned_again_and_mended(
    cloud: Cloud, lab_on: Callable[..., Lab], folder: Path
) -> None:
    """A stale revision costs one more round: both changes are what Git says in the end."""

    def somebody(_: object) -> None:
        lab.somebody("lambda").update_function_configuration(FunctionName=NAME, Timeout=77)

    lab = lab_on(cloud, Revisions(), Notifications())
    assert sync(folder)[1].is_success
    change(folder, memory=512)
    _, report = sync(folder, between=somebody)
    assert report.is_success, report.results
    live = lab.live(NAME)["Configuration"]
    assert (live["MemorySize"], live["Timeout"]) == (512, 3)
    assert not sync(folder)[0].steps


def test_an_update_of_somebody_elses_that_is_under_way_is_waited_for(
    cloud: Cloud, lab_on: Callable[..., Lab], folder: Path
) -> None:
    """409 "in progress" is waited out within the three rounds."""

    def somebody(_: object) -> None:
        lab.somebody("lambda").update_function_configuration(FunctionName=NAME, Timeout=77)

    lab = lab_on(cloud, Revisions(), UpdatesInProgress(calls=2), Notifications())
    assert sync(folder)[1].is_success
    change(folder, version="2.0.0", memory=512)
    _, report = sync(folder, between=somebody)
    assert report.is_success, report.results
    live = lab.live(NAME)
    assert (live["Configuration"]["MemorySize"], live["Configuration"]["Timeout"]) == (512, 3)
    assert live["Tags"]["lockstep:version"] == "2.0.0"


def test_a_function_that_appears_meanwhile_is_no_success(
    cloud: Cloud, lab_on: Callable[..., Lab], folder: Path
) -> None:
    """When the next round finds a function that nobody owns, the sync fails and says what to decide."""
    lab = lab_on(cloud, Notifications())
    _, report = sync(folder, between=lambda _: make_function(cloud, NAME))
    assert not report.is_success
    errors = " ".join(result.error or "" for result in report.results)
    assert "exists already" in errors or "--adopt" in errors
    assert "lockstep:project" not in (lab.live(NAME).get("Tags") or {})
    plan = sync(folder)[0]
    assert plan.targets[0].verb is Verb.ADOPT


def test_a_function_deleted_meanwhile_is_created(
    cloud: Cloud, lab_on: Callable[..., Lab], folder: Path
) -> None:
    """A function that vanishes between plan and update is created in the next round."""
    lab = lab_on(cloud, Notifications())
    assert sync(folder)[1].is_success
    change(folder, memory=512)
    _, report = sync(folder, between=lambda _: client(cloud, "lambda").delete_function(FunctionName=NAME))
    assert report.is_success, report.results
    assert lab.live(NAME)["Configuration"]["MemorySize"] == 512
    assert not sync(folder)[0].steps


def test_a_saved_plan_may_differ_in_its_notes(cloud: Cloud, lab_on: Callable[..., Lab], folder: Path) -> None:
    """Notes tell how things were read, which depends on what a machine remembers; steps do not."""
    lab_on(cloud, Notifications())
    saved = replace(make_plan(opened(folder), Options()), notes=("read on another machine",))
    _, report = run_sync(opened(folder), Options(), saved=saved, stop=threading.Event())
    assert report.results
    assert report.is_success


def test_three_rounds_and_no_more(cloud: Cloud, lab_on: Callable[..., Lab], folder: Path) -> None:
    """A function that changes under every round is given up with an error, not tried for ever."""
    refuse = Refuse(
        "lambda.UpdateFunctionConfiguration", "PreconditionFailedException", "Stale revision", status=412
    )
    lab = lab_on(cloud, refuse, Notifications())
    assert sync(folder)[1].is_success
    change(folder, memory=512)
    _, report = sync(folder)
    assert refuse.refused == 3
    assert not report.is_success
    assert any("changed since it was read" in (result.error or "") for result in report.results)
    assert lab.live(NAME)["Configuration"]["MemorySize"] == 256


def test_a_round_that_may_not_go_on_ends_in_a_report(
    cloud: Cloud, lab_on: Callable[..., Lab], folder: Path
) -> None:
    """What was done before the stale step is in the report, whatever the later rounds come to."""

    def take(_: Call) -> None:
        arn = client(cloud, "lambda").get_function(FunctionName=NAME)["Configuration"]["FunctionArn"]
        client(cloud, "lambda").tag_resource(Resource=arn, Tags={"lockstep:project": "other"})

    lab = lab_on(
        cloud,
        Meanwhile("lambda.UpdateFunctionConfiguration", take),
        Refuse("lambda.UpdateFunctionConfiguration", "PreconditionFailedException", "Stale", status=412),
    )
    assert sync(folder)[1].is_success
    change(folder, memory=512)
    _, report = sync(folder)
    assert not report.is_success
    assert lab.live(NAME)["Configuration"]["MemorySize"] == 256
