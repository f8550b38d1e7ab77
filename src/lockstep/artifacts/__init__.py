"""Packages: where releases come from, whether they may be used, and making them.

Law: a source finds and downloads, it never decides; sources know nothing of each other.
"""
