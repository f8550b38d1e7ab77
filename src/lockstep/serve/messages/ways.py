"""One file for each way to tell somebody; what they have in common."""

from collections.abc import Mapping
from typing import Any, Protocol

from urllib3.exceptions import HTTPError

from lockstep.model.foreign import read_json
from lockstep.serve.messages.message import Message
from lockstep.web import USER_AGENT, manager, shown, trouble

__all__ = ["Teller", "Undelivered", "posted"]

_MOST = 100_000  # bytes of an answer that are read
_TIMEOUT = 10.0  # seconds
_BUSY = (401, 403, 407, 408, 425, 429)


class Undelivered(Exception):
    """Nobody was told. ``is_for_all``: nor would they be of anything else now; ``wait`` is in seconds."""

    def __init__(self, words: str, *, is_for_all: bool = True, wait: float = 0.0) -> None:
        self.words = words
        self.is_for_all = is_for_all
        self.wait = wait
        super().__init__(words)


class Teller(Protocol):
    """Tells one destination."""

    can_change: bool  # what it was told before; else only what is news is told

    def tell(self, message: Message, *, remote: str, is_unsure: bool) -> str:
        """Tell it, in place of what ``remote`` names where it is not empty; by what it is found again.

        ``is_unsure``: it may have been told, by a process that was killed meanwhile. Raises Undelivered.
        """
        ...


def posted(
    url: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST", name: str = ""
) -> tuple[int, Any]:
    """The status and the JSON, if any, of an answer that is not a failure. No redirect is followed.

    ``name`` stands in errors for a URL that is a secret.
    """
    name = name or shown(url)
    try:
        answer = manager(url).request(
            method,
            url,
            body=body or None,
            headers={"user-agent": USER_AGENT, **headers},
            redirect=False,
            retries=False,
            timeout=_TIMEOUT,
            preload_content=False,
        )
        content = answer.read(_MOST, decode_content=True)
        answer.release_conn() if len(content) < _MOST else answer.close()
    except HTTPError as error:
        raise Undelivered(f"{name}: {trouble(error)[0]}") from None
    if not 200 <= answer.status < 300:
        is_for_all = answer.status in _BUSY or answer.status >= 500 or answer.status < 400
        wait = answer.headers.get("retry-after", "")
        raise Undelivered(
            f"{name} answered {answer.status}",
            is_for_all=is_for_all,
            wait=float(wait) if wait.isascii() and wait.isdigit() else 0.0,
        )
    try:
        return answer.status, read_json(content.decode())
    except ValueError:
        return answer.status, None
