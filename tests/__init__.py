"""Tests of Lockstep."""
