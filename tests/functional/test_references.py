"""Values from Parameter Store and Secrets Manager: fetched in batches, compared, and never shown."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lockstep.model import Reference, Target
from tests.support.clouds import Cloud
from tests.support.engine import Lab, Refuse, changes_of
from tests.support.projects import make_fleet, make_target

KEY, NAME = "staging/notifier", "notifier-staging"
VALUE = "s3cr3t-v4lue-"


@pytest.fixture
def cloud(each_cloud: Cloud) -> Cloud:
    """Parameters and secrets are the emulators' own."""
    return each_cloud


def ssm(name: str) -> Reference:
    """Return a reference to a parameter."""
    return Reference(store="ssm", name=name)


def secret(name: str) -> Reference:
    """Return a reference to a secret."""
    return Reference(store="secret", name=name)


def put_parameter(lab: Lab, name: str, value: str) -> None:
    """Write a parameter."""
    lab.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def declared(**variables: str | Reference) -> Target:
    """Return a target with an environment."""
    return make_target(KEY, settings={"environment": variables})


def live(lab: Lab) -> dict[str, str]:
    """Return the function's variables as they are in AWS."""
    found: dict[str, str] = lab.live(NAME)["Configuration"]["Environment"]["Variables"]
    return found


def test_values_of_both_stores_reach_the_function(lab: Lab) -> None:
    """Parameters and secrets are put into the environment beside literals; the plan is then empty."""
    put_parameter(lab, "/shop/host", VALUE + "host")
    lab.client("secretsmanager").create_secret(Name="shop/password", SecretString=VALUE + "password")
    lab.sync(make_fleet(declared(PLAIN="plain", HOST=ssm("/shop/host"), PASSWORD=secret("shop/password"))))
    assert live(lab) == {"PLAIN": "plain", "HOST": VALUE + "host", "PASSWORD": VALUE + "password"}


def test_parameters_come_in_batches_of_ten_each_once(lab: Lab) -> None:
    """Twenty-three parameters that three targets share are three calls."""
    for n in range(23):
        put_parameter(lab, f"/shop/{n}", VALUE + str(n))
    variables = {f"V{n}": ssm(f"/shop/{n}") for n in range(23)}
    fleet = make_fleet(
        *(make_target(f"preview/pr-{n}/x", settings={"environment": variables}) for n in range(3))
    )
    lab.plan(fleet)
    assert lab.aws.counts()["ssm.GetParameters"] == 3
    asked = [name for call in lab.aws.named("ssm.GetParameters") for name in call.json()["Names"]]
    assert sorted(asked) == sorted(f"/shop/{n}" for n in range(23))
    assert all(len(call.json()["Names"]) <= 10 for call in lab.aws.named("ssm.GetParameters"))


def test_only_the_selections_references_are_asked_for(lab: Lab) -> None:
    """What other targets refer to is not read, so it may be missing."""
    put_parameter(lab, "/shop/host", VALUE)
    fleet = make_fleet(
        declared(HOST=ssm("/shop/host")),
        make_target("production/x", settings={"environment": {"HOST": ssm("/not/there")}}),
        selection=("staging",),
    )
    assert lab.plan(fleet).steps


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (ssm("/not/there"), "/not/there: no such parameter\n  fix: create it in Parameter Store"),
        (secret("not/there"), "not/there: no such secret\n  fix: create it in Secrets Manager"),
        (secret("binary"), "binary: it is binary; an environment variable takes text"),
    ],
    ids=["ssm", "secret", "binary"],
)
def test_a_value_that_cannot_be_used_blocks_its_target_at_its_place(
    lab: Lab, reference: Reference, words: str
) -> None:
    """The file and line that want it, what is wrong and what to do; nothing is changed."""
    lab.client("secretsmanager").create_secret(Name="binary", SecretBinary=b"\x00\x01")
    run = lab.run(make_fleet(declared(HOST=replace(reference, place="services/a/values.yaml:9"))))
    assert str(run.plan.targets[0].problem).startswith(f"services/a/values.yaml:9: {words}")
    assert not lab.aws.counts(mutating=True)


