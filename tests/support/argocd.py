"""ApplicationSet generators and Helm's value files, as Argo CD and Helm document them.

Written from their documentation, for comparison only: nothing here shares code with Lockstep.

- git files generator: one parameter set for each object in each matching file; a file with a list gives one
  for each element, an empty file one without own values; ``path`` and ``path.basename`` are the folder's.
- matrix generator: exactly two children; every combination; on conflicts the first wins (goTemplate).
- merge generator: the first child is the base; later children override sets with the same merge keys, the
  later the stronger; overrides that match nothing are dropped; keys are compared as JSON; two sets of one
  child with the same keys are an error.
- Helm: maps merge deeply, lists and scalars replace, null deletes; missing value files are skipped
  (``ignoreMissingValueFiles``).
"""

import copy
import fnmatch
import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

__all__ = ["GeneratorError", "git_files", "matrix", "merge", "values_of"]

Params = dict[str, Any]


class GeneratorError(Exception):
    """What the ApplicationSet controller reports."""


def git_files(tree: Mapping[str, str], pattern: str) -> list[Params]:
    """Parameter sets of the files that match a glob in which ``*`` does not cross a slash."""
    found: list[Params] = []
    wanted = pattern.split("/")
    for path in sorted(tree):
        parts = path.split("/")
        if len(parts) != len(wanted) or not all(map(fnmatch.fnmatchcase, parts, wanted)):
            continue
        document = yaml.safe_load(tree[path])
        for one in document if isinstance(document, list) else [document]:
            if one is not None and not isinstance(one, dict):
                raise GeneratorError(f"{path}: no object")
            folder = posixpath.dirname(path)
            found.append(
                {
                    **(one or {}),
                    "path": folder,
                    "path.basename": posixpath.basename(folder),
                    "path.filename": posixpath.basename(path),
                }
            )
    return found


def matrix(*children: Sequence[Params]) -> list[Params]:
    """Every combination of two children."""
    if len(children) != 2:
        raise GeneratorError("a matrix generator takes exactly two children")
    first, second = children
    return [{**copy.deepcopy(two), **copy.deepcopy(one)} for one in first for two in second]


def merge(keys: Iterable[str], *children: Sequence[Params]) -> list[Params]:
    """The first child's sets with the values of the others."""
    if len(children) < 2:
        raise GeneratorError("a merge generator takes at least two children")
    names = list(keys)
    base, *overrides = [_by_key(child, names) for child in children]
    for override in overrides:
        for key, params in override.items():
            if key in base:
                base[key] = {**base[key], **params}
    return list(base.values())


def _by_key(child: Sequence[Params], names: Sequence[str]) -> dict[str, Params]:
    found: dict[str, Params] = {}
    for params in child:
        key = json.dumps({name: params.get(name) for name in names}, sort_keys=True)
        if key in found:
            raise GeneratorError(f"duplicate key {key}")
        found[key] = copy.deepcopy(params)
    return found


def values_of(tree: Mapping[str, str], files: Iterable[str]) -> dict[str, Any]:
    """What Helm makes of value files, in their order; those that are not there are skipped."""
    result: dict[str, Any] = {}
    for file in files:
        if file in tree:
            _lay_on(result, yaml.safe_load(tree[file]) or {})
    return result


def _lay_on(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if value is None:
            below.pop(key, None)
        elif isinstance(value, dict):
            inside = below.get(key)
            below[key] = inside if isinstance(inside, dict) else {}
            _lay_on(below[key], value)
        else:
            below[key] = copy.deepcopy(value)
