"""``lambda.role`` as a map: a role made for the function, with what IAM and the project ask of it."""

import json
from typing import Any

import pytest

from lockstep.config.load import load
from lockstep.delivery.setup.role import least_policy
from lockstep.errors import BadInput
from lockstep.model import Environment
from tests.unit.config.conftest import (
    PREVIEW_FILE,
    PRODUCTION,
    PROJECT,
    PULL_REQUEST,
    MemoryTree,
    sample,
    staging,
)
from tests.unit.config.conftest import STAGING as STAGING_VALUES

STAGING_FILE = "syrf/environments/staging/s3-notifier/config.yaml"
PRODUCTION_FILE = "syrf/environments/production/s3-notifier/config.yaml"
STAGING, PREVIEW = "staging/s3-notifier", "preview/pr-123/s3-notifier"
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
PLAIN = "{Effect: Allow, Action: 's3:*', Resource: '*'}"


def declared(entry: str) -> MemoryTree:
    """Staging with a role."""
    return staging(f"  role: {entry}")


def test_a_role_has_the_functions_name_in_a_path_of_the_environment() -> None:
    """The function is given just this role, and the name tells it from that of another environment."""
    target = load(declared(f"{{policies: [{BASIC}]}}")).fleet.targets[STAGING]
    (role,) = target.resources
    assert target.function is not None
    path = role.settings["path"]
    assert str(path).startswith("/lockstep/")
    assert str(path).endswith("/staging/")
    assert role.identity.startswith(f"{target.function.name}-")
    assert len(role.identity) <= 64
    assert target.function.settings["role"] == f"{path}{role.identity}"
    assert role.path == "role"


def test_a_long_name_is_cut_and_keeps_its_digest() -> None:
    """IAM takes 64 characters; two functions that begin alike have two roles."""
    names = set()
    for end in "ab":
        text = STAGING_VALUES.replace("syrfAppUploadS3Notifier-staging", f"{'x' * 63}{end}")
        text = text.replace("lambda:\n", f"lambda:\n  role: {{policies: [{BASIC}]}}\n")
        tree = sample({STAGING_FILE: text})
        (role,) = load(tree).fleet.targets[STAGING].resources
        names.add(role.identity)
    assert len(names) == 2
    assert {len(name) for name in names} == {64}


def test_what_explain_proposes_can_be_pasted() -> None:
    """The whole policy stands below ``statements``, and makes the same role as its statements alone."""
    target = load(declared(f"{{policies: [{BASIC}]}}")).fleet.targets[STAGING]
    assert target.function is not None
    policy = least_policy(target, target.function, Environment(name="staging", region="eu-west-1"))
    whole, parts = (
        load(declared(json.dumps({"statements": said}))).fleet.targets[STAGING].resources[0]
        for said in (policy, policy["Statement"])
    )
    assert whole.settings == parts.settings
    assert whole.settings["statements"]


