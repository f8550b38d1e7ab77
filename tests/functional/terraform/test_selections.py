"""One state, several targets: a selection changes what was selected, and one bad target holds back itself."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.engines.terraform import Ways
from lockstep.errors import NotAllowed
from lockstep.model import Obstacle, Target, Terraform, Verb
from tests.support.projects import make_fleet, make_package, make_target
from tests.support.terraform_engine import FUNCTIONS, Desk, Done, needs_terraform

pytestmark = needs_terraform

API = make_target("staging/api")
WEB = make_target("staging/web")
PREVIEW = make_target("preview/pr-7/web")
ALWAYS = Ways(skips=False, lock_pause=0.05)


@pytest.fixture
def applied(desk: Desk) -> Desk:
    """A desk whose state holds two functions and a preview."""
    desk.sync(API, WEB, PREVIEW)
    return desk


def newer(target: Target, version: str = "2.0.0") -> Target:
    """The target with another version of its package."""
    function = target.function
    assert function is not None
    package = make_package(version)
    code = replace(function.code, sha256=package.sha256, package=package)
    return replace(target, version=version, function=replace(function, code=code))


def broken(target: Target) -> Target:
    """The target with a version whose package cannot be had."""
    function = target.function
    assert function is not None
    code = replace(function.code, sha256=None, package=None)
    target = replace(target, version="9.9.9", function=replace(function, code=code))
    return replace(target, obstacle=Obstacle(text="no package 9.9.9"))


def sync(desk: Desk, *targets: Target, only: tuple[str, ...] = (), ways: Ways | None = None) -> Done:
    """Plan and apply a selection, which must succeed."""
    return desk.sync(*targets, selection=only, ways=ways)


def test_only_what_is_selected_changes(applied: Desk) -> None:
    """Staging declares another version beside it; it keeps what was applied last, in the state too."""
    done = sync(applied, newer(API), newer(WEB), PREVIEW, only=("staging/api",))
    assert [one.target for one in done.plan.targets] == ["staging/api"]
    assert applied.live() == {"staging/api": "2.0.0", "staging/web": "1.0.0", "preview/pr-7/web": "1.0.0"}
    assert applied.versions() == applied.live()
    later = applied.plan(newer(API), newer(WEB), PREVIEW)
    assert [one.target for one in later.targets if one.verb is Verb.UPDATE] == ["staging/web"]


def test_what_is_gone_from_git_and_not_selected_stays(applied: Desk) -> None:
    """The removal of a preview is done by a run that is about it, not by the way."""
    sync(applied, newer(API), WEB, only=("staging/api",))
    assert "preview/pr-7/web" in applied.live()
    sync(applied, newer(API), WEB, only=("preview/pr-7",))
    assert "preview/pr-7/web" not in applied.live()


def test_what_was_never_applied_is_not_applied_by_the_way(applied: Desk) -> None:
    """A target that is declared and not live yet stays so."""
    more = make_target("production/api")
    done = sync(applied, newer(API), WEB, PREVIEW, more, only=("staging/api",))
    assert "production/api" not in applied.live()
    assert "production/api would change as well" in done.plan.notes[0]
    assert "-target" in done.plan.notes[0]


def test_a_selection_works_without_what_was_applied_last(applied: Desk) -> None:
    """A lost marker, a change of the folder, a change by hand: Terraform is told what to leave."""
    applied.keeper.kept.clear()
    sync(applied, newer(API), newer(WEB), PREVIEW, only=("staging/api",))
    assert applied.live() == {"staging/api": "2.0.0", "staging/web": "1.0.0", "preview/pr-7/web": "1.0.0"}
    applied.write(FUNCTIONS.replace("each.value\n", 'merge(each.value, { more = "1" })\n', 1))
    sync(applied, newer(API, "3.0.0"), newer(WEB), PREVIEW, only=("staging/api",))
    assert applied.live()["staging/api"] == "3.0.0"
    assert applied.live()["staging/web"] == "1.0.0"
    plan = applied.plan(newer(API, "3.0.0"), newer(WEB), PREVIEW)
    assert [one.target for one in plan.targets if one.verb is Verb.UPDATE] == [
        "staging/web",
        "preview/pr-7/web",
    ]


def test_nothing_to_do_for_what_is_selected_does_nothing(applied: Desk) -> None:
    """The others' changes are no reason to run an apply."""
    applied.keeper.kept.clear()
    done = sync(applied, API, newer(WEB), PREVIEW, only=("staging/api",))
    assert not done.plan.steps
    assert applied.live()["staging/web"] == "1.0.0"
    assert applied.plan(API, newer(WEB), PREVIEW).steps


