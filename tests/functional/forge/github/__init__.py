"""Tests of GitHub as a forge."""
