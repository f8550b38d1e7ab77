"""What was applied last, kept where every machine sees it: the same again costs no run, and a target
that is not to change gets what it has.

The marker is an object in the package bucket. It holds a salted digest of all that goes into a run (files,
backend, workspace and variables), and by target its share of the variables without the values of the
functions' environment variables, which may be secrets. Losing it costs one run, and a selection its
knowledge of the others. What an apply is about to change is taken away before it begins, so a run that
was killed leaves nothing that is not so. It says nothing of what others do to AWS or to the state
meanwhile: ``--refresh`` looks.
"""

import copy
import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import field
from typing import Any

from lockstep.engines.terraform.base import Cloud
from lockstep.engines.terraform.files import Files
from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.variables import Share
from lockstep.model.foreign import expect, read_json
from lockstep.model.paths import value_at
from lockstep.values import dataclass

__all__ = ["Applied", "Marker", "inputs_of"]

_FORMAT = "lockstep.terraform/2"
_ROUNDS = 100_000  # of hashing: what goes in holds secrets, some of them short


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """One target's share as it was applied last; ``values`` lack what ``environment`` names."""

    function: str  # its name
    values: Mapping[str, Any]
    environment: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def of(cls, share: Share, function: str) -> "Applied":
        """What may be kept of a share."""
        values = copy.deepcopy(dict(share.values))
        for path in share.environment:
            place = _place(values, path)
            if place is not None:
                place.pop(path[-1], None)
        return cls(function=function, values=values, environment=share.environment)

    def share(self, variables: Mapping[str, Any]) -> Share:
        """The whole share again; ``variables`` are those of the function's environment that are known."""
        values = copy.deepcopy(dict(self.values))
        for path, name in self.environment.items():
            place = _place(values, path)
            if place is not None and name in variables:
                place[path[-1]] = variables[name]
        return Share(values=values, environment=self.environment)


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """The marker of one run, as it was read."""

    cloud: Cloud
    environment: str  # whose package bucket keeps it
    name: str
    applied: Mapping[str, Applied]  # by target
    salt: str = ""
    digest: str = ""  # of the inputs, when all of them were applied

    @classmethod
    def read(cls, run: Run, project: str, cloud: Cloud) -> "Marker":
        """The marker of a run; an empty one when there is none, or none that can be read."""
        place = hashlib.sha256("\n".join(run.settings.run).encode()).hexdigest()[:16]
        environment, name = run.environments[0].name, f"{project}/{place}.json"
        text = cloud.recall(environment, name)
        try:
            kept = read_json(text or "")
            if kept["format"] != _FORMAT:
                raise ValueError(kept["format"])
            applied = {
                str(key): Applied(
                    function=str(one["function"]),
                    values=dict(one["values"]),
                    environment={_path(path): str(variable) for path, variable in one["environment"]},
                )
                for key, one in kept["targets"].items()
            }
            salt, digest = str(kept["salt"]), str(kept["inputs"])
        except (ValueError, KeyError, TypeError, AttributeError):
            applied, salt, digest = {}, "", ""
        return cls(cloud=cloud, environment=environment, name=name, applied=applied, salt=salt, digest=digest)

    def is_current(self, inputs: str) -> bool:
        """Whether exactly these inputs were applied last."""
        return bool(self.digest) and secrets.compare_digest(self.digest, _digest(inputs, self.salt))

    def begin(self, changing: Collection[str]) -> None:
        """Note that an apply is under way: what it changes is not known until it has ended."""
        self._keep({key: one for key, one in self.applied.items() if key not in changing}, None)

    def end(self, applied: Mapping[str, Applied], inputs: str | None) -> None:
        """Note what is applied now. ``inputs`` are given when all of them are."""
        self._keep(applied, inputs)

    def _keep(self, applied: Mapping[str, Applied], inputs: str | None) -> None:
        salt = secrets.token_hex(16)
        content = {
            "format": _FORMAT,
            "salt": salt,
            "inputs": _digest(inputs, salt) if inputs is not None else "",
            "targets": {
                key: {
                    "function": one.function,
                    "values": one.values,
                    "environment": [[list(path), variable] for path, variable in one.environment.items()],
                }
                for key, one in sorted(applied.items())
            },
        }
        self.cloud.remember(self.environment, self.name, json.dumps(content))


def inputs_of(run: Run, files: Files, variables: Mapping[str, Any]) -> str:
    """Everything that goes into a run, as one text; never shown or kept."""
    return json.dumps(
        {"run": run.settings.run, "files": files.digest, "variables": variables}, sort_keys=True
    )


def _place(values: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """The map that holds what a path leads to."""
    place = value_at(values, path[:-1])
    return place if isinstance(place, dict) else None


def _path(steps: Any) -> tuple[str, ...]:
    """A path into values. TypeError or ValueError for what is none."""
    first, *others = steps
    return (expect(str, first), *(expect(str, step) for step in others))


def _digest(inputs: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", inputs.encode(), salt.encode(), _ROUNDS).hex()
