"""Policies of IAM, in the form in which equal means equal, and what IAM refuses of their statements.

Source: IAM user guide, "IAM JSON policy elements reference" and "IAM and STS quotas": order counts neither
among statements nor in a list, a list of one is its one value, and conditions compare texts. A role's inline
policies have 10,240 characters together, spaces left out.
"""

import hashlib
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockstep.model.foreign import read_json
from lockstep.regexes import regex

__all__ = [
    "MANAGED",
    "MOST_INLINE",
    "MOST_MANAGED",
    "VERSION",
    "allows_all",
    "document_of",
    "is_made",
    "labelled",
    "meaning_of",
    "path_of",
    "problem_of",
    "read_document",
    "size_of",
    "statements_of",
]

VERSION = "2012-10-17"
MANAGED = r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/([\w+=,.@-]+/)*[\w+=,.@-]{1,128}"
"""The ARN of a managed policy, AWS's or an account's."""
MOST_MANAGED = 10
"""Managed policies of a role, until AWS is asked for more: 20 at the most."""
MOST_INLINE = 10_240  # characters
_ROOT = "lockstep/"
_OTHER_VERSION = "other-version"  # in place of a label; no ``Sid`` has a hyphen
_LISTS = ("Action", "NotAction", "Resource", "NotResource")
_KNOWN = ("Sid", "Effect", *_LISTS, "Condition")
_ACTION = regex(r"\*|[A-Za-z0-9-]+:[\w*?]+")
_SID = regex(r"[A-Za-z0-9]*")
_RESOURCE = regex(r"\*|arn:\S+")

_Problem = tuple[str, str]


def path_of(project: str, environment: str) -> str:
    """The path of an environment's roles, by which a policy can be about just these."""
    return f"/{_ROOT}{project}/{environment}/"


def is_made(role: str) -> bool:
    """Whether a role, by its ARN or its name, lies where those do that are made for functions."""
    return role.rpartition(":role/")[2].lstrip("/").startswith(_ROOT)


def read_document(document: Any) -> Mapping[str, Any]:
    """A policy as AWS tells it: JSON, percent-encoded or not, or what has been read of that."""
    if isinstance(document, str):
        document = read_json(urllib.parse.unquote(document))
    if not isinstance(document, Mapping):
        raise ValueError(f"no policy: {type(document).__name__}")
    return document


def labelled(document: Any) -> dict[str, str]:
    """Statements by their ``Sid``, or one by what it says; each as JSON written in the one way.

    ``document`` is a policy, a list of statements or what this has made of one. Of a policy of another
    version, whose variables mean something else, the version is told too.
    """
    if isinstance(document, Mapping) and "Statement" not in document:
        return {str(name): str(text) for name, text in sorted(document.items())}
    found: dict[str, str] = {}
    for one in statements_of(document):
        text = _written(one)
        found[str(one.get("Sid") or f"statement-{hashlib.sha256(text.encode()).hexdigest()[:8]}")] = text
    if isinstance(document, Mapping) and document.get("Version", "2008-10-17") != VERSION:
        found[_OTHER_VERSION] = str(document.get("Version"))
    return dict(sorted(found.items()))


def meaning_of(document: Any) -> frozenset[str]:
    """What a policy's statements say, whatever they are called."""
    return frozenset(map(_written, statements_of(document)))


def statements_of(document: Any) -> Iterator[Mapping[str, Any]]:
    """The statements of a policy or a list, of which one may stand for itself."""
    if isinstance(document, Mapping) and "Statement" in document:
        document = document["Statement"]
    yield from _listed(document)


def allows_all(document: Any) -> bool:
    """Whether a statement allows every action on everything."""
    return any(
        one.get("Effect") == "Allow"
        and "*" in _listed(one.get("Action"))
        and "*" in _listed(one.get("Resource"))
        for one in statements_of(document)
    )


def document_of(statements: Mapping[str, str]) -> str:
    """The policy of statements by their labels, as short as can be."""
    made = [
        {**({} if "-" in label else {"Sid": label}), **read_json(text)}
        for label, text in statements.items()
        if label != _OTHER_VERSION
    ]
    return json.dumps({"Version": VERSION, "Statement": made}, separators=(",", ":"), ensure_ascii=False)


def size_of(statements: Mapping[str, str]) -> int:
    """Characters of the policy as IAM counts them."""
    return len(re.sub(r"\s", "", document_of(statements)))


def problem_of(statement: Any, taken: Iterable[str] = ()) -> _Problem | None:
    """What IAM refuses of a statement and what to do; ``taken`` are ``Sid``s of others.

    A text with braces is not judged: it is filled in later.
    """
    if not isinstance(statement, Mapping):
        return "a statement is a map", "write Effect, Action and Resource below it"
    for name in statement:
        if name in ("Principal", "NotPrincipal"):
            return (
                f"{name} is for policies of resources, and a role's says what the role may do",
                f"remove {name}; who may take the role is Lambda alone",
            )
        if name not in _KNOWN:
            near = next((one for one in _KNOWN if one.lower() == str(name).lower().rstrip("s")), None)
            return f"unknown key {name!r}", f"did you mean {near}?" if near else f"known: {', '.join(_KNOWN)}"
    if statement.get("Effect") not in ("Allow", "Deny"):
        return "a statement needs an Effect", "write Effect: Allow, or Effect: Deny"
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (one in statement) == (other in statement):
            return f"a statement needs {one} or {other}, one of the two", f"write {one}:"
    for name, form, example in (
        ("Action", _ACTION, "s3:GetObject"),
        ("NotAction", _ACTION, "iam:*"),
        ("Resource", _RESOURCE, "arn:aws:s3:::bucket/* or '*'"),
        ("NotResource", _RESOURCE, "arn:aws:s3:::bucket/*"),
    ):
        if name in statement and (found := _wrong_texts(name, statement[name], form, example)):
            return found
    sid = statement.get("Sid", "")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        return f"{sid!r} is no Sid: letters and digits only", "write for example Sid: ReadOrders"
    if sid and sid in taken:
        return f"the Sid {sid} is taken by another statement", "give each its own, or none"
    condition = statement.get("Condition", {})
    if not isinstance(condition, Mapping) or not all(isinstance(one, Mapping) for one in condition.values()):
        return "Condition has operators, each with keys", "write Condition: {StringEquals: {key: value}}"
    return None


def _wrong_texts(name: str, value: Any, form: re.Pattern[str], example: str) -> _Problem | None:
    texts = list(_listed(value))
    for text in texts:
        if not isinstance(text, str) or not ("{" in text or form.fullmatch(text)):
            return f"{text!r} is no {name}", f"for example {example}"
    return None if texts else (f"{name} is empty", f"for example {example}")


def _written(statement: Mapping[str, Any]) -> str:
    return json.dumps(_normal(statement), separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _normal(statement: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in statement.items() if name != "Sid"}
    for name in _LISTS:
        if name in made:
            made[name] = sorted({str(one) for one in _listed(made[name])})
    if isinstance(made.get("Principal"), Mapping):
        made["Principal"] = {
            kind: sorted(map(str, _listed(value))) for kind, value in made["Principal"].items()
        }
    if not made.get("Condition"):
        made.pop("Condition", None)
    else:
        made["Condition"] = {
            operator: {key: sorted({_text(one) for one in _listed(value)}) for key, value in keys.items()}
            for operator, keys in made["Condition"].items()
        }
    return made


def _listed(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        yield from value
    else:
        yield value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
