"""Node.js functions: their source or what their build makes of it, and their dependencies.

Everything happens in copies: the user's ``node_modules`` is neither used nor touched. Dependencies are
those of the lock file, for the function's machine (npm's --os, --cpu and --libc), without scripts:
an install script would run on this machine and build for it.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockstep.artifacts.builders.base import Job, Product, chosen, own_files, without
from lockstep.artifacts.builders.globs import matcher
from lockstep.artifacts.builders.process import ask, environment, run
from lockstep.artifacts.package import files_below
from lockstep.errors import ArtifactError, BadInput
from lockstep.model import Build
from lockstep.model.foreign import read_json

__all__ = ["build_node"]

_CPUS = {"x86_64": "x64", "arm64": "arm64"}
_LOCKS = ("npm-shrinkwrap.json", "package-lock.json")  # npm's own order
_OTHERS = ("yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb")
_FIRST_NPM = 10  # knows --os, --cpu and --libc
_KINDS = ("dependencies", "optionalDependencies", "devDependencies", "peerDependencies")
_QUIET = ("--no-audit", "--no-fund", "--no-update-notifier", "--no-progress")
_FIX = "read npm's lines above, correct package.json or npm's configuration, and run again"
_UNPACKED = "node_modules/.package-lock.json"  # npm's own note of what it installed


def build_node(job: Job) -> Product:
    """The source's files, or the output of its build script, with ``node_modules`` beside them.

    Raises BadInput for a package.json or lock file that is missing or not usable and ArtifactError
    when npm fails or a dependency has no build for the function's machine.
    """
    manifest = _read_json(job, "package.json") if (job.folder / "package.json").is_file() else {}
    if manifest.get("workspaces"):
        raise BadInput(
            "a package.json with workspaces is not built: npm links them to each other",
            where=_shown(job, "package.json"),
            fix="name the folder of one of them, with a lock file of its own; or use builder: command",
        )
    source = job.work / "source"
    _copy(own_files(_everything(job)), source)
    script = _script(job, manifest)
    needs = _has(manifest, "dependencies", "optionalDependencies") and not matcher(job.build.exclude)(
        "node_modules"
    )
    has_tools = script is not None and _has(manifest, *_KINDS)
    if not needs and script is None:
        return Product(files=_packed(job, source))
    lock = _lock(job) if needs or has_tools else {}
    env, tools = _environment(job), _versions(job)
    modules = _dependencies(job, source, env) if needs else {}
    if script is not None:
        _run_script(job, script, source, env, has_tools=has_tools)
    return Product(
        files={**without(job, modules), **_packed(job, source)},
        tools=tools,
        dependencies=_names(lock, modules),
        warnings=_unscripted(lock, modules),
    )


def _has(manifest: Mapping[str, Any], *kinds: str) -> bool:
    return any(manifest.get(kind) for kind in kinds)


def _everything(job: Job) -> Job:
    """The job without ``include`` and ``exclude``: they are about what is packed, not what builds it."""
    build = replace(job.build, include=(), exclude=())
    return replace(job, build=build)


def _copy(files: Mapping[str, Path], into: Path) -> None:
    into.mkdir()
    for name, path in files.items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755 if path.stat().st_mode & 0o111 else 0o644)


def _read_json(job: Job, name: str) -> dict[str, Any]:
    try:
        found = read_json((job.folder / name).read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise BadInput(
            f"this is not JSON: {error}", where=_shown(job, name), fix="correct the file"
        ) from None
    if not isinstance(found, dict):
        raise BadInput("the file holds no object", where=_shown(job, name), fix="write it with npm init")
    return found


def _lock(job: Job) -> dict[str, Any]:
    for name in _LOCKS:
        if (job.folder / name).is_file():
            lock = _read_json(job, name)
            if not isinstance(lock.get("packages"), dict):
                raise BadInput(
                    "the lock file is of npm 6 or older",
                    where=_shown(job, name),
                    fix="write it anew with a newer npm: npm install --package-lock-only",
                )
            return lock
    others = [name for name in _OTHERS if (job.folder / name).is_file()]
    raise BadInput(
        f"there is no package-lock.json, only {others[0]}" if others else "there is no package-lock.json",
        where=_shown(job, "package.json"),
        fix="use builder: command with the tool that reads it"
        if others
        else "npm install --package-lock-only, and commit the file",
    )


def _shown(job: Job, name: str) -> str:
    return (job.folder / name).relative_to(job.root).as_posix()


def _environment(job: Job) -> dict[str, str]:
    env = environment(job.epoch, {"npm_config_loglevel": "warn"})
    for name in [*env]:
        # Left by an npm that runs us; its settings for a project would override the project's own.
        if name.lower().startswith(("npm_package_", "npm_lifecycle_")) or name in (
            "NODE_OPTIONS",
            "INIT_CWD",
        ):
            del env[name]
    return env


def _versions(job: Job) -> dict[str, str]:
    env = _environment(job)
    npm = ask(["npm", "--version"], env, job.work)
    if npm is None:
        raise ArtifactError("npm is not installed", fix="install Node.js with npm 10 or later")
    if not npm.partition(".")[0].isdecimal() or int(npm.partition(".")[0]) < _FIRST_NPM:
        raise ArtifactError(
            f"npm {npm} cannot install for another machine", fix="update it: npm install -g npm@latest"
        )
    node = ask(["node", "--version"], env, job.work) or "unknown"
    return {"npm": npm, "node": node.removeprefix("v")}


def _dependencies(job: Job, source: Path, env: Mapping[str, str]) -> dict[str, Path]:
    """Files of the production dependencies, by their names in the package."""
    folder = job.work / "production"
    shutil.copytree(source, folder)
    job.watcher.progress(f"{job.service}: installing dependencies with npm")
    run(
        [
            *("npm", "ci", "--omit=dev", "--ignore-scripts", "--no-bin-links", "--install-links"),
            *("--os=linux", f"--cpu={_CPUS[job.build.architecture]}", "--libc=glibc", *_QUIET),
        ],
        cwd=folder,
        env=env,
        stop=job.stop,
        doing=f"installing the dependencies of {job.build.path}",
        fix=_FIX,
    )
    modules = folder / "node_modules"
    if not modules.is_dir():
        return {}
    files = {f"node_modules/{name}": path for name, path in files_below(modules, top=folder).items()}
    files.pop(_UNPACKED, None)
    _check_compiled(job, files)
    return files


def _check_compiled(job: Job, files: Mapping[str, Path]) -> None:
    """Raise for a dependency that has to be compiled and brings nothing that was compiled already."""
    for name in files:
        match = re.fullmatch(r"(.*node_modules/((?:@[^/]+/)?[^/]+)/)binding\.gyp", name)
        if match and not any(other.startswith(match[1]) and other.endswith(".node") for other in files):
            raise ArtifactError(
                f"{match[2]} has to be compiled, and would be for this machine",
                where=_shown(job, "package.json"),
                fix="take a version or package that brings builds for linux "
                f"({_CPUS[job.build.architecture]}), or use builder: command in an image of the runtime",
            )


def _script(job: Job, manifest: Mapping[str, Any]) -> str | None:
    script = job.build.script
    known = manifest.get("scripts") or {}
    if script is not None and script not in known:
        there = ", ".join(sorted(known)) or "none"
        raise BadInput(
            f"package.json has no script {script!r}",
            where=job.build.place,
            fix=f"correct build.script; there are: {there}",
        )
    return script


def _run_script(job: Job, script: str, source: Path, env: Mapping[str, str], *, has_tools: bool) -> None:
    job.watcher.progress(f"{job.service}: npm run {script}")
    install = [["npm", "ci", *_QUIET]] if has_tools else []
    for arguments in (*install, ["npm", "run", script]):
        run(arguments, cwd=source, env=env, stop=job.stop, doing=f"building {job.build.path}", fix=_FIX)


def _packed(job: Job, source: Path) -> dict[str, Path]:
    """The files of the copy that are packed: the output of the build, or all but what npm needs."""
    build: Build = job.build
    folder = (source / (build.output or ".")).resolve()
    if not folder.is_dir() or not folder.is_relative_to(source):
        raise BadInput(
            f"there is no folder {build.output!r} after the build",
            where=build.place,
            fix="correct build.output, or let build.script write there",
        )
    left_out = ("node_modules", ".npmrc") if folder == source else ()
    files = files_below(folder, top=source, is_left_out=lambda name: name in left_out)
    if folder != source and "package.json" not in files and (source / "package.json").is_file():
        # Node.js takes "type": "module" from the nearest package.json above a file.
        files["package.json"] = source / "package.json"
    return chosen(job, files)


def _installed(lock: Mapping[str, Any], modules: Mapping[str, Path]) -> dict[str, Mapping[str, Any]]:
    """Entries of the lock file that were installed, by their places."""
    return {
        place: entry
        for place, entry in lock.get("packages", {}).items()
        if f"{place}/package.json" in modules and isinstance(entry, dict)
    }


def _names(lock: Mapping[str, Any], modules: Mapping[str, Path]) -> tuple[str, ...]:
    found = {
        f"{place.rpartition('node_modules/')[2]} {entry.get('version', '')}".strip()
        for place, entry in _installed(lock, modules).items()
    }
    return tuple(sorted(found))


def _unscripted(lock: Mapping[str, Any], modules: Mapping[str, Path]) -> tuple[str, ...]:
    """A warning for dependencies whose install scripts did not run."""
    found = sorted(
        place.rpartition("node_modules/")[2]
        for place, entry in _installed(lock, modules).items()
        if entry.get("hasInstallScript")
    )
    if not found:
        return ()
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return (
        f"install scripts of {', '.join(found[:3])}{more} did not run: they would build for this machine; "
        "check that the function works without, or use builder: command",
    )