def test_a_secret_that_changed_is_drift_and_is_not_shown(lab: Lab) -> None:
    """A new value in the store is a difference of that variable; both sides stay secret in the plan."""
    put_parameter(lab, "/shop/host", VALUE + "old")
    fleet = make_fleet(declared(HOST=ssm("/shop/host")))
    lab.sync(fleet)
    put_parameter(lab, "/shop/host", VALUE + "new")
    plan = lab.plan(fleet)
    assert set(changes_of(plan, KEY)) == {"environment.HOST"}
    assert VALUE not in repr(plan)
    lab.sync(fleet)
    assert live(lab) == {"HOST": VALUE + "new"}


def test_a_value_that_was_edited_in_aws_is_drift_and_is_mended(lab: Lab) -> None:
    """The live value is compared with the store's; sync writes the store's again."""
    put_parameter(lab, "/shop/host", VALUE)
    fleet = make_fleet(declared(HOST=ssm("/shop/host"), ONE="1"))
    lab.sync(fleet)
    lab.somebody("lambda").update_function_configuration(
        FunctionName=NAME, Environment={"Variables": {"HOST": VALUE + "edited", "ONE": "1"}}
    )
    lab.settle(NAME)
    plan = lab.plan(fleet)
    assert set(changes_of(plan, KEY)) == {"environment.HOST"}
    assert VALUE not in repr(plan)
    lab.sync(fleet)
    assert live(lab) == {"HOST": VALUE, "ONE": "1"}


def test_a_reference_by_arn_and_by_version_is_resolved(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A parameter may be named by ARN or with a version; each gets its own value.

    moto's answers do not say which version was asked for (``Selector``): versions are left to MiniStack.
    """
    lab = lab_on(cloud)
    put_parameter(lab, "/shop/host", VALUE + "1")
    put_parameter(lab, "/shop/host", VALUE + "2")
    arn = lab.client("ssm").get_parameter(Name="/shop/host")["Parameter"]["ARN"]
    versions = {"C": ssm("/shop/host:1")} if cloud.kind == "ministack" else {}
    lab.sync(make_fleet(declared(A=ssm("/shop/host"), B=ssm(arn), **versions)))
    expected = {"A": VALUE + "2", "B": VALUE + "2", "C": VALUE + "1"}
    assert live(lab) == {name: expected[name] for name in ("A", "B", *versions)}


@pytest.mark.parametrize("name", ["ssm.GetParameters", "secretsmanager.GetSecretValue"])
def test_a_value_that_may_not_be_read_names_the_permission(
    cloud: Cloud, lab_on: Callable[..., Lab], name: str
) -> None:
    """Access denied names call and IAM permission, and nothing is changed."""
    lab = lab_on(cloud, Refuse(name, "AccessDeniedException", "User is not authorized"))
    reference = ssm("/shop/host") if name.startswith("ssm") else secret("shop/host")
    run = lab.run(make_fleet(declared(HOST=reference)))
    assert f"allow {name.replace('.', ':')}" in str(run.plan.targets[0].problem)
    assert not lab.aws.counts(mutating=True)


def test_an_error_of_aws_that_repeats_a_secret_does_not_show_it(
    cloud: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """When Lambda's message contains a value, the report shows a mask in its place."""
    message = f"Value '{VALUE}host' at 'environment' failed to satisfy constraint"
    lab = lab_on(cloud, Refuse("lambda.CreateFunction", "ValidationException", message))
    put_parameter(lab, "/shop/host", VALUE + "host")
    run = lab.run(make_fleet(declared(HOST=ssm("/shop/host"))))
    assert "(secret)" in run.error
    assert VALUE not in repr(run.report)
