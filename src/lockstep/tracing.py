"""Spans for OpenTelemetry, where somebody is named who takes them; else nothing, and nothing is imported.

Names of operations and targets, and how they ended; no values, and of errors their kinds alone: what AWS says
in one may hold what nobody may see.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from lockstep._version import __version__
from lockstep.errors import BadInput

__all__ = ["begin", "here", "span"]

_GRACE = 3.0  # seconds in which the last spans have to be sent
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_OFF = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"}
_tracer: Any = None


@contextlib.contextmanager
def begin(environ: Mapping[str, str]) -> Iterator[None]:
    """Send spans while the block runs, if the environment names who takes them (OTLP over HTTP).

    Everything else about it is said by the variables of OpenTelemetry, too. BadInput where what it takes is
    not installed.
    """
    global _tracer
    is_off = any(environ.get(name, "").lower() == value for name, value in _OFF.items())
    if is_off or not any(environ.get(name) for name in _ENDPOINTS):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise BadInput(
            f"spans are to be sent, and {error.name} is not installed",
            where=next(name for name in _ENDPOINTS if environ.get(name)),
            fix="pip install 'lockstep-gitops[otel]', or set OTEL_SDK_DISABLED=true",
        ) from None
    named = {} if environ.get("OTEL_SERVICE_NAME") else {"service.name": "lockstep"}
    provider = TracerProvider(resource=Resource.create({**named, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("lockstep", __version__)
    try:
        yield
    finally:
        _tracer = None
        _within(_GRACE, provider.shutdown)


def span(name: str, *, within: Any = None, **about: str | None) -> AbstractContextManager[None]:
    """A span around what the block does, below the one that this thread is in, or below ``within``.

    ``about`` are its attributes, with ``__`` for a dot.
    """
    return _NOTHING if _tracer is None else _spanning(name, within, about)


def here() -> Any:
    """Where this thread is, for ``within`` of spans of other threads; None where nothing is told."""
    if _tracer is None:
        return None
    from opentelemetry.context import get_current

    return get_current()


_NOTHING: AbstractContextManager[None] = contextlib.nullcontext()


@contextlib.contextmanager
def _spanning(name: str, within: Any, about: Mapping[str, str | None]) -> Iterator[None]:
    from opentelemetry import trace

    is_inside = trace.get_current_span().get_span_context().is_valid
    attributes = {key.replace("__", "."): value for key, value in about.items() if value is not None}
    with _tracer.start_as_current_span(
        name,
        context=None if is_inside else within,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as one:
        try:
            yield
        except BaseException as error:
            one.set_attribute("error.type", type(error).__name__)
            one.set_status(trace.StatusCode.ERROR)
            raise


def _within(seconds: float, work: Callable[[], object]) -> None:
    """Do it as far as it gets in that time: nobody waits longer for whom nobody answers."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
