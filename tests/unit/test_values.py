"""Values are the standard library's frozen dataclasses, whose methods are made when they are called."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field

import pytest

from lockstep import model
from lockstep.values import _made, dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One with all that a field may have."""

    file: str
    line: int = 1
    tags: tuple[str, ...] = ()
    seen: dict[str, int] = field(default_factory=dict, compare=False)
    secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse a place that is none, and write what nobody else may."""
        if not self.file:
            raise ValueError("no file")
        object.__setattr__(self, "line", int(self.line))


@dataclass(frozen=True, slots=True)
class Further(Place):
    """One that inherits, whose own field may be given by place."""

    column: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """One with methods of its own."""

    name: str

    def __eq__(self, other: object) -> bool:
        """By the name in any case."""
        return isinstance(other, Own) and other.name.lower() == self.name.lower()

    def __hash__(self) -> int:
        """Of the name in any case."""
        return hash(self.name.lower())

    def __repr__(self) -> str:
        """The name alone."""
        return self.name


def test_nothing_is_made_before_it_is_called() -> None:
    """A class that is only imported has none of its methods, and each is made once, for itself."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Fresh:
        name: str

    at_first = {name: Fresh.__dict__[name] for name in ("__init__", "__eq__", "__hash__", "__repr__")}
    Fresh(name="a")
    assert {name for name, made in at_first.items() if Fresh.__dict__[name] is not made} == {"__init__"}
    made = Fresh.__dict__["__init__"]
    assert Fresh(name="a") == Fresh(name="a") != Fresh(name="b")
    assert Fresh.__dict__["__init__"] is made


def test_a_value_is_made_compared_hashed_and_shown_as_the_standard_librarys() -> None:
    """Defaults, factories, fields that do not count, what runs after, and inheritance."""
    one, same, other = Place(file="a", seen={"x": 1}), Place(file="a", line=1), Place(file="a", line=2)
    assert one == same
    assert one != other
    assert hash(one) == hash(same)
    assert len({one, same, other}) == 2
    assert repr(one) == "Place(file='a', line=1, tags=(), seen={'x': 1})"
    assert same.seen == {}
    assert same.seen is not other.seen
    assert Further(3, file="a") == Further(file="a", column=3) != Place(file="a")
    assert dataclasses.replace(one, line=7).line == 7
    assert [each.name for each in dataclasses.fields(Further)][-1] == "column"
    assert dataclasses.asdict(same)["tags"] == ()
    with pytest.raises(ValueError, match="no file"):
        Place(file="")
    with pytest.raises(TypeError, match=r"Place.__init__\(\) .*'colour'"):
        Place(file="a", colour="red")  # type: ignore[call-arg]


def test_a_value_stays_as_it_is() -> None:
    """Nothing sets or deletes a field or adds one; a copy is another value of the same kind."""
    one = Place(file="a", tags=("x",))
    for change in (
        lambda: setattr(one, "line", 2),
        lambda: setattr(one, "new", 2),
        lambda: delattr(one, "line"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    assert copy.deepcopy(one) == one == pickle.loads(pickle.dumps(one))  # noqa: S301 - made here
    assert not hasattr(one, "__dict__")


def test_methods_of_ones_own_stay() -> None:
    """As with the standard library, what a class defines counts."""
    assert Own(name="A") == Own(name="a")
    assert hash(Own(name="A")) == hash(Own(name="a"))
    assert repr(Own(name="A")) == "A"


def test_every_value_takes_what_the_standard_librarys_would() -> None:
    """Parameters by name, kind and default, of what lies in the model, the largest values there are."""
    kinds = {one for one in vars(model).values() if isinstance(one, type) and dataclasses.is_dataclass(one)}
    assert len(kinds) > 50
    for kind in {*kinds, Place, Further}:
        body = {"__annotations__": {one.name: one.type for one in dataclasses.fields(kind)}}
        like = dataclasses.dataclass(frozen=True)(
            type(kind.__name__, (), {**{one.name: one for one in dataclasses.fields(kind)}, **body})
        )
        made, theirs = (_parameters(one) for one in (_made(kind, "__init__"), like.__init__))
        assert made == theirs, kind


def test_a_field_that_nobody_may_give_is_refused() -> None:
    """It would be one that counts in nothing, and the standard library makes such values all the same."""
    with pytest.raises(TypeError, match="not given when a value is made"):

        @dataclass(frozen=True, slots=True)
        class Odd:
            found: int = field(default=0, init=False)


def _parameters(method: Callable[..., object]) -> list[tuple[str, object, bool]]:
    """Name, kind, and whether there is a default, of all but the first."""
    found = [*inspect.signature(method).parameters.values()][1:]
    return [(one.name, one.kind, one.default is not inspect.Parameter.empty) for one in found]
