"""Installing a Python function's dependencies with pip or uv, for another Python and machine.

Only wheels are installed: code that has to be compiled would be compiled for this machine.
"""

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from lockstep.artifacts.builders import pip_target
from lockstep.artifacts.builders.base import Job
from lockstep.artifacts.builders.process import ask, environment, run
from lockstep.artifacts.builders.requirements import Requirements
from lockstep.errors import ArtifactError
from lockstep.values import dataclass

__all__ = ["PythonRuntime", "export_lock", "install"]

_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}  # 2.5 and 2.17: the first that manylinux knows
_PIP_FREE = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_NO_INPUT": "1"}
_PIP_TAKEN = (
    *("ABI", "DRY_RUN", "EDITABLE", "IMPLEMENTATION", "NO_BINARY", "NO_DEPS", "ONLY_BINARY", "PLATFORM"),
    *("PREFIX", "PYTHON", "PYTHON_VERSION", "QUIET", "REPORT", "REQUIREMENT", "ROOT", "TARGET", "VERBOSE"),
)
"""Settings of pip that say what Lockstep says; others, such as indexes, stay the user's."""
_FIX_PIP = "read pip's lines above, correct the requirements or pip's configuration, and run again"
_FIX_UV = "read uv's lines above, correct the requirements or uv's configuration, and run again"


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonRuntime:
    """The Python that a function runs on."""

    version: str  # "3.13"
    architecture: str  # Lambda's word: "x86_64" or "arm64"

    @property
    def machine(self) -> str:
        """Linux's word: "x86_64" or "aarch64"."""
        return "aarch64" if self.architecture == "arm64" else self.architecture

    @property
    def glibc(self) -> int:
        """Minor version of glibc: Amazon Linux 2 until Python 3.11, Amazon Linux 2023 since.

        Source: Lambda runtimes. Amazon Linux 2 has 2.26, but uv knows 2.17 and then 2.28 only, and both
        must choose the same wheels.
        """
        return 34 if int(self.version.partition(".")[2]) >= 12 else 17

    @property
    def platforms(self) -> list[str]:
        """Wheel platforms that run there, the best first."""
        names = []
        for minor in range(self.glibc, _OLDEST_GLIBC[self.machine] - 1, -1):
            names.append(f"manylinux_2_{minor}_{self.machine}")
            if minor == 17:
                names.append(f"manylinux2014_{self.machine}")
        return [*names, f"linux_{self.machine}"]

    @property
    def markers(self) -> dict[str, str]:
        """The environment that requirements are judged by (PyPA: Dependency specifiers)."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.version}.0",
            "implementation_version": f"{self.version}.0",
            "python_version": self.version,
            "sys_platform": "linux",
        }


def _environment(job: Job) -> dict[str, str]:
    """No module of the user's source may stand in for one that pip needs, and no setting for ours."""
    env = environment(job.epoch, _PIP_FREE)
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", *(f"PIP_{name}" for name in _PIP_TAKEN)):
        env.pop(name, None)
    return env


def export_lock(job: Job, wanted: Requirements) -> tuple[Path, dict[str, str]]:
    """Requirements with digests, from uv.lock as it is."""
    env = _environment(job)
    uv = shutil.which("uv")
    if uv is None:
        raise ArtifactError(
            "uv.lock is there and uv is not",
            where=wanted.name,
            fix="install uv, or write requirements.txt beside it: uv export --no-dev --no-emit-project",
        )
    listing = job.work / "requirements.txt"
    run(
        [
            *(uv, "export", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "--quiet"),
            *("--format", "requirements-txt", "--output-file", str(listing)),
        ],
        cwd=wanted.file.parent,
        env=env,
        stop=job.stop,
        doing=f"reading {wanted.name}",
        fix="run `uv lock` and commit the file",
    )
    return listing, _uv_version(uv, env)


def _uv_version(uv: str, env: Mapping[str, str]) -> dict[str, str]:
    answer = ask([uv, "--version"], env, Path("/")) or ""
    return {"uv": answer.split()[1] if len(answer.split()) > 1 else "unknown"}


