"""Several services released one after the other: what fails of one keeps no other from being released."""

import threading
from collections.abc import Iterator, Sequence

from lockstep.delivery.releases.release import Monorepo, Request, release
from lockstep.delivery.releases.versions import changed_services
from lockstep.errors import BadInput, Interrupted, LockstepError
from lockstep.model.released import Released
from lockstep.model.watching import SILENT, Prefixed, Watcher
from lockstep.values import dataclass

__all__ = ["NotReleased", "names_of", "release_each"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NotReleased:
    """A service of which no release was made, and why."""

    service: str
    error: LockstepError


def names_of(monorepo: Monorepo, services: Sequence[str], since: str | None) -> list[str]:
    """The services that are meant, each once; BadInput before anything is done when one is not there."""
    if not services and since is None:
        raise BadInput(
            "no service is named", fix="name services, or give --since REV for those that changed since then"
        )
    for name in services:
        monorepo.tree.source(name)
    names = list(dict.fromkeys(services))
    if since is None:
        return names
    changed = changed_services(monorepo.where, since).services
    return [name for name in names if name in changed] if names else list(changed)


def release_each(
    monorepo: Monorepo,
    names: Sequence[str],
    request: Request,
    *,
    stop: threading.Event,
    watcher: Watcher = SILENT,
) -> Iterator[Released | NotReleased]:
    """Release services in their order, and give each one's end as it comes.

    Raises Interrupted when ``stop`` is set before the last one has begun, or while one is released.
    """
    for name in names:
        try:
            made = release(monorepo, name, request, stop=stop, watcher=Prefixed(watcher, f"{name}: "))
        except Interrupted:
            raise
        except LockstepError as error:
            yield NotReleased(service=name, error=error)
            continue
        yield made
        if stop.is_set() and name != names[-1]:
            raise Interrupted(
                "the services after it were not released", where=name, fix="run the same command again"
            )
