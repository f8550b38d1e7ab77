"""Who asks now: set for each request before anything is answered, read by handlers and templates."""

import hashlib
import hmac
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import field, replace

from lockstep.model.roles import Role, Who
from lockstep.serve.deciding import Seen
from lockstep.serve.file import Followed
from lockstep.serve.following import Follower
from lockstep.store.entries import Scope
from lockstep.values import dataclass

__all__ = ["Visitor", "entering", "may", "scope_of", "seen_by", "seen_of", "sees", "visitor"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Somebody who asks, and what ties forms to them."""

    who: Who
    secret: str = field(repr=False)  # of the session, or of this process where nobody logs in
    session: str = ""  # its id
    subject: str = ""

    @property
    def csrf(self) -> str:
        """What stands in each form that changes something: no other site can know it."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()

    @property
    def is_logged_in(self) -> bool:
        """Whether there is a session that can be ended."""
        return bool(self.session)


_NOBODY = Visitor(who=Who(name="nobody"), secret="")
_VISITOR: ContextVar[Visitor] = ContextVar("visitor", default=_NOBODY)
entering = _VISITOR.set


def visitor() -> Visitor:
    """Who asks; somebody who may nothing where nobody was let in."""
    return _VISITOR.get()


def may(role: Role, project: Followed, environment: str) -> bool:
    """Whether who asks may do something in an environment of a project."""
    return project.grants.may(visitor().who, role, environment)


def sees(project: Followed, environment: str) -> bool:
    """Whether who asks may see an environment, as ``staging`` or ``preview/pr-123``."""
    environments = project.grants.seen(visitor().who)
    return environments is None or environment.partition("/")[0] in environments


def seen_by(follower: Follower) -> Seen | None:
    """What is known of a project, as far as who asks may see it; None where that is nothing."""
    environments, seen = follower.project.grants.seen(visitor().who), follower.seen
    if environments is None:
        return seen
    if not environments:
        return None

    def is_shown(target: str) -> bool:
        return target.partition("/")[0] in environments

    return replace(
        seen,
        rows={key: row for key, row in seen.rows.items() if is_shown(key)},
        targets={key: one for key, one in seen.targets.items() if is_shown(key)},
        waiting={key: one for key, one in seen.waiting.items() if is_shown(key)},
    )


def seen_of(followers: Iterable[Follower]) -> list[tuple[Follower, Seen]]:
    """The projects of which who asks may see anything, with what they may see."""
    each = ((one, seen_by(one)) for one in followers)
    return [(one, seen) for one, seen in each if seen is not None]


def scope_of(followers: Iterable[Follower]) -> Scope:
    """What who asks may see of the history; what is followed no more is for whom everything is."""
    who = visitor().who
    if who.roles:
        return None
    return {one.project.name: one.project.grants.seen(who) for one in followers}
