"""The waves of a preview: functions come after the services that other tools deploy are up.

Argo CD orders what is in a cluster by waves; functions are outside of it. So the services of a preview are
written first, and its functions when ``preview.waitFor`` tells that the services are up: by their own URLs,
or by what the tool that deploys them sets on the commit.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence

from lockstep.artifacts.web import Web
from lockstep.config import templates
from lockstep.delivery.previews.ground import Ground
from lockstep.errors import Interrupted, LockstepError
from lockstep.forge.base import Check, CheckState, Forge
from lockstep.git.commits import parents_of
from lockstep.git.writing import head
from lockstep.model.layer import DEPLOYMENT
from lockstep.model.move import Move
from lockstep.model.preview import WaitFor
from lockstep.model.watching import Watcher
from lockstep.web import check_url

__all__ = ["awaited", "wait_for_services"]

_POLL = 5.0  # seconds between two looks
_MOST = 50  # commits on which a check is looked for
_SHOWN = 3


def awaited(wait: WaitFor | None, moves: Iterable[Move]) -> tuple[Move, ...]:
    """The services that functions of the same preview wait for; none where there are no functions."""
    moves = tuple(moves)
    if wait is None or not any(move.deployment_type == "lambda" for move in moves):
        return ()
    return tuple(
        move
        for move in moves
        if move.deployment_type not in ("lambda", DEPLOYMENT)
        and (not wait.services or move.service in wait.services)
    )


def wait_for_services(
    ground: Ground,
    wait: WaitFor,
    services: Sequence[Move],
    *,
    since: str | None,
    stop: threading.Event,
    watcher: Watcher,
) -> None:
    """Wait until all services are up. ``since`` is the commit that wrote them; None: an older one did.

    Raises LockstepError when one of them is not up in time, Interrupted soon after ``stop`` is set.
    """
    deadline = time.monotonic() + wait.seconds
    forge = ground.gitops.forge() if wait.check is not None else None
    pending = dict.fromkeys(services, "was not looked at")
    while True:
        checks = {check.name: check for check in reversed([*_checks(ground, forge, since)])} if forge else {}
        why = {move: _missing(wait, move, checks) for move in pending}
        pending = {move: said for move, said in why.items() if said is not None}
        if not pending:
            return
        first = next(iter(pending))
        if time.monotonic() > deadline:
            shown = "; ".join(f"{move.service} {move.new} {pending[move]}" for move in [*pending][:_SHOWN])
            more = f"; and {len(pending) - _SHOWN} more" if len(pending) > _SHOWN else ""
            raise LockstepError(
                f"not up within {wait.seconds} s: {shown}{more}; the functions are as they were",
                where=wait.place,
                fix="see what the tool that deploys it says; the same command again goes on waiting",
            )
        watcher.progress(f"waiting for {first.service} {first.new}: it {pending[first]}")
        if stop.wait(_POLL):
            raise Interrupted(
                "stopped while waiting; the services are written, the functions are as they were",
                fix="run the same command to go on",
            )


def _missing(wait: WaitFor, move: Move, checks: dict[str, Check]) -> str | None:
    """What is missing until a service is up."""
    pr = move.environment.rpartition("pr-")[2]
    names = {"service": move.service, "version": move.new, "pr": pr, "env": f"pr-{pr}"}
    if wait.check is not None:
        name = templates.fill(wait.check, names)
        check = checks.get(name)
        if check is None:
            return f"has no check {name} yet"
        return None if check.state is CheckState.SUCCESS else f"has the check {name} at {check.state}"
    url = check_url(templates.fill(wait.url or "", names), where=wait.place)
    try:
        answer = Web(attempts=1).ask(url)
    except LockstepError as error:
        return f"does not answer: {error.problem}"
    if answer.status >= 300:
        return f"answers {answer.status}"
    text = templates.fill(wait.contains or "", names)
    return None if text.encode() in answer.body else f"answers without {text!r}"


def _checks(ground: Ground, forge: Forge, since: str | None) -> Iterator[Check]:
    """The checks of the branch's newest commits back to the one that wrote the services, newest first."""
    repository = ground.gitops.remote.repository
    commit = head(ground.gitops.remote, ground.branch)
    for _ in range(_MOST):
        if commit is None:
            return
        yield from forge.checks(commit)
        if commit == since:
            return
        commit = next(iter(parents_of(repository, commit)), None)
