"""Deletes that nothing in the repository explains are refused before anything runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.errors import NotAllowed
from lockstep.model import Target, Verb
from tests.support.projects import make_fleet, make_target
from tests.support.terraform_engine import Desk, needs_terraform

pytestmark = needs_terraform

API = make_target("staging/api")
WEB = make_target("staging/web")
PREVIEW = make_target("preview/pr-7/web")


@pytest.fixture
def applied(desk: Desk) -> Desk:
    """A desk whose state holds two functions and a preview."""
    desk.sync(API, WEB, PREVIEW)
    return desk


def _refuses(desk: Desk, *targets: Target, selection: tuple[str, ...] = ()) -> str:
    """Planning these targets gives a plan that its own engine refuses; nothing has changed."""
    before = desk.state.read_bytes()
    engine = desk.engine()
    plan = engine.preview(make_fleet(*targets, selection=selection)).plan
    with pytest.raises(NotAllowed) as caught:
        engine.apply(plan, lambda _: None)
    assert str(caught.value) == "; ".join(plan.problems)
    assert desk.state.read_bytes() == before
    return str(caught.value)


def test_a_preview_goes_with_its_folder(applied: Desk) -> None:
    """The removal of the folder explains the delete, which is told under the preview's name."""
    done = applied.sync(API, WEB)
    assert {t.target: t.verb for t in done.plan.targets}["preview/pr-7/web"] is not Verb.NOTHING
    assert applied.plan(API, WEB).is_empty


def test_a_function_outside_pruned_environments_stays(applied: Desk) -> None:
    """Without `prune: true` nothing explains the delete; with it, or with leave for this run, it goes."""
    said = _refuses(applied, API, PREVIEW)
    assert "staging/web is not declared any more" in said
    assert "--allow-deletes 1" in said
    assert not applied.plan(API, PREVIEW, allow_deletes=1).problems
    applied.prune = ("staging",)
    assert not applied.plan(API, PREVIEW).problems


def test_a_function_that_is_still_declared_is_not_replaced(applied: Desk) -> None:
    """A replacement is a delete: a changed name is refused until somebody allows it."""
    function = API.function
    assert function is not None
    renamed = replace(API, function=replace(function, name="another-name"))
    said = _refuses(applied, renamed, WEB, PREVIEW)
    assert "would be replaced, and staging/api is still declared (staging/api/config.yaml:4)" in said
    done = applied.run(renamed, WEB, PREVIEW, allow_deletes=1)
    assert done.report.is_success, done.failures


def test_what_belongs_to_no_target_is_not_deleted_by_the_way(desk: Desk) -> None:
    """A resource that vanished from the Terraform code is nobody's folder's removal."""
    desk.write('resource "terraform_data" "bucket" {}\n', "terraform/bucket.tf")
    desk.sync(API)
    (desk.root / "terraform/bucket.tf").unlink()
    said = _refuses(desk, API)
    assert "terraform_data.bucket would be deleted, and no removal in the repository explains it" in said


def test_many_previews_at_once_are_asked_about(desk: Desk) -> None:
    """More than five targets, and more than a fifth of the project, need --allow-deletes."""
    previews = [make_target(f"preview/pr-{number}/web") for number in range(1, 8)]
    desk.sync(API, *previews)
    assert "7 targets would be deleted and 5 are allowed" in _refuses(desk, API)
    assert not desk.plan(API, allow_deletes=7).problems


def test_the_previews_are_those_of_the_commit(desk: Desk, tmp_path: Path) -> None:
    """A folder that vanishes after the commit was read is the next run's business."""
    engine = desk.engine()
    plan = engine.preview(make_fleet(API, PREVIEW)).plan
    report = engine.apply(plan, lambda _: None)
    assert report.is_success
    later = desk.plan(API)
    assert [t.target for t in later.targets if t.verb is not Verb.NOTHING] == [PREVIEW.key]
