"""What every kind of resource beside a function says of itself."""

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from lockstep.model.fields import Field, from_api, normalise, to_api
from lockstep.model.foreign import read_json
from lockstep.model.function import Value
from lockstep.model.rights import Right
from lockstep.values import dataclass

__all__ = [
    "ANY_NAME",
    "FUNCTIONS",
    "NAME",
    "InTerraform",
    "Resource",
    "ResourceKind",
    "compact",
    "digest_of",
    "is_json",
    "let_in",
    "moment",
    "named_after",
    "sid_on",
    "unlisted",
]

_ALTERNATIVES = "$or"

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"
"""What the repository may call one of several resources of a kind; tags of AWS hold it."""

ANY_NAME = "NAME"
"""Stands for the name of one of several in the path of a row."""

FUNCTIONS = "functions"
"""What most calls are allowed on: see ``ResourceKind.on``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource beside a function, desired or live.

    ``settings`` maps the names of the kind's rows to normalised values and leaves out every row that
    has AWS's default, as a function's settings do.
    """

    kind: str  # a key of ``KINDS``
    qualifier: str = ""  # the alias that it belongs to; "": the function itself
    identity: str = ""  # of one of several: what AWS tells it from the others by
    settings: Mapping[str, Value] = field(default_factory=dict)
    name: str = field(default="", compare=False)  # of one of several: what the repository calls it
    handle: str = field(default="", compare=False)  # of a live one: what calls about it name it by
    foreign: bool = field(default=False, compare=False)  # a live one of others, taken over only when told
    kin: bool = field(default=False, compare=False)  # but for one of another function of the project
    is_let_in: bool = field(default=False, compare=False)  # of a live one: by our statement, not another's
    state: str = field(default="", compare=False)  # of a live one: that AWS still makes it, in its word
    replace: bool = field(default=False, compare=False)  # a new one may take its place
    place: str = field(default="", compare=False)  # file:line of the declaration

    @property
    def path(self) -> str:
        """Where the repository declares it under ``lambda:``."""
        return f"{self.kind}.{self.name}" if self.name else self.kind

    @property
    def word(self) -> str:
        """What a function's tags remember it by: its kind, and of one of several which it is."""
        return f"{self.kind}:{self.name}:{digest_of(self.identity)}" if self.identity else self.kind

    @property
    def missing(self) -> tuple[str, ...]:
        """What a live one lacks to call the function, of a kind that AWS keeps in several parts."""
        parts = self.settings.get("missing")
        return tuple(str(one) for one in parts) if isinstance(parts, tuple) else ()


def digest_of(identity: str) -> str:
    """An identity in the few characters that a tag has room for."""
    return hashlib.sha256(identity.encode()).hexdigest()[:8]


def named_after(function: str, name: str, longest: int) -> str:
    """A name of the function's and the repository's, which nothing else is likely to have."""
    whole = f"{function}-{name}"
    if len(whole) > longest:
        whole = f"{function[: longest - len(name) - 10]}-{digest_of(function)}-{name}"
    return whole


def sid_on(sid: str, qualifier: str) -> str:
    """The id of a statement; no two aliases share one, which emulators keep in one policy."""
    return f"{sid}-{hashlib.sha256(qualifier.encode()).hexdigest()[:8]}" if qualifier else sid


def let_in(
    wanted: Resource, live: Resource | None, *, sid: str, principal: str, source: str
) -> Iterator[Mapping[str, Any]]:
    """The statement that lets a service call by a source, where the live resource lacks it."""
    if live is None or live.qualifier != wanted.qualifier or "permission" in live.missing:
        yield {
            "Sid": f"{sid}-12345678",
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": "lambda:InvokeFunction",
            "Condition": {"ArnLike": {"AWS:SourceArn": source}},
        }


