"""Limits of what an update may leave behind: unpacked sizes, and runtimes that AWS has blocked.

Sources: Lambda quotas, "Deployment package" (250 MB unpacked, layers included); Lambda runtimes, "Runtime
deprecation policy" (block function create, block function update); the messages as AWS gives them.
"""

import base64
import io
import threading
import zipfile
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["BlockedRuntimes", "UnpackedSize"]

_CALLS = ("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration")


def _invalid(call: Call, message: str) -> Answer:
    return error(call.operation, 400, "InvalidParameterValueException", message)


class UnpackedSize(Rule):
    """Code and layers together unpack to at most ``limit`` bytes, whichever of the two an update changes.

    ``layers`` says how large each layer is (bytes, by ARN).
    """

    def __init__(self, layers: Mapping[str, int], *, limit: int = 262_144_000) -> None:
        self._layers, self._limit = layers, limit
        self._code: dict[tuple[str, str, str], int] = {}
        self._used: dict[tuple[str, str, str], int] = {}
        self._asked: dict[int, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def before(self, call: Call) -> Answer | None:
        """Refuse what would be too large."""
        if call.operation.service != "lambda" or call.operation.name not in _CALLS:
            return None
        body = call.json()
        with self._lock:
            code, layers = self._code.get(call.key, 0), self._used.get(call.key, 0)
        if call.operation.name != "UpdateFunctionConfiguration":
            code = self._unpacked(call, body.get("Code", body))
        if "Layers" in body:
            layers = sum(self._layers[arn] for arn in body["Layers"])
        if code + layers > self._limit:
            return _invalid(
                call,
                "Function code combined with layers exceeds the maximum allowed size of "
                f"{self._limit} bytes. The actual size is {code + layers} bytes.",
            )
        self._asked[call.number] = (code, layers)
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Remember what was taken."""
        sizes = self._asked.pop(call.number, None)
        if sizes is not None and answer.is_success:
            with self._lock:
                self._code[call.key], self._used[call.key] = sizes
        return answer

    def _unpacked(self, call: Call, code: Mapping[str, Any]) -> int:
        if code.get("ZipFile"):
            data = base64.b64decode(code["ZipFile"])
        else:
            path = f"/{code['S3Bucket']}/{quote(code['S3Key'])}"
            data = self.cloud.ask(call, "GET", path, {}, service="s3").body
        return sum(one.file_size for one in zipfile.ZipFile(io.BytesIO(data)).infolist())


class BlockedRuntimes(Rule):
    """Functions of these runtimes are neither created nor updated; a change to another runtime is taken."""

    def __init__(self, *runtimes: str) -> None:
        self.runtimes: Collection[str] = runtimes

    def before(self, call: Call) -> Answer | None:
        """Refuse what would leave a function with a blocked runtime."""
        if call.operation.service != "lambda" or call.operation.name not in _CALLS:
            return None
        runtime = call.json().get("Runtime")
        if runtime is None and call.operation.name != "CreateFunction":
            found = self.cloud.function(call) or {}
            runtime = found.get("Configuration", {}).get("Runtime")
        if runtime not in self.runtimes:
            return None
        return _invalid(
            call,
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda "
            "functions. We recommend you use a supported runtime while creating or updating functions.",
        )
