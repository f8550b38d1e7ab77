"""Slack: a bot, whose messages are changed as things go on, and incoming webhooks, which only add.

Source: Slack's documentation, "chat.postMessage", "chat.update", "conversations.history" (metadata), "Sending
messages using incoming webhooks", "Formatting text for app surfaces" (the three characters to escape).
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from lockstep.serve.clock import WALL
from lockstep.serve.messages.destinations import Slack, SlackWebhook
from lockstep.serve.messages.message import Message
from lockstep.serve.messages.ways import Undelivered, posted

__all__ = ["SlackBot", "SlackHook"]

_KIND = "lockstep_message"
_LONGEST = 3500  # characters; Slack advises 4,000 at most
_GONE = ("message_not_found", "edit_window_closed", "cant_update_message")
_BACK = 86_400  # seconds in which what may have been told is looked for


def text_of(message: Message, address: str) -> str:
    """The words, of which none can mention or link anybody; the link is ours."""
    title, *lines = (_escaped(line) for line in (message.title, *message.lines))
    text = "\n".join((f"*{title}*", *lines))[:_LONGEST]
    return f"{text}\n<{address}{_escaped(message.link)}|details>" if address else text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class SlackBot:
    """A bot in one channel."""

    can_change = True

    def __init__(self, way: Slack, address: str) -> None:
        self._way = way
        self._address = address

    def tell(self, message: Message, *, remote: str, is_unsure: bool) -> str:
        """Write it, or change what was written; where that is not sure, what is there is looked for."""
        remote = remote or (self._found(message.key) if is_unsure else "")
        said = {
            "channel": self._way.channel,
            "text": text_of(message, self._address),
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": _KIND, "event_payload": {"key": message.key}},
        }
        if remote:
            try:
                self._asked("chat.update", {**said, "ts": remote})
            except _Gone:
                pass  # somebody deleted it, or it is too old: it is written anew
            else:
                return remote
        return str(self._asked("chat.postMessage", said).get("ts") or "")

    def _found(self, key: str) -> str:
        """What was written of it; nothing where the bot may not read the channel."""
        oldest = f"{WALL.now().timestamp() - _BACK:.0f}"
        query = {
            "channel": self._way.channel,
            "include_all_metadata": "true",
            "limit": "200",
            "oldest": oldest,
        }
        try:
            answer = self._asked("conversations.history", None, query)
        except _MayNot:
            return ""
        for one in answer.get("messages") or ():
            metadata = one.get("metadata") or {}
            if metadata.get("event_type") == _KIND and metadata.get("event_payload", {}).get("key") == key:
                return str(one.get("ts") or "")
        return ""

    def _asked(
        self, method: str, said: Mapping[str, Any] | None, query: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        headers = {"authorization": f"Bearer {self._way.token}"}
        url = f"{self._way.api}/{method}"
        if said is None:
            _, answer = posted(f"{url}?{urlencode(query or {})}", b"", headers, method="GET")
        else:
            headers["content-type"] = "application/json; charset=utf-8"
            _, answer = posted(url, json.dumps(said).encode(), headers)
        if not isinstance(answer, dict):
            raise Undelivered(f"{url} gave no JSON")
        if answer.get("ok") is True:
            return answer
        error = str(answer.get("error") or "nothing")[:100]
        if error in _GONE:
            raise _Gone(f"Slack says {error}")
        if error == "missing_scope":
            raise _MayNot(f"Slack says {error} to {method}")
        raise Undelivered(f"Slack says {error} to {method}")


class _Gone(Undelivered):
    pass


class _MayNot(Undelivered):
    pass


class SlackHook:
    """An incoming webhook. What it was told cannot be changed, nor found again."""

    can_change = False

    def __init__(self, way: SlackWebhook, address: str) -> None:
        self._way = way
        self._address = address

    def tell(self, message: Message, *, remote: str, is_unsure: bool) -> str:
        """Write it."""
        said = {"text": text_of(message, self._address), "unfurl_links": False, "unfurl_media": False}
        headers = {"content-type": "application/json; charset=utf-8"}
        posted(self._way.url, json.dumps(said).encode(), headers, name="the incoming webhook")
        return ""