def install(
    job: Job, runtime: PythonRuntime, wanted: Requirements, listing: Path, site: Path
) -> dict[str, str]:
    """Install with uv for its lock file, otherwise with pip, with uv where there is no pip.

    Not with uv whenever it is there: it does not read pip's configuration, and a private index that is
    configured there alone would be passed over for a package of the same name on PyPI.
    """
    env = _environment(job)
    uv = shutil.which("uv")
    pip = None if wanted.is_lock else _find_pip(env)
    if pip is not None:
        python, tools = pip
        job.watcher.progress(f"{job.service}: installing dependencies with pip {tools['pip']}")
        _with_pip(job, runtime, wanted, listing, site, python, env)
        return tools
    if uv is not None:
        job.watcher.progress(f"{job.service}: installing dependencies with uv")
        _with_uv(job, runtime, wanted, listing, site, uv, env)
        return _uv_version(uv, env)
    raise ArtifactError(
        f"there is neither pip nor uv to install {wanted.name}",
        fix="install uv, or pip: python3 -m ensurepip",
    )


def _find_pip(env: Mapping[str, str]) -> tuple[str, dict[str, str]] | None:
    """A Python that has pip, and the versions of both."""
    for python in (sys.executable, shutil.which("python3"), shutil.which("python")):
        answer = ask([python, "-m", "pip", "--version"], env, Path("/")) if python else None
        match = re.match(r"pip (\S+) .*\(python (\S+)\)", answer or "")
        if python and match:
            return python, {"pip": match[1], "python": match[2]}
    return None


def _with_pip(
    job: Job,
    runtime: PythonRuntime,
    wanted: Requirements,
    listing: Path,
    site: Path,
    python: str,
    env: Mapping[str, str],
) -> None:
    arguments = [
        *("install", "--target", str(site), "--only-binary=:all:", "--no-compile"),
        *("--implementation", "cp", "--python-version", runtime.version),
        *(f"--platform={name}" for name in runtime.platforms),
        *("--disable-pip-version-check", "--progress-bar=off", "--no-color"),
        *("-r", str(listing)),
    ]
    doing = f"installing {wanted.name} for {job.build.runtime} on {job.build.architecture}"
    try:
        code, _ = run(
            [python, pip_target.__file__, json.dumps(runtime.markers), *arguments],
            cwd=wanted.file.parent,
            env=env,
            stop=job.stop,
            doing=doing,
            fix=_FIX_PIP,
            allowed=(0, pip_target.UNFIT),
        )
    except ArtifactError as error:
        raise _without_wheel(job, wanted, error) from None
    if code == pip_target.UNFIT:
        raise ArtifactError(
            "this pip cannot judge requirements for another machine",
            doing=doing,
            fix="update pip (python3 -m pip install --upgrade pip), or install uv",
        )


def _with_uv(
    job: Job,
    runtime: PythonRuntime,
    wanted: Requirements,
    listing: Path,
    site: Path,
    uv: str,
    env: Mapping[str, str],
) -> None:
    try:
        run(
            [
                *(uv, "pip", "install", "--target", str(site), "--only-binary", ":all:"),
                *("--no-compile-bytecode", "--link-mode", "copy", "--no-progress"),
                *("--python", sys.executable, "--python-version", runtime.version),
                *("--python-platform", f"{runtime.machine}-manylinux_2_{runtime.glibc}"),
                *("-r", str(listing)),
            ],
            cwd=wanted.file.parent,
            env=env,
            stop=job.stop,
            doing=f"installing {wanted.name} for {job.build.runtime} on {job.build.architecture}",
            fix=_FIX_UV,
        )
    except ArtifactError as error:
        raise _without_wheel(job, wanted, error) from None


def _without_wheel(job: Job, wanted: Requirements, error: ArtifactError) -> ArtifactError:
    """An error that names the dependency for which there is no wheel, when that is the cause."""
    found = re.search(r"No matching distribution found for ([^\s;(]+)", error.problem) or re.search(
        r"[Bb]ecause ([^\s,]+) (?:has no (?:usable )?wheels|has no wheels with)", error.problem
    )
    if found is None:
        return error
    return ArtifactError(
        f"{found[1]} has no wheel for {job.build.runtime} on {job.build.architecture}, or no such version",
        where=wanted.name,
        fix="choose a version that has one; or build a wheel (pip wheel --no-deps) into a folder and add "
        "--find-links FOLDER to the requirements; or use builder: command in an image of the runtime",
    )
