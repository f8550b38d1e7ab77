"""Packages that something else has built: a folder is packed, a zip is taken byte for byte.

A zip is not packed anew because it may be signed (AWS Signer), and because its digest may be known
to others already.
"""

from lockstep.artifacts.builders.base import Job, Product, inside, packed
from lockstep.artifacts.package import files_below
from lockstep.errors import BadInput

__all__ = ["build_prebuilt"]


def build_prebuilt(job: Job) -> Product:
    """The folder's files, or the zip. Raises BadInput when there is neither."""
    output = inside(job, job.build.output or ".", "output")
    if output.is_dir():
        return Product(files=packed(job, files_below(output, top=job.root)))
    if job.build.include or job.build.exclude:
        raise BadInput(
            "a zip that is built already is taken as it is, so nothing of it can be left out",
            where=job.build.place,
            fix="remove include and exclude, or name the folder it was made from as output",
        )
    return Product(zip=output)