def test_a_target_without_its_package_holds_back_itself(applied: Desk) -> None:
    """A preview whose package is missing is blocked and keeps what it has; one that is new is not made."""
    new = make_target("preview/pr-8/web")
    done = sync(applied, newer(API), WEB, broken(PREVIEW), broken(new))
    verbs = {one.target: (one.verb, one.problem) for one in done.plan.targets}
    assert verbs["preview/pr-7/web"] == (Verb.BLOCKED, "no package 9.9.9")
    assert verbs["preview/pr-8/web"] == (Verb.BLOCKED, "no package 9.9.9")
    assert verbs["staging/api"] == (Verb.UPDATE, None)
    assert applied.live() == {"staging/api": "2.0.0", "staging/web": "1.0.0", "preview/pr-7/web": "1.0.0"}
    again = applied.plan(newer(API), WEB, broken(PREVIEW), broken(new), ways=ALWAYS)
    assert not again.steps
    assert len(again.blocked) == 2


def test_the_same_again_costs_no_run_whatever_was_selected(applied: Desk) -> None:
    """What was applied by parts is known as whole once the parts are."""
    declared = (newer(API), WEB, PREVIEW)
    sync(applied, *declared, only=("staging/api",))
    applied.progress.clear()
    assert applied.plan(*declared).is_empty
    assert applied.plan(*declared, selection=("staging/web",)).is_empty
    assert {words.partition(":")[0] for words in applied.progress} == {"terraform init", "reading the state"}
    sync(applied, *declared[:2], newer(PREVIEW), only=("staging",))
    assert applied.plan(*declared[:2], newer(PREVIEW)).steps


def test_an_apply_that_failed_is_not_taken_for_what_is_applied(applied: Desk) -> None:
    """What it was about is not known; what it was not about is."""
    applied.write(
        'resource "terraform_data" "gate" {\n  input = var.functions["staging/api"].version\n'
        '  provisioner "local-exec" {\n    command = "exit 3"\n  }\n}\n',
        "terraform/gate.tf",
    )
    done = applied.run(newer(API), newer(WEB), PREVIEW, selection=("staging/api",))
    assert not done.report.is_success
    (kept,) = applied.keeper.kept.values()
    assert '"staging/web"' in kept
    assert '"staging/api"' not in kept


def test_variables_of_functions_are_not_kept_in_the_open(desk: Desk) -> None:
    """What was applied last is noted without the values of environment variables."""
    settings = {"environment": {"DSN": "postgres://shop:hunter2@db/shop"}}
    target = make_target("staging/api", settings=settings)
    desk.sync(target, WEB)
    (kept,) = desk.keeper.kept.values()
    assert "hunter2" not in kept
    sync(desk, target, newer(WEB), only=("staging/web",))
    assert desk.input("staging/api")["environment"] == settings["environment"]


SYRF = """\
terraform {
  backend "local" {}
}
variable "production_commit_sha" {}
variable "production_version" {}
variable "production_source_code_hash" {
  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.production_source_code_hash))
    error_message = "no hash"
  }
}
variable "staging_version" {}
variable "staging_commit_sha" {}
variable "staging_source_code_hash" {
  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.staging_source_code_hash))
    error_message = "no hash"
  }
}
variable "preview_prs" { type = set(string) }
variable "preview_commit_shas" { type = map(string) }
variable "preview_versions" { type = map(string) }
variable "preview_source_code_hashes" { type = map(string) }

resource "terraform_data" "production" {
  input = { version = var.production_version, hash = var.production_source_code_hash }
}
resource "terraform_data" "staging" {
  input = { version = var.staging_version, hash = var.staging_source_code_hash }
}
resource "terraform_data" "preview" {
  for_each = var.preview_prs
  input    = { version = var.preview_versions[each.key], hash = var.preview_source_code_hashes[each.key] }
}
"""


