"""Helm's own engine for tests, where ``./dev helm`` has installed it."""

import io
import tarfile
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

__all__ = ["engine", "loaded", "with_helm"]

with_helm = pytest.mark.skipif(
    find_spec("helm_python") is None, reason="Helm's engine is not installed: ./dev helm"
)


def engine() -> Any:
    """The package that brings it."""
    return import_module("helm_python")


def loaded(files: Mapping[str, str]) -> Any:
    """A chart of files by their paths, loaded by Helm."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", compresslevel=1) as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"chart/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return engine().Chart.load_archive(data.getvalue())
