"""The embedded local cloud for the demo and the tests.

Law: binds to loopback only; nothing outside ``demo``, ``serve --demo`` and the tests imports it.
"""
