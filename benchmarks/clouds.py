"""The local AWS that all tools work on, with what they do not make themselves: a role and two buckets.

Lockstep and the tool beside it have an account each, so that neither sees the other's functions: on one
MiniStack, or on a moto each, which knows one account.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.clouds import Cloud, Moto, client, make_bucket, make_role

from benchmarks.tree import ACCOUNT, PACKAGES, REGION, ROLE, UPLOADS
from lockstep.local.ministack import LocalCloud, aws_environment

__all__ = ["OTHER", "bare_environment", "change_memory", "environment", "local_clouds", "prepare"]

OTHER = "222222222222"  # account of the tool that Lockstep is compared with

_NOT_OURS = ("PYTHON", "AWS_", "TF_", "SAM_", "LOCKSTEP_", "GIT_")


def bare_environment() -> dict[str, str]:
    """This process's environment without what would change how the tools start or where they go."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_NOT_OURS)}


def environment(cloud: Cloud, account: str) -> dict[str, str]:
    """An environment in which AWS means this cloud and this account, and nothing else is set."""
    return aws_environment(cloud.endpoint, account=account, region=REGION, base=bare_environment())


@contextmanager
def local_clouds(kind: str) -> Iterator[tuple[Cloud, Cloud]]:
    """A cloud of its own for one row: Lockstep's, and that of the tool beside it."""
    with ExitStack() as stack:
        if kind == "ministack":
            cloud = stack.enter_context(LocalCloud.start())
            yield cloud, cloud
        else:
            ours, others = Moto.start(ACCOUNT), Moto.start(OTHER)
            stack.callback(ours.stop)
            stack.callback(others.stop)
            yield ours, others


def prepare(cloud: Cloud, account: str, *, suffix: str = "") -> str:
    """Make the role and the buckets; return the role's ARN. Bucket names are shared by all accounts."""
    for name in (PACKAGES, UPLOADS):
        make_bucket(cloud, name + suffix, account=account, region=REGION)
    return make_role(cloud, ROLE, account=account)


def change_memory(cloud: Cloud, account: str, function: str, megabytes: int) -> None:
    """Change a function behind everybody's back."""
    aws_lambda = client(cloud, "lambda", account=account, region=REGION)
    aws_lambda.update_function_configuration(FunctionName=function, MemorySize=megabytes)
