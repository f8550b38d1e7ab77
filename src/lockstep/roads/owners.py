"""Whom a manifest is for, told from the owner that its first line names.

That is a target; or the name of what several share: a bucket, or the environments of a state, ``a+b``.
"""

from lockstep.model import Fleet, Project, Target

__all__ = ["environments_of", "users_of"]


def users_of(owner: str, fleet: Fleet) -> list[str]:
    """The declared targets that a manifest is for."""
    if "/" in owner:
        return [owner] if owner in fleet.targets else []
    return [key for key, one in fleet.targets.items() if _shares(one, owner)]


def environments_of(owner: str, project: Project, fleet: Fleet) -> list[str]:
    """The environments that a manifest is for, sorted; those of a state that declare nothing, too."""
    keys = [owner] if "/" in owner else users_of(owner, fleet)
    states = [] if "/" in owner else [name for name in owner.split("+") if name in project.environments]
    return sorted({*(key.partition("/")[0] for key in keys), *states})


def _shares(target: Target, owner: str) -> bool:
    is_state = target.environment.partition("/")[0] in owner.split("+")
    return target.function is not None and (is_state or any(one.bucket == owner for one in target.triggers))
