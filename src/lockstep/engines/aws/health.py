"""What AWS's states say of a function: whether it can work, why not, and what mends it.

Every value that botocore's model knows has a meaning here, which a test holds; one that it does not
know yet is Unknown and never healthy. Sources: Lambda developer guide, "Lambda function states" and
"Lambda Managed Instances"; the shape FunctionConfiguration of the API reference.
"""

from collections.abc import Mapping
from typing import Any

from lockstep.model import Health

__all__ = [
    "FIXES",
    "STATES",
    "UNDER_WAY",
    "UPDATES",
    "WELL",
    "failing_code",
    "fix_of",
    "health_of",
    "reason_of",
]

STATES: Mapping[str, Health] = {
    "Pending": Health.PROGRESSING,
    "Active": Health.HEALTHY,
    "Inactive": Health.HEALTHY,  # unless its reason is a fault: see ``health_of``
    "Failed": Health.DEGRADED,
    "Deactivating": Health.SUSPENDED,  # of managed instances: nothing runs it until it is activated
    "Deactivated": Health.SUSPENDED,
    "ActiveNonInvocable": Health.SUSPENDED,  # made, and nobody can call it: see ``_said``
    "Deleting": Health.PROGRESSING,
}
"""``State``: what it says of a function."""

UPDATES: Mapping[str, Health] = {
    "Successful": Health.HEALTHY,
    "InProgress": Health.PROGRESSING,
    "Failed": Health.DEGRADED,
}
"""``LastUpdateStatus``: what it says of a function that is otherwise well."""

WELL = frozenset({"Idle"})
"""Reasons that are no fault: a function that nobody called for weeks wakes when it is called."""

UNDER_WAY = frozenset({"Creating", "Restoring", "DrainingDurableExecutions"})
"""Reasons that say what AWS is doing."""

_EFS = "see that the file system has a mount target in each subnet and that NFS (port 2049) is let through"
_INIT = "run the function's start on your machine: what it does before the first event fails"
_KEY = "declare another kmsKeyArn"
_ROOM = "ask AWS for a higher quota, or give back what nobody uses"

FIXES: Mapping[str, str] = {
    "CapacityProviderScalingLimitExceeded": "raise the limit of the capacity provider",
    "DependencyError": "see whether a service that the function depends on has trouble, and run again",
    "DisabledKMSKey": f"enable the KMS key, or {_KEY}",
    "DisallowedByVpcEncryptionControl": "declare subnets of a VPC whose encryption control lets Lambda in",
    "EC2RequestLimitExceeded": "run again: EC2 limits how many network interfaces are asked for at once",
    "EFSIOError": f"see whether the file system answers; {_EFS}",
    "EFSMountConnectivityError": _EFS,
    "EFSMountFailure": "see that the access point exists and that the execution role may mount it "
    "(elasticfilesystem:ClientMount and ClientWrite)",
    "EFSMountTimeout": _EFS,
    "EniLimitExceeded": f"network interfaces of the account are used up: {_ROOM}",
    "FunctionError": _INIT,
    "FunctionError.ExtensionInitError": "an extension fails when it starts: update or remove its layer",
    "FunctionError.InitResourceExhausted": "starting needs more than there is: raise memorySize",
    "FunctionError.InitTimeout": "starting takes too long: raise memorySize, or do less then",
    "FunctionError.InvalidEntryPoint": "correct imageConfig.entryPoint, or the image's ENTRYPOINT",
    "FunctionError.InvalidWorkingDirectory": "correct imageConfig.workingDirectory, or the image's WORKDIR",
    "FunctionError.PermissionDenied": "make what the function starts executable, and its files readable",
    "FunctionError.RuntimeInitError": _INIT,
    "FunctionError.TooManyExtensions": "use fewer layers with extensions: AWS starts at most ten",
    "ImageAccessDenied": "let Lambda read the repository: its policy has to grant ecr:BatchGetImage and "
    "ecr:GetDownloadUrlForLayer to lambda.amazonaws.com",
    "ImageDeleted": "push the image again, or declare another one",
    "InsufficientCapacity": "run again later, or declare subnets of more availability zones",
    "InsufficientRolePermissions": "give the execution role what Lambda does in its name; for a VPC that is "
    "AWSLambdaVPCAccessExecutionRole",
    "InternalError": "run again; when it stays, ask AWS",
    "IncompatibleAcceleratorInstanceTypes": "use a capacity provider whose instance types have accelerators "
    "of accelerator.memorySize, or another size",
    "InvalidConfiguration": "correct what AWS names, under lambda:",
    "InvalidImage": "build an image that Lambda takes: one platform, that of architectures",
    "InvalidRuntime": "declare a runtime that Lambda still has",
    "InvalidSecurityGroup": "correct vpc.securityGroupIds",
    "InvalidStateKMSKey": f"the KMS key waits for its deletion or its material: mend it, or {_KEY}",
    "InvalidSubnet": "correct vpc.subnetIds",
    "InvalidZipFileException": "build the package again: Lambda cannot unpack it",
    "KMSKeyAccessDenied": f"let the execution role use the KMS key (kms:Decrypt), or {_KEY}",
    "KMSKeyNotFound": f"{_KEY}: this one does not exist in the Region",
    "ServiceQuotaExceededException": _ROOM,
    "SubnetOutOfIPAddresses": "free addresses in the subnets, or declare larger ones in vpc.subnetIds",
    "VcpuLimitExceeded": f"vCPUs of the account are used up: {_ROOM}",
}
"""Reasons that are faults, and what mends each."""

