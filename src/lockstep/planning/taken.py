"""What a published version has once, where the aliases of two targets call one version."""

from lockstep.model import Target
from lockstep.model.kinds import KINDS
from lockstep.planning.aliases import Shift
from lockstep.planning.sharing import Sharing

__all__ = ["taken_problem"]


def taken_problem(target: Target, shift: Shift, live: Target | None, sharing: Sharing) -> str | None:
    """Why AWS would refuse what is declared of the version that the alias calls, or is to call.

    ``live`` is the whole function, with what is on others' aliases. Source: Lambda API reference, on the call
    that puts it.
    """
    if live is None or shift.version is None:
        return None
    for mine in target.resources:
        kind = KINDS[mine.kind]
        for other in sharing.family if kind.published else ():
            has_it = any((one.kind, one.qualifier) == (mine.kind, other.alias) for one in live.resources)
            calls = next((one.version for one in live.aliases if one.name == other.alias), None)
            if other.key != target.key and has_it and calls == shift.version:
                place = f"{mine.place}: " if mine.place else ""
                return (
                    f"{place}the alias {other.alias} of {other.key} calls version {calls} too and has its "
                    f"{kind.title}, which a version has once; declare {kind.name} for one of them, or "
                    "another release, or give each target its own functionName"
                )
    return None
