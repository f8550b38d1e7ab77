"""One target that cannot be read, or not be had, holds back itself; the others are planned and synced."""

from collections.abc import Callable, Mapping

import pytest

from lockstep.errors import CloudError
from lockstep.model import Environment, Fleet, Health, Obstacle, Plan, Reference, SyncStatus, TargetPlan, Verb
from tests.strict import Call
from tests.strict.errors import access_denied, error
from tests.strict.proxy import Rule
from tests.strict.wire import Answer
from tests.support.clouds import ACCOUNT, REGION, Cloud, make_bucket
from tests.support.engine import Lab, Refuse
from tests.support.projects import make_fleet, make_project, make_target, trigger

KEY, OTHER = "staging/bad", "staging/good"
PLACE = "services/bad/values.yaml:7"


class Deny(Rule):
    """AWS lets us not do one thing with one resource: calls of a name that a text occurs in."""

    def __init__(self, name: str, about: str) -> None:
        self._name, self._about = name, about

    def before(self, call: Call) -> Answer | None:
        """Refuse the call when it is about the resource."""
        if call.name != self._name:
            return None
        about = f"{call.operation.params} {call.request.body.decode()}"
        return access_denied(call.operation) if self._about in about else None


@pytest.fixture
def lab(ministack: Cloud, lab_on: Callable[..., Lab]) -> Lab:
    """A lab on one emulator: nothing here depends on which."""
    return lab_on(ministack)


def of(plan: Plan, key: str) -> TargetPlan:
    """What a plan says of one target."""
    (one,) = (one for one in plan.targets if one.target == key)
    return one


def referring(**variables: Reference) -> Fleet:
    """A target with references, beside one without."""
    return make_fleet(
        make_target(KEY, settings={"environment": {"PLAIN": "x", **variables}}), make_target(OTHER)
    )


def ssm(name: str) -> Reference:
    """A reference to a parameter, written in a file."""
    return Reference(store="ssm", name=name, place=PLACE)


def secret(name: str) -> Reference:
    """A reference to a secret, written in a file."""
    return Reference(store="secret", name=name, place=PLACE)


@pytest.mark.parametrize("reference", [ssm("/not/there"), secret("not/there"), secret("binary")])
def test_a_value_that_is_not_there_blocks_its_target_alone(lab: Lab, reference: Reference) -> None:
    """At the line of the reference; the other function is created, and the rest of the plan is done."""
    lab.client("secretsmanager").create_secret(Name="binary", SecretBinary=b"\x00")
    run = lab.run(referring(HOST=reference))
    bad = of(run.plan, KEY)
    assert (bad.verb, bad.status, bad.health) == (Verb.BLOCKED, SyncStatus.UNKNOWN, Health.MISSING)
    assert str(bad.problem).startswith(f"{PLACE}: {reference.name}: ")
    assert "fix: " in str(bad.problem)
    assert run.report.is_success
    assert lab.live("good-staging")
    assert "bad-staging" not in {call.function for call in lab.aws.named("lambda.CreateFunction")}


def test_one_parameter_of_a_call_is_missing(lab: Lab) -> None:
    """The other nine that AWS was asked for with it are known, and their targets go on."""
    for n in range(9):
        lab.client("ssm").put_parameter(Name=f"/p/{n}", Value=f"value-{n}", Type="String")
    targets = [
        make_target(f"staging/t{n}", settings={"environment": {"P": ssm(f"/p/{n}")}}) for n in range(10)
    ]
    plan = lab.plan(make_fleet(*targets))
    assert [one.target for one in plan.blocked] == ["staging/t9"]
    assert lab.aws.counts()["ssm.GetParameters"] == 1


@pytest.mark.parametrize(
    ("name", "reference", "allowed"),
    [
        ("ssm.GetParameters", ssm("/denied"), ssm("/fine")),
        ("secretsmanager.GetSecretValue", secret("denied"), secret("fine")),
    ],
    ids=["ssm", "secret"],
)
def test_a_value_that_may_not_be_read_is_unknown(
    ministack: Cloud, lab_on: Callable[..., Lab], name: str, reference: Reference, allowed: Reference
) -> None:
    """AWS refuses ten parameters for one of them; the others are asked for one by one."""
    lab = lab_on(ministack, Deny(name, "denied"))
    lab.client("ssm").put_parameter(Name="/fine", Value="v", Type="String")
    lab.client("secretsmanager").create_secret(Name="fine", SecretString="v")
    good = make_target(OTHER, settings={"environment": {"A": allowed}})
    bad = make_target(KEY, settings={"environment": {"A": allowed, "B": reference}})
    plan = lab.plan(make_fleet(bad, good))
    assert (of(plan, KEY).verb, of(plan, KEY).status) == (Verb.UNKNOWN, SyncStatus.UNKNOWN)
    assert str(of(plan, KEY).problem).startswith(f"{PLACE}: ")
    assert f"allow {name.replace('.', ':')}" in str(of(plan, KEY).problem)
    assert of(plan, OTHER).verb is Verb.CREATE