def compact(text: str) -> str:
    """JSON written in the one way in which equal means equal; what is none, as it is."""
    try:
        return json.dumps(read_json(text), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    except ValueError:
        return text


def is_json(text: str, kind: type = object) -> bool:
    """Whether a text is JSON, of a kind."""
    try:
        return isinstance(read_json(text), kind)
    except ValueError:
        return False


def unlisted(pattern: Mapping[str, Any], *, is_flat: bool = False) -> str | None:
    """The first key of a pattern for events without the list of values that it needs; None: each has one.

    Maps hold keys of their own, but in a pattern that ``is_flat``.
    """
    for name, value in pattern.items():
        if isinstance(value, list):
            inner = value if name == _ALTERNATIVES else []
            found = (unlisted(one, is_flat=is_flat) for one in inner if isinstance(one, dict))
            if wrong := next((one for one in found if one is not None), None):
                return wrong
        elif is_flat or not isinstance(value, dict) or name == _ALTERNATIVES:
            return name
        elif (deeper := unlisted(value, is_flat=is_flat)) is not None:
            return deeper
    return None


def moment(value: Any, _: Mapping[str, Any]) -> str:
    """A moment as the repository writes it."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def _called(function: str, one: Resource) -> tuple[str, ...]:
    return (f"{function}:{one.qualifier}" if one.qualifier else function,)


@dataclass(frozen=True, kw_only=True, slots=True)
class InTerraform:
    """What the module lambda-fleet makes of a kind, in the words of Terraform's AWS provider.

    Sources: the provider's documentation and schema of each resource, version 5.100.
    """

    resources: Mapping[str, Mapping[str, str]]
    """By type of resource: the rows that it has, and where; a dot leads into a block. The first is the like
    of the kind, the others are made with each."""
    calls: str = "function_name"  # where the last of them names the function
    ids: Callable[[str, Resource], tuple[str, ...]] = _called
    """What each is imported by, of the live one of a function."""
    sid: Callable[[str], str] | None = None  # of an identity: the statement that it needs besides
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Rows of which the provider takes some values alone; (): the default."""

    def lacking(self, settings: Mapping[str, Value]) -> Iterator[str]:
        """The rows whose values the provider does not take."""
        for name, taken in self.only.items():
            value = settings.get(name)
            items = value if isinstance(value, tuple) else (value,)
            if value is not None and not all(item in taken for item in items):
                yield name


def _as_they_are(settings: Mapping[str, Value]) -> Mapping[str, Value]:
    return settings


def _made(answer: Mapping[str, Any]) -> str:
    return ""


def _nothing(settings: Mapping[str, Value], function: str, name: str) -> Mapping[str, Value]:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceKind:
    """A kind of resource. ``rows`` are named relative to it.

    A function has at most one, or several, each with a name in the repository: then ``identify`` says
    what AWS tells them by. Of several, those that Lockstep neither declares nor made are left alone.

    ``reads``, ``writes`` and ``removes`` are the operations that its file of calls uses, as IAM names
    their actions. ``stands_alone`` says that it exists even when every row has its default; otherwise
    that is the same as having none. ``invites`` says that something calls the function once it is
    there: it comes after everything else of the target. Statements that it has in the function's policy
    have ids that begin with ``lockstep-NAME-``.
    """

    name: str  # the key under ``lambda:``
    about: str  # one line for the schema and the reference
    title: str  # in a plan: "set TITLE", "remove TITLE"
    rows: tuple[Field, ...]
    reads: tuple[str, ...]  # "lambda:GetFunction..."
    writes: tuple[str, ...]
    removes: tuple[str, ...]
    proof: tuple[str, ...]  # members that every answer to its reads and writes has
    proofs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of calls that answer otherwise
    on: Mapping[str, str] = field(default_factory=dict)
    """What IAM allows a call on, where it is not the function: a ``Thing``, the row that names it, or after a
    colon the end of an ARN, of which the action's service is; after two colons of one without an account."""
    actions: Mapping[str, str] = field(default_factory=dict)  # of calls whose action has another name
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Members that its writing calls take and that have no row, and why."""
    terraform: InTerraform | None = None  # None: the module lambda-fleet has none
    bare: str = ""  # the row that is declared as the value of the kind's key itself
    published: bool = False
    """Only published code has one, so it needs an alias: AWS keeps the alias's calls where they are until
    another version has its own, and changes none of an alias with weights."""
    unversioned: bool = False  # of the function as a whole, whichever alias is called
    state: Callable[[Mapping[str, Any]], str] = _made
    """What an answer says that AWS is still making of it, in AWS's word."""
    fault: str = ""  # the computed row that says why AWS could not make it
    stands_alone: bool = False
    invites: bool = False
    moves: bool = False  # one that is there goes to another alias in place
    outlives: bool = False  # AWS keeps it when the function is deleted
    overlaps: bool = False  # a new one is there before the one goes whose place it takes
    at_once: bool = False  # reading tells those of a function on whatever alias they are
    own_only: bool = False  # one of others is never taken over
    sole: bool = False  # AWS keeps one of an identity in an account and Region: no two targets may declare it
    is_global: bool = False  # and in all Regions of the account one
    has_names: bool = True  # of several; or a function has one, which AWS tells by an identity
    leads: bool = False
    """The function needs it: it is there before the function is changed, and goes once nothing needs it."""
    setting: Callable[[Mapping[str, Value]], str] | None = None
    """The function's setting of the same name, in place of which it is declared. None: there is none."""
    feature: str = ""  # what of ``iam-policy`` it is a part of by itself: nobody makes one who is not let
    instead: str = ""  # what to declare where an engine makes none; "": no such thing
    fixing: str = ""  # what to do where a fixed row differs and no new one may take its place
    stays: Callable[[Mapping[str, Value], bool], str | None] = lambda _, __: None
    """Why a live one of ours is kept though nothing declares it, with the function or once that is gone."""
    rival: str = ""  # a kind that has to call its own by other names
    passes: str = ""  # the row of a role that is handed on to a service by what writes
    handle: str = ""  # member of an answer that calls about it name it by
    identify: Callable[[Mapping[str, Value]], str] | None = None  # None: there is at most one
    normal: Callable[[Mapping[str, Value]], Mapping[str, Value]] = _as_they_are
    """Settings in the form in which equal means equal, where that depends on one another."""
    usual: Callable[[Mapping[str, Value], str, str], Mapping[str, Value]] = _nothing
    """Rows that follow from the others and from the names of the function and in Git, if not declared."""
    callers: tuple[str, ...] = ()  # rows that name what calls, the first that there is; else ``sources`` do
    sources: tuple[str, ...] = ()  # rows that name what calls: one of them has to be a preview's own
    filled: Callable[[Mapping[str, Value]], Mapping[str, Value]] = lambda _: {}
    """AWS's defaults of rows that depend on the others."""
    near: str = ""  # the row that names what has to be in the function's Region
    loss: str = ""  # what is lost when a new one takes its place
    check: Callable[[Mapping[str, Value]], tuple[str, str, str] | None] = lambda _: None
    """What AWS refuses of rows together: the row that is wrong, the problem, the fix."""
    suits: Callable[[Mapping[str, Value], Mapping[str, Any]], tuple[str, str] | None] = lambda _, __: None
    """What AWS refuses of rows beside what is declared of the function: the problem, the fix."""
    rights: Callable[[Mapping[str, Value]], Iterable[Right]] = lambda _: ()
    """What the function's role has to allow for it."""
    admits: Callable[["Resource", "Resource | None"], Iterable[Mapping[str, Any]]] = lambda _, __: ()
    """Statements that the wanted resource needs and the live one has not, but for whom they are about."""

    @property
    def is_many(self) -> bool:
        """Whether AWS tells them by an identity: a function may have several, if they ``has_names``."""
        return self.identify is not None

    def on_alias(self, alias: str) -> str:
        """The qualifier that one is on of a function that is called by an alias, or "" for by itself."""
        return "" if self.unversioned else alias

    def path(self, row: Field, name: str = ANY_NAME) -> str:
        """The row's path under ``lambda:``, as changes and errors name it; ``name`` is of one of several."""
        if row.name == self.bare:
            return self.name
        is_named = self.is_many and self.has_names
        return f"{self.name}.{name}.{row.name}" if is_named else f"{self.name}.{row.name}"

    def declared(
        self, values: Mapping[str, Any], qualifier: str, name: str, place: str, function: str = ""
    ) -> Resource:
        """The resource of values by the names of rows, as the repository has them."""
        found = {row.name: normalise(row, values.get(row.name)) for row in self.rows}
        settings = self.normal({key: value for key, value in found.items() if value is not None})
        settings = {**self.usual(settings, function, name), **settings}
        resource = self._make(settings, qualifier)
        return replace(resource, name=name, place=place, replace=bool(values.get("replace")))

    def read(self, answer: Mapping[str, Any], qualifier: str = "") -> Resource | None:
        """The live resource in what AWS answered; None when it is as if there were none."""
        settings = self.normal(from_api(answer, self.rows))
        if not settings and not self.stands_alone:
            return None
        handle, state = str(answer.get(self.handle, "")), self.state(answer)
        return replace(self._make(settings, qualifier), handle=handle, state=state)

    def request(self, resource: Resource) -> dict[str, Any]:
        """All rows as the API takes them, defaults included."""
        return to_api("", resource.settings, [row for row in self.rows if not row.computed])

    def fits(self, live: Resource | None, wanted: Resource) -> bool:
        """Whether what is live is what is wanted, which may leave things as they are."""
        return live is not None and replace(live, settings=self.without_kept(live, wanted)) == wanted

    def without_kept(self, live: Resource, wanted: Resource) -> Mapping[str, Value]:
        """The live settings but for those that stay as they are because nothing is declared of them."""
        kept = {row.name for row in self.rows if row.kept} - wanted.settings.keys()
        return {name: value for name, value in live.settings.items() if name not in kept}

    def fixed(self, wanted: Resource, live: Resource) -> tuple[str, ...]:
        """The rows that differ and that AWS takes only when the resource is made."""
        return tuple(
            row.name
            for row in self.rows
            if row.fixed and wanted.settings.get(row.name) != live.settings.get(row.name)
            if not (row.kept and row.name not in wanted.settings)
        )

    def _make(self, settings: Mapping[str, Value], qualifier: str) -> Resource:
        identity = self.identify(settings) if self.identify is not None else ""
        qualifier = self.on_alias(qualifier)
        return Resource(kind=self.name, qualifier=qualifier, identity=identity, settings=settings)
