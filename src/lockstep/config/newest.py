"""What is newer than the lowest botocore that Lockstep takes: refused where the installed one cannot send it.

botocore itself is never loaded here: what is installed says which version it is.
"""

import functools
import re

from lockstep.config.context import Context
from lockstep.config.layers import Path
from lockstep.model import Field

__all__ = ["check_since"]


def check_since(context: Context, row: Field, path: Path) -> None:
    """Note that a declared member of AWS's API is one that the installed botocore does not know."""
    installed = _installed()
    if _numbers(installed) < _numbers(row.since):
        context.wrong(
            path,
            f"{row.api} is new in botocore {row.since}, and {installed} is installed",
            f"upgrade it: pip install --upgrade 'botocore>={row.since}'",
        )


@functools.cache
def _installed() -> str:
    from importlib.metadata import version  # takes 20 ms, and hardly anybody declares what needs it

    return version("botocore")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
