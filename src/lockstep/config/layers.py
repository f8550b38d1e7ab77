"""Layers of values: how they merge, and which file and line gave a value.

Merging is Helm's: maps merge deeply, lists and scalars replace, null deletes the key.
"""

from collections.abc import Iterable
from dataclasses import field
from typing import Any

from lockstep.config.schema import LAMBDA
from lockstep.config.shapes import Checker, Key
from lockstep.config.yaml_reader import Document, Lines, line_at, text_at
from lockstep.errors import BadInput
from lockstep.values import dataclass

__all__ = ["SHORT_VERSION", "Layer", "Stack", "fold", "has", "merge", "read_layer"]

SHORT_VERSION = "lambdaVersion"
"""At the top of a file, what ``lambda: {version: ...}`` says; written so by other tools."""

Path = tuple[str | int, ...]


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """A new map with ``over`` laid on ``base``, neither of which changes. Source: Helm, "Values Files"."""
    result = dict(base)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merge(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result


def fold(layers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """All layers merged, the lowest first."""
    result: dict[str, Any] = {}
    for layer in layers:
        result = merge(result, layer)
    return result


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One file's values. The ``lambda`` block is checked and in its final form."""

    name: str  # "global", "service", "environment", ...
    file: str
    values: dict[str, Any]
    lines: Lines
    errors: tuple[BadInput, ...] = ()  # of the lambda block; they count where the layer is used
    has_templates: bool = False

    def place(self, path: Path = ()) -> str:
        """``file:line`` of a value, or of the nearest value above it."""
        return f"{self.file}:{line_at(self.lines, path)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """The layers of one target, lowest first, and their merged values."""

    layers: tuple[Layer, ...]
    values: dict[str, Any] = field(default_factory=dict)

    def under(self, layer: Layer) -> "Stack":
        """A new stack with one more layer on top."""
        return Stack(layers=(*self.layers, layer), values=merge(self.values, layer.values))

    def place(self, path: Path = ()) -> str:
        """``file:line`` of the layer that gave a value; of the highest layer when none did."""
        for layer in reversed(self.layers):
            if has(layer.values, path):
                return layer.place(path)
        return self.layers[-1].place(path)

    def text(self, path: Path) -> str | None:
        """How the layer that gave an unquoted number or boolean wrote it."""
        for layer in reversed(self.layers):
            if has(layer.values, path):
                return text_at(layer.lines, path)
        return None


def has(values: Any, path: Path) -> bool:
    """Whether there is a value, null included, at a path."""
    for part in path:
        if isinstance(values, dict):
            if part not in values:
                return False
            values = values[part]
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            return False
    return True


def read_layer(document: Document, name: str) -> Layer:
    """A layer from a values file. BadInput when the file is no map; errors of ``lambda`` are kept."""
    values, lines = document.value, document.lines
    if values is None:
        return Layer(name=name, file=document.file, values={}, lines=lines)
    if not isinstance(values, dict):
        raise BadInput(
            "a file of values holds one map at its top",
            where=f"{document.file}:{document.line()}",
            fix="write key: value lines",
        )
    for top, line, text in document.odd_keys:
        if top is None or top == "lambda":
            raise _odd_key(document.file, line, text)
    quarrel: tuple[BadInput, ...] = ()
    if SHORT_VERSION in values:
        values, lines, quarrel = _with_version(document.file, values, lines)
    block = values.get("lambda")
    if block is None:
        return Layer(name=name, file=document.file, values=values, lines=lines)
    checked, block_lines, checker = check_block(document.file, LAMBDA, block, lines[1]["lambda"])
    return Layer(
        name=name,
        file=document.file,
        values={**values, "lambda": checked},
        lines=(lines[0], {**lines[1], "lambda": block_lines}),
        errors=(*quarrel, *checker.errors),
        has_templates=checker.has_templates,
    )


def _with_version(
    file: str, values: dict[str, Any], lines: Lines
) -> tuple[dict[str, Any], Lines, tuple[BadInput, ...]]:
    """The values and lines with ``lambdaVersion: 1.2.3`` as the ``version`` of the ``lambda`` block."""
    block = values.get("lambda")
    line, below = lines
    inside = below.get("lambda")
    if block is not None and not isinstance(block, dict):
        return values, lines, ()
    short = below[SHORT_VERSION]
    if block is not None and "version" in block:
        if block["version"] == values[SHORT_VERSION]:
            return values, lines, ()
        return (
            values,
            lines,
            (
                BadInput(
                    f"{SHORT_VERSION} and lambda.version name two versions",
                    where=f"{file}:{line_at(lines, (SHORT_VERSION,))}",
                    fix="remove one of them",
                ),
            ),
        )
    first = inside[0] if inside is not None else line_at(lines, (SHORT_VERSION,))
    rest = inside[1] if inside is not None else {}
    return (
        {**values, "lambda": {**(block or {}), "version": values[SHORT_VERSION]}},
        (line, {**below, "lambda": (first, {**rest, "version": short})}),
        (),
    )


def check_block(file: str, key: Key, block: Any, lines: Lines) -> tuple[Any, Lines, Checker]:
    """A ``lambda:`` block in its final form, its lines, and the checker that holds the errors."""
    checker = Checker(file, templates=True)
    if isinstance(block, dict) and any("." in name for name in block):
        block, lines = _nested(block, lines, checker)
    return checker.check(key, block, lines, key.name), lines, checker


def _nested(block: dict[str, Any], lines: Lines, checker: Checker) -> tuple[dict[str, Any], Lines]:
    """Dotted spellings (``vpc.subnetIds: [...]``) as nested maps."""
    values: dict[str, Any] = {}
    below: dict[str, Lines] = {}
    for name, value in block.items():
        group, dot, member = name.partition(".")
        if not dot or name not in LAMBDA.also:
            if name in values and isinstance(value, dict) and isinstance(values[name], dict):
                value, at = {**values[name], **value}, {**below[name][1], **lines[1][name][1]}
                values[name], below[name] = value, (lines[1][name][0], at)
            else:
                values[name], below[name] = value, lines[1][name]
            continue
        at = lines[1][name]
        inside = values.get(group)
        if isinstance(inside, dict) and member in inside:
            checker.add(at, f"lambda.{name} is written twice", "keep one of the two spellings")
        elif inside is None or isinstance(inside, dict):
            values[group] = {**(inside or {}), member: value}
            above = below[group][1] if isinstance(inside, dict) else {}
            below[group] = (line_at(at, ()), {**above, member: at})
    return values, (lines[0], below)


def _odd_key(file: str, line: int, text: str) -> BadInput:
    return BadInput(
        f"the key {text} is not a string: without quotes YAML reads it as another type",
        where=f"{file}:{line}",
        fix=f'write "{text}":',
    )