@pytest.mark.parametrize(
    ("entry", "problem", "fix"),
    [
        (
            f"{{arn: 'arn:aws:iam::123456789012:role/x', policies: [{BASIC}]}}",
            "role that is there",
            "ARN alone",
        ),
        ("{}", "allows nothing", "explain TARGET role"),
        ("{policies: []}", "allows nothing", "policies"),
        ("{policies: [AWSLambdaBasicExecutionRole]}", "no valid policies", BASIC),
        ("{policies: ['arn:aws:iam::123456789012:role/x']}", "no valid policies", BASIC),
        (f"{{policies: {[f'{BASIC}{n}' for n in range(21)]}}}", "21 items; AWS allows 20", "remove some"),
        (f"{{name: {'x' * 65}, policies: [{BASIC}]}}", "no valid name", "orders-staging"),
        (f"{{path: lockstep, policies: [{BASIC}]}}", "no valid path", "/lockstep/shop/staging/"),
        ("{statements: [{Action: 's3:*', Resource: '*'}]}", "needs an Effect", "Effect: Allow"),
        ("{statements: [{Effect: Allow, Resource: '*'}]}", "needs Action", "write Action"),
        ("{statements: [{Effect: Allow, Action: 's3:*'}]}", "needs Resource", "write Resource"),
        (
            "{statements: [{Effect: Allow, Action: 's3:*', Resource: '*', Principal: {Service: x}}]}",
            "Principal is for policies of resources",
            "Lambda alone",
        ),
        ("{statements: s3:GetObject}", "takes a list of statements", "Effect"),
        (f"{{statements: {{Version: '2008-10-17', Statement: [{PLAIN}]}}}}", "has the Version", "2012-10-17"),
        (
            f"{{statements: [{{Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::{'x' * 10_300}'}}]}}",
            "IAM allows a role 10,240",
            "managed policy",
        ),
        (f"{{policies: [{BASIC}], boundary: PowerUser}}", "no valid boundary", "policy/boundary"),
        ("{policies: ['arn:aws-cn:iam::aws:policy/x']}", "partition aws-cn", "arn:aws:iam::"),
        (f"{{policy: [{BASIC}]}}", "unknown key 'policy'", "policies"),
    ],
)
def test_what_iam_refuses_is_told_at_its_line(entry: str, problem: str, fix: str) -> None:
    """With what to do, before any call is made."""
    with pytest.raises(BadInput) as caught:
        load(declared(entry))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)


@pytest.mark.parametrize("row", ["policies: [x]", "statements: []", "boundary: x"])
def test_what_a_role_allows_beside_its_arn_is_told_where_it_belongs(row: str) -> None:
    """A role and policies both given: one of the two is meant."""
    with pytest.raises(BadInput, match="stands below role") as caught:
        load(staging(f"  role: lambda-role\n  {row}\n"))
    assert "write role: {policies" in str(caught.value)


def demanding(extra: dict[str, str]) -> MemoryTree:
    """A project that demands a boundary of every role."""
    return sample({"lockstep.yaml": PROJECT + f"roleBoundary: {BOUNDARY}\n", **extra})


@pytest.mark.parametrize(
    ("boundary", "problem"),
    [
        ("", "has no boundary"),
        (", boundary: 'arn:aws:iam::123456789012:policy/other'", "has the boundary"),
        (f", boundary: '{BOUNDARY}'", None),
    ],
)
def test_a_project_may_demand_a_boundary(boundary: str, problem: str | None) -> None:
    """Just that one: whoever writes a declaration gives no function more than it."""
    block = f"lambda:\n  role: {{policies: [{BASIC}]{boundary}}}\n"
    tree = demanding({STAGING_FILE: STAGING_VALUES.replace("lambda:\n", block)})
    if problem is None:
        (role,) = load(tree).fleet.targets[STAGING].resources
        assert role.settings["boundary"] == BOUNDARY
        return
    with pytest.raises(BadInput, match=problem) as caught:
        load(tree)
    assert f"write boundary: {BOUNDARY}" in str(caught.value)


def test_eleven_policies_are_noted_and_declared() -> None:
    """AWS takes more than ten where somebody asked for it."""
    policies: list[Any] = [f"{BASIC}{number}" for number in range(11)]
    loaded = load(declared(f"{{policies: {policies}}}"))
    assert len(loaded.fleet.targets[STAGING].resources) == 1
    assert any("11 managed policies" in note for note in loaded.warnings)


def test_an_arn_in_a_higher_layer_takes_the_place_of_a_role_that_is_made() -> None:
    """Layers merge as they always do: the function's role is then there already."""
    arn = "arn:aws:iam::123456789012:role/mine"
    target = load(declared(arn)).fleet.targets[STAGING]
    assert target.resources == ()
    assert target.function is not None
    assert target.function.settings["role"] == arn


