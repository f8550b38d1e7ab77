"""Workflows and actions for GitHub: those that ``init --github`` writes, and this repository's own."""
