"""The registry server that Debian ships (distribution), and a least image that is pushed to it over HTTP."""

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.support.waiting import until

__all__ = ["needs_registry", "push_image", "registry_server"]

_PROGRAM = "docker-registry"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

needs_registry = pytest.mark.skipif(
    shutil.which(_PROGRAM) is None, reason=f"{_PROGRAM} is not installed (Debian's package of that name)"
)


@contextlib.contextmanager
def registry_server(folder: Path) -> Iterator[str]:
    """Run it until the block ends, with its blobs in ``folder``; its host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    file = folder / "registry.yml"
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}},
        "http": {"addr": host},
    }
    file.write_text(json.dumps(settings))  # which is YAML too
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen([_PROGRAM, "serve", str(file)], stdout=log, stderr=log)
        try:
            until(lambda: _answers(host))
            yield host
        finally:
            process.terminate()
            process.wait()


def push_image(host: str, repository: str, tag: str, files: dict[str, bytes]) -> str:
    """Push an image of one layer; its digest, as the bytes of its manifest say."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    layer = gzip.compress(raw.getvalue(), mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [_digest(raw.getvalue())]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
            "layers": [{"mediaType": _LAYER, "size": len(layer), "digest": _digest(layer)}],
        }
    ).encode()
    base = f"http://{host}/v2/{repository}"
    for blob in (config, layer):
        place = _send("POST", f"{base}/blobs/uploads/", 202).headers["Location"]
        joint = "&" if "?" in place else "?"
        _send("PUT", f"{place}{joint}digest={_digest(blob)}", 201, blob, "application/octet-stream")
    _send("PUT", f"{base}/manifests/{tag}", 201, manifest, _MANIFEST)
    return _digest(manifest)


def _send(method: str, url: str, status: int, body: bytes = b"", kind: str | None = None) -> Any:
    answer = urllib3.request(method, url, body=body, headers={"Content-Type": kind} if kind else {})
    assert answer.status == status, (method, url, answer.status, answer.data)
    return answer


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _answers(host: str) -> bool:
    name, _, port = host.partition(":")
    with contextlib.suppress(OSError), socket.create_connection((name, int(port)), timeout=1):
        return True
    return False


if __name__ == "__main__":  # as the command of a service: IMAGE FILE
    place, _, label = sys.argv[1].rpartition(":")
    at, _, path = place.partition("/")
    push_image(at, path, label, {"app": Path(sys.argv[2]).read_bytes()})
