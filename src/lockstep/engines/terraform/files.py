"""The files that a run needs: its folder, and the local modules that it calls, wherever they lie.

What they are is known by the ids of their contents, so whether anything changed costs no reading.
"""

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace

from lockstep.engines.terraform.base import Source
from lockstep.errors import BadInput
from lockstep.model.foreign import read_json
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Files", "read_files"]

LOCK_FILE = ".terraform.lock.hcl"
_CONFIGURATION = (".tf", ".tf.json", ".tofu", ".tofu.json")
_LOCAL = regex(r"""["']?source["']?\s*[=:]\s*"(\.{1,2}(?:/[^"]*)?)\"""")
_VARIABLE = regex(r'^\s*variable\s+"([^"]+)"', re.MULTILINE)
_BACKEND = regex(r'^\s*backend\s+"([^"]+)"|^\s*(cloud)\s*\{', re.MULTILINE)
_NESTED = regex(r'"(?:[^"\\]|\\.)*"|(?:#|//)[^\n]*|/\*.*?\*/|[{}]', re.DOTALL)
_REFERENCE = regex(r"\b(?:var|local)\.")  # OpenTofu takes them in a backend
_LOCAL_PATH = regex(r'^\s*path\s*=\s*"(/[^"]*)"', re.MULTILINE)
_LINKS = regex(
    r"^\s*(?:source|version|required_version|backend|cloud|bucket|key|path|region|workspace_key_prefix)\b.*"
    r"|^\s*(?:terraform|required_providers|module|provider|backend)\b.*",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Contents by path in the repository, and what was found out by looking into them."""

    folder: str  # of the root module in the repository
    contents: Mapping[str, bytes]
    digest: str  # of all of them
    wiring: str  # digest of what ``init`` looks at: providers, modules, backend, lock file
    variables: frozenset[str]  # that the root module declares
    backend: str  # its type; "" for none
    has_lock: bool  # a dependency lock file of its own
    keeps_path: bool  # whether a local backend's path is absolute
    block: str = ""  # the only block that says where the state is; "" where there are several

    def to_read_the_state(self) -> "Files":
        """The least that the state can be read with: no provider is installed for it."""
        if not self.block:
            return self
        text = f"terraform {{\n{self.block}\n}}\n"
        path = posixpath.normpath(posixpath.join(self.folder, "backend.tf"))
        digest = _digest({path: text})
        return replace(self, contents={path: text.encode()}, digest=digest, wiring=digest, has_lock=False)


def read_files(source: Source, place: str) -> Files:
    """Read the folder and its local modules. Raises BadInput when there is no such folder."""
    blobs = source.tree.blobs
    whose = f"of {source.name} " if source.name else ""
    if source.folder.startswith("..") or posixpath.isabs(source.folder):
        raise BadInput(
            f"the folder {source.folder} lies outside its repository", where=place, fix="correct `folder:`"
        )
    root = _below(blobs, source.folder)
    if not any(_is_configuration(path, source.folder) for path in root):
        raise BadInput(
            f"the folder {source.folder} {whose}holds no Terraform configuration",
            where=place,
            fix="correct `folder:`; files that Git ignores do not count",
        )
    contents: dict[str, bytes] = {}
    waiting, seen = [source.folder], {source.folder}
    while waiting:
        folder = waiting.pop()
        _refuse_links(source, folder)
        found = source.tree.read(path for path in _below(blobs, folder) if path not in contents)
        contents.update(found)
        for path in sorted(_below(blobs, folder)):
            if not _is_configuration(path, posixpath.dirname(path) or "."):
                continue
            for called in _LOCAL.findall(contents[path].decode("utf-8", "replace")):
                below = posixpath.normpath(posixpath.join(posixpath.dirname(path), called))
                if below.startswith(".."):
                    raise BadInput(
                        f"the module {called} lies outside the repository",
                        where=path,
                        fix="keep local modules in the same repository, or name the module's own repository",
                    )
                if below not in seen:
                    seen.add(below)
                    waiting.append(below)
    text = {
        path: data.decode("utf-8", "replace")
        for path, data in contents.items()
        if _is_configuration(path, source.folder)
    }
    backends = [found[1] or found[2] for one in text.values() for found in _BACKEND.finditer(one)]
    blocks = [_block(one, found.start()) for one in text.values() for found in _BACKEND.finditer(one)]
    return Files(
        folder=source.folder,
        contents=contents,
        digest=_digest({path: blobs[path] for path in contents}),
        wiring=_wiring(contents, source.folder),
        variables=frozenset(name for one in text.values() for name in _declared(one)),
        backend=backends[0] if backends else "",
        has_lock=posixpath.normpath(posixpath.join(source.folder, LOCK_FILE)) in contents,
        keeps_path=any(_LOCAL_PATH.search(one) for one in text.values()),
        block=blocks[0] if len(blocks) == 1 else "",
    )


def _block(text: str, start: int) -> str:
    """The block that begins there, to its last brace; "" when it needs more of the folder, or has no end."""
    depth = 0
    for found in _NESTED.finditer(text, start + len(text[start:].partition("{")[0])):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            block = text[start : found.end()].strip()
            return "" if _REFERENCE.search(block) else block
    return ""


def _declared(text: str) -> set[str]:
    if text.lstrip().startswith("{"):
        try:
            told = read_json(text).get("variable", {})
            blocks = told if isinstance(told, list) else [told]  # Terraform takes both
            return {name for block in blocks for name in block.keys()}  # noqa: SIM118 - of nothing else
        except (ValueError, AttributeError, TypeError):
            return set()  # Terraform says what is wrong with it
    return set(_VARIABLE.findall(text))


def _wiring(contents: Mapping[str, bytes], folder: str) -> str:
    parts = {
        path: "\n".join(found[0].strip() for found in _LINKS.finditer(data.decode("utf-8", "replace")))
        for path, data in contents.items()
        if path.endswith(_CONFIGURATION)
    }
    lock = contents.get(posixpath.normpath(posixpath.join(folder, LOCK_FILE)), b"")
    return _digest(
        {**{path: text for path, text in parts.items() if text}, "": lock.decode("utf-8", "replace")}
    )


def _digest(parts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def _below(blobs: Mapping[str, str], folder: str) -> list[str]:
    return [path for path in blobs if folder == "." or path.startswith(f"{folder}/")]


def _is_configuration(path: str, folder: str) -> bool:
    return path.endswith(_CONFIGURATION) and (posixpath.dirname(path) or ".") == folder


def _refuse_links(source: Source, folder: str) -> None:
    for link in sorted(source.tree.links):
        if folder == "." or link.startswith(f"{folder}/"):
            raise BadInput(
                f"it is a symbolic link to {source.tree.links[link]!r}, and links are not followed",
                where=link,
                fix="replace the link by the file, or call the folder as a module",
            )
