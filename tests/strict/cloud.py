"""What stands behind the proxy: any emulator that can say how clients reach it and can be emptied."""

from typing import Protocol

__all__ = ["ACCOUNT", "REGION", "Cloud"]

ACCOUNT = "123456789012"
REGION = "eu-west-1"


class Cloud(Protocol):
    """What emulators and the proxy in front of one offer."""

    kind: str  # "ministack" or "moto"
    runs_functions: bool
    endpoint: str

    def environment(self, *, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """Return a complete process environment in which AWS means this cloud."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...
