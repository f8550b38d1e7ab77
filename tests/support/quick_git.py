"""Git without what serves repositories that live for years: its housekeeping, and waiting for the disk."""

from pathlib import Path

__all__ = ["CONFIGURATION"]

CONFIGURATION = str(Path(__file__).with_name("quick.gitconfig"))
"""What ``GIT_CONFIG_SYSTEM`` names in tests: a third fewer processes for a commit or a push."""
