"""The shapes that values may have, as data, and the one function that checks a value against them.

A ``Key`` is a row of a table in ``schema``. Checking gives the value in the form that layers merge:
references become ``Reference``, environment variables strings, masked ones ``Secret``.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import field
from enum import Enum, StrEnum
from functools import cached_property
from typing import Any

from lockstep.config import rules
from lockstep.config.yaml_reader import Lines, line_at
from lockstep.config.yaml_text import scalar_text
from lockstep.errors import BadInput
from lockstep.model import Reference, Secret, looks_secret, policies
from lockstep.regexes import regex
from lockstep.suggest import did_you_mean, nearest
from lockstep.values import dataclass

__all__ = ["REMOVED", "Checker", "Key", "Removed", "Shape", "problem_of"]


class Removed(Enum):
    """Stands for ``key: null`` under ``tags``, which removes a tag in AWS instead of a line in Git."""

    TAG = "removed"


REMOVED = Removed.TAG
_FEW = 8  # options that an error names all


class Shape(StrEnum):
    """What a value looks like in the file."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"  # of ``item``
    MAP = "map"  # with exactly the keys of ``members``
    OPEN = "open map"  # any names, each an ``item``
    ENVIRONMENT = "environment variables"
    TAGS = "tags"
    STATEMENTS = "statements"  # of a policy of IAM, or the whole of one


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key and what its value may be. Null is allowed everywhere: it deletes, or says nothing."""

    name: str
    shape: Shape
    about: str
    enum: tuple[str, ...] = ()
    pattern: str = ""
    says: str = ""  # the pattern in words
    minimum: float | None = None
    maximum: float | None = None
    usual: float | None = None  # the greatest but on managed instances, which only the whole function shows
    most: int | None = None  # items of a list
    rule: rules.Rule | None = None
    members: tuple["Key", ...] = ()
    item: "Key | None" = None
    short: "Key | None" = None  # what else may stand in place of a map or list
    required: bool = False
    is_choice: bool = False  # of a map: exactly one of its members
    example: str = ""
    refused: Mapping[str, rules.Problem] = field(default_factory=dict)  # names that are told why
    also: tuple[str, ...] = ()  # other spellings of members, for suggestions
    lines: bool = False  # a text that may have several lines; names and ids never do
    is_literal: bool = False  # braces are the text's own, and no template
    extra: Mapping[str, Any] = field(default_factory=dict)  # added to the JSON Schema

    @cached_property
    def by_name(self) -> Mapping[str, "Key"]:
        """Members by name."""
        return {member.name: member for member in self.members}

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Names of the members that have to be there."""
        return tuple(member.name for member in self.members if member.required)


_FIFO = ".fifo"
_CONTROL = regex("[\x00-\x1f\x7f\x85\u2028\u2029]")


def problem_of(key: Key, text: str) -> rules.Problem | None:
    """What is wrong with a text, all templates filled in.

    No name, id, path or ARN has a line break or another control character; a YAML block adds one.
    """
    if key.enum and text.lower() not in [option.lower() for option in key.enum]:
        near = nearest(text, key.enum, cutoff=0.6 if len(key.enum) > _FEW else 0.85)
        fix = f"did you mean {near}?" if near else f"write one of: {', '.join(key.enum)}"
        return f"{_short(text)} is not allowed for {key.name}", fix
    if (found := _not_one_line(key, text)) is not None:
        return found
    if key.pattern and not re.fullmatch(key.pattern, text, re.ASCII):
        standard = text.removesuffix(_FIFO)
        if standard != text and re.fullmatch(key.pattern, standard, re.ASCII):
            return f"{_short(text)} is a FIFO one, and AWS takes none for {key.name}", "name a standard one"
        fix = key.says or (f"for example {key.example}" if key.example else f"it must match {key.pattern}")
        return f"{_short(text)} is no valid {key.name}", fix
    return key.rule(text) if key.rule is not None else None


