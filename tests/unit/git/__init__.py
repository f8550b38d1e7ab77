"""Reading Git."""
