"""Wheels and npm packages made by hand, so that installers run for real and without a network."""

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["elf", "make_tarball", "make_wheel"]

_MACHINES = {"x86_64": 62, "arm64": 183}


def elf(machine: str, size: int = 64) -> bytes:
    """The beginning of a 64-bit library for Linux on a machine, filled up to ``size`` bytes."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + (3).to_bytes(2, "little")
    return (head + _MACHINES[machine].to_bytes(2, "little")).ljust(size, b"\0")


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    files: Mapping[str, bytes] | None = None,
    requires: Iterable[str] = (),
    python: str = ">=3.8",
    script: str | None = None,
) -> Path:
    """Write a wheel with one module of the distribution's name, or with ``files``.

    ``script`` is the name of a console script.
    """
    info = f"{name}-{version}.dist-info"
    contents = dict(files if files is not None else {f"{name}/__init__.py": b"x = 1\n"})
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {python}"]
    metadata += [f"Requires-Dist: {one}" for one in requires]
    contents[f"{info}/METADATA"] = ("\n".join(metadata) + "\n").encode()
    contents[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    if script:
        contents[f"{info}/entry_points.txt"] = f"[console_scripts]\n{script} = {name}:main\n".encode()
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in contents.items())
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
    return wheel


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def make_tarball(
    folder: Path, name: str, version: str, *, files: Mapping[str, bytes] | None = None, **manifest: object
) -> Path:
    """Write an npm package with an index.js, or with ``files``; ``manifest`` adds to its package.json."""
    contents = dict(files if files is not None else {"index.js": b"module.exports = 1\n"})
    contents["package.json"] = json.dumps({"name": name, "version": version, **manifest}).encode()
    folder.mkdir(parents=True, exist_ok=True)
    tarball = folder / f"{name.replace('/', '-').removeprefix('@')}-{version}.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        for path, data in contents.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return tarball
