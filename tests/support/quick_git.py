"""Git without what serves repositories that live for years: housekeeping, waiting for the disk, examples."""

from pathlib import Path

__all__ = ["CONFIGURATION"]

CONFIGURATION = str(Path(__file__).with_name("quick.gitconfig"))
"""What ``GIT_CONFIG_SYSTEM`` names in tests: fewer processes for a push, and half an ``init``."""
