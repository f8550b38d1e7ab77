"""Who made a difference: Git, which has moved since the last sync, or somebody in AWS."""

from collections.abc import Iterable

from lockstep.model import Change, Target, Unread
from lockstep.model.status import Cause
from lockstep.planning.diff import diff_settings, row_of

__all__ = ["cause_of"]


def cause_of(changes: Iterable[Change], then: Target, now: Target) -> Cause | None:
    """Whose the differences are between a live function and its declaration.

    ``then`` is the declaration that was synced last, and ``now`` the one that counts. What Git says
    alike in both and is something else in AWS was changed there. What AWS did not show is nobody's, and
    so is what no declaration says, such as a resource of Terraform's beside the function.
    """
    told = [change for change in changes if _is_declared(change.path) and not isinstance(change.old, Unread)]
    moved = _moved(then, now)
    by_git = [change for change in told if _is_of(change.path, moved)]
    match bool(by_git), len(by_git) < len(told):
        case True, True:
            return Cause.BOTH
        case True, False:
            return Cause.GIT
        case False, True:
            return Cause.AWS
        case _:
            return None


def _moved(then: Target, now: Target) -> frozenset[str]:
    """Paths of changes that Git made; "*" stands for all that is no setting, code or tag."""
    old, new = then.function, now.function
    if old is None or new is None or old.name != new.name:
        return frozenset({"alias", "code", "version", "settings", "tags", "*"})
    paths = {change.path for change in diff_settings(new, old)}
    pins = (one.release.sha256 if one.release is not None else None for one in (then, now))
    if then.version != now.version or old.code != new.code or len(set(pins)) > 1:
        paths |= {"code", "version", "tags.lockstep:version"}
    if then.layers != now.layers:
        paths.add("layers")
    if paths or then.alias != now.alias:
        paths.add("alias")
    keys = old.tags.keys() | new.tags.keys()
    paths |= {f"tags.{key}" for key in keys if old.tags.get(key) != new.tags.get(key)}
    if then.every_trigger != now.every_trigger:
        paths.add("*")
    return frozenset(paths)


def _is_of(path: str, moved: frozenset[str]) -> bool:
    if path in moved:
        return True
    if path.startswith("tags."):
        return "tags" in moved
    if path in ("code", "version", "alias"):
        return False
    return ("settings" if row_of(path) is not None else "*") in moved


def _is_declared(path: str) -> bool:
    return (
        path in ("alias", "code", "version", "trigger", "permission")
        or path.startswith("tags.")
        or row_of(path) is not None
    )
