"""How long one call may take, how often it is made again, and a storm of refusals is waited out.

Sources: botocore's standard mode, which says what passes by itself, and Lambda's quotas: other tools
share them, so that a refusal says nothing about the call.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from lockstep.engines.aws.deadline import Deadline, TooLate
from lockstep.engines.aws.errors import THROTTLED, code_of
from lockstep.values import dataclass
from lockstep.waiting import BYTES, reading_seconds, request_seconds, tell

__all__ = ["Patience", "persist"]

_PASSING = {"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"}
_STATUSES = {500, 502, 503, 504}
_REFUSED = 429
_PATIENTLY = 3  # refusals of one call that nobody needs to know of
_LONGEST = 5.0  # seconds between two tries


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a call and a reading may take, in seconds, and how often a call is tried. Tests shorten it."""

    attempts: int = 8
    connect: float = 10.0
    read: float = 30.0  # without a byte of the answer
    # From the first try to the end of the answer, refusals for the rate left out.
    call: float = field(default_factory=request_seconds)
    storm: float = 120.0  # that refusals for the rate are waited out where nothing is being read

    def for_targets(self, count: int) -> float:
        """How long reading so many targets may take."""
        return reading_seconds(count)


def persist(
    once: Callable[[float], dict[str, Any]],
    patience: Patience,
    deadline: Deadline,
    name: str,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """Make a call, again while its failure may pass and there is time. Raises what the last try raised.

    ``once`` makes it, within so many seconds.
    """
    began = time.monotonic()
    attempts, seconds = patience.attempts, patience.call + _size(params.get("Body")) / BYTES
    if name.startswith("sts:"):  # every run begins with it: that AWS cannot be reached is said soon
        attempts, seconds = min(attempts, 3), min(seconds, 10.0)
    failed, refused, ends = 0, 0, began + seconds
    while True:
        left = deadline.left()
        try:
            return once(max(0.001, min(ends - time.monotonic(), seconds if left is None else left)))
        except TooLate:
            if deadline.is_cut or (left is not None and left < seconds):
                deadline.left()  # raises when it was the reading that had no more time
            raise
        except Exception as error:
            now = time.monotonic()
            if _is_refused(error):
                refused += 1
                pause = _pause(refused)
                deadline.refused(f"{name}: {code_of(error)}")
                left = deadline.left()
                if now + pause >= (began + patience.storm if left is None else now + left):
                    raise (error if left is None else deadline.passed()) from None
                if refused > _PATIENTLY:
                    tell(f"AWS takes no more calls for now ({name}: {code_of(error)}): waiting to go on")
                ends = now + pause + seconds
            else:
                failed += 1
                pause = _pause(failed)
                if failed >= attempts or now + pause >= ends or not _passes(error):
                    raise
            time.sleep(pause)
            _rewind(params.get("Body"))


def _is_refused(error: Exception) -> bool:
    return code_of(error) in THROTTLED or _status(error) == _REFUSED


def _status(error: Exception) -> int | None:
    response: Any = getattr(error, "response", None)
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None


def _passes(error: Exception) -> bool:
    from botocore.exceptions import ConnectionError as Disconnected
    from botocore.exceptions import FlexibleChecksumError, HTTPClientError, IncompleteReadError

    if isinstance(error, Disconnected | HTTPClientError | IncompleteReadError | FlexibleChecksumError):
        return True
    return code_of(error) in _PASSING or _status(error) in _STATUSES


def _pause(times: int) -> float:
    """Doubling, at most five seconds, and never the same for two threads."""
    return min(_LONGEST, 0.25 * 2.0**times) * random.random()  # noqa: S311 - spreads callers, hides nothing


def _size(body: Any) -> int:
    """Bytes of what is sent: bytes, or a file."""
    if not hasattr(body, "seek"):
        return len(body or b"")
    size = int(body.seek(0, 2))
    body.seek(0)
    return size


def _rewind(body: Any) -> None:
    if hasattr(body, "seek"):
        body.seek(0)
