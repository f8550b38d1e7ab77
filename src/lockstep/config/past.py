"""What one file of a declaration says of a version, whatever else is wrong with it."""

from typing import Any

from lockstep.config import rules
from lockstep.config.layers import Layer, Stack
from lockstep.config.versions import find_version
from lockstep.config.yaml_reader import parse
from lockstep.errors import BadInput
from lockstep.model import Source
from lockstep.model.era import Said
from lockstep.model.paths import value_at
from lockstep.model.pin import read_pin

__all__ = ["said_by"]

NOTHING = Said(version=None)


def said_by(content: bytes | None, file: str, service: str, source: Source | None = None) -> Said:
    """Read an old state of a declaration. One that cannot be read says nothing; that is no error."""
    if content is None:
        return NOTHING
    try:
        document = parse(content, file)
    except BadInput:
        return NOTHING
    values = document.value
    if not isinstance(values, dict):
        return NOTHING
    layer = Layer(name="", file=file, values=values, lines=document.lines)
    stated = find_version(Stack(layers=(layer,), values=values), service, source)
    return Said(
        version=stated.version,
        commit=_commit(values),
        image=stated.image,
        **_pin(_text(value_at(values, ("lambda", "sha256"))), stated.version),
        held=_text(value_at(values, ("lockstep", "hold", "version"))),
    )


def _commit(values: dict[str, Any]) -> str | None:
    for path in (("lambda", "commitSha"), ("deploymentNotification", "commitSha"), ("gitVersion", "sha")):
        text = _text(value_at(values, path))
        if text and "." not in text and rules.commit(text) is None:
            return text.lower()
    return None


def _pin(text: str | None, version: str | None) -> dict[str, Any]:
    """The digest of a pin that may be the version's, and whether it says so itself."""
    pin = read_pin(text) if text else None
    if pin is None or version is None or not pin.is_of(version):
        return {}
    return {"sha256": pin.sha256, "is_named": pin.is_named}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
