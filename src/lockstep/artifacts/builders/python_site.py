"""What an installer wrote, without what it says of this machine: pip and uv give the same bytes.

Taken out are scripts (they begin with the path of this machine's Python), INSTALLER, REQUESTED,
direct_url.json and compiled caches; RECORD is written anew.
"""

import base64
import csv
import hashlib
import io
import shutil
from pathlib import Path

from lockstep.artifacts.builders.requirements import canonical

__all__ = ["installed", "tidy"]

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
    found = (info.name.removesuffix(".dist-info").rpartition("-") for info in site.glob("*.dist-info"))
    return sorted((canonical(name), version) for name, _, version in found)
