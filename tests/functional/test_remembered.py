"""Policies that are remembered by revision: nothing that is remembered hides what AWS would tell."""

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.engines.aws.packed import MOST_PLAIN
from lockstep.engines.aws.permission import Policy
from lockstep.engines.aws.remembered import FEW, pack, unpack
from lockstep.local.ministack import LocalCloud
from lockstep.model import AddPermission, Environment, Fleet, Plan, Statement
from tests.strict import Notifications, Pages, Revisions
from tests.support.clouds import ACCOUNT, REGION
from tests.support.engine import Lab, Refuse
from tests.support.projects import PACKAGES, make_fleet, make_project, make_target, trigger

COUNT = FEW + 4
KEY = f"lockstep/policies/shop/preview/{ACCOUNT}-{REGION}.bin"
ABOUT = {"project": "shop", "environment": "preview", "account": ACCOUNT, "region": REGION}
VALUE = "not-for-the-bucket"


@pytest.fixture
def fleet() -> Fleet:
    """Previews with triggers, more than are read without asking what is remembered."""
    settings = {"environment": {"MODE": VALUE}}
    return make_fleet(
        *(make_target(f"preview/pr-{n}/x", trigger(f"p/{n}/"), settings=settings) for n in range(COUNT))
    )


@pytest.fixture
def lab(
    ministack: LocalCloud, lab_on: Callable[..., Lab], fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> Lab:
    """A lab that is taken for AWS, with the fleet in it as a sync left it."""
    monkeypatch.setenv("LOCKSTEP_QUOTAS", "1000")
    lab = lab_on(ministack, Revisions(), Pages(), Notifications())
    run = lab.run(fleet)
    assert run.report.is_success, run.failures
    return lab


def planned(lab: Lab, fleet: Fleet, cache: Path | None = None) -> tuple[Plan, int]:
    """A fresh job's plan, and how many policies it read."""
    lab.aws.forget()
    plan = lab.plan(fleet, cache=cache)
    return plan, lab.aws.counts()["lambda.GetPolicy"]


def kept(lab: Lab) -> bytes:
    """The object in the package bucket."""
    data: bytes = lab.client("s3").get_object(Bucket=PACKAGES, Key=KEY)["Body"].read()
    return data


def put(lab: Lab, data: bytes) -> None:
    """Replace the object, as somebody who may write the bucket."""
    lab.client("s3").put_object(Bucket=PACKAGES, Key=KEY, Body=data)


def remove(lab: Lab, fleet: Fleet, *keys: str) -> None:
    """Somebody takes functions' statements away; AWS gives each another revision."""
    functions = lab.somebody("lambda")
    for key in keys:
        function = fleet.targets[key].function
        assert function is not None
        statement = unpack(kept(lab), ABOUT)[function.name].statements[0]
        functions.remove_permission(FunctionName=function.name, StatementId=statement.sid)


def signed(payload: bytes) -> bytes:
    """Bytes with the digest that they should have."""
    body = zlib.compress(payload)
    return hashlib.sha256(body).digest() + body


def test_a_policy_that_somebody_changed_is_seen(lab: Lab, fleet: Fleet) -> None:
    """Its function has another revision, so it is read; the rest is remembered, and the plan says so."""
    assert planned(lab, fleet)[1] == FEW
    remove(lab, fleet, "preview/pr-3/x")
    plan, read = planned(lab, fleet)
    assert [(type(step), step.target) for step in plan.steps] == [(AddPermission, "preview/pr-3/x")]
    assert read == 1 + FEW
    assert any("were not read again" in note for note in plan.notes)


def test_what_a_sync_changes_is_remembered_by_its_new_revision(
    lab: Lab, fleet: Fleet, tmp_path: Path
) -> None:
    """Many policies that somebody changed, and an object that did not: the sync that mends them renews it."""
    planned(lab, fleet, tmp_path)
    changed = [f"preview/pr-{n}/x" for n in range(FEW + 1)]
    remove(lab, fleet, *changed)
    before = kept(lab)
    plan, read = planned(lab, fleet, tmp_path)
    assert (len(plan.steps), read) == (len(changed), COUNT)
    assert [call.status for call in lab.aws.named("s3.GetObject")] == [304]
    assert kept(lab) == before  # a plan changes nothing in AWS
    run = lab.run(fleet, cache=tmp_path)
    assert run.report.is_success, run.failures
    plan, read = planned(lab, fleet)
    assert (plan.is_empty, read) == (True, FEW)


def test_an_object_that_is_not_ours_is_not_believed(lab: Lab, fleet: Fleet) -> None:
    """Damaged, of another format, foreign, or grown beyond bounds: every policy is read, without an error."""
    good = kept(lab)
    policies = unpack(good, ABOUT)
    strange = {
        "nothing": b"",
        "damaged": good[:-3] + b"xxx",
        "cut": good[:-3],
        "no JSON": signed(b"["),
        "deep": signed(b"[" * 100_000),
        "a list": signed(b"[1]"),
        "grown": signed(b" " * (MOST_PLAIN + 1)),
        "another shape": signed(zlib.decompress(good[32:]).replace(b'"policies":{', b'"policies":{"x":[1],')),
        "another format": signed(zlib.decompress(good[32:]).replace(b'"format":1', b'"format":2')),
        **{f"another {name}": pack({**ABOUT, name: "another"}, policies) for name in ABOUT},
    }
    for what, data in strange.items():
        put(lab, data)
        plan, read = planned(lab, fleet)
        assert (plan.is_empty, read) == (True, COUNT), what


def test_a_forged_object_is_found_out(lab: Lab, fleet: Fleet) -> None:
    """Some of what is remembered is read all the same; where AWS tells another policy, all are read."""
    remove(lab, fleet, "preview/pr-3/x")
    revisions = {
        one["FunctionName"]: one["RevisionId"] for one in lab.somebody("lambda").list_functions()["Functions"]
    }
    bogus = Statement(sid="other", source_arn="arn:aws:s3:::other", source_account=ACCOUNT)
    forged = {
        name: Policy(revision=revisions[name], statements=(*policy.statements, bogus))
        for name, policy in unpack(kept(lab), ABOUT).items()
    }
    put(lab, pack(ABOUT, forged))
    plan, read = planned(lab, fleet)
    assert [(type(step), step.target) for step in plan.steps] == [(AddPermission, "preview/pr-3/x")]
    assert read == COUNT
    assert any("not what AWS tells" in note for note in plan.notes)


def test_what_is_to_be_changed_was_read(lab: Lab, fleet: Fleet) -> None:
    """A policy that is remembered as lacking a statement is read before the plan says to add it."""
    policies = unpack(kept(lab), ABOUT)
    name = sorted(policies)[0]
    policies[name] = replace(policies[name], statements=())
    put(lab, pack(ABOUT, policies))
    for _ in range(5):  # chance may take it among those that are read all the same
        assert planned(lab, fleet)[0].is_empty


def test_the_object_costs_time_only(
    ministack: LocalCloud, lab_on: Callable[..., Lab], fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that may not read it plans and syncs as before."""
    monkeypatch.setenv("LOCKSTEP_QUOTAS", "1000")
    denied = Refuse("s3.GetObject", "AccessDenied", "Access Denied", status=403)
    lab = lab_on(ministack, denied, Revisions(), Pages(), Notifications())
    assert lab.run(fleet).report.is_success
    plan, read = planned(lab, fleet)
    assert (plan.is_empty, read) == (True, COUNT)
    assert denied.refused


def test_each_environment_has_an_object_without_values(lab: Lab, fleet: Fleet) -> None:
    """Previews write none that production believes, and no variable's value is in it."""
    project = make_project(
        "shop", *(Environment(name=one, region=REGION) for one in ("production", "preview"))
    )
    several = [make_target(f"production/s{n}", trigger(f"production/{n}/")) for n in range(FEW + 1)]
    assert lab.run(make_fleet(*fleet.targets.values(), *several), project=project).report.is_success
    listed = lab.client("s3").list_objects_v2(Bucket=PACKAGES, Prefix="lockstep/policies/")["Contents"]
    assert [one["Key"] for one in listed] == [KEY, KEY.replace("preview", "production")]
    plain = zlib.decompress(kept(lab)[32:])
    assert VALUE.encode() not in plain
    assert b"arn:aws:s3:::shop-uploads" in plain


def test_an_emulator_is_not_believed(
    ministack: LocalCloud, lab_on: Callable[..., Lab], fleet: Fleet, tmp_path: Path
) -> None:
    """Emulators change a policy and keep the revision, so against one every policy is read, each time."""
    lab = lab_on(ministack, Notifications())
    assert lab.run(fleet, cache=tmp_path).report.is_success
    assert planned(lab, fleet, tmp_path)[1] == COUNT
    assert not [*tmp_path.glob("policies-*")]


def test_the_cache_is_the_users_alone(lab: Lab, fleet: Fleet, tmp_path: Path) -> None:
    """A file of mode 0600, of one project and place; one that is damaged is as good as none."""
    cache = tmp_path / "cache"
    planned(lab, fleet, cache)
    (file,) = cache.glob("policies-*.bin")
    assert file.stat().st_mode & 0o777 == 0o600
    lab.client("s3").delete_object(Bucket=PACKAGES, Key=KEY)
    assert planned(lab, fleet, cache)[1] == FEW
    file.write_bytes(file.read_bytes()[:-1])
    plan, read = planned(lab, fleet, cache)
    assert (plan.is_empty, read) == (True, COUNT)


def test_who_may_not_read_policies_believes_none(
    ministack: LocalCloud, lab_on: Callable[..., Lab], fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where those that are read to check the others are refused, what is remembered says nothing."""
    monkeypatch.setenv("LOCKSTEP_QUOTAS", "1000")
    refuse = Refuse("lambda.GetPolicy", "AccessDeniedException", "not authorized", status=403, times=0)
    lab = lab_on(ministack, refuse, Revisions(), Pages(), Notifications())
    assert lab.run(fleet).report.is_success
    refuse.times = None
    plan, _ = planned(lab, fleet)
    assert len(plan.blocked) == COUNT
