"""What a process that forks for many jobs loads once, before the first of them."""

import ctypes
import os
import sys
import threading

from lockstep import children, values
from lockstep.engines.aws.connection import Connection
from lockstep.model import Environment
from lockstep.model.secrets import looks_secret
from tests.support.clouds import REGION

__all__ = ["warm_up"]

_SERVICES = ("sts", "lambda", "s3", "logs", "resourcegroupstaggingapi")


def warm_up() -> None:
    """Load and make what else each job would, of the modules that are imported. No connection is made."""
    _make_methods()
    _compile_patterns()
    _load_models()


def _make_methods() -> None:
    """Those of dataclasses, which would be made when they are first called: see lockstep.values."""
    for name, module in [*sys.modules.items()]:
        classes = [one for one in vars(module).values() if isinstance(one, type)] if _is_ours(name) else ()
        for cls in classes:
            for method in ("__init__", "__eq__", "__hash__"):
                if getattr(cls.__dict__.get(method), "__qualname__", "").startswith("_later."):
                    setattr(cls, method, values._made(cls, method))


def _is_ours(module: str) -> bool:
    return module.startswith("lockstep.")


def _compile_patterns() -> None:
    """Those of secrets, and of what children are given. Nothing is kept from children of this process."""
    looks_secret("NAME", "value")
    ctypes.CDLL(None)
    for name in os.environ:
        for child in children.Child:
            children._is_passed(name, child)


def _load_models() -> None:
    """The models of the services that every sync asks."""
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
