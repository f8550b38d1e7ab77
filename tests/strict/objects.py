"""What S3 does with checksums of objects.

Source: S3 user guide, "Checking object integrity"; HeadObject in the S3 API reference: the checksum is
told to whoever asks for it with ``ChecksumMode``.
"""

import base64
import hashlib

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Checksums"]

_SHA256 = "x-amz-checksum-sha256"


class Checksums(Rule):
    """An upload whose SHA-256 is not that of its bytes is refused; a head tells it only when asked."""

    def before(self, call: Call) -> Answer | None:
        """Compare what was announced with what came."""
        given = call.request.headers.get(_SHA256)
        if call.name != "s3.PutObject" or given is None:
            return None
        if given == base64.b64encode(hashlib.sha256(call.request.body).digest()).decode():
            return None
        message = "The SHA256 you specified did not match the calculated checksum."
        return error(call.operation, 400, "BadDigest", message)

    def after(self, call: Call, answer: Answer) -> Answer:
        """Keep the checksum from those who did not ask."""
        if call.name == "s3.HeadObject" and "x-amz-checksum-mode" not in call.request.headers:
            answer.headers.pop(_SHA256, None)
        return answer
