"""The delete guards for engines that plan for themselves."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Environment, Fleet, Project, ResourceChange, Target
from lockstep.planning.policy import Rules
from lockstep.planning.resources import count_deletes, resource_problems
from tests.support.projects import make_fleet, make_target

FUNCTION = "aws_lambda_function"
API = make_target("staging/api")


def _rules(*, prune: bool = False, allow: int | None = None) -> Rules:
    staging = Environment(name="staging", prune=prune)
    return Rules(project=Project(name="shop", environments={"staging": staging}), allow_deletes=allow)


def _change(action: str, target: str | None, kind: str = FUNCTION, address: str = "") -> ResourceChange:
    return ResourceChange(address=address or f"{kind}.x", kind=kind, action=action, target=target)


def _problems(*changes: ResourceChange, fleet: Fleet | None = None, rules: Rules | None = None) -> str:
    fleet = fleet or make_fleet(API)
    declared: dict[str, Target] = dict(fleet.targets)
    return "\n".join(resource_problems(changes, declared, fleet, rules or _rules()))


def test_a_removed_preview_and_a_pruned_target_may_go() -> None:
    """Removal of a folder explains the delete where the environment is pruned."""
    assert not _problems(_change("delete", "preview/pr-1/api"))
    assert not _problems(_change("delete", "staging/old"), rules=_rules(prune=True))
    assert "no `prune: true`" in _problems(_change("delete", "staging/old"))


def test_what_is_declared_is_neither_deleted_nor_replaced() -> None:
    """A replacement deletes first, so it needs leave too."""
    for action in ("delete", "replace"):
        said = _problems(_change(action, "staging/api"))
        assert "is still declared (staging/api/config.yaml:4)" in said
        assert not _problems(_change(action, "staging/api"), rules=_rules(allow=1))
        assert _problems(_change(action, "staging/api"), rules=_rules(allow=0))


def test_what_follows_from_triggers_comes_and_goes() -> None:
    """Permissions and entries of buckets change with the declaration, unless nothing is declared at all."""
    assert not _problems(_change("replace", "staging/api", "aws_lambda_permission"))
    assert not _problems(_change("delete", None, "aws_s3_bucket_notification"))
    empty = make_fleet()
    assert _problems(_change("delete", None, "aws_s3_bucket_notification"), fleet=empty)
    assert _problems(_change("delete", None, "aws_s3_bucket"))


def test_what_may_not_change_is_refused_whatever_is_allowed() -> None:
    """Targets that were not selected, and those that are held back; leave for deletes is none for them."""
    fleet = make_fleet(API, make_target("staging/web"), selection=("staging/api",))
    changes = [_change("update", "staging/api"), _change("update", "staging/web")]
    rules = _rules(allow=9)
    assert not resource_problems(changes, fleet.targets, fleet, rules)
    (said,) = resource_problems(changes, fleet.targets, fleet, rules, strays=("staging/web",))
    assert "staging/web as well" in said
    assert "was not selected" in said
    whole = make_fleet(API)
    (said,) = resource_problems(changes, whole.targets, whole, rules, strays=("preview/pr-9/web",))
    assert "preview/pr-9/web as well" in said
    assert "declared elsewhere" in said


def test_what_a_file_may_declare_that_is_not_read_is_not_deleted() -> None:
    """Whatever is allowed: Terraform cannot leave a part of its state out."""
    fleet = replace(make_fleet(API), doubts={"preview/pr-1": "pr.yml: not read; did you mean pr.yaml?"})
    said = _problems(_change("delete", "preview/pr-1/api"), fleet=fleet, rules=_rules(allow=9))
    assert said == (
        "preview/pr-1/api would be deleted, and may be declared after all: "
        "pr.yml: not read; did you mean pr.yaml?"
    )
    assert not _problems(_change("delete", "preview/pr-2/api"), fleet=fleet)


_targets = st.none() | st.sampled_from(["staging/api", "staging/old", "preview/pr-1/api", "preview/pr-2/api"])
_changes = st.lists(
    st.builds(
        ResourceChange,
        address=st.sampled_from(["a.a", "a.b", "a.c"]),
        kind=st.sampled_from([FUNCTION, "aws_lambda_permission", "aws_s3_bucket"]),
        action=st.sampled_from(["create", "update", "replace", "delete", "forget", "import"]),
        target=_targets,
    ),
    max_size=6,
)


@given(_changes, st.booleans())
def test_leave_for_all_deletes_is_enough_and_for_fewer_is_not(
    changes: list[ResourceChange], prune: bool
) -> None:
    """--allow-deletes N allows exactly N; creating and updating never needs it."""
    fleet = make_fleet(API)
    declared = dict(fleet.targets)
    count = count_deletes(changes, declared)
    assert not resource_problems(changes, declared, fleet, _rules(prune=prune, allow=count))
    if count:
        assert resource_problems(changes, declared, fleet, _rules(prune=prune, allow=count - 1))
    else:
        assert not resource_problems(changes, declared, fleet, _rules(prune=prune))


def test_what_the_module_made_of_a_declaration_goes_with_it() -> None:
    """A line that is removed from Git takes effect; a subscription of the team's own is asked for."""
    kind = "aws_sns_topic_subscription"
    assert not _problems(replace(_change("delete", "staging/api", kind), is_beside=True))
    assert "is still declared" in _problems(_change("delete", "staging/api", kind))
