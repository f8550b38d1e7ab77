"""Roles made for functions: there first, gone last, and kept where somebody else needs them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lockstep.model import Fleet, Target
from tests.functional.kinds.samples import resource
from tests.strict import RoleLag, everything
from tests.support.clouds import Cloud, make_function
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_target

KEY, NAME = "staging/notifier", "notifier-staging"
PATH = "/lockstep/shop/staging/"
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
TRACES = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
READS = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::orders/*"}


def made(key: str = KEY, **allowed: Any) -> Target:
    """A target whose function has a role of its own."""
    target = make_target(key)
    assert target.function is not None
    name = target.function.name
    role = resource("role", path=PATH, name=f"{name}-own", **(allowed or {"policies": [BASIC]}))
    settings = {**target.function.settings, "role": f"{PATH}{name}-own"}
    return replace(target, resources=(role,), function=replace(target.function, settings=settings))


def of(*targets: Target) -> Fleet:
    """A project of them."""
    return make_fleet(*targets)


@pytest.fixture
def iam(lab: Lab) -> Any:
    """IAM, past every rule."""
    return lab.client("iam")


def names(iam: Any) -> list[str]:
    """The roles of the project."""
    return [one["RoleName"] for one in iam.list_roles(PathPrefix="/lockstep/")["Roles"]]


def test_a_new_function_waits_for_its_role_and_goes_with_it(lab: Lab, iam: Any) -> None:
    """IAM shows a role late: Lambda's refusal is outlasted; a deleted function leaves none."""
    key = "preview/pr-1/notifier"
    run = lab.sync(of(made(key, statements=[READS]), make_target("staging/other")))
    order = [step.id for step in run.plan.steps]
    assert order.index(f"{key}:role") < order.index(f"{key}:create")
    refused = [one for one in lab.aws.named("lambda.CreateFunction") if one.status == 400]
    assert refused, "the strict AWS lets nobody have a role in the moment in which it is made"
    assert len(names(iam)) == 1
    lab.sync(of(make_target("staging/other")))
    assert names(iam) == []


def test_what_changes_of_a_role_is_told_by_statement_and_no_call_lacks_it_meanwhile(lab: Lab) -> None:
    """What is new is allowed before what is old goes; equal in other words is no difference."""
    lab.sync(of(made(policies=[BASIC], statements=[READS])))
    other = {**READS, "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::orders/*"]}
    assert lab.plan(of(made(policies=[BASIC], statements=[other]))).is_empty
    lab.aws.forget()
    wider = {**READS, "Resource": "*"}
    run = lab.sync(of(made(policies=[TRACES], statements=[wider])))
    assert set(changes_of(run.plan, KEY)) == {"role.policies", "role.statements.Read"}
    calls = [one.name for one in lab.aws.calls]
    assert calls.index("iam.AttachRolePolicy") < calls.index("iam.DetachRolePolicy")


def test_what_others_did_to_a_role_is_drift_and_mended(lab: Lab, iam: Any) -> None:
    """Their policies, their inline ones, their trust."""
    fleet = of(made(policies=[BASIC], statements=[READS]))
    lab.sync(fleet)
    role = f"{NAME}-own"
    free = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    everybody = '"Principal":{"AWS":"*"},"Action":"sts:AssumeRole"'
    trust = free.replace('"Action":"*","Resource":"*"', everybody)
    iam.attach_role_policy(RoleName=role, PolicyArn=TRACES)
    iam.put_role_policy(RoleName=role, PolicyName="lockstep", PolicyDocument=free)
    iam.put_role_policy(RoleName=role, PolicyName="mine", PolicyDocument=free)
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
    run = lab.sync(fleet)
    paths = {path.partition("statement-")[0] for path in changes_of(run.plan, KEY)}
    assert paths == {"role.policies", "role.statements.", "role.statements.Read", "role.others", "role.trust"}
    assert lab.plan(fleet).is_empty