class Checker:
    """Checks values of one file, collecting every error."""

    __slots__ = ("errors", "file", "has_templates", "templates")

    def __init__(self, file: str, *, templates: bool) -> None:
        self.file = file
        self.templates = templates  # strings may hold {service} and are judged when it is filled in
        self.has_templates = False
        self.errors: list[BadInput] = []

    def check(self, key: Key, value: Any, lines: Lines, path: str) -> Any:
        """The value in its final form; None when it is null or wrong (then ``errors`` grew)."""
        if value is None:
            return None
        if key.short is not None and not isinstance(value, dict if key.shape is Shape.MAP else list):
            return self.check(key.short, value, lines, path)
        match key.shape:
            case Shape.STRING:
                return self._string(key, value, lines, path)
            case Shape.INTEGER | Shape.NUMBER:
                return self._number(key, value, lines, path)
            case Shape.BOOLEAN:
                return self._boolean(key, value, lines, path)
            case Shape.LIST:
                return self._list(key, value, lines, path)
            case Shape.MAP:
                return self._map(key, value, lines, path)
            case Shape.OPEN:
                return self._open(key, value, lines, path)
            case Shape.ENVIRONMENT:
                return self._environment(value, lines, path)
            case Shape.TAGS:
                return self._tags(value, lines, path)
            case Shape.STATEMENTS:
                return self._statements(value, lines, path)

    def add(self, lines: Lines, problem: str, fix: str | None) -> None:
        """Note an error at a place of the file."""
        self.errors.append(BadInput(problem, where=f"{self.file}:{line_at(lines, ())}", fix=fix))

    def _string(self, key: Key, value: Any, lines: Lines, path: str) -> str | None:
        text = lines[1] if isinstance(lines, tuple) and isinstance(lines[1], str) else None
        may_be_template = self.templates and not key.is_literal
        if type(value) is not str:
            problem, fix = _not_a_string(path, key, value, text)
        elif text is not None:
            problem = f"{text} without quotes is no string for every YAML reader"
            other = None if may_be_template and "{" in text else problem_of(key, text)
            fix = other[1] if other is not None else f'write {_last(path)}: "{text}"'
        else:
            is_template = may_be_template and ("{" in value or "}" in value)
            found = _not_one_line(key, value) if is_template else problem_of(key, value)
            if found is None:
                self.has_templates |= is_template
                return value if is_template else _enum_case(key, value)
            problem, fix = f"{path}: {found[0]}", found[1]
        self.add(lines, problem, fix)
        return None

    def _number(self, key: Key, value: Any, lines: Lines, path: str) -> int | float | None:
        kind = "a whole number" if key.shape is Shape.INTEGER else "a number"
        fix = f"write {_last(path)}: {_nearest_number(key, value)}"
        text = lines[1] if isinstance(lines, tuple) else None
        if type(value) is int and isinstance(text, str) and re.fullmatch(r"[-+]?0[0-7]+", text):
            octal = f"{text} is {value} for some YAML readers and {int(text, 8)} for others"
            self.add(lines, f"{path}: {octal}", f"write {_last(path)}: {_nearest_number(key, value)}")
        elif isinstance(value, str) and re.fullmatch(r"\d{1,15}", value):
            meant = f"write {_last(path)}: {_nearest_number(key, value)}"
            self.add(lines, f"{path}: the quoted {value!r} is a string, not {kind}", meant)
        elif type(value) is not int and (key.shape is Shape.INTEGER or type(value) is not float):
            self.add(lines, f"{path}: {_short(value)} is not {kind}", fix)
        elif (key.minimum is not None and value < key.minimum) or (
            key.maximum is not None and value > key.maximum
        ):
            low = "" if key.minimum is None else f"at least {key.minimum:g}"
            high = "" if key.maximum is None else f"at most {key.maximum:g}"
            if key.usual is not None:
                high = f"at most {key.usual:g} ({key.maximum:g} on managed instances)"
            bounds = " and ".join(filter(None, (low, high)))
            self.add(lines, f"{path}: {_short(value)} is out of range", f"it takes {bounds}")
        elif key.enum and str(value) not in key.enum:
            near = min(key.enum, key=lambda option: abs(int(option) - value))
            options = ", ".join(key.enum)
            self.add(lines, f"{path}: {value} is not allowed", f"nearest is {near}; one of: {options}")
        else:
            return value
        return None

    def _boolean(self, key: Key, value: Any, lines: Lines, path: str) -> bool | None:
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        fix = f"write {_last(path)}: true or {_last(path)}: false"
        if word in ("yes", "on", "true"):
            fix = f"write {_last(path)}: true"
        elif word in ("no", "off", "false"):
            fix = f"write {_last(path)}: false"
        self.add(lines, f"{path}: {_short(value)} is not a boolean in YAML 1.2", fix)
        return None

    def _list(self, key: Key, value: Any, lines: Lines, path: str) -> list[Any] | None:
        assert key.item is not None  # noqa: S101 - a row of the table without it is our own mistake
        if not isinstance(value, list):
            self.add(lines, f"{path} takes a list, not {_kind(value)}", f"write {_last(path)}: [...]")
            return None
        if key.most is not None and len(value) > key.most:
            self.add(lines, f"{path} has {len(value)} items; AWS allows {key.most}", "remove some")
        below = lines[1]
        items = []
        for number, entry in enumerate(value):
            if entry is None:
                self.add(below[number], f"{path}[{number}] is empty", "write a value or remove the item")
                continue
            items.append(self.check(key.item, entry, below[number], f"{path}[{number}]"))
        return items

    def _map(self, key: Key, value: Any, lines: Lines, path: str) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            names = ", ".join([*key.by_name][:_FEW]) + (", ..." if len(key.by_name) > _FEW else "")
            self.add(lines, f"{path} takes a map, not {_kind(value)}", f"write its keys below it: {names}")
            return None
        below = lines[1]
        known = key.by_name
        result: dict[str, Any] = {}
        for name, entry in value.items():
            member = known.get(name)
            at = f"{path}.{name}" if path else name
            if name in key.refused:
                problem, fix = key.refused[name]
                self.add(below[name], f"{path}: {problem}", fix)
            elif member is None:
                within = f" under {path}" if path else ""
                near = did_you_mean(name, (*known, *key.also))
                self.add(below[name], f"unknown key {name!r}{within}", near)
            else:
                result[name] = self.check(member, entry, below[name], at)
        for member_name in key.needed:
            if value.get(member_name) is None:
                self.add(lines, f"{path or 'the file'} has no {member_name}", f"add {member_name}:")
        if key.is_choice:
            given = [member.name for member in key.members if value.get(member.name) is not None]
            if len(given) != 1:
                what = f"names {' and '.join(given)}" if given else "names nothing"
                self.add(lines, f"{path} {what}", f"write one of: {', '.join(key.by_name)}")
        return result

    def _open(self, key: Key, value: Any, lines: Lines, path: str) -> dict[str, Any] | None:
        assert key.item is not None  # noqa: S101 - as above
        if not isinstance(value, dict):
            self.add(lines, f"{path} takes a map, not {_kind(value)}", "write names with a colon below it")
            return None
        below = lines[1]
        result = {}
        for name, entry in value.items():
            if (found := _not_one_line(_NAME, name)) is not None:
                self.add(below[name], *found)
            else:
                result[name] = self.check(key.item, entry, below[name], f"{path}.{name}")
        return result

    def _environment(self, value: Any, lines: Lines, path: str) -> dict[str, Any] | None:
        """Strings, numbers and booleans as they are written, references, and null, which deletes."""
        if not isinstance(value, dict):
            self.add(lines, f"{path} takes a map, not {_kind(value)}", "write NAME: value below it")
            return None
        result: dict[str, Any] = {}
        if {*value} == {"Variables"} and isinstance(value["Variables"], dict):
            self.add(
                lines[1]["Variables"], f"{path} has Variables below it", "write the variables in its place"
            )
            return None
        for name, entry in value.items():
            at = lines[1][name]
            found = rules.variable(name)
            if found is not None:
                self.add(at, f"{path}: {found[0]}", found[1])
            elif entry is None:
                result[name] = None
            elif isinstance(entry, dict):
                result[name] = self._reference(entry, at, f"{path}.{name}")
            elif isinstance(entry, list):
                fix = "write a string, {ssm: name} or {secret: name}"
                self.add(at, f"{path}.{name} is a list; a variable is one text", fix)
            else:
                text = entry if isinstance(entry, str) else str(at[1])
                self.has_templates |= "{" in text or "}" in text
                result[name] = Secret(text) if looks_secret(name, text) else text
        return result

    def _reference(self, entry: dict[str, Any], lines: Lines, path: str) -> Reference | None:
        fix = "write {ssm: /name/of/parameter} or {secret: name-of-secret}"
        if len(entry) != 1 or next(iter(entry)) not in ("ssm", "secret"):
            self.add(lines, f"{path} is a map; only references are maps", fix)
            return None
        ((store, name),) = entry.items()
        if not isinstance(name, str) or not re.fullmatch(r"\S{1,2048}", name):
            self.add(lines, f"{path}: the {store} reference needs one name without spaces", fix)
            return None
        self.has_templates |= "{" in name or "}" in name
        return Reference(store=store, name=name, place=f"{self.file}:{line_at(lines, ())}")

    def _tags(self, value: Any, lines: Lines, path: str) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self.add(lines, f"{path} takes a map, not {_kind(value)}", "write key: value below it")
            return None
        result: dict[str, Any] = {}
        for name, entry in value.items():
            at = lines[1][name]
            found = rules.tag_key(name)
            if found is not None:
                self.add(at, f"{path}: {found[0]}", found[1])
            else:
                text = self.check(_TAG_VALUE, entry, at, f"{path}.{name}")
                result[name] = REMOVED if entry is None else text
        return result

    def _statements(self, value: Any, lines: Lines, path: str) -> list[dict[str, Any]] | None:
        """Statements as a list, each as IAM takes it; a whole policy is its statements."""
        if isinstance(value, dict) and "Statement" in value:
            version = value.get("Version", policies.VERSION)
            if str(version) != policies.VERSION:
                fix = f'write Version: "{policies.VERSION}": variables mean nothing in older ones'
                self.add(lines[1]["Version"], f"{path}: the policy has the Version {version}", fix)
            value, lines = value["Statement"], lines[1]["Statement"]
        if isinstance(value, dict):
            value, lines = [value], (line_at(lines, ()), [lines])
        if not isinstance(value, list):
            fix = f"write {_last(path)}: [{{Effect: Allow, Action: ..., Resource: ...}}]"
            self.add(lines, f"{path} takes a list of statements, not {_kind(value)}", fix)
            return None
        taken: set[str] = set()
        for number, one in enumerate(value):
            found = policies.problem_of(one, taken)
            if found is not None:
                self.add(lines[1][number], f"{path}[{number}]: {found[0]}", found[1])
                continue
            taken.add(str(one.get("Sid", "")))
            text = json.dumps(one, default=str).replace("{{", "").replace("}}", "")
            self.has_templates |= re.search(r'"[^"]*[{}][^"]*"', text) is not None
        return value


