"""What counts as secret."""

import pytest

from lockstep.model import Change, Reference, Secret
from lockstep.render.masks import Masks, concealed, concealed_change
from lockstep.render.values import pair

HIDDEN = [
    ("environment.DB_PASSWORD", "x"),
    ("lambda.environment.apiKey", "x"),
    ("environment.URL", "amqp://user:pw@host/"),
    ("environment.ANY", "AKIAABCDEFGHIJKLMNOP"),
    ("description", "see https://me:pw@example.com"),
    ("environment.PIN_TOKEN", 1234),
]


@pytest.mark.parametrize(("path", "value"), HIDDEN)
def test_secret_looking_values_are_wrapped(path: str, value: str | int) -> None:
    """By the variable's name, or by the value's shape anywhere."""
    assert concealed(path, value) == Secret(str(value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("memorySize", 128),
        ("environment.RabbitMqHost", "host"),
        ("environment.AUTH_ENABLED_TOKEN", True),
        ("tags.password-policy", "strict"),
        ("environment.X", None),
    ],
)
def test_other_values_are_not(path: str, value: object) -> None:
    """Only environment variables are judged by name; flags hold no secret."""
    assert concealed(path, value) == value  # type: ignore[arg-type]


def test_maps_are_searched() -> None:
    """A whole environment is masked key by key."""
    reference = Reference(store="ssm", name="n")
    given = {"TOKEN": "x", "A": "y", "R": reference}
    assert concealed("environment", given) == {"TOKEN": Secret("x"), "A": "y", "R": reference}


def test_both_sides_of_a_change_are_hidden_together() -> None:
    """What a secret is replaced by may be one too, and its length or host is nobody's business."""
    change = concealed_change(Change(path="environment.X", old=Secret("a"), new="b"))
    assert change.new == Secret("b")


def test_labels_number_values_in_order_of_appearance() -> None:
    """The same value has the same number wherever it comes from."""
    one, other = "a" * 16, "b" * 40
    masks = Masks()
    assert masks.label(Secret(one)) == "(secret 1)"
    assert masks.label(Secret(other, Reference(store="ssm", name="/x"))) == "(secret 2, ssm:/x)"
    assert masks.label(Secret(one)) == "(secret 1)"
    assert masks.label(Secret(None)) == "(secret)"


def test_an_equal_label_confirms_no_guess() -> None:
    """A PIN could be tried in a variable of one's own until it has the number of the other."""
    masks = Masks()
    assert masks.label(Secret("1234")) == masks.label(Secret("4321")) == "(secret)"
    change = Change(path="environment.PIN", old="1234", new="4321")
    assert pair(change, masks) == ("(secret)", "(another secret)")
    alike = Change(path="environment.PIN", old=Secret(None), new=Secret(None))
    assert pair(alike, masks) == ("(secret)", "(secret)")
