"""The AWS library without what a plan never calls: reading it takes most of a small plan's time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["import_session"]

_WRITER = "botocore.docs.docstring"


def import_session() -> Any:
    """The module ``botocore.session``, loaded without the package that writes documentation of methods.

    It is imported for the docstrings of clients alone, parses HTML for them, and is there as ever for
    whoever imports it afterwards.
    """
    if "botocore.client" in sys.modules:
        import botocore.session
    else:
        with _without_docs():
            import botocore.session
    return botocore.session


@contextmanager
def _without_docs() -> Iterator[None]:
    """The package's small modules are found in it as ever; only itself and its writer are stood in for."""
    import botocore

    package, writer = ModuleType("botocore.docs"), ModuleType(_WRITER)
    package.__path__ = [f"{folder}/docs" for folder in botocore.__path__]
    for kind in ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring"):
        setattr(writer, kind, _nothing)
    sys.modules |= {package.__name__: package, _WRITER: writer}
    try:
        yield
    finally:
        for name in [name for name in sys.modules if f"{name}.".startswith("botocore.docs.")]:
            del sys.modules[name]
        vars(botocore).pop("docs", None)


def _nothing(*_: object, **__: object) -> str:
    return ""
