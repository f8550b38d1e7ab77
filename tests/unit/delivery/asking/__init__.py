"""Tests of asking a server."""
