"""Who may do what: roles that groups have in projects and environments."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from lockstep.values import dataclass

__all__ = ["Grants", "Role", "Who"]


class Role(StrEnum):
    """What somebody may do. Each includes seeing; ADMIN includes each."""

    VIEW = "view"
    SYNC = "sync"  # also approving, pausing, resuming and aborting rollouts
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    HOLD = "hold"
    PREVIEW = "preview"
    ADMIN = "admin"


_Roles = Mapping[str, frozenset[Role]]  # by group


@dataclass(frozen=True, kw_only=True, slots=True)
class Who:
    """Somebody who asks: a person, a program, or anybody."""

    name: str
    groups: frozenset[str] = frozenset()
    roles: frozenset[Role] = frozenset()  # held everywhere, whatever groups say
    is_program: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Grants:
    """What groups may do in one project: everywhere, and in addition by environment.

    Every ``preview/...`` is the environment preview.
    """

    everywhere: _Roles = field(default_factory=dict)
    environments: Mapping[str, _Roles] = field(default_factory=dict)

    def may(self, who: Who, role: Role, environment: str) -> bool:
        """Whether somebody has a role in an environment."""
        there = self.environments.get(environment.partition("/")[0], {})
        return _includes(who.roles | _of(who, self.everywhere) | _of(who, there), role)

    def seen(self, who: Who) -> frozenset[str] | None:
        """The environments that somebody may see; None for all of them."""
        if who.roles | _of(who, self.everywhere):
            return None
        return frozenset(name for name, roles in self.environments.items() if _of(who, roles))


def _of(who: Who, roles: _Roles) -> frozenset[Role]:
    return frozenset().union(*(roles.get(name, frozenset()) for name in who.groups))


def _includes(held: frozenset[Role], role: Role) -> bool:
    return bool(held) if role is Role.VIEW else bool(held & {role, Role.ADMIN})
