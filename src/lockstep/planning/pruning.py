"""Published versions that go: those of ours that nobody needs any more. Everything else stays.

A version is never removed that an alias names, at either end of a shift; that has the code and configuration
that are declared, or whose number is; of a release that is on hold; that has a policy or provisioned
concurrency of its own; that is not ours; or that calls have left only a while ago: AWS lets some of them end
there.
"""

from collections.abc import Sequence

from lockstep.model import Function, Published, Target
from lockstep.model.alias import is_ours, release_of
from lockstep.planning.aliases import differing
from lockstep.values import dataclass

__all__ = ["Pruned", "prune"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What becomes of the published versions of one function; each with the reason, in words."""

    going: tuple[tuple[Published, str], ...] = ()
    staying: tuple[tuple[Published, str], ...] = ()  # though there are enough newer ones


def prune(
    project: str,
    target: Target,
    wanted: Function,
    versions: Sequence[Published],
    settled: int | None,
    family: Sequence[Target] = (),
) -> Pruned:
    """Look at the versions of a function of which another is about to be published.

    ``settled`` is for how many seconds the alias has pointed where it does; None where nobody knows.
    ``family`` are all targets that may declare a version of this function by its number.
    """
    newest = sorted(versions, key=lambda one: int(one.number), reverse=True)
    ours = [one for one in newest if is_ours(one.description, project)]
    going, staying = [], []
    for one in ours[max(target.keep_versions - 1, 0) :]:  # the one to come counts
        reason = _needed(one, target, wanted, settled, family)
        if reason is None:
            going.append((one, f"more than {target.keep_versions} are there"))
        else:
            staying.append((one, reason))
    return Pruned(going=tuple(going), staying=tuple(staying))


def _needed(
    one: Published, target: Target, wanted: Function, settled: int | None, family: Sequence[Target]
) -> str | None:
    if one.aliases:
        return f"the alias {one.aliases[0]} names it"
    if one.needs:
        return one.needs
    if not differing(wanted, one.function, target.ignore):
        return "it is what is declared"
    for other in (target, *family):
        if other.number == one.number:
            return f"{other.key} declares it"
        if other.hold is not None and other.hold.version in (release_of(one.description), one.number):
            return "its release is on hold"
    if wanted.settings.get("durable.executionTimeout") is not None:
        return "durable executions may still run on it"
    if settled is None:
        return "nobody knows since when no call goes there"
    if settled < target.keep_seconds:
        return f"calls went there until {settled // 60} min ago at the earliest"
    return None