def test_a_role_by_its_arn_takes_the_place_of_one_that_was_made(lab: Lab, iam: Any) -> None:
    """The old one goes once the function has let go of it, and comes back before the function has it."""
    lab.sync(of(made()))
    run = lab.sync(of(make_target(KEY)))
    order = [step.id for step in run.plan.steps]
    assert order.index(f"{KEY}:configuration") < order.index(f"{KEY}:role")
    assert names(iam) == []
    run = lab.sync(of(made()))
    order = [step.id for step in run.plan.steps]
    assert order.index(f"{KEY}:role") < order.index(f"{KEY}:configuration")
    assert names(iam) == [f"{NAME}-own"]


@pytest.mark.parametrize("what", ["another function", "a policy of somebody else's"])
def test_a_role_that_something_else_needs_is_kept_and_said(
    lab: Lab, ministack: Cloud, iam: Any, what: str
) -> None:
    """It stays as it is, with its policies, and is remembered until nothing needs it."""
    lab.sync(of(made()))
    role, functions = f"{NAME}-own", lab.client("lambda")
    if what == "another function":
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
        make_function(ministack, "theirs", Role=arn)
    else:
        iam.attach_role_policy(RoleName=role, PolicyArn=TRACES)
    run = lab.sync(of(make_target(KEY)))
    why = "the function theirs uses it" if what == "another function" else f"somebody else gave it {TRACES}"
    assert any(f"the role {role} stays: {why}" in note for note in run.plan.notes)
    assert names(iam) == [role]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    if what == "another function":
        functions.delete_function(FunctionName="theirs")
    else:
        iam.detach_role_policy(RoleName=role, PolicyArn=TRACES)
    lab.sync(of(make_target(KEY)))
    assert names(iam) == []


def test_a_role_of_others_is_taken_over_only_when_told(lab: Lab, iam: Any) -> None:
    """By its name and path; then the plan says what would change."""
    lab.sync(of(make_target(KEY)))
    iam.create_role(RoleName=f"{NAME}-own", Path=PATH, AssumeRolePolicyDocument="{}")
    plan = lab.plan(of(made()))
    assert "is not Lockstep's" in str(plan.targets[0].problem)
    run = lab.sync(of(replace(made(), adopt=True)))
    assert "role.policies" in changes_of(run.plan, KEY)


@pytest.mark.parametrize("what", ["another function uses", "of another function of Lockstep's"])
def test_a_role_that_somebody_else_needs_is_never_taken_over(
    lab: Lab, ministack: Cloud, iam: Any, what: str
) -> None:
    """Whoever says adopt: its policies would go, or it would be the way to another function's rights."""
    lab.sync(of(make_target(KEY)))
    tags = [{"Key": "lockstep:function", "Value": "arn:aws:lambda:eu-west-1:1:function:theirs"}]
    role = iam.create_role(
        RoleName=f"{NAME}-own",
        Path=PATH,
        AssumeRolePolicyDocument="{}",
        Tags=[] if what == "another function uses" else tags,
    )
    if what == "another function uses":
        make_function(ministack, "theirs", Role=role["Role"]["Arn"])
    plan = lab.plan(of(replace(made(), adopt=True)))
    why = (
        "the function theirs uses it" if what == "another function uses" else "it was made for arn:aws:lambda"
    )
    assert why in str(plan.targets[0].problem)
    assert not plan.steps


def test_many_roles_are_read_in_pages(lab_on: Callable[..., Lab], ministack: Cloud) -> None:
    """One call tells all roles of the account: a plan with nothing to do asks for none by itself."""
    lab = lab_on(ministack, *(rule for rule in everything() if not isinstance(rule, RoleLag)))
    fleet = of(*(made(f"staging/n{number}") for number in range(12)))
    lab.sync(fleet)
    lab.aws.forget()
    assert lab.plan(fleet).is_empty
    calls = {name: count for name, count in lab.aws.counts().items() if name.startswith("iam.")}
    assert calls == {"iam.GetAccountAuthorizationDetails": 1}
