"""What a process that forks for many jobs loads once, before the first of them."""

import os
import threading

from lockstep.engines.aws.connection import Connection
from lockstep.model import Environment
from tests.support.clouds import REGION

__all__ = ["warm_up"]

_SERVICES = ("sts", "lambda", "s3", "logs", "resourcegroupstaggingapi")


def warm_up() -> None:
    """Load the models of the services that every sync asks. No connection is made."""
    for name in [*os.environ]:
        if name.startswith("AWS_"):  # a profile that is nowhere is an error
            del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "1",
        "AWS_SECRET_ACCESS_KEY": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    connection = Connection(Environment(name="warm", region=REGION), threading.Event())
    for service in _SERVICES:
        connection.client(service)