@pytest.fixture
def syrf(tmp_path: Path) -> Desk:
    """A desk whose folder takes the variables of a fleet with one service, each without a default."""
    settings = Terraform(folder="terraform", mapping="syrf", place="lockstep.yaml:5")
    return Desk.make(tmp_path, SYRF, settings=settings)


def _notifier(environment: str, **fields: Any) -> Target:
    return replace(make_target(f"{environment}/notifier", **fields), commit="a" * 40)


PRODUCTION, STAGING, PR = map(_notifier, ("production", "staging", "preview/pr-7"))


@pytest.mark.parametrize(
    "staging", [STAGING, newer(STAGING), broken(STAGING)], ids=["new", "newer", "broken"]
)
def test_production_goes_back_whatever_the_others_are(syrf: Desk, staging: Target) -> None:
    """Staging was never deployed and a preview is broken: production alone is made, and then changed."""
    for production in (newer(PRODUCTION), PRODUCTION):
        done = sync(syrf, production, staging, broken(PR), only=("production/notifier",))
        assert [one.target for one in done.plan.targets if one.verb is not Verb.BLOCKED] == [
            "production/notifier"
        ]
        assert syrf.inputs() == {"terraform_data.production": production.version}


@pytest.mark.parametrize("marker", [True, False], ids=["marker", "no marker"])
def test_production_goes_back_beside_what_is_live(syrf: Desk, marker: bool) -> None:
    """Everything ran; then staging moved on in Git and its package vanished, and so did a preview's."""
    syrf.sync(newer(PRODUCTION), STAGING, PR)
    if not marker:
        syrf.keeper.kept.clear()
    sync(syrf, PRODUCTION, broken(STAGING), broken(PR), only=("production/notifier",))
    assert syrf.inputs() == {
        "terraform_data.production": "1.0.0",
        "terraform_data.staging": "1.0.0",
        'terraform_data.preview["7"]': "1.0.0",
    }


CHAIN = """\
terraform {
  backend "local" {}
}
variable "functions" { type = any }
resource "terraform_data" "web" {
  for_each = { for key, value in var.functions : key => value if endswith(key, "/web") }
  input    = each.value
}
resource "terraform_data" "api" {
  for_each   = { for key, value in var.functions : key => value if endswith(key, "/api") }
  input      = each.value
  depends_on = [terraform_data.web]
}
"""


def test_what_cannot_be_left_alone_is_refused(tmp_path: Path) -> None:
    """Terraform changes what a selected function needs, and that is another target's: nothing is done."""
    desk = Desk.make(tmp_path, CHAIN)
    desk.sync(API, WEB)
    sync(desk, newer(API), newer(WEB), only=("staging/api",))
    assert desk.live() == {"staging/api": "2.0.0", "staging/web": "1.0.0"}
    desk.keeper.kept.clear()
    engine = desk.engine()
    plan = engine.preview(make_fleet(API, newer(WEB), selection=("staging/api",))).plan
    assert "Terraform would change staging/web as well" in plan.problems[0]
    with pytest.raises(NotAllowed, match="was not selected"):
        engine.apply(plan, lambda _: None)
    assert desk.live() == {"staging/api": "2.0.0", "staging/web": "1.0.0"}


def test_functions_of_the_state_that_nobody_declares_are_found(desk: Desk) -> None:
    """Whatever the marker says was applied last: a preview that is only in the state is told of."""
    desk.sync(API)
    state = json.loads(desk.state.read_text())
    function = {
        "mode": "managed",
        "type": "aws_lambda_function",
        "name": "this",
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [
            {
                "index_key": "preview/pr-9/web",
                "schema_version": 0,
                "attributes": {"function_name": "web-pr-9", "arn": "arn:aws:lambda:x:1:function:web-pr-9"},
            }
        ],
    }
    desk.state.write_text(json.dumps({**state, "resources": [*state["resources"], function]}))
    engine = desk.engine()
    assert engine.leftovers(make_fleet(API)) == ("preview/pr-9/web",)
    assert engine.leftovers(make_fleet(API, make_target("preview/pr-9/web"))) == ()
    engine.close()
