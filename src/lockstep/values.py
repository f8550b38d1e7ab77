"""Frozen dataclasses whose methods are made when they are first called, for a start that costs little.

Every command is a cold process. The standard library writes and compiles six functions for each class
while it is imported; a plan loads two hundred, and of most it calls none. What it would have made is made
here by the standard library, too, but for the class that is used. To whoever reads the code, and to the
type checker, nothing differs: ``dataclass``, ``field``, ``fields`` and ``replace`` mean what they mean.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

__all__ = ["dataclass"]

_T = TypeVar("_T")
_LATER = ("__init__", "__repr__", "__eq__", "__hash__")


def _dataclass(**how: bool) -> Callable[[type[_T]], type[_T]]:
    if not (how.get("frozen") and how.get("slots")) or not how.keys() <= {"frozen", "slots", "kw_only"}:
        return dataclasses.dataclass(**how)
    return lambda cls: _frozen(cls, is_kw_only=how.get("kw_only", False))


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass


def _frozen(cls: type[_T], *, is_kw_only: bool) -> type[_T]:
    """The class with its fields and slots, and each method that it does not define itself for later."""
    own = {name for name in _LATER if cls.__dict__.get(name) is not None}
    made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=is_kw_only)(cls)
    if not all(one.init for one in dataclasses.fields(made)):  # type: ignore[arg-type]
        raise TypeError(f"{cls.__qualname__} has a field that is not given when a value is made")
    methods: dict[str, Any] = {name: _later(made, name) for name in _LATER if name not in own}
    methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    methods |= {"__getstate__": _state, "__setstate__": _restore}
    for name, method in methods.items():
        setattr(made, name, method)
    return made


def _later(cls: type, name: str) -> Callable[..., Any]:
    def first(self: Any, /, *args: Any, **named: Any) -> Any:
        method = _made(cls, name)
        setattr(cls, name, method)
        return method(self, *args, **named)

    return first


def _made(cls: type, name: str) -> Callable[..., Any]:
    """One method of a frozen class with these fields."""
    return _init(cls) if name == "__init__" else _as_the_library_makes_it(cls, name)


def _init(cls: type) -> Callable[..., Any]:
    """Written out and compiled, as the standard library does, but for one thing.

    It fills the slots themselves: to ask ``object.__setattr__`` for each by name takes twice as long.
    """
    known: dict[str, Any] = {"_not_given": object()}
    places, names, lines = ["_self"], ["*"], []
    for one in dataclasses.fields(cls):
        name = one.name
        known[f"_set_{name}"] = getattr(cls, name).__set__
        parameter = value = name
        if one.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = one.default
            parameter = f"{name}=_default_{name}"
        elif one.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = one.default_factory
            parameter, value = f"{name}=_not_given", f"_make_{name}() if {name} is _not_given else {name}"
        (names if one.kw_only else places).append(parameter)
        lines.append(f"    _set_{name}(_self, {value})\n")
    if hasattr(cls, "__post_init__"):
        lines.append("    _self.__post_init__()\n")
    parameters = ", ".join([*places, *(names if len(names) > 1 else ())])
    exec(f"def __init__({parameters}):\n{''.join(lines) or '    pass'}", known)  # noqa: S102 - names of fields
    method: Callable[..., Any] = known["__init__"]
    method.__qualname__ = f"{cls.__qualname__}.__init__"
    return method


def _as_the_library_makes_it(cls: type, name: str) -> Callable[..., Any]:
    fields = dataclasses.fields(cls)
    body: dict[str, Any] = {one.name: one for one in fields}
    body["__annotations__"] = {one.name: one.type for one in fields}
    body |= {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    body["__doc__"] = ""  # or one is made, of the signature
    make = dataclasses.dataclass(
        init=False, repr=name == "__repr__", eq=name == "__eq__", unsafe_hash=name == "__hash__"
    )
    like: type[Any] = make(type(cls.__name__, (), body))
    method: Callable[..., Any] = like.__dict__[name]
    return method


def _refuse_to_set(self: object, name: str, value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)
