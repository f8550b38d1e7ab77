"""Which rows the installed botocore knows: the lock holds a newer one than the lowest that Lockstep takes."""

import botocore
from packaging.version import Version

from lockstep.model import FIELDS, Field
from lockstep.model.kinds import KINDS

INSTALLED = Version(botocore.__version__)
LATER = [row for row in (*FIELDS, *(row for kind in KINDS.values() for row in kind.rows)) if row.since]
"""Rows that not every botocore knows that Lockstep takes."""

KNOWS_ALL = all(Version(row.since) <= INSTALLED for row in LATER)
"""Whether there is no such row with the installed one; then values of enums are the same, too."""


def is_known(row: Field) -> bool:
    """Whether the installed botocore has the row's member."""
    return not row.since or Version(row.since) <= INSTALLED
