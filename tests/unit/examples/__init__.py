"""Tests of the example that the demo tells its story with."""