def test_a_name_that_aws_does_not_take_blocks_its_target(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """It fails the whole call, so the others are asked for one by one.

    Source: SSM API reference, GetParameters: a name that is not valid is a ValidationException.
    """

    class Picky(Rule):
        """Refuses every call that a wrong name occurs in."""

        def before(self, call: Call) -> Answer | None:
            if call.name != "ssm.GetParameters" or b"wrong" not in call.request.body:
                return None
            return error(call.operation, 400, "ValidationException", "Parameter name: can't be prefixed")

    lab = lab_on(ministack, Picky())
    lab.client("ssm").put_parameter(Name="/fine", Value="v", Type="String")
    good = make_target(OTHER, settings={"environment": {"A": ssm("/fine")}})
    bad = make_target(KEY, settings={"environment": {"B": ssm("wrong/name")}})
    plan = lab.plan(make_fleet(bad, good))
    assert of(plan, KEY).verb is Verb.BLOCKED
    assert "wrong/name: AWS does not take it" in str(of(plan, KEY).problem)
    assert of(plan, OTHER).verb is Verb.CREATE


def test_what_differs_besides_is_told_and_not_done(lab: Lab) -> None:
    """Of a live function the known differences show, not the unknown variable, and nothing is written."""
    lab.client("ssm").put_parameter(Name="/p", Value="v", Type="String")
    lab.sync(referring(HOST=ssm("/p")))
    lab.client("ssm").delete_parameter(Name="/p")
    lab.aws.forget()
    fleet = make_fleet(
        make_target(KEY, settings={"environment": {"PLAIN": "x", "HOST": ssm("/p")}, "memorySize": 256}),
        make_target(OTHER),
    )
    run = lab.run(fleet)
    bad = of(run.plan, KEY)
    assert [change.path for change in bad.changes] == ["memorySize"]
    assert (bad.verb, bad.status, bad.health) == (Verb.BLOCKED, SyncStatus.UNKNOWN, Health.HEALTHY)
    assert of(run.plan, OTHER).status is SyncStatus.SYNCED
    assert not lab.aws.counts(mutating=True)


READS: Mapping[str, tuple[str, bool]] = {
    # Call -> what it is about, and whether what is live is unknown to the last bit.
    "lambda.GetFunction": ("bad-staging", True),
    "lambda.GetPolicy": ("bad-staging", True),
    "s3.GetBucketNotificationConfiguration": ("closed-uploads", False),
    "logs.DescribeLogGroups": ("", True),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_that_is_denied_of_one_target_leaves_that_one_unknown(
    ministack: Cloud, lab_on: Callable[..., Lab], name: str
) -> None:
    """Nothing is written to it, the reason names the permission, and the others are synced."""
    lab = lab_on(ministack)
    make_bucket(ministack, "closed-uploads")
    settings = {"logRetentionDays": 7}
    bad = make_target(KEY, trigger("bad/", bucket="closed-uploads"), settings=settings)
    lab.sync(make_fleet(bad, make_target(OTHER, trigger("good/"))))
    lab.aws.rules = (Deny(name, READS[name][0]), *lab.aws.rules)
    lab.aws.forget()
    changed = make_target(KEY, settings={**settings, "memorySize": 256})
    run = lab.run(make_fleet(changed, make_target(OTHER, trigger("good/"), settings={"memorySize": 256})))
    one = of(run.plan, KEY)
    assert (one.verb, one.status) == (Verb.UNKNOWN, SyncStatus.UNKNOWN)
    assert (one.health is Health.UNKNOWN) == READS[name][1]
    assert "access denied" in str(one.problem)
    assert of(run.plan, OTHER).verb is Verb.UPDATE
    assert run.report.is_success
    written = {call.function for call in lab.aws.calls if call.mutation is not None}
    assert "bad-staging" not in written
    assert lab.live("good-staging")["Configuration"]["MemorySize"] == 256


def test_a_bucket_that_may_not_be_read_holds_back_those_that_it_calls(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """At the trigger's line; a function with another bucket or none goes on."""
    make_bucket(ministack, "closed-uploads")
    lab = lab_on(ministack, Deny("s3.GetBucketNotificationConfiguration", "closed-uploads"))
    fleet = make_fleet(
        make_target(KEY, trigger("x/", bucket="closed-uploads")),
        make_target(OTHER, trigger("x/")),
        make_target("staging/plain"),
    )
    plan = lab.plan(fleet)
    assert [one.verb for one in plan.targets] == [Verb.UNKNOWN, Verb.CREATE, Verb.CREATE]
    words = str(of(plan, KEY).problem)
    assert words.startswith("values.yaml:7: the bucket closed-uploads could not be read: ")
    assert "allow s3:GetBucketNotification" in words


def test_a_former_function_stays_while_a_bucket_that_may_call_it_is_dark(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """An entry that nobody can see might still call it."""
    make_bucket(ministack, "closed-uploads")
    lab = lab_on(ministack)
    gone = make_target("preview/pr-1/bad", trigger("x/", bucket="closed-uploads"))
    lab.sync(make_fleet(gone, make_target(OTHER)))
    lab.aws.rules = (Deny("s3.GetBucketNotificationConfiguration", "closed-uploads"), *lab.aws.rules)
    run = lab.run(make_fleet(make_target(OTHER)))
    one = of(run.plan, "preview/pr-1/bad")
    assert (one.verb, one.status) == (Verb.BLOCKED, SyncStatus.OUT_OF_SYNC)
    assert "closed-uploads could not be read" in str(one.problem)
    assert lab.live("bad-preview-pr-1")


def test_an_account_that_is_not_reached_holds_back_its_environments(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """Each target of it is unknown with the reason, STS is asked once, the other environment is synced."""
    lab = lab_on(ministack)
    project = make_project(
        "shop",
        Environment(name="staging", region=REGION, account=ACCOUNT),
        Environment(name="production", region=REGION, account="999999999999"),
        Environment(name="preview", region=REGION, account="999999999999"),
    )
    fleet = make_fleet(
        make_target("production/a"),
        make_target("production/b", settings={"environment": {"A": ssm("/not/asked")}}),
        make_target(OTHER),
    )
    run = lab.run(fleet, project=project)
    for key in ("production/a", "production/b"):
        one = of(run.plan, key)
        assert (one.verb, one.status, one.health) == (Verb.BLOCKED, SyncStatus.UNKNOWN, Health.UNKNOWN)
        assert "declared in account 999999999999" in str(one.problem)
        assert str(one.problem).count("declared in account") == 1
    assert run.report.is_success
    assert lab.live("good-staging")
    assert lab.aws.counts()["sts.GetCallerIdentity"] == 2  # one for each connection


def test_an_account_without_targets_that_is_not_reached_is_noted(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """What removed previews left there is not known."""
    lab = lab_on(ministack)
    project = make_project(
        "shop",
        Environment(name="staging", region=REGION),
        Environment(name="preview", region=REGION, account="999999999999"),
    )
    plan = lab.plan(make_fleet(make_target(OTHER)), project=project)
    assert any(note.startswith("preview was not read: ") for note in plan.notes)


def test_nothing_at_all_that_can_be_read_is_an_error(ministack: Cloud, lab_on: Callable[..., Lab]) -> None:
    """There is no plan to show then."""
    lab = lab_on(ministack, Refuse("tagging.GetResources", "AccessDeniedException", "not authorized"))
    with pytest.raises(CloudError, match="allow tag:GetResources"):
        lab.plan(make_fleet(make_target(KEY), make_target("production/x")))


def test_a_leftover_that_may_not_be_looked_at_is_unknown(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """It is not deleted, no sync succeeds that was to delete it, and the others are planned."""
    lab = lab_on(ministack)
    lab.sync(make_fleet(make_target("preview/pr-1/bad"), make_target(OTHER)))
    lab.aws.rules = (Deny("lambda.GetFunction", "bad-preview-pr-1"), *lab.aws.rules)
    plan = lab.plan(make_fleet(make_target(OTHER)))
    assert plan.steps == ()
    assert (of(plan, "preview/pr-1/bad").verb, of(plan, OTHER).verb) == (Verb.UNKNOWN, Verb.NOTHING)
    assert "lambda:GetFunction" in str(of(plan, "preview/pr-1/bad").problem)


def test_several_reasons_are_all_told(lab: Lab) -> None:
    """One mend is not found out after the other."""
    plan = lab.plan(referring(A=ssm("/a"), B=ssm("/b"), C=secret("c")))
    words = str(of(plan, KEY).problem)
    assert all(name in words for name in ("/a: no such", "/b: no such", "c: no such secret"))


def test_a_package_and_a_parameter_are_both_told(lab: Lab) -> None:
    """What was found out about the package is not lost when the references are read."""
    no_package = Obstacle(text="values.yaml:3: no such release")
    bad = make_target(KEY, settings={"environment": {"A": ssm("/a")}}, obstacle=no_package)
    words = str(of(lab.plan(make_fleet(bad)), KEY).problem)
    assert "no such release" in words
    assert "/a: no such parameter" in words
