"""Somebody's URL, told as Standard Webhooks say (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from lockstep.serve.clock import WALL, Clock
from lockstep.serve.messages.destinations import Webhook
from lockstep.serve.messages.message import Message
from lockstep.serve.messages.ways import posted

__all__ = ["WebhookTeller", "signed"]


def signed(key: bytes, id: str, at: int, body: bytes) -> Mapping[str, str]:  # noqa: A002 - the standard's word
    """The headers that say whose a body is; ``at`` is in seconds since 1970."""
    digest = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class WebhookTeller:
    """One URL. Each change of a message is another one with the same ``key``, and has one id for ever."""

    can_change = True

    def __init__(self, way: Webhook, address: str, clock: Clock = WALL) -> None:
        self._way = way
        self._address = address
        self._clock = clock

    def tell(self, message: Message, *, remote: str, is_unsure: bool) -> str:
        """Post it."""
        data = {
            "key": message.key,
            "project": message.project,
            "environments": sorted(message.environments),
            "events": sorted(message.subjects),
            "state": message.state,
            "title": message.title,
            "lines": message.lines,
            "commit": message.commit,
            "url": f"{self._address}{message.link}" if self._address else None,
        }
        kind = message.key.partition("/")[0]
        body = json.dumps({"type": f"lockstep.{kind}", "timestamp": message.at, "data": data}).encode()
        number = hashlib.sha256(f"{message.key}\0{message.digest}".encode()).hexdigest()[:32]
        headers = signed(self._way.key, f"msg_{number}", int(self._clock.now().timestamp()), body)
        posted(self._way.url, body, {"content-type": "application/json", **headers})
        return f"msg_{number}"
