"""JSON that somebody else wrote: all that is wrong with it is one kind of error."""

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from lockstep.errors import LockstepError

__all__ = ["expect", "read_json", "shaped"]

_T = TypeVar("_T")


def read_json(text: str | bytes, *, objects: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """The value of a JSON text; ``objects`` makes what stands for an object of it.

    Raises ValueError for all that is none: also for what Python takes as well (NaN, numbers beyond all
    bounds, which no comparison and no conversion expects) and for what is nested without end.
    """
    try:
        return json.loads(text, object_hook=objects, parse_constant=_refuse, parse_float=_finite)  # noqa: TID251
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def expect(kind: type[_T], value: Any) -> _T:
    """The value, when it is of a kind (and True is no number). Raises TypeError for anything else."""
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


@contextlib.contextmanager
def shaped(otherwise: LockstepError) -> Iterator[None]:
    """Raise the error where a document has not the shape that it is read in. Errors of ours pass."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise otherwise from error


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number