def _not_one_line(key: Key, text: str) -> rules.Problem | None:
    control = None if key.lines else _CONTROL.search(text)
    if control is None:
        return None
    found, name = control[0], key.name
    if found not in "\r\n\x85\u2028\u2029":
        return f"{_short(text)} has the control character {found!r}", "remove it"
    line = " ".join(text.split())
    bare = json.dumps(line, ensure_ascii=False)
    other = problem_of(key, line)
    fix = other[1] if other else f"write {name}: {bare} on one line"
    return f"{_short(text)} has a line break", f"{fix}; a block (| or >) adds a line break"


_NAME = Key(name="name", shape=Shape.STRING, about="")
_TAG_VALUE = Key(name="tag value", shape=Shape.STRING, about="", rule=rules.tag_value)


def _not_a_string(path: str, key: Key, value: Any, text: str | None) -> rules.Problem:
    if text is None and key.is_literal:
        return f"{path} takes a string, not {_kind(value)}", f"put it in quotes: {_last(path)}: '{{...}}'"
    if text is None:
        example = key.example or (scalar_text(key.enum[0], quote="", in_flow=False) if key.enum else "text")
        is_allowed = problem_of(key, example.strip('"')) is None
        fix = f"write {_last(path)}: {example}" if is_allowed else key.says or "write one text"
        return f"{path} takes a string, not {_kind(value)}", fix
    fix = f'write {_last(path)}: "{text}"'
    if (other := problem_of(key, text)) is not None and "{" not in text:
        fix = other[1]  # in quotes it would be refused as well
    if isinstance(value, bool):
        return f"{text} without quotes is a boolean; {path} takes a string", fix
    reads = f" and reads as {value}" if str(value) != text else ""
    return f"{text} without quotes is a number{reads}; {path} takes a string", fix


