"""The local forge."""
