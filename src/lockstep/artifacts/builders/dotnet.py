""".NET functions, with ``dotnet lambda package`` where the project uses it, else ``dotnet publish``.

The project decides, not the machine, so that two machines do the same: it uses Amazon.Lambda.Tools when
``aws-lambda-tools-defaults.json`` lies beside it or a tool manifest names them.

The compiler is told to be deterministic, to write paths as ``/_/...`` and to look for no Git repository:
a checkout and an exported commit give the same bytes. The zip of ``dotnet lambda package`` is unpacked
and packed anew, because it holds the time of the build.
"""

import contextlib
import re
from pathlib import Path

from lockstep.artifacts.builders.base import Job, Product, check_submodules, chosen, inside
from lockstep.artifacts.builders.process import ask, environment, run
from lockstep.artifacts.builders.unpacking import unpack
from lockstep.artifacts.package import files_below
from lockstep.errors import ArtifactError, BadInput
from lockstep.model.foreign import read_json

__all__ = ["build_dotnet"]

_PROJECTS = (".csproj", ".fsproj", ".vbproj")
_IDS = {"x86_64": "linux-x64", "arm64": "linux-arm64"}
_DEFAULTS = "aws-lambda-tools-defaults.json"
_TOOLS = "amazon.lambda.tools"
_FIX = "read the lines above, correct the project, and run again"


def build_dotnet(job: Job) -> Product:
    """The published files of a project.

    Raises BadInput when the project is not clear and ArtifactError when .NET is missing or fails.
    """
    check_submodules(job)
    project = _project(job)
    env = _environment(job)
    version = ask(["dotnet", "--version"], env, project.parent)
    if version is None:
        raise ArtifactError(
            "there is no .NET SDK, or not the one that global.json asks for",
            where=_shown(job, project),
            fix="install the .NET SDK, with dotnet on PATH (GitHub Actions: actions/setup-dotnet)",
        )
    tools = {"dotnet": version}
    if _uses_lambda_tools(job, project):
        tools["Amazon.Lambda.Tools"] = _lambda_tools(job, project, env)
        files = _with_lambda_tools(job, project, env)
    else:
        files = _with_publish(job, project, env)
    return Product(files=chosen(job, files), tools=tools)


def _project(job: Job) -> Path:
    if job.build.project is not None:
        found = inside(job, job.build.project, "project")
        return found if found.is_file() else _only_project(job, found)
    return _only_project(job, job.folder)


def _only_project(job: Job, folder: Path) -> Path:
    found = sorted(path for path in folder.iterdir() if path.suffix in _PROJECTS)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise BadInput(
            f"which project is built is not clear: there are {names} in {_shown(job, folder)}",
            where=job.build.place,
            fix="name it: project: Name/Name.csproj",
        )
    return found[0]


def _shown(job: Job, path: Path) -> str:
    return path.relative_to(job.root).as_posix()


def _environment(job: Job) -> dict[str, str]:
    return environment(
        job.epoch,
        {
            "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "DOTNET_CLI_UI_LANGUAGE": "en",
            "DOTNET_CLI_USE_MSBUILD_SERVER": "0",
            "DOTNET_NOLOGO": "1",
            "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1",
            "MSBUILDDISABLENODEREUSE": "1",  # no process is left behind
            "LOCKSTEP_VERSION": job.version or "",  # a project can use it as $(LOCKSTEP_VERSION)
        },
    )


def _uses_lambda_tools(job: Job, project: Path) -> bool:
    if (project.parent / _DEFAULTS).is_file():
        return True
    for folder in (project.parent, *project.parent.parents):
        for manifest in (folder / ".config" / "dotnet-tools.json", folder / "dotnet-tools.json"):
            if manifest.is_file():
                return _TOOLS in _tools_of(job, manifest)
        if folder == job.root:
            break
    return False


def _tools_of(job: Job, manifest: Path) -> set[str]:
    try:
        return {str(name).lower() for name in read_json(manifest.read_text(encoding="utf-8-sig"))["tools"]}
    except (ValueError, KeyError, TypeError):
        raise BadInput(
            "this is no tool manifest",
            where=_shown(job, manifest),
            fix="write it with dotnet new tool-manifest",
        ) from None


