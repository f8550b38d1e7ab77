"""AWS's errors, in words that say what to do.

Source: error table of the Lambda API reference and S3's list of error codes.
"""

from typing import Any

from lockstep.engines.aws.actions import actions_of
from lockstep.errors import BadInput, CloudError, LockstepError, NoCredentials
from lockstep.regexes import regex

__all__ = ["THROTTLED", "Stale", "Unreachable", "code_of", "explain", "is_unanswered", "message_of"]

_FIRST_FAULT = 500
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_INVALID = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Refusals for the rate of calls, whatever the call. Source: botocore's standard mode."""
_DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation", "403"}
_ACTION = regex(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")
_MAP = regex(r"\{(?=[\s\\]{0,64}[\"'\w][^{}=:]{0,2000}[=:])")
_NOT_ALLOWED = regex(r"because no ([\w -]{1,80}?) allows")
_FORBIDDEN = regex(r"with an explicit deny in (?:an? )?([\w -]+)")


class Stale(CloudError):
    """What was planned no longer fits what is live; reading and planning again mends it."""


class Unreachable(CloudError):
    """No answer of AWS's at all: asking for something else gives none either."""


def code_of(error: BaseException) -> str:
    """AWS's error code, or "" for other errors."""
    response: Any = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def is_unanswered(error: BaseException) -> bool:
    """Whether nobody knows what became of a call: no answer came, or only that something failed."""
    from botocore.exceptions import HTTPClientError

    response: Any = getattr(error, "response", None) or {}
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return isinstance(error, HTTPClientError | Unreachable) or status >= _FIRST_FAULT


def message_of(error: BaseException) -> str:
    """AWS's message, or the error's own words."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        return _without_maps(str(response.get("Error", {}).get("Message", "")) or str(error))
    return _without_maps(str(error))


def _without_maps(message: str) -> str:
    """The message without a map of values that it quotes, such as an environment, of which some are secret.

    Lambda quotes it as JSON ("String measured: {...}"), validation as ``{NAME=value, ...}``. What those
    hold may itself have braces, so all between the first and the last is left out. A pattern keeps its
    braces (``[a-z]{1,64}``).
    """
    found = _MAP.search(message)
    if found is None:
        return message
    end = message.rfind("}")
    rest = message[end + 1 :] if end > found.start() else ""
    return f"{message[: found.start()]}{{... (not shown)}}{rest}"


def explain(
    error: Exception, service: str, operation: str, who: str = "", role: str | None = None
) -> LockstepError:
    """The error to raise for a failed call: which call, what AWS says, what to do.

    ``role`` is the one whose credentials the call needs: they are fetched when a call first needs them.
    """
    if isinstance(error, LockstepError):
        return error
    if getattr(error, "operation_name", "") == "AssumeRole":
        service, operation = "sts", "AssumeRole"
    call = f"{service}:{operation}"
    code, message = code_of(error), message_of(error)
    if code in _EXPIRED:
        return NoCredentials(
            f"the AWS credentials have expired ({code})",
            where=call,
            fix="sign in again (for example `aws sso login`) and repeat the command",
        )
    if code in _INVALID:
        return NoCredentials(
            f"AWS does not accept the credentials ({code}: {message})",
            where=call,
            fix="check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or `profile:` in lockstep.yaml",
        )
    if code in _DENIED and operation == "AssumeRole":
        return CloudError(
            f"the role {role} cannot be assumed: {message}",
            where=call,
            fix="check `role:` in lockstep.yaml; its trust policy has to name the caller, and the caller's "
            "policy to allow sts:AssumeRole on it",
        )
    if code in _DENIED:
        return CloudError(
            f"access denied{f' to {who}' if who else ''}: {message}",
            where=call,
            fix=_permission(call, message),
        )
    if code in THROTTLED:
        return CloudError(
            f"{code}: {message}, however long it was waited",
            where=call,
            fix="other tools use up what AWS allows this account and Region: run again when they are done",
        )
    if code == "CodeStorageExceededException":
        return CloudError(
            f"the Region's storage for function code is full: {message}",
            where=call,
            fix="delete functions or old versions that nobody uses, or ask AWS for more code storage",
        )
    if "combined with layers exceeds" in message:
        return CloudError(
            f"{code}: {message}",
            where=call,
            fix="make the package or its layers smaller: unpacked, AWS counts both together; where only the "
            "step between two states is too large, change layers and version in two commits",
        )
    if code:
        return CloudError(f"{code}: {message}", where=call)
    return _explain_client(error, call)


def _permission(call: str, message: str) -> str:
    """Which IAM action to allow, and where: AWS's message names both in most services.

    Source: IAM user guide, "Troubleshoot access denied error messages".
    """
    if "ECR image" in message:  # Lambda itself reads it, and says so without an action
        return (
            "let lambda.amazonaws.com read the image (ecr:BatchGetImage, ecr:GetDownloadUrlForLayer) in the "
            "policy of its repository"
        )
    named = _ACTION.search(message)
    action = named[1] if named and named[1] != call else actions_of(call)[0]
    if forbidden := _FORBIDDEN.search(message):
        return f"{action} is denied explicitly: change that {forbidden[1]}, or use another role"
    missing = _NOT_ALLOWED.search(message)
    if missing and missing[1] != "identity-based policy":
        return f"allow {action} in the {missing[1]}"
    return f"allow {action} in the policy of the role that runs Lockstep"


def _explain_client(error: Exception, call: str) -> LockstepError:
    """Errors that never reached AWS or came back without an answer."""
    match type(error).__name__:
        case "NoCredentialsError" | "PartialCredentialsError" | "CredentialRetrievalError":
            return NoCredentials(
                "there are no AWS credentials" if "NoCred" in type(error).__name__ else str(error),
                where=call,
                fix="set AWS_PROFILE, or `profile:` for the environment in lockstep.yaml, or run in a job "
                "that assumes a role",
            )
        case "SSOTokenLoadError" | "UnauthorizedSSOTokenError" | "TokenRetrievalError" | "SSOError":
            return NoCredentials(str(error), where=call, fix="run `aws sso login` for this profile")
        case "ProfileNotFound":
            return BadInput(
                str(error), where=call, fix="name a profile of ~/.aws/config, or remove `profile:`"
            )
        case "SSLError":
            from lockstep.web import trouble_of_tls

            what, fix = trouble_of_tls(error)
            return Unreachable(f"AWS cannot be reached, {what}: {error}", where=call, fix=fix)
        case (
            "EndpointConnectionError"
            | "ConnectTimeoutError"
            | "ConnectionClosedError"
            | "ProxyConnectionError"
            | "HTTPClientError"
        ):
            return Unreachable(
                f"AWS cannot be reached: {error}",
                where=call,
                fix="check the network, the proxy, the Region and AWS_ENDPOINT_URL, and run again",
            )
        case "ReadTimeoutError":
            return Unreachable(
                "AWS did not answer in time", where=call, fix="run again: every step can be repeated"
            )
        case "IncompleteReadError" | "FlexibleChecksumError" | "ResponseStreamingError":
            return Unreachable(
                f"AWS's answer did not come as it was sent: {error}",
                where=call,
                fix="run again: every step can be repeated; if it stays, look at what is between (a proxy)",
            )
        case "ConfigParseError":
            return BadInput(str(error), where=call, fix="mend the file, or name another in AWS_CONFIG_FILE")
        case "InvalidRegionError":
            return BadInput(
                str(error),
                where=call,
                fix="write `region: eu-west-1` at the top of lockstep.yaml, or mend AWS_REGION",
            )
        case "ValueError" if "nvalid endpoint" in str(error):
            return BadInput(
                str(error),
                where="AWS_ENDPOINT_URL",
                fix="write a whole URL, http://127.0.0.1:4566, or unset it",
            )
        case "ParamValidationError":
            return BadInput(
                str(error).replace("\n", " "), where=call, fix="correct the value in the repository"
            )
        case name:
            return CloudError(f"{name}: {error}", where=call)
