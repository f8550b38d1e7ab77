"""Tests of lockstep.engines."""
