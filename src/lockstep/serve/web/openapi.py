"""What ``/api/v1`` answers, as an OpenAPI 3.1 document: schemas follow from the values that are sent."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from lockstep._version import __version__
from lockstep.model import Health, SyncStatus
from lockstep.model.record import Done
from lockstep.model.status import Cause
from lockstep.serve.orders import OrderVerb
from lockstep.store.entries import Drift, Event, Run, StepEntry

__all__ = ["openapi_document"]

_TEXT: Mapping[str, Any] = {"type": "string"}
_FLAG: Mapping[str, Any] = {"type": "boolean"}
_MAYBE: Mapping[str, Any] = {"type": ["string", "null"]}


def _choice(kind: type[StrEnum], *more: None) -> Mapping[str, Any]:
    return {"enum": [*(one.value for one in kind), *more]}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object that has all of these and nothing else."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [*properties],
        "additionalProperties": False,
    }


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _of(kind: Any) -> dict[str, Any]:
    """The schema of a value of a type."""
    if get_origin(kind) is types.UnionType:
        found = [_of(one) for one in get_args(kind)]
        return {"anyOf": found}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return _object({field.name: _of(hints[field.name]) for field in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {"enum": [one.value for one in kind]}
    names = {str: "string", int: "integer", float: "number", types.NoneType: "null"}
    return {"type": names[kind]}


def _named(name: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """A document with its format."""
    return _object({"format": {"const": f"lockstep.{name}/1"}, **properties})


_STATUS = _named(
    "status",
    targets=_list(
        _object(
            {
                **dict.fromkeys(("target", "service", "environment", "deploymentType"), _TEXT),
                **dict.fromkeys(("declared", "live", "alias"), _MAYBE),
                "sync": _choice(SyncStatus),
                "health": _choice(Health),
                **dict.fromkeys(("healthRead", "problem", "commit", "author", "changed"), _MAYBE),
                "cause": _choice(Cause, None),
                "changes": _list({"type": "object"}),
                "rollout": {"type": ["object", "null"]},
                "cluster": _list(
                    _object({"object": _TEXT, "health": _choice(Health), "message": _TEXT, "since": _MAYBE})
                ),
            }
        )
    ),
    notes=_list(_TEXT),
)
_PROJECTS = _named(
    "projects",
    projects=_list(
        _object(
            {
                "name": _TEXT,
                "repository": _TEXT,
                "commit": _MAYBE,
                "targets": {"type": "integer"},
                "looked": _MAYBE,
                "failing": {
                    "type": "object",
                    "additionalProperties": _object({"why": _TEXT, "next": _TEXT}),
                },
                "waiting": {
                    "type": "object",
                    "additionalProperties": _object(
                        {
                            **dict.fromkeys(("version", "why"), _TEXT),
                            **dict.fromkeys(("next", "url"), _MAYBE),
                            "pull": {"type": ["integer", "null"]},
                        }
                    ),
                },
            }
        )
    ),
)
_HISTORY = _named(
    "history",
    target=_TEXT,
    versions=_list(
        _object(
            {
                **dict.fromkeys(("version", "until", "sourceCommit", "sha256", "takenBackWhy"), _MAYBE),
                **dict.fromkeys(("since", "commit", "author", "subject"), _TEXT),
                "seconds": {"type": "integer"},
                "pull": {"type": ["integer", "null"]},
                **dict.fromkeys(("takenBack", "mayBeOlder"), _FLAG),
                "deployment": {
                    "anyOf": [
                        _object(
                            {
                                "done": _choice(Done),
                                **dict.fromkeys(("at", "by"), _TEXT),
                                **dict.fromkeys(("commit", "run"), _MAYBE),
                            }
                        ),
                        {"type": "null"},
                    ]
                },
            }
        )
    ),
)
_LOGS = _named("logs", target=_TEXT, lines=_list(_object({"at": _TEXT, "text": _TEXT})))
_PREVIEWS = _named(
    "previews",
    previews=_list(
        _object(
            {
                "number": {"type": "integer"},
                "environment": _TEXT,
                **dict.fromkeys(("commit", "created", "updated", "ends", "warned"), _MAYBE),
                "recorded": {"type": "boolean"},
                "deployed": {"type": ["boolean", "null"]},
                "pull": {"type": "null"},
                "services": _list(
                    _object(
                        {
                            **dict.fromkeys(("service", "deploymentType"), _TEXT),
                            **dict.fromkeys(("declared", "live"), _MAYBE),
                            "sync": _choice(SyncStatus),
                            "health": _choice(Health),
                        }
                    )
                ),
            }
        )
    ),
    notes=_list(_TEXT),
)
_ERROR = _object({"error": _TEXT})
_ANSWERS: Mapping[str, tuple[str, Mapping[str, Any], tuple[str, ...], bool]] = {
    "/api/v1/openapi.json": ("This document.", {"type": "object"}, (), False),
    "/api/v1/projects": ("Projects, and what is tried again.", _PROJECTS, (), False),
    "/api/v1/projects/{project}/targets": ("Targets as they were seen last.", _STATUS, ("q",), False),
    "/api/v1/projects/{project}/targets/{target}": ("One target.", _STATUS, (), False),
    "/api/v1/runs": (
        "Syncs, the newest first.",
        _named("runs", runs=_list(_of(Run))),
        (*("q", "project", "page"),),
        True,
    ),
    "/api/v1/runs/{run}": (
        "One sync with its steps.",
        _named("run", run=_object({**_of(Run)["properties"], "steps": _list(_of(StepEntry))})),
        (),
        True,
    ),
    "/api/v1/drift": (
        "What was not as Git says; what is not mended first.",
        _named("drift", drift=_list(_of(Drift))),
        ("q", "project", "page"),
        True,
    ),
    "/api/v1/events": (
        "Everything that happened, the newest first.",
        _named("events", events=_list(_of(Event))),
        ("q", "project", "target", "before"),
        True,
    ),
    "/api/v1/history": (
        "The versions that a target had, the newest first, as lockstep history tells them.",
        _HISTORY,
        ("project", "target"),
        True,
    ),
    "/api/v1/logs": (
        "What a target has logged, without secrets.",
        _LOGS,
        ("project", "target", "since"),
        False,
    ),
    "/api/v1/previews": (
        "Previews, as lockstep preview list tells them; of their pull requests nothing is said.",
        _PREVIEWS,
        ("project",),
        False,
    ),
}
_PARAMETERS = {
    "q": "Words that each have to be found, in any case; the first 200 characters count.",
    "project": "Name of the project.",
    "target": "Name of the target: staging/api.",
    "page": "Number of the page of 50, from 1; anything else is 1.",
    "since": "Seconds back; 900 when absent, a day at the most.",
    "before": "Id of the last event that was seen: the 50 before it come.",
}


def _answered(about: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


_ORDER = _named("order", run=_MAYBE, lines=_list(_TEXT))
_REFUSED = {
    "400": "It is no such object.",
    "401": "Nobody who is known asks.",
    "403": "Who asks may not, or another site sent it.",
    "404": "There is no such target, or no such verb.",
    "409": "It cannot be done now; the words say why.",
    "413": "It is too long.",
    "415": "It is no JSON.",
    "408": "It takes too long to be sent.",
    "503": "Sessions cannot be read, or too much is asked for at once: Retry-After says when to ask again.",
}
_ORDERING: Mapping[str, Any] = {
    "summary": "Ask for a verb of a target; it is done in its turn, as a run.",
    "operationId": "orders",
    "parameters": [],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        **dict.fromkeys(("project", "target", "reason", "version"), _TEXT),
                        "verb": _choice(OrderVerb),
                        "dryRun": {"type": "boolean"},
                    },
                    "required": ["project", "target", "verb"],
                    "additionalProperties": False,
                }
            }
        },
    },
    "responses": {
        "200": _answered("With dryRun: what would come of it, and no run.", _ORDER),
        "202": _answered("The id of its run, which /api/v1/runs/{run} tells of.", _ORDER),
        **{
            status: _answered(words, {"$ref": "#/components/schemas/Error"})
            for status, words in _REFUSED.items()
        },
    },
}


def openapi_document() -> dict[str, Any]:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lockstep serve",
            "version": __version__,
            "description": "What runs where, and what happened. Where people log in it takes a token; what "
            "whoever asks may not see is not there.",
        },
        "security": [{}, {"token": []}],
        "paths": {
            **{path: {"get": _operation(path)} for path in _ANSWERS},
            "/api/v1/orders": {"post": _ORDERING},
        },
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(path: str) -> Mapping[str, Any]:
    about, schema, asked, needs_history = _ANSWERS[path]
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    is_told = path in ("/api/v1/history", "/api/v1/logs", "/api/v1/previews")
    can_miss = bool(named) or is_told
    errors = {
        **({"400": "since is no number of seconds."} if "since" in asked else {}),
        "401": "Nobody who is known asks.",
        **({"404": "There is no such thing."} if can_miss else {}),
        **({"502": "Git, AWS or the history cannot be read."} if is_told else {}),
        "503": "No history is kept, or it cannot be read." if needs_history else "Sessions cannot be read.",
    }
    return {
        "summary": about,
        "operationId": "_".join(part.strip("{}") for part in path.split("/")[3:]).removesuffix(".json"),
        "parameters": [
            *({"name": one, "in": "path", "required": True, "schema": _TEXT} for one in named),
            *(
                {"name": one, "in": "query", "description": _PARAMETERS[one], "schema": _TEXT}
                for one in asked
            ),
        ],
        "responses": {
            "200": {"description": about, "content": {"application/json": {"schema": schema}}},
            **{
                status: {
                    "description": words,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for status, words in errors.items()
            },
        },
    }
