"""Sessions and clients of botocore that the engines of many tests share.

Making a session and its clients is half of what a test of the aws engine costs, and each engine of a test
stands for a process of its own. What they are made of is the environment; where that is the same, so are
they, and nothing in them changes by being used.
"""

import os
import threading
from typing import Any

import pytest

from lockstep.engines.aws.connection import Connection

__all__ = ["share_clients"]


def share_clients(patch: pytest.MonkeyPatch) -> None:
    """Let connections take the session and clients of one that was made of the same variables."""
    make_session, make_client = Connection._make_session, Connection._make_client
    made: dict[object, Any] = {}
    lock = threading.RLock()

    def session_of(self: Connection) -> Any:
        place = _place(self)
        if self._session is None and place:
            with lock:
                self._session = made.get(place)
                made[place] = make_session(self)
        return make_session(self)

    def client_of(self: Connection, service: str, region: str) -> Any:
        place = _place(self)
        if not place:
            return make_client(self, service, region)
        key = (place, service, region, self._patience)
        with lock:
            if key not in made:
                made[key] = make_client(self, service, region)
            return made[key]

    patch.setattr(Connection, "_make_session", session_of)
    patch.setattr(Connection, "_make_client", client_of)


def _place(connection: Connection) -> tuple[tuple[str, str], ...]:
    """What a session is made of; empty where it is more than variables that name a key."""
    environment = connection.environment
    if environment.profile or environment.role or "AWS_ACCESS_KEY_ID" not in os.environ:
        return ()
    return tuple(
        sorted(
            (name, value)
            for name, value in os.environ.items()
            if name.startswith("AWS_") or name.lower().endswith("_proxy")
        )
    )