def _nearest_number(key: Key, value: Any) -> str:
    """The number that was meant by ``30s`` or ``2.5``, as far as it can be told."""
    digits = re.match(r"(\d{1,9})\s*([A-Za-z]*)", str(value))
    number = float(digits[1]) if digits else key.minimum or 10
    if digits:
        number *= _UNITS.get((key.name, digits[2].lower().removesuffix("ib").removesuffix("b")), 1)
    if key.enum:
        return min(key.enum, key=lambda option: abs(int(option) - number))
    lowest = number if key.minimum is None else max(number, key.minimum)
    return f"{lowest if key.maximum is None else min(lowest, key.maximum):.0f}"


_UNITS = {
    **{(name, "g"): 1024 for name in ("memorySize", "ephemeralStorage")},
    **{("timeout", unit): 60 for unit in ("m", "min", "minute", "minutes")},
    **{("timeout", unit): 3600 for unit in ("h", "hour", "hours")},
}
"""What a unit that was written with a number makes of it, for keys that take none."""


def _enum_case(key: Key, value: str) -> str:
    if not key.enum or value in key.enum:
        return value
    return next(option for option in key.enum if option.lower() == value.lower())


def _kind(value: Any) -> str:
    match value:
        case dict():
            return "a map"
        case list():
            return "a list"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case _:
            return "a number"


def _last(path: str) -> str:
    return re.sub(r"(\[\d+\])+\Z", "", path.rpartition(".")[2]) or "-"


def _short(value: Any) -> str:
    text = (
        repr(value)
        if isinstance(value, str)
        else _kind(value)
        if isinstance(value, dict | list)
        else str(value)
    )
    return text if len(text) <= 80 else f"{text[:77]}..."