def _lambda_tools(job: Job, project: Path, env: dict[str, str]) -> str:
    """The version of Amazon.Lambda.Tools; restores those that a manifest names."""
    answer = _answers(project, env)
    if answer is None:
        with contextlib.suppress(ArtifactError):  # told below
            run(
                ["dotnet", "tool", "restore"],
                cwd=project.parent,
                env=env,
                stop=job.stop,
                doing="restoring tools",
                fix=_FIX,
            )
        answer = _answers(project, env)
    if answer is None:
        raise ArtifactError(
            "the project uses Amazon.Lambda.Tools, and they are not installed",
            where=_shown(job, project),
            fix="dotnet tool install -g Amazon.Lambda.Tools; "
            f"or remove {_DEFAULTS}, and dotnet publish is used",
        )
    match = re.search(r"\((\d+(?:\.\d+)+)\)", answer)
    return match[1] if match else "unknown"


def _answers(project: Path, env: dict[str, str]) -> str | None:
    return ask(["dotnet", "lambda", "help"], env, project.parent)


def _properties(job: Job) -> list[str]:
    """Properties of MSBuild that make the output the same everywhere."""
    commit = (
        [f"-p:SourceRevisionId={job.commit}"]
        if job.commit
        else ["-p:IncludeSourceRevisionInInformationalVersion=false"]
    )
    return [
        "-p:Deterministic=true",
        "-p:ContinuousIntegrationBuild=true",
        # It fails outside a Git repository (dotnet/roslyn#37379), and PathMap does the same.
        "-p:DeterministicSourcePaths=false",
        f"-p:PathMap={_escaped(job.root)}/=/_/",
        "-p:EnableSourceControlManagerQueries=false",
        "-p:EnableSourceLink=false",
        *commit,
    ]


def _escaped(path: Path) -> str:
    """A path as MSBuild and the compiler read it: commas, semicolons and equal signs mean something."""
    text = str(path)
    if any(character in text for character in ',;="'):
        raise BadInput(
            f"the folder {text} has a character in its name that .NET cannot map",
            fix="build in a folder without commas, semicolons, quotes and equal signs in its name",
        )
    return text


def _with_publish(job: Job, project: Path, env: dict[str, str]) -> dict[str, Path]:
    output = job.work / "published"
    job.watcher.progress(f"{job.service}: dotnet publish")
    run(
        [
            *("dotnet", "publish", str(project), "-c", "Release", "-r", _IDS[job.build.architecture]),
            *("--no-self-contained", "-o", str(output), *_properties(job)),
        ],
        cwd=project.parent,
        env=env,
        stop=job.stop,
        doing=f"publishing {_shown(job, project)}",
        fix=_FIX,
    )
    if not output.is_dir():
        raise ArtifactError("dotnet publish has written nothing", where=_shown(job, project), fix=_FIX)
    return files_below(output)


def _with_lambda_tools(job: Job, project: Path, env: dict[str, str]) -> dict[str, Path]:
    package = job.work / "package.zip"
    job.watcher.progress(f"{job.service}: dotnet lambda package")
    run(
        [
            *("dotnet", "lambda", "package", "--project-location", str(project.parent)),
            *("--configuration", "Release", "--function-architecture", job.build.architecture),
            *("--output-package", str(package), "--msbuild-parameters", _parameters(job, project)),
        ],
        cwd=project.parent,
        env=env,
        stop=job.stop,
        doing=f"packaging {_shown(job, project)}",
        fix=_FIX,
    )
    if not package.is_file():
        raise ArtifactError("dotnet lambda package has written no zip", where=_shown(job, project), fix=_FIX)
    return unpack(package, job.work / "unpacked", origin=f"the package of {_shown(job, project)}")


def _parameters(job: Job, project: Path) -> str:
    """The project's own parameters for MSBuild, which ours would hide, and ours after them."""
    defaults = project.parent / _DEFAULTS
    own = ""
    if defaults.is_file():
        try:
            own = str(read_json(defaults.read_text(encoding="utf-8-sig")).get("msbuild-parameters") or "")
        except (ValueError, AttributeError):
            raise BadInput(
                "this is no JSON object", where=_shown(job, defaults), fix="correct the file"
            ) from None
    return " ".join(filter(None, [own, *(_quoted(text) for text in _properties(job))]))


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text
