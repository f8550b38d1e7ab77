"""Packages and where they come from."""