def opened(entry: str) -> MemoryTree:
    """A pull request whose own file says something, in a project that demands a boundary of previews."""
    bound = PROJECT.replace("preview: {}", f"preview: {{roleBoundary: '{BOUNDARY}'}}")
    own = PULL_REQUEST.replace("lambda: {", f"lambda: {{{entry}, ")
    return sample({"lockstep.yaml": bound, PREVIEW_FILE: own})


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (f"role: {{policies: [{BASIC}]}}", "has no boundary"),
        (f"role: {{policies: [{BASIC}], boundary: '{BASIC}'}}", "has the boundary"),
        (
            f"role: {{policies: [{BASIC}], boundary: '{BOUNDARY}'}}, ignore: [role.*]",
            "boundary of lambda.role is left to others",
        ),
        (
            f"role: {{policies: [{BASIC}], boundary: '{BOUNDARY}', path: /lockstep/syrf/production/}}",
            "says the path of a role",
        ),
        (f"role: {{policies: [{BASIC}], boundary: '{BOUNDARY}', name: admin}}", "says the name of a role"),
        ("role: 'arn:aws:iam::123456789012:role/lockstep/syrf/production/x'", "made for another"),
        ("role: lockstep/syrf/production/x", "made for another"),
        ("adopt: true", "takes over what nobody owns"),
    ],
)
def test_a_pull_requests_own_file_widens_nothing(entry: str, problem: str) -> None:
    """Not past the boundary, nor by a role of another function, nor by what is there already."""
    with pytest.raises(BadInput, match=problem) as caught:
        load(opened(entry))
    assert PREVIEW_FILE in str(caught.value)


@pytest.mark.parametrize("ignored", ["role", "role.*", "role.boundary", "*"])
def test_a_boundary_that_is_demanded_is_left_to_nobody(ignored: str) -> None:
    """Else it would be mended no more where somebody takes it away."""
    block = f"lambda:\n  ignore: ['{ignored}']\n  role: {{policies: [{BASIC}], boundary: '{BOUNDARY}'}}\n"
    with pytest.raises(BadInput, match="is left to others"):
        load(demanding({STAGING_FILE: STAGING_VALUES.replace("lambda:\n", block)}))


@pytest.mark.parametrize(
    ("entry", "is_noted"),
    [
        (PLAIN.replace("s3:*", "*"), True),
        (PLAIN, False),
        (PLAIN.replace("s3:*", "*").replace("Allow", "Deny"), False),
    ],
)
def test_a_role_that_may_do_everything_is_noted(entry: str, is_noted: bool) -> None:
    """Whether by a statement or by AWS's policy, where no boundary holds it."""
    for role, noted in (
        (f"statements: [{entry}]", is_noted),
        ("policies: ['arn:aws:iam::aws:policy/AdministratorAccess']", True),
        (f"statements: [{entry}], boundary: '{BOUNDARY}'", False),
    ):
        warnings = load(declared(f"{{{role}}}")).warnings
        assert any("may do everything" in note for note in warnings) == noted


@pytest.mark.parametrize("is_bound", [False, True])
def test_a_pull_request_gives_its_own_function_no_rights_without_a_bound(is_bound: bool) -> None:
    """Whoever may open one would say what the function may do; below a boundary it may."""
    boundary = f", boundary: '{BOUNDARY}'"
    role = f"role: {{policies: [{BASIC}]{boundary}}}, "
    tree = {PREVIEW_FILE: PULL_REQUEST.replace("lambda: {", f"lambda: {{{role}")}
    if not is_bound:
        with pytest.raises(BadInput, match="nothing bounds it"):
            load(sample(tree))
        return
    bound = PROJECT.replace("preview: {}", f"preview: {{roleBoundary: '{BOUNDARY}'}}")
    (made,) = load(sample({"lockstep.yaml": bound, **tree})).fleet.targets[PREVIEW].resources
    assert str(made.settings["path"]).endswith("/preview/pr-123/")


def test_two_targets_have_two_roles_whatever_their_region() -> None:
    """A role's name is one in an account: the same one declared twice is refused."""
    role = f"  role: {{name: mine, policies: [{BASIC}]}}\n"
    both = {
        path: text.replace("lambda:\n", f"lambda:\n{role}")
        for path, text in ((STAGING_FILE, STAGING_VALUES), (PRODUCTION_FILE, PRODUCTION))
    }
    with pytest.raises(BadInput, match="AWS keeps one of them"):
        load(sample(both))
