"""What an installer wrote, without what it says of this machine: pip and uv give the same bytes.

Taken out are scripts (they begin with the path of this machine's Python), INSTALLER, REQUESTED,
direct_url.json and compiled caches; RECORD is written anew.
"""

import base64
import csv
import hashlib
import io
import re
import shutil
from collections.abc import Collection
from pathlib import Path

from lockstep.artifacts.builders.requirements import canonical

__all__ = ["fixed_names", "installed", "tidy", "unfit"]

_NOT_PACKED = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")


def tidy(site: Path) -> None:
    """Take out what tells of this machine."""
    shutil.rmtree(site / "bin", ignore_errors=True)
    (site / ".lock").unlink(missing_ok=True)
    for path in [*site.rglob("*.pyc")]:
        path.unlink()
    for info in sorted(site.glob("*.dist-info")):
        for name in _NOT_PACKED:
            (info / name).unlink(missing_ok=True)
        _write_record(site, info)


def _write_record(site: Path, info: Path) -> None:
    """Write RECORD for the files that are left: importlib.metadata reads it to list a package's files."""
    record = info / "RECORD"
    if not record.is_file():
        return
    own = f"{info.name}/RECORD"
    with record.open(encoding="utf-8", newline="") as file:
        names = {row[0] for row in csv.reader(file) if row}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for name in sorted(names):
        path = site / name
        if name != own and ".." not in name.split("/") and path.is_file():
            data = path.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            writer.writerow([name, f"sha256={digest}", len(data)])
    writer.writerow([own, "", ""])
    record.write_text(text.getvalue(), encoding="utf-8", newline="")


def installed(site: Path) -> list[tuple[str, str]]:
    """Names and versions of the distributions, sorted."""
    return sorted(_name_and_version(info) for info in site.glob("*.dist-info"))


def _name_and_version(info: Path) -> tuple[str, str]:
    name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
    return canonical(name), version


def unfit(site: Path, version: str, platforms: Collection[str]) -> list[tuple[str, str]]:
    """Names and versions of the distributions that were built for another Python or machine.

    An installer takes what it compiled itself without asking whether it fits the function's ``version``
    ("3.13"); the tags that a build writes down tell (PyPA: Platform compatibility tags).
    """
    found = []
    for info in sorted(site.glob("*.dist-info")):
        wheel = info / "WHEEL"
        text = wheel.read_text(encoding="utf-8", errors="replace") if wheel.is_file() else ""
        tags = re.findall(r"^Tag:\s*([^\s-]+)-([^\s-]+)-(\S+)", text, re.MULTILINE)
        if tags and not any(_fits(tag, int(version.partition(".")[2]), platforms) for tag in tags):
            found.append(_name_and_version(info))
    return found


def _fits(tag: tuple[str, str, str], minor: int, platforms: Collection[str]) -> bool:
    pythons, abis, machines = (part.split(".") for part in tag)
    own = {f"cp3{minor}", f"py3{minor}", "py3", *(f"py3{older}" for older in range(minor))}
    if "abi3" in abis:
        own |= {f"cp3{older}" for older in range(2, minor)}
    return (
        any(python in own for python in pythons)
        and any(abi in ("none", "abi3", f"cp3{minor}") for abi in abis)
        and any(machine == "any" or machine in platforms for machine in machines)
    )


def fixed_names(site: Path) -> frozenset[str]:
    """Distributions that come from a folder of the repository or a URL; ``tidy`` takes the note away."""
    return frozenset(_name_and_version(note.parent)[0] for note in site.glob("*.dist-info/direct_url.json"))
