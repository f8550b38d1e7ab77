"""Lockstep: AWS Lambda functions in lockstep with Git."""

from lockstep._version import __version__

__all__ = ["__version__"]
