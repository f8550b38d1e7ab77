"""What the tests of each kind declare and what somebody else does to it."""

import json
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from lockstep.model import Resource
from lockstep.model.kinds import KINDS
from tests.support.clouds import Cloud, client, make_http_api, make_queue, make_topic

__all__ = ["SAMPLES", "declaration", "furnish", "resource"]


def furnish(cloud: Cloud) -> None:
    """Make what the samples call by name: a queue, a topic, an API and a log group."""
    make_queue(cloud, "orders")
    make_topic(cloud, "orders")
    make_http_api(cloud)
    client(cloud, "logs").create_log_group(logGroupName="/shop/orders")


def resource(kind: str, *, on: str = "", **declared: Any) -> Resource:
    """A resource as the repository declares it, ``on`` an alias or not; ``a__b`` is the row ``a.b``."""
    values = {name.replace("__", "."): value for name, value in declared.items()}
    return KINDS[kind].declared(values, on, _name(kind), "", "notifier-staging")


def _name(kind: str) -> str:
    """What the repository calls it, where there may be several."""
    return "orders" if KINDS[kind].is_many and KINDS[kind].has_names else ""


def _found() -> dict[str, Any]:
    import tests.functional.kinds as package

    names = [one.name for one in iter_modules(package.__path__) if one.name.startswith("sample_")]
    modules = [import_module(f"{package.__name__}.{name}") for name in names]
    return {module.KIND: module for module in modules}


def declaration(which: str, *, published: bool = False, alias: str = "") -> str:
    """The lines below ``lambda:`` that declare one resource of every kind; FIRST or SECOND.

    Those of ``published`` code alone need an alias; with one, those are left out that suit none.
    """
    lines = []
    for kind, sample in SAMPLES.items():
        if KINDS[kind].published != published:
            continue
        if alias and KINDS[kind].suits(getattr(sample, which), {"alias": alias}) is not None:
            continue
        values: dict[str, Any] = {}
        for name, value in getattr(sample, which).items():
            *groups, leaf = name.split("__")
            place = values
            for group in groups:
                place = place.setdefault(group, {})
            place[leaf] = value
        whole: Any = {name: values} if (name := _name(kind)) else values
        lines.append(f"  {kind}: {json.dumps(values[KINDS[kind].bare] if KINDS[kind].bare else whole)}\n")
    return "".join(lines)


SAMPLES = _found()
"""By kind: a module with FIRST, SECOND (keyword arguments of ``resource``) and ``drift(lambda_, name)``."""
