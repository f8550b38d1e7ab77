"""Whether a package holds the file that a handler names, for runtimes whose rule is known.

Source: AWS Lambda developer guide, "Define Lambda function handler" of Python, Node.js, Ruby, .NET and
"Custom runtimes" (``bootstrap``). A layer may hold the file too, so nothing is said where there are layers.
"""

import zipfile
from collections.abc import Collection
from pathlib import Path

from lockstep.suggest import nearest

__all__ = ["handler_problem", "wanted_files"]


def wanted_files(runtime: str, handler: str) -> tuple[str, ...]:
    """Names of which a package has to hold one; empty where the rule of the runtime is not known."""
    name, _, _ = handler.rpartition(".")
    if runtime.startswith("python"):
        path = name.replace(".", "/").strip("/")
        return (f"{path}.py", f"{path}/__init__.py", f"{path}.so", f"{path}.pyc") if path else ()
    if runtime.startswith("nodejs"):
        path = (
            handler[: len(handler) - len(handler.rpartition("/")[2])]
            + handler.rpartition("/")[2].partition(".")[0]
        )
        return tuple(f"{path.removeprefix('./')}{end}" for end in (".js", ".mjs", ".cjs", "/index.js"))
    if runtime.startswith("ruby"):
        return (f"{name.partition('.')[0]}.rb",) if name else ()
    if runtime.startswith("dotnet"):
        assembly = handler.partition("::")[0]
        return (f"{assembly}.dll", assembly)
    if runtime.startswith("provided"):
        return ("bootstrap",)
    return ()


def handler_problem(package: Path, runtime: str, handler: str) -> tuple[str, str] | None:
    """What is wrong with a handler, and how to mend it; None when its file is there, or nobody can tell."""
    wanted = wanted_files(runtime, handler)
    if not wanted:
        return None
    try:
        with zipfile.ZipFile(package) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return None  # told where the package is checked
    if not {*wanted}.isdisjoint(names) or _is_elsewhere(runtime, names):
        return None
    return (
        f"the handler {handler!r} needs the file {wanted[0]} in the package, which does not hold it",
        _fix(handler, wanted[0], names),
    )


def _is_elsewhere(runtime: str, names: Collection[str]) -> bool:
    """What may hold code that the names do not show: an archive in the package."""
    return runtime.startswith("python") and any(name.endswith((".pth", ".egg", ".zip")) for name in names)


def _fix(handler: str, wanted: str, names: Collection[str]) -> str:
    alike = [
        name for name in names if name.endswith(wanted[wanted.rfind(".") :] if "." in wanted else wanted)
    ]
    inside = next((name for name in alike if name.endswith(f"/{wanted}")), None)
    if inside is not None:
        return f"it lies at {inside}: build the zip so that {wanted} is at its top, or change handler"
    near = nearest(wanted, alike)
    if near is not None:
        return f"the package has {near}; change handler, or the package"
    return f"build a package with {wanted}, or change handler"
