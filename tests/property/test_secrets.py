"""Laws of secrets in the planner: a value from a secret store never shows, and never differs by its mask."""

from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Fleet, Function, Reference, Scope, Secret, Target
from lockstep.planning.diff import diff_settings
from lockstep.planning.fingerprint import fingerprint

texts = st.text(min_size=1, max_size=8)
values = texts | st.builds(Secret, texts)
variables = st.dictionaries(st.sampled_from(["A", "B", "C"]), values)


def _function(environment: dict[str, str | Secret]) -> Function:
    return Function(name="f", settings={"environment": environment} if environment else {})


def _text(value: object) -> object:
    return value.value if isinstance(value, Secret) else value


@given(variables, variables)
def test_a_variable_differs_by_its_value_and_not_by_its_mask(
    desired: dict[str, str | Secret], live: dict[str, str | Secret]
) -> None:
    """AWS returns a secret as plain text; only another text is a difference."""
    changed = {change.path for change in diff_settings(_function(desired), _function(live))}
    assert changed == {
        f"environment.{key}" for key in {*desired, *live} if _text(desired.get(key)) != _text(live.get(key))
    }


@given(variables, variables)
def test_what_is_secret_on_one_side_is_shown_on_neither(
    desired: dict[str, str | Secret], live: dict[str, str | Secret]
) -> None:
    """The plain live value of a variable that Git takes from a store is masked too."""
    for change in diff_settings(_function(desired), _function(live)):
        key = change.path.partition(".")[2]
        if isinstance(desired.get(key), Secret) or isinstance(live.get(key), Secret):
            assert not isinstance(change.old, str)
            assert not isinstance(change.new, str)


@given(texts, texts)
def test_where_a_secret_comes_from_does_not_count(value: str, name: str) -> None:
    """Moving a secret from one parameter to another with the same value changes nothing."""
    moved = Secret(value, Reference(store="ssm", name=name))
    assert diff_settings(_function({"A": moved}), _function({"A": Secret(value)})) == ()
    assert value not in str(moved) or value in f"(secret ssm:{name})"
    assert repr(value) not in repr(Secret(value))


@given(texts, texts)
def test_a_fingerprint_holds_no_secret(one: str, other: str) -> None:
    """Two secrets give one fingerprint: a digest in a saved plan is no way to guess a value."""

    def fleet(value: str) -> Fleet:
        target = Target(environment="staging", service="api", function=_function({"A": Secret(value)}))
        return Fleet(
            project="p", targets={target.key: target}, scopes={"staging": Scope(account="1", region="r")}
        )

    assert fingerprint(fleet(one)) == fingerprint(fleet(other))
