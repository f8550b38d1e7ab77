"""Errors in the form that each AWS protocol gives them.

Sources: the API references' "Errors" sections and "Common errors"; S3's "Error responses".
"""

import json
from collections.abc import Mapping
from xml.sax.saxutils import escape

from tests.strict.operations import Operation
from tests.strict.wire import Answer

__all__ = ["access_denied", "error", "expired_token", "internal_error", "throttled"]

_REQUEST_ID = "11111111-2222-3333-4444-555555555555"


def error(
    operation: Operation, status: int, code: str, message: str, extra: Mapping[str, str] | None = None
) -> Answer:
    """Return an error as the operation's protocol writes it; ``extra`` are further members."""
    fields = dict(extra or {})
    match operation.service:
        case "s3":
            inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
            text = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>{inner}"
                f"<RequestId>{_REQUEST_ID}</RequestId><HostId>strict</HostId></Error>"
            )
            headers = {"content-type": "application/xml", "x-amz-request-id": _REQUEST_ID}
        case "sts" | "iam" | "sns":
            text = (
                "<ErrorResponse><Error><Type>Sender</Type>"
                f"<Code>{code}</Code><Message>{escape(message)}</Message></Error>"
                f"<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>"
            )
            headers = {"content-type": "text/xml", "x-amzn-requestid": _REQUEST_ID}
        case "lambda":
            kind = "User" if status < 500 else "Service"
            text = json.dumps({"Type": kind, "Message": message, "message": message} | fields)
            headers = {
                "content-type": "application/json",
                "x-amzn-errortype": code,
                "x-amzn-requestid": _REQUEST_ID,
            }
        case _:
            text = json.dumps({"__type": code, "message": message} | fields)
            headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": _REQUEST_ID}
    return Answer(status=status, headers=headers, body=text.encode())


def internal_error(operation: Operation) -> Answer:
    """AWS failed; whether the call took effect is not known."""
    match operation.service:
        case "s3":
            return error(
                operation, 500, "InternalError", "We encountered an internal error. Please try again."
            )
        case "lambda":
            return error(
                operation, 500, "ServiceException", "An error occurred and the request cannot be processed."
            )
        case "sts" | "iam" | "sns":
            return error(operation, 500, "ServiceFailure", "The request processing has failed.")
        case _:
            return error(operation, 500, "InternalServiceError", "Internal service error.")


def throttled(operation: Operation) -> Answer:
    """Too many calls."""
    match operation.service:
        case "s3":
            return error(operation, 503, "SlowDown", "Please reduce your request rate.")
        case "lambda":
            reason = {"Reason": "CallerRateLimitExceeded"}
            return error(operation, 429, "TooManyRequestsException", "Rate exceeded", reason)
        case "sts" | "iam" | "sns":
            return error(operation, 400, "Throttling", "Rate exceeded")
        case _:
            return error(operation, 400, "ThrottlingException", "Rate exceeded")


def access_denied(operation: Operation, action: str = "", resource: str = "*") -> Answer:
    """The caller has no permission for the action that this operation needs.

    Source of the words: IAM user guide, "Troubleshoot access denied error messages".
    """
    action = action or f"{operation.service}:{operation.name}"
    message = (
        f"User: arn:aws:iam::{operation.account}:user/tester is not authorized to perform: {action} "
        f"on resource: {resource} because no identity-based policy allows the {action} action"
    )
    match operation.service:
        case "s3":
            return error(operation, 403, "AccessDenied", message)
        case "lambda":
            return error(operation, 403, "AccessDeniedException", message)
        case "sts" | "iam" | "sns":
            return error(operation, 403, "AccessDenied", message)
        case _:
            return error(operation, 400, "AccessDeniedException", message)


def expired_token(operation: Operation) -> Answer:
    """The caller's temporary credentials have expired."""
    message = "The security token included in the request is expired"
    match operation.service:
        case "s3":
            return error(operation, 400, "ExpiredToken", "The provided token has expired.")
        case "lambda":
            return error(operation, 403, "ExpiredTokenException", message)
        case "sts" | "iam" | "sns":
            return error(operation, 403, "ExpiredToken", message)
        case _:
            return error(operation, 400, "ExpiredTokenException", message)
