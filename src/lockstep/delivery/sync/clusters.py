"""What the cluster says of targets that it applies, beside what AWS says. AWS is right: this is never more
than a second voice, and where it cannot be heard that is a note.

``kubectl`` asks, by the kubeconfig that it finds: once for each kind and namespace, whatever their number.
"""

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockstep.children import Child, credentials_of, environment_of
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.folders import fill
from lockstep.errors import LockstepError, bounded
from lockstep.model import StatusRow
from lockstep.model.foreign import read_json
from lockstep.model.masking import without_secrets_in
from lockstep.model.status import Condition
from lockstep.roads.base import Ground, State
from lockstep.roads.conditions import WATCHED, Watched, condition_of

__all__ = ["has_kubeconfig", "with_cluster"]

_SECONDS = 15  # for one call
_AT_ONCE = 4
_LONGEST = 300  # characters of a message
_MOST = 64 << 20  # bytes of an answer

_Place = tuple[str, str]  # resource, namespace


def has_kubeconfig() -> bool:
    """Whether this machine knows a cluster: the file that KUBECONFIG names, or the usual one."""
    named = environment_of(Child.KUBECTL).get("KUBECONFIG")
    paths = named.split(os.pathsep) if named else [str(Path.home() / ".kube/config")]
    return any(path and Path(path).is_file() for path in paths)


def with_cluster(
    workspace: Workspace, rows: Sequence[StatusRow]
) -> tuple[tuple[StatusRow, ...], tuple[str, ...]]:
    """The rows of targets that a cluster applies with what it says of their objects; and what it did not say.

    Asks nobody where no such target is among them, or this machine has no kubeconfig.
    """
    wanted = _watched(workspace, rows) if has_kubeconfig() else {}
    places = sorted({(one.resource, one.namespace) for many in wanted.values() for one in many})
    if not places:
        return tuple(rows), ()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(zip(places, pool.map(_ask, places), strict=True))
    failures: defaultdict[str, list[_Place]] = defaultdict(list)
    for place, found in answers.items():
        if isinstance(found, str):
            failures[found].append(place)
    told = [replace(row, cluster=tuple(_conditions(wanted.get(row.target, ()), answers))) for row in rows]
    return tuple(told), tuple(_notes(failures))


def _watched(workspace: Workspace, rows: Iterable[StatusRow]) -> dict[str, tuple[Watched, ...]]:
    project, fleet = workspace.project, workspace.fleet
    roads = {
        row.target: road
        for row in rows
        if row.target in fleet.targets and row.is_ours
        if (road := project.environment(row.environment).traits.road) is not None
    }
    if not roads:
        return {}
    ground = Ground(project=project, fleet=fleet, fill=fill, states=_states(workspace))
    found: dict[str, tuple[Watched, ...]] = {}
    for key, road in roads.items():
        try:
            found[key] = tuple(WATCHED[road](ground, fleet.targets[key]))
        except LockstepError:
            continue  # no namespace: `render` and `plan` say so
    return found


def _states(workspace: Workspace) -> tuple[State, ...]:
    """The states by their names and targets alone."""
    from lockstep.engines.terraform.runs import states_of

    return tuple(
        State(name=run.name, settings=run.settings, keys=tuple(run.targets(workspace.fleet)))
        for run in states_of(workspace.project.environments.values())
    )


def _conditions(
    watched: Iterable[Watched], answers: Mapping[_Place, Mapping[str, Any] | str]
) -> Iterator[Condition]:
    for one in watched:
        found = answers[one.resource, one.namespace]
        if isinstance(found, str):
            continue  # told once, as a note
        condition = condition_of(one, found.get(one.name))
        yield replace(condition, message=_harmless(condition.message))


def _ask(place: _Place) -> Mapping[str, Any] | str:
    """The objects of a kind in a namespace by their names; or why nobody knows."""
    resource, namespace = place
    words = ["kubectl", "get", resource, "-n", namespace, "-o", "json", f"--request-timeout={_SECONDS}s"]
    try:
        done = subprocess.run(
            words,
            env=environment_of(Child.KUBECTL),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS + 5,
            check=False,
        )
    except FileNotFoundError:
        return "there is no kubectl on PATH"
    except subprocess.TimeoutExpired:
        return f"kubectl has not answered for {_SECONDS} seconds"
    except OSError as error:
        return f"kubectl could not be started: {error.strerror}"
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return _harmless(lines[-1]) if lines else f"kubectl ended with {done.returncode}"
    try:
        answer = read_json(done.stdout) if len(done.stdout) <= _MOST else None
        items = answer["items"] if isinstance(answer, dict) else None
        return {one["metadata"]["name"]: one for one in items} if items is not None else _ODD
    except (ValueError, KeyError, TypeError):
        return _ODD


_ODD = "kubectl answered with something else than a list of objects"


def _harmless(text: str) -> str:
    secrets = credentials_of(environment_of(Child.KUBECTL))
    return bounded(without_secrets_in(" ".join(text.split()), secrets), _LONGEST)


def _notes(failures: Mapping[str, Sequence[_Place]]) -> Iterator[str]:
    for why, places in failures.items():
        names = sorted({f"{resource} in {namespace}" for resource, namespace in places})
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        yield f"the cluster was not heard on {', '.join(names[:2])}{more}: {why}; what AWS says stands"
