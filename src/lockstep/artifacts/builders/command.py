"""Packages that a command of the repository makes: run in the source's folder, its output packed.

The command runs where the source lies, so it may use what earlier runs left; a release runs it in a
clean checkout. It is the user's own and is given to ``sh`` as it stands. It sees:

LOCKSTEP_SERVICE    name of the service
LOCKSTEP_VERSION    version that is built; empty when there is none yet
LOCKSTEP_COMMIT     commit that is built; empty when the files are in none
LOCKSTEP_OUTPUT     absolute path of ``build.output``
SOURCE_DATE_EPOCH   time of the commit, for tools that write times into files
"""

from lockstep.artifacts.builders.base import Job, Product, check_submodules, inside, packed
from lockstep.artifacts.builders.process import environment, run
from lockstep.artifacts.builders.unpacking import unpack
from lockstep.artifacts.package import files_below
from lockstep.errors import BadInput

__all__ = ["build_command"]


def build_command(job: Job) -> Product:
    """What the command has put into ``output``: a folder, or a zip that is packed anew.

    Raises ArtifactError when the command fails and BadInput when it leaves nothing there, or could
    read a submodule.
    """
    build = job.build
    if not build.command or not build.output:
        raise BadInput("the builder command needs a command and an output", where=build.place, fix="add both")
    check_submodules(job)
    job.watcher.progress(f"{job.service}: running {build.command}")
    output = job.folder / build.output
    variables = {
        "LOCKSTEP_SERVICE": job.service,
        "LOCKSTEP_VERSION": job.version or "",
        "LOCKSTEP_COMMIT": job.commit or "",
        "LOCKSTEP_OUTPUT": str(output),
    }
    run(
        ["sh", "-c", build.command],
        cwd=job.folder,
        env=environment(job.epoch, variables),
        stop=job.stop,
        doing=f"running `{build.command}` in {build.path}",
        fix="run it there yourself to see more",
    )
    made = inside(job, build.output, "output")
    if made.is_dir():
        files = files_below(made, top=job.root)
    else:
        files = unpack(made, job.work / "unpacked", origin=f"{build.path}/{build.output}")
    return Product(files=packed(job, files))
