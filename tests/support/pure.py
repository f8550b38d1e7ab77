"""Where the tests stand that start no process: those of ``./dev check``."""

__all__ = ["PURE"]

PURE = ("tests/property/", "tests/unit/")
