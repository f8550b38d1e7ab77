"""Commit statuses, and deployments of commits to environments."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from lockstep.errors import ForgeError
from lockstep.forge.base import Check, CheckState, DeploymentState
from lockstep.forge.local.ledger import DEPLOYMENTS, STATUSES, Edit, Ledgers, Snapshot
from lockstep.model.foreign import read_json

__all__ = ["read_checks", "read_deployments", "set_deployment", "set_status"]

_LONGEST = 140  # characters of a description, as on GitHub
_KEPT = 100  # deployments of an environment; older ones are in the ledger's history

Record = dict[str, Any]


def read_checks(statuses: Snapshot, sha: str) -> list[Check]:
    """The statuses of a commit, by context."""
    path = _of_commit(sha)
    records = _records(statuses, STATUSES, path)
    try:
        return sorted(
            (Check(name=one["context"], state=CheckState(one["state"]), url=one["url"]) for one in records),
            key=lambda check: check.name,
        )
    except (KeyError, ValueError):
        raise _odd(STATUSES, path) from None


def set_status(
    ledgers: Ledgers, sha: str, *, context: str, state: CheckState, description: str, url: str | None
) -> None:
    """Set the status of a commit in one context."""
    said = {"context": context, "state": state.value, "description": description[:_LONGEST], "url": url}

    def changed(records: list[Record]) -> list[Record]:
        if any(said.items() <= one.items() for one in records):
            return records
        return [one for one in records if one.get("context") != context] + [{**said, "at": ledgers.now}]

    _change(ledgers, STATUSES, _of_commit(sha), f"{context} of {sha[:12]}: {state}", changed)


def set_deployment(
    ledgers: Ledgers,
    sha: str,
    *,
    environment: str,
    state: DeploymentState,
    description: str,
    url: str | None,
) -> None:
    """Record how a deployment goes; the newest one of an environment is changed when it is of this commit.

    One that succeeds makes those before it inactive.
    """
    said = {"sha": sha, "state": state.value, "description": description[:_LONGEST], "url": url}

    def changed(records: list[Record]) -> list[Record]:
        if records and said.items() <= records[0].items():
            return records
        others = records[1:] if records and records[0].get("sha") == sha else records
        if state is DeploymentState.SUCCESS:
            success, inactive = DeploymentState.SUCCESS.value, DeploymentState.INACTIVE.value
            others = [{**one, "state": inactive} if one.get("state") == success else one for one in others]
        return [{**said, "at": ledgers.now}, *others][:_KEPT]

    message = f"{environment}: {sha[:12]} {state}"
    _change(ledgers, DEPLOYMENTS, _of_environment(environment), message, changed)


def read_deployments(ledgers: Ledgers, environment: str) -> list[Mapping[str, Any]]:
    """The deployments of an environment, newest first: sha, state, description, url, at."""
    return [*_records(ledgers.look(DEPLOYMENTS), DEPLOYMENTS, _of_environment(environment))]


def _of_commit(sha: str) -> str:
    return f"{sha[:2]}/{sha[2:]}.json"


def _of_environment(environment: str) -> str:
    return f"{quote(environment, safe='/')}.json"


def _change(
    ledgers: Ledgers, ledger: str, path: str, message: str, changed: Callable[[list[Record]], list[Record]]
) -> None:
    def decide(snapshot: Snapshot) -> tuple[Edit | None, None]:
        before = _records(snapshot, ledger, path)
        after = changed(before)
        if after == before:
            return None, None
        text = json.dumps(after, ensure_ascii=False, indent=1) + "\n"
        return Edit(message=message, changes={path: text.encode()}), None

    ledgers.change(ledger, decide)


def _records(snapshot: Snapshot, ledger: str, path: str) -> list[Record]:
    found = snapshot.read([path])
    if path not in found:
        return []
    try:
        records = read_json(found[path])
    except ValueError:
        raise _odd(ledger, path) from None
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise _odd(ledger, path)
    return records


def _odd(ledger: str, path: str) -> ForgeError:
    return ForgeError(
        "this is not what Lockstep wrote",
        where=f"{ledger}:{path}",
        fix=f"take back the commit that changed it: `git log -p {ledger}` shows them",
    )
