"""Deployments of the followed repository: which of its commits an environment got, and how that went.

The forge looks for what is there before it makes anything, so that nothing is there twice.
"""

from collections.abc import Callable

from lockstep.errors import LockstepError
from lockstep.forge.base import Forge
from lockstep.serve.messages.message import Message
from lockstep.serve.messages.ways import Undelivered

__all__ = ["Deployer"]


class Deployer:
    """The forges of all projects, by name."""

    can_change = True

    def __init__(self, forge_of: Callable[[str], Forge], address: str) -> None:
        self._forge_of = forge_of
        self._address = address

    def tell(self, message: Message, *, remote: str, is_unsure: bool) -> str:
        """Record it; what brought no commit is none."""
        if message.commit is None or message.deployment is None:
            return ""
        try:
            forge = self._forge_of(message.project)
            for environment in sorted(message.environments):
                forge.deployment(
                    message.commit,
                    environment=environment,
                    state=message.deployment,
                    description=message.title,
                    url=f"{self._address}{message.link}" if self._address else None,
                )
        except LockstepError as error:
            raise Undelivered(error.problem, is_for_all=False) from None
        return ""
