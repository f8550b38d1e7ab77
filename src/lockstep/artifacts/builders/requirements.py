"""What a Python function depends on: which file says so, and which of its versions are fixed."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from lockstep.artifacts.builders.base import Job, inside
from lockstep.errors import BadInput, bounded
from lockstep.model.foreign import expect
from lockstep.values import dataclass

__all__ = ["Requirements", "canonical", "find_requirements", "pinned_names"]

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)", re.DOTALL)
_NESTED = re.compile(r"\s*(?:--requirement|--constraint|-r|-c)[\s=]*(\S+)")
_EDITABLE = re.compile(r"\s*(?:-e|--editable)\b")
_EXPORTS = {
    "poetry.lock": "poetry export -f requirements.txt -o requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
    "pdm.lock": "pdm export -o requirements.txt",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirements:
    """A file that pip and uv read, or the lock file that uv turns into one."""

    file: Path
    name: str  # for people: "src/app/requirements.txt"
    is_lock: bool = False  # uv.lock


def find_requirements(job: Job) -> Requirements | None:
    """The requirements of a function: those it names, requirements.txt, uv.lock or pyproject.toml.

    None when it has none of them. Raises BadInput for a file that is missing, that asks for what can
    not be packed, and for another tool's lock file, with the command that turns it into requirements.
    """
    named = job.build.requirements
    if named is not None:
        return _checked(job, inside(job, named, "requirements file"))
    if (job.folder / "requirements.txt").is_file():
        return _checked(job, inside(job, "requirements.txt", "requirements file"))
    if (job.folder / "uv.lock").is_file():
        file = inside(job, "uv.lock", "lock file")
        return Requirements(file=file, name=_shown(job, file), is_lock=True)
    for name, command in _EXPORTS.items():
        if (job.folder / name).is_file():
            raise BadInput(
                f"{name} cannot be read by pip",
                where=f"{job.build.path}/{name}",
                fix=f"write requirements.txt beside it and keep both: {command}",
            )
    project = job.folder / "pyproject.toml"
    return _of_project(job, project) if project.is_file() else None


def _checked(job: Job, file: Path) -> Requirements:
    if not file.is_file():
        raise BadInput("the requirements are a folder", where=_shown(job, file), fix="name the file")
    for each, number, line in _lines(file):
        if _EDITABLE.match(line):
            raise BadInput(
                "an editable requirement is a link to this machine, not a package",
                where=f"{_shown(job, each)}:{number}",
                fix="take away -e, or put the code below build.path",
            )
    return Requirements(file=file, name=_shown(job, file))


def _of_project(job: Job, file: Path) -> Requirements | None:
    """The dependencies that pyproject.toml lists, written as requirements."""
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8"))
        is_poetry = "dependencies" in expect(dict, expect(dict, project.get("tool", {})).get("poetry", {}))
        wanted = expect(list, expect(dict, project.get("project", {})).get("dependencies", []))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            f"this is not TOML: {error}", where=_shown(job, file), fix="correct the file"
        ) from None
    except TypeError as error:
        raise BadInput(
            f"this is no project's file: {bounded(str(error), 200)}",
            where=_shown(job, file),
            fix="write [project] and dependencies as the packaging guide has them",
        ) from None
    if is_poetry:
        raise BadInput(
            "dependencies in Poetry's own form cannot be read by pip",
            where=_shown(job, file),
            fix=f"write requirements.txt beside it: {_EXPORTS['poetry.lock']}",
        )
    if not wanted:
        return None
    listing = job.work / "requirements.txt"
    listing.write_text("".join(f"{one}\n" for one in wanted), encoding="utf-8")
    return Requirements(file=listing, name=_shown(job, file))


def pinned_names(file: Path) -> frozenset[str]:
    """Names of the requirements of a file, and of files that it names, with exactly one version."""
    found = set()
    for _, _, line in _lines(file):
        match = _NAME.match(line)
        if match is None or line.lstrip().startswith("-"):
            continue
        rest = match[2].partition(";")[0].partition(" --")[0].strip()
        is_exact = re.fullmatch(r"\(?\s*===?\s*[^\s,*]+\s*\)?", rest) is not None
        if is_exact or rest.startswith("@"):
            found.add(canonical(match[1]))
    return frozenset(found)


def canonical(name: str) -> str:
    """A distribution's name as all its spellings share it (PyPA: Names and normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(file: Path, seen: frozenset[Path] = frozenset()) -> Iterable[tuple[Path, int, str]]:
    """Logical lines with file and number, those of nested files too, without comments."""
    if file in seen:
        return
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return  # pip says what is wrong with it
    held, first = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        first = first or number
        held += raw
        if held.endswith("\\"):
            held = held[:-1]
            continue
        line, held, start, first = re.sub(r"(^|\s)#.*$", "", held), "", first, 0
        if not line.strip():
            continue
        yield file, start, line
        if nested := _NESTED.match(line):
            yield from _lines((file.parent / nested[1]).resolve(), seen | {file})


def _shown(job: Job, file: Path) -> str:
    return file.relative_to(job.root).as_posix() if file.is_relative_to(job.root) else file.name