_STATUSES = (
    ("State", "StateReasonCode", "StateReason", STATES),
    ("LastUpdateStatus", "LastUpdateStatusReasonCode", "LastUpdateStatusReason", UPDATES),
)


def health_of(config: Mapping[str, Any]) -> Health:
    """Health from a FunctionConfiguration; a listing leaves the states out, so there it is unknown.

    An inactive function is well when it only rests, and is not when AWS could not wake it.
    """
    found = {_one(config, *names) for names in _STATUSES}
    for health in (Health.DEGRADED, Health.PROGRESSING, Health.UNKNOWN, Health.SUSPENDED):
        if health in found:
            return health
    return Health.HEALTHY


def _one(config: Mapping[str, Any], status: str, code: str, _: str, meanings: Mapping[str, Health]) -> Health:
    health = meanings.get(str(_said(config, status)), Health.UNKNOWN)
    if config.get(status) != "Inactive":
        return health
    why = config.get(code)
    if why is None or why in WELL:
        return health
    return Health.PROGRESSING if why in UNDER_WAY else Health.DEGRADED if why in FIXES else Health.UNKNOWN


def _said(config: Mapping[str, Any], status: str) -> str | None:
    """What AWS says of a function; on managed instances published versions are called, never ``$LATEST``.

    That one is well when nobody can call it. Source: developer guide, "Lambda Managed Instances".
    """
    said: str | None = config.get(status)
    is_managed = config.get("CapacityProviderConfig") and config.get("Version", "$LATEST") == "$LATEST"
    return "Active" if said == "ActiveNonInvocable" and is_managed else said


def reason_of(config: Mapping[str, Any]) -> str | None:
    """Why the function is not as it should be, in AWS's words; None when it is, or was not asked."""
    for status, code, reason, meanings in _STATUSES:
        said = _said(config, status)
        if said is not None and (said == "Inactive" or meanings.get(said) is not Health.HEALTHY):
            words = [f"{status}={said}", str(config.get(code) or "")]
            text = " ".join(word for word in words if word)
            detail = config.get(reason)
            return f"{text}: {detail}" if detail else text
    return None


def failing_code(config: Mapping[str, Any]) -> str:
    """AWS's reason code of the state that is not well; "" where it gives none."""
    for status, code, _, meanings in _STATUSES:
        if meanings.get(str(config.get(status))) is Health.DEGRADED or config.get(status) == "Inactive":
            return str(config.get(code) or "")
    return ""


def fix_of(config: Mapping[str, Any]) -> str:
    """What mends a function that is not well."""
    codes = (str(config.get(code)) for _, code, _, _ in _STATUSES)
    known = next((FIXES[code] for code in codes if code in FIXES), "mend the cause that AWS names")
    return f"{known}; then run again"
