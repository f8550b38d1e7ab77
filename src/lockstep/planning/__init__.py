"""Decisions as pure functions: what differs, what would be done, in which order.

Law: imports model only; no I/O, no clock, no randomness. The same input gives the same Plan.
"""
