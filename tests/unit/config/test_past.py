"""What an old state of a declaration says."""

import pytest

from lockstep.config.past import said_by
from lockstep.model.pin import Pin

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    ("pin", "digest", "is_named"),
    [
        (HEX, HEX, False),
        (f"1.0.0@{HEX}", HEX, True),
        (str(Pin.of("1.0.0", HEX)), HEX, True),
        (f"0.9.0@{HEX}", None, False),
        (str(Pin.of("0.9.0", HEX)).replace("0.9.0", "1.0.0"), None, False),
        ("nonsense", None, False),
    ],
)
def test_a_pin_of_another_version_says_nothing(pin: str, digest: str | None, is_named: bool) -> None:
    """A rollback to this version must not look for the package of another one."""
    said = said_by(f'lambda:\n  version: "1.0.0"\n  sha256: "{pin}"\n'.encode(), "config.yaml", "web")
    assert (said.version, said.sha256, said.is_named) == ("1.0.0", digest, is_named)
